"""What alerts watch: the list made from the plan, and its series as arrays.

Automatic: visits in all and by part, every event of the plan, goal, funnel step and KPI, every property that the plan
declares, repeated events, known bots. A rule of the plan adds a metric or funnel with its own parts and sensitivity.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from assay.decide.alerts import Subject
from assay.model.period import Period
from assay.plan.build_measures import AUTOMATIC
from assay.plan.draft import goal_rows
from assay.plan.literals import SENSITIVITIES
from assay.plan.measures import Select
from assay.plan.values import Alert, Goal, Metric, Plan, Step

if TYPE_CHECKING:
    from assay.analyses.base import Asking
    from assay.query.watch import Counts, Watched
    from assay.stats.seasonal import Series

BY = ("channel", "country", "device", "browser")
MACHINE = ("device", "browser")
BUSY = 20  # visits a day that make a part worth a series
PARTS = 8  # of a dimension, the busiest
_LONGEST = 7 * 86_400  # a window that closes later tells too late
_DAY = 86_400
Row = tuple[float, float, float]  # value, exposure, sampling variance
NOTHING: Row = (math.nan, 0.0, math.nan)


@dataclass(frozen=True)
class Family:
    """Series that share a budget of false alarms: ``rate`` per 30 days. ``weekly``: those also judged by weeks."""

    name: str
    rate: float
    members: tuple[int, ...]
    weekly: tuple[int, ...]


@dataclass(frozen=True)
class Watch:
    """Everything watched over a range of days. ``first`` is the day of the arrays' first column."""

    first: date
    subjects: tuple[Subject, ...]
    series: Series
    families: tuple[Family, ...]
    parts: Mapping[Subject, frozenset[str]]
    chains: tuple[tuple[str, ...], ...]
    unwatched: Mapping[str, str] = field(default_factory=dict)
    lags: Mapping[Subject, int] = field(default_factory=dict)

    def column(self, day: date) -> int:
        """The place of a day."""
        return (day - self.first).days


@dataclass
class Listed:
    """What the plan asks to be watched."""

    watched: Watched
    goals: dict[str, int]
    macro: frozenset[str]
    chains: dict[str, tuple[str, ...]]
    rules: dict[str, Alert]
    metrics: dict[str, Metric]
    unwatched: dict[str, str]


def listed(plan: Plan, known: Iterable[str]) -> Listed:
    """The list for a plan; ``known``: events that ever came."""
    from assay.query.dimensions import materialised
    from assay.query.watch import Mark, Watched

    there = set(known)
    selects: dict[str, Select] = {}

    def mark(name: str, select: Select) -> str:
        while selects.setdefault(name, select) != select:
            name += "'"
        return name

    def event(name: str) -> str:
        return mark(name, Select("event", (name,)))

    for name in ["page_view", plan.orders.event, *(e.name for e in plan.events.values() if not e.builtin)]:
        if name in there:
            event(name)
    goals = {g.name: _goal(g, mark, event) for g in plan.goals.values() if g.event is None or g.event in there}
    chains = {
        funnel.name: tuple(dict.fromkeys(_step(step, mark, event) for step in funnel.steps if not step.optional))
        for funnel in plan.funnels.values()
        if funnel.order != "unordered"
    }
    names = list(selects)
    place = {name: i for i, name in enumerate(names)}
    kept = set(materialised(plan))
    properties = []
    for name, definition in plan.events.items():
        if name in place and selects[name] == Select("event", (name,)):
            own = kept | ({plan.orders.id, plan.orders.amount} if name == plan.orders.event else set())
            properties += [(place[name], p) for p in definition.properties if p in own]
    watched = Watched(
        tuple(Mark(name, selects[name]) for name in names),
        tuple(dict.fromkeys((place[a], place[b]) for chain in chains.values() for a, b in pairwise(chain))),
        tuple(properties),
        BY,
    )
    macro = frozenset(g.name for g in plan.goals.values() if g.kind == "macro")
    rules = {AUTOMATIC: Alert(AUTOMATIC, sensitivity=SENSITIVITIES["medium"]), **plan.alerts}
    metrics, unwatched = {}, {}
    for name in dict.fromkeys([*plan.kpis, *(r.metric for r in rules.values() if r.metric)]):
        reason = _cannot(plan.metrics[name])
        if reason:
            unwatched[name] = reason
        else:
            metrics[name] = _booked(plan.metrics[name])
    for rule in rules.values():
        for by in set(rule.by) - set(BY) if rule.funnel else ():
            unwatched[f"{rule.name} by {by}"] = f"steps are watched by {', '.join(BY)}"
    return Listed(watched, {n: place[m] for n, m in goals.items()}, macro, chains, rules, metrics, unwatched)


