"""SQL behind the question whether the tracking moved: events and filled properties by day and browser, in one pass."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from assay.model.errors import Refused
from assay.model.period import Period
from assay.plan.values import Plan
from assay.query.cut import Cut, Frame
from assay.query.dimensions import Dimensions, materialised, session_filter, visitor_joins
from assay.query.sql import Binder
from assay.store.engine import Result, Statement

NO_BROWSER = "(none)"
_FIELDS = ("order_id", "revenue", "items")  # of the event line itself; every declared property comes after them


@dataclass
class Volumes:
    """``events``: (name, browser) → day → how many; ``filled``: (name, browser, property) → day → how many have it."""

    events: dict[tuple[str, str], dict[date, int]] = field(default_factory=dict)
    filled: dict[tuple[str, str, str], dict[date, int]] = field(default_factory=dict)
    bots: dict[date, int] = field(default_factory=dict)
    granted: dict[date, int] = field(default_factory=dict)
    denied: dict[date, int] = field(default_factory=dict)


def properties(plan: Plan) -> list[str]:
    """What is counted as filled: fields of the event line, then the plan's properties with a column."""
    return [*_FIELDS, *(name for name in materialised(plan) if name not in _FIELDS)]


def volumes(periods: Sequence[Period]) -> Statement:
    """One row per event name, browser and day: how many of people, of bots, with consent and with refused consent."""
    bind = Binder()
    sql = (
        "SELECT name, browser, day, count(*) FILTER (WHERE NOT bot), count(*) FILTER (WHERE bot), "
        "count(*) FILTER (WHERE NOT bot AND consent = 'granted'), count(*) FILTER (WHERE NOT bot AND consent = 'denied') "
        f"FROM events WHERE environment = 'live' AND ({_days(bind, periods)}) GROUP BY name, browser, day"
    )
    return bind.statement(sql, "events by day and browser")


def fills(plan: Plan, names: Sequence[str], periods: Sequence[Period]) -> Statement:
    """One row per event of these names, browser and day: how many have each of ``properties``."""
    bind = Binder()
    dims = Dimensions(plan, bind)
    filled = ", ".join(f"count({dims.property(name)})" for name in properties(plan))
    sql = (
        f"SELECT e.name, e.browser, e.day, {filled} FROM events e WHERE e.environment = 'live' AND NOT e.bot "
        f"AND e.name IN ({bind.all(names)}) AND ({_days(bind, periods)}) GROUP BY e.name, e.browser, e.day ORDER BY 1, 2, 3"
    )
    return bind.statement(sql, "filled properties by day and browser")


def _days(bind: Binder, periods: Sequence[Period]) -> str:
    ordered = sorted(periods)
    if all(after.first <= before.last + timedelta(1) for before, after in itertools.pairwise(ordered)):
        periods = [Period(ordered[0].first, max(p.last for p in ordered))]  # one range is read faster than two
    return " OR ".join(f"day BETWEEN {bind(p.first)} AND {bind(p.last)}" for p in periods)


def read_volumes(plan: Plan, counted: Result, filled: Result | None) -> Volumes:
    """The rows of ``volumes`` and ``fills``; bots are kept apart."""
    found, names = Volumes(), properties(plan)
    for name, browser, day, count, bots, granted, denied in counted.rows:
        for days, many in ((found.bots, bots), (found.granted, granted), (found.denied, denied)):
            if many:
                _add(days, day, many)
        if count:
            _add(found.events.setdefault((name, browser or NO_BROWSER), {}), day, count)
    for name, browser, day, *counts in filled.rows if filled else ():
        for prop, many in zip(names, counts, strict=True):
            if many:
                _add(found.filled.setdefault((name, browser or NO_BROWSER, prop), {}), day, many)
    return found


def _add(days: dict[date, int], day: date, count: int) -> None:
    days[day] = days.get(day, 0) + count


def people(names: Sequence[str], periods: Sequence[Period]) -> Statement:
    """Per event name and day: how many visitors had it (an event sent twice has as many visitors as before)."""
    bind = Binder()
    return bind.statement(
        "SELECT name, day, count(*), count(DISTINCT visitor_key) FROM events WHERE environment = 'live' AND NOT bot "
        f"AND name IN ({bind.all(names)}) AND ({_days(bind, periods)}) GROUP BY name, day ORDER BY name, day",
        "events per visitor by day",
    )


def session_counts(plan: Plan, cut: Cut, names: Sequence[str]) -> Statement:
    """Sessions by the value of each dimension and day: number of the dimension, its value, day, how many.

    Raises Refused for a dimension that is no session's or visitor's.
    """
    frame = Frame(plan, cut)
    parts = []
    for i, name in enumerate(names):
        one = frame.dims.get(name)
        if one.scope not in ("session", "visitor"):
            raise Refused(f"{name} belongs to an {one.scope}: sessions cannot be counted by it")
        where = [frame.in_range("s")] + ([session_filter(frame.dims, cut.where)] if cut.where is not None else [])
        joins = visitor_joins(f"{one.sql} {' '.join(where)}")
        parts.append(
            f"SELECT {i} AS place, CAST({one.sql} AS VARCHAR) AS value, s.day AS day, count(*) AS sessions "
            f"FROM sessions s{joins} WHERE {' AND '.join(where)} GROUP BY CAST({one.sql} AS VARCHAR), s.day"
        )
    return frame.bind.statement(" UNION ALL ".join(parts) + " ORDER BY 1, 2, 3", "sessions by day")
