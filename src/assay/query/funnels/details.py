"""What else is asked about a funnel's units: their names, their orders, and all units of the range."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from assay.plan.values import Funnel, Plan
from assay.query.cut import Cut, Frame
from assay.query.funnels.reached import Group, Unit
from assay.query.selecting import unit_join, unit_key
from assay.query.unit_events import unit_events
from assay.store.engine import Result, Statement

Run = Callable[[Statement], Result]

_NAMES = {
    "visitor": "SELECT v.visitor_key, v.visitor FROM visitors v WHERE v.visitor_key",
    "user": "SELECT DISTINCT v.person_key, coalesce(v.user_id, v.visitor) FROM persons v WHERE v.person_key",
    "session": "SELECT s.session_key, coalesce(s.source_session, v.visitor || '#' || CAST(s.session_no AS VARCHAR)) "
    "FROM sessions s JOIN visitors v ON v.visitor_key = s.visitor_key WHERE s.session_key",
}


def unit_names(per: str, units: Sequence[Unit], run: Run) -> dict[Any, str]:
    """Key → the id that the source gave; of a session without one the visitor's and its number."""
    keys = sorted({unit.unit for unit in units})
    if per == "account" or not keys:
        return {key: str(key) for key in keys}
    statement = Statement(f"{_NAMES[per]} IN (SELECT unnest($keys))", {"keys": keys}, "names of units")
    return dict(run(statement).rows)


def everyone(plan: Plan, funnel: Funnel, cut: Cut, run: Run) -> int:
    """All units that visit in the range, as every other question counts them, or do step 1."""
    frame = Frame(plan, cut)
    period, begins = cut.period, funnel.steps[0].event
    here = "(e.interactive" + (f" OR e.name = {frame.bind(begins)})" if begins is not None else ")")
    rows = unit_events(frame, funnel.per, [], here, first=period.first, last=period.last, segment=cut.where)
    result = run(frame.bind.statement(f"SELECT count(DISTINCT unit) FROM ({rows}) x", "all units"))
    return int(result.one()[0] or 0)


def revenue(plan: Plan, funnel: Funnel, cut: Cut, units: Sequence[Unit], run: Run) -> dict[Group, tuple[Decimal, ...]]:
    """Per group and step: net revenue of the orders placed between the first and the last step of the attempts that did it."""
    frame = Frame(plan, cut)
    orders = (
        f"SELECT {unit_key(funnel.per, 'o')} AS unit, o.t, o.net FROM orders o{unit_join(funnel.per, 'o')} "
        f"WHERE o.counted AND o.day >= {frame.bind(cut.period.first)} AND {unit_key(funnel.per, 'o')} IS NOT NULL ORDER BY 1, 2"
    )
    placed: dict[Any, list[tuple[int, Decimal]]] = defaultdict(list)
    for key, t, net in run(frame.bind.statement(orders, "orders")).rows:
        placed[key].append((t, net))
    sums: dict[Group, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * len(funnel.steps))
    for unit in units:
        totals = sums[unit.group]
        found = placed.get(unit.unit, [])
        first = bisect_left(found, unit.start, key=lambda one: one[0])
        last = bisect_right(found, unit.end, key=lambda one: one[0])
        net = sum((one for _, one in found[first:last]), Decimal(0))
        for k, t in enumerate(unit.times):
            if t is not None:
                totals[k] += net
    return {group: tuple(totals) for group, totals in sums.items()}