def _goal(goal: Goal, mark: Any, event: Any) -> str:
    return str(
        event(goal.event) if goal.event and not goal.where and not goal.page else mark(goal.name, goal_rows(goal))
    )


def _step(step: Step, mark: Any, event: Any) -> str:
    if step.event and step.where is None and step.page is None:
        return str(event(step.event))
    return str(mark(step.label, Select("event", (step.event,) if step.event else None, step.page, step.where)))


def _cannot(metric: Metric) -> str:
    """Why a metric is not watched; empty where it is."""
    quantity = metric.quantity
    if quantity.kind in ("derived", "quantile"):
        return f"a {quantity.kind} metric has no sampling variance of a day; watch what it is made of"
    if quantity.within and quantity.within > _LONGEST:
        return "its window closes too late to raise an alarm"
    fields = {m.field for m in (quantity.numerator, quantity.denominator) if m and m.field}
    if fields & {"contribution", "gross_margin"}:
        return "refunds change its days for weeks; revenue and orders are watched"
    if any(s.of == "cost" for s in quantity.selects()) or any(f.startswith("cost.") for f in fields):
        return "costs arrive when they arrive"
    return ""


def _booked(metric: Metric) -> Metric:
    """Money before refunds: those come for weeks, and would make the newest day look better than all before."""
    quantity = metric.quantity
    for key in ("numerator", "denominator"):
        measure = getattr(quantity, key)
        if measure is not None and measure.field == "revenue.net":
            quantity = replace(quantity, **{key: replace(measure, field="revenue.gross")})
    return replace(metric, quantity=quantity)


# -- from the store ---------------------------------------------------------------------------------------------------


def gather(asking: Asking, first: date, last: date) -> Watch:
    """The series that judging the days ``first`` to ``last`` needs: those days and their history."""
    from assay.query import relations, watch
    from assay.stats.seasonal import HISTORY, OWN

    assert asking.span is not None
    start = max(asking.span.first, first - timedelta(HISTORY + OWN))
    period = Period(start, last)
    plan = asking.plan
    known = [row[0] for row in asking.ask(relations.event_counts()).rows]
    todo = listed(plan, known)
    table = watch.read(todo.watched, asking.ask(watch.counts(plan, todo.watched, period)))
    made = _Made(period)
    _from_counts(made, todo, table)
    made.add(
        Subject("bots"), {day: (float(n), 1.0, float(n)) for day, n in asking.ask(watch.known_bots(period)).rows}, 0.0
    )
    _from_metrics(asking, made, todo)
    for one in made.rows:
        made.parts.setdefault(one, frozenset())
    return _finished(asking, made, todo)


@dataclass
class _Made:
    period: Period
    rows: dict[Subject, dict[date, Row]] = field(default_factory=dict)
    empty: dict[Subject, Row] = field(default_factory=dict)
    parts: dict[Subject, frozenset[str]] = field(default_factory=dict)
    shares: set[Subject] = field(default_factory=set)
    lags: dict[Subject, int] = field(default_factory=dict)

    def add(
        self, one: Subject, rows: dict[date, Row], empty: float | None = None, share: bool = False,
        parts: Iterable[str] = (),
    ) -> None:  # fmt: skip
        """A series; ``empty``: what a day without rows means (none: no value)."""
        self.rows[one] = rows
        self.empty[one] = NOTHING if empty is None else (empty, 1.0, empty)
        self.parts[one] = frozenset(parts)
        if share:
            self.shares.add(one)


def _from_counts(made: _Made, todo: Listed, table: Mapping[tuple[str, str], Mapping[date, Counts]]) -> None:
    marks = [m.name for m in todo.watched.marks]
    for (by, value), days in table.items():
        if by and (value not in _busiest(table, by) or value == "(none)"):
            continue

        def one(kind: str, name: str = "", by: str = by, value: str = value) -> Subject:
            return Subject(kind, name, by, value)

        items = list(days.items())
        made.add(one("sessions"), {d: (c.visits, 1.0, c.visits) for d, c in items}, 0.0)
        if not by:
            made.add(one("flat"), {d: (c.flat, 1.0, c.flat) for d, c in items}, 0.0)
        for i, name in enumerate(marks):
            if not by or by in MACHINE:
                made.add(one("event", name), {d: (c.n[i], 1.0, c.squares[i]) for d, c in items}, 0.0, parts=[name])
                made.add(one("repeat", name), {d: _repeat(c, i) for d, c in items}, parts=[name])
        for name, i in todo.goals.items():
            rows = {d: _share(c.having[i], c.visits) for d, c in items}
            made.add(one("goal", name), rows, share=True, parts=[marks[i]])
        for j, (a, b) in enumerate(todo.watched.steps):
            rows = {d: _share(c.both[j], c.having[a]) for d, c in items}
            made.add(one("step", f"{marks[a]}>{marks[b]}"), rows, share=True, parts=[marks[a], marks[b]])
        for j, (i, prop) in enumerate(todo.watched.properties):
            if not by:
                rows = {d: _share(c.filled[j], c.n[i], c.squares[i] / max(c.n[i], 1)) for d, c in items}
                name = f"{marks[i]}.{prop}"
                made.add(one("fill", name), rows, share=True, parts=[name])


def _busiest(table: Mapping[tuple[str, str], Mapping[date, Counts]], by: str) -> set[str]:
    whole = max(len(table.get(("", ""), {})), 1)
    visits = {  # a wave of a day counts
        v: max(sum(c.visits for c in days.values()) / whole, max(c.visits for c in days.values()) / 5)
        for (b, v), days in table.items()
        if b == by
    }
    busy = sorted((v for v in visits if visits[v] >= BUSY), key=lambda v: -visits[v])
    return set(busy[:PARTS])


def _share(hits: float, of: float, clustering: float = 1.0) -> Row:
    if of <= 0:
        return NOTHING
    share = min(hits / of, 1.0)
    return share, of, share * (1 - share) / of * max(clustering, 1.0)


def _repeat(c: Counts, i: int) -> Row:
    having = c.having[i]
    if not having:
        return NOTHING
    mean = c.n[i] / having
    return mean, float(having), max(c.squares[i] / having - mean**2, 0.0004) / having


def _from_metrics(asking: Asking, made: _Made, todo: Listed) -> None:
    """KPIs, and the metrics of rules by their parts."""
    from assay.query.cut import Cut

    wanted: dict[tuple[str, ...], list[str]] = {(): list(todo.metrics)}
    for rule in todo.rules.values():
        for by in rule.by:
            if rule.metric in todo.metrics:
                wanted.setdefault((by,), []).append(str(rule.metric))
    for parts, names in wanted.items():
        metrics = [todo.metrics[name] for name in dict.fromkeys(names)]
        if not metrics:
            continue
        cut = Cut(made.period, by=parts, grain="day", matured_by=asking.matured_by())
        cells = asking.cells(metrics, cut)
        for metric in metrics:
            _metric_rows(asking, made, metric, parts, cells[metric.name])


def _metric_rows(asking: Asking, made: _Made, metric: Metric, parts: tuple[str, ...], cells: Mapping[Any, Any]) -> None:
    kind = metric.quantity.kind
    lag = math.ceil((metric.quantity.within or 0) / _DAY)
    rows: dict[str, dict[date, Row]] = {}
    for group, cell in cells.items():
        moments = cell.matured if lag else cell.all
        if moments is not None:
            value = str(group[1]) if parts else ""
            rows.setdefault(value, {})[group[0] + timedelta(lag)] = _of_moments(moments, kind)
    if parts:
        volume = {
            v: sum(r[1] if kind != "total" else r[0] for r in days.values() if r[1] > 0) for v, days in rows.items()
        }
        busy = sorted((v for v in volume if volume[v] >= BUSY * made.period.days), key=lambda v: -volume[v])
        rows = {v: rows[v] for v in busy[:PARTS]}
    events = {e for s in metric.quantity.selects() for e in s.events or ()}
    fields = " ".join(m.field or "" for m in (metric.quantity.numerator, metric.quantity.denominator) if m)
    orders = asking.plan.orders
    if (
        "revenue" in fields
        or "order" in fields
        or any(s.of in ("order", "customer") for s in metric.quantity.selects())
    ):
        events |= {orders.event} | ({f"{orders.event}.{orders.amount}"} if "revenue" in fields else set())
    for value, days in rows.items():
        one = Subject("metric", metric.name, parts[0] if parts else "", value)
        made.add(one, days, 0.0 if kind == "total" else None, kind == "share", events)
        made.lags[one] = lag


def _of_moments(moments: Any, kind: str) -> Row:
    """A day's value from moments of (x, y): Σx for a total, else Σx / Σy."""
    x, y = float(moments.sums[0]), float(moments.sums[1])
    xx, xy, yy = moments.products
    if kind == "total":
        return x, 1.0, max(xx, abs(x))
    if y <= 0:
        return NOTHING
    r = x / y
    return r, y, max(xx - 2 * r * xy + r * r * yy, 0.0) / y**2


def _finished(asking: Asking, made: _Made, todo: Listed) -> Watch:
    import numpy as np

    from assay.analyses.changelog import known_changes
    from assay.stats.seasonal import Series

    period, subjects = made.period, tuple(made.rows)
    days = [period.first + timedelta(i) for i in range(period.days)]
    table = np.array([[made.rows[s].get(day, made.empty[s]) for day in days] for s in subjects], dtype=float)
    holidays = {c.date for c in known_changes(asking, period.first, period.last) if c.kind == "holiday"}
    odd = np.zeros(table.shape[:2], dtype=bool)
    odd[:, [i for i, day in enumerate(days) if day in holidays]] = True
    for i, one in enumerate(subjects):
        lag = made.lags.get(one, 0)
        odd[i, :lag] = True
        if lag:
            odd[i, [j for j, day in enumerate(days) if day - timedelta(lag) in holidays]] = True
    series = Series(
        table[:, :, 0], table[:, :, 1], table[:, :, 2], np.array([s in made.shares for s in subjects]),
        np.array([day.weekday() for day in days]), odd,
    )  # fmt: skip
    return Watch(
        period.first,
        subjects,
        series,
        _families(todo, subjects),
        made.parts,
        tuple(todo.chains.values()),
        todo.unwatched,
        made.lags,
    )


def _families(todo: Listed, subjects: tuple[Subject, ...]) -> tuple[Family, ...]:
    found = []
    for rule in todo.rules.values():
        chain = {f"{a}>{b}" for a, b in pairwise(todo.chains.get(rule.funnel or "", ()))}
        chosen = [
            i
            for i, s in enumerate(subjects)
            if (_automatic(s, todo) if rule.name == AUTOMATIC else _of_rule(s, rule, chain))
        ]
        weekly = [i for i in chosen if subjects[i].kind in ("goal", "step", "metric") and subjects[i].whole]
        if chosen and rule.sensitivity > 0:
            found.append(Family(rule.name, rule.sensitivity, tuple(chosen), tuple(weekly)))
    return tuple(found)


def _automatic(one: Subject, todo: Listed) -> bool:
    if one.kind == "flat" or (one.kind == "repeat" and one.name == "page_view"):
        return False
    if one.whole or one.kind == "sessions":
        return True
    if one.kind == "goal":
        return one.name in todo.macro and one.by != "country"
    return one.kind == "step" and one.by in MACHINE


def _of_rule(one: Subject, rule: Alert, chain: set[str]) -> bool:
    if one.by and one.by not in rule.by:
        return False
    return (one.kind == "metric" and one.name == rule.metric) or (one.kind == "step" and one.name in chain)
