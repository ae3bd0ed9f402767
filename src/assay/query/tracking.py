"""SQL behind the question whether the tracking moved: events and filled properties by day and browser, in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from assay.model.period import Period
from assay.plan.values import Plan
from assay.query.dimensions import Dimensions, materialised
from assay.query.sql import Binder
from assay.store.engine import Result, Statement

_FIELDS = ("order_id", "revenue", "items")  # of the event line itself; every declared property comes after them


@dataclass
class Volumes:
    """``events``: (name, browser) → day → how many; ``filled``: (name, browser, property) → day → how many have it."""

    events: dict[tuple[str, str], dict[date, int]] = field(default_factory=dict)
    filled: dict[tuple[str, str, str], dict[date, int]] = field(default_factory=dict)
    bots: dict[date, int] = field(default_factory=dict)
    consent: dict[str, dict[date, int]] = field(default_factory=dict)


def properties(plan: Plan) -> list[str]:
    """What is counted as filled: fields of the event line, then the plan's properties with a column."""
    return [*_FIELDS, *(name for name in materialised(plan) if name not in _FIELDS)]


def volumes(plan: Plan, periods: Sequence[Period]) -> Statement:
    """One row per event name, browser, bot flag, consent and day: how many, and how many have each property."""
    bind = Binder()
    dims = Dimensions(plan, bind)
    days = " OR ".join(f"e.day BETWEEN {bind(p.first)} AND {bind(p.last)}" for p in periods)
    filled = "".join(f", count({dims.property(name)})" for name in properties(plan))
    sql = (
        f"SELECT e.name, coalesce(e.browser, '(none)'), e.bot, coalesce(e.consent, 'unknown'), e.day, count(*){filled} "
        f"FROM events e WHERE e.environment = 'live' AND ({days}) "
        "GROUP BY e.name, coalesce(e.browser, '(none)'), e.bot, coalesce(e.consent, 'unknown'), e.day ORDER BY 1, 2, 3, 4, 5"
    )
    return bind.statement(sql, "events and properties by day and browser")


def read_volumes(plan: Plan, result: Result) -> Volumes:
    """The rows of ``volumes``; bots are kept apart."""
    found, names = Volumes(), properties(plan)
    for name, browser, bot, consent, day, count, *filled in result.rows:
        if bot:
            found.bots[day] = found.bots.get(day, 0) + count
            continue
        found.consent.setdefault(consent, {}).setdefault(day, 0)
        found.consent[consent][day] += count
        _add(found.events.setdefault((name, browser), {}), day, count)
        for prop, many in zip(names, filled, strict=True):
            if many:
                _add(found.filled.setdefault((name, browser, prop), {}), day, many)
    return found


def _add(days: dict[date, int], day: date, count: int) -> None:
    days[day] = days.get(day, 0) + count


def people(names: Sequence[str], periods: Sequence[Period]) -> Statement:
    """Per event name and day: how many visitors had it (an event sent twice has as many visitors as before)."""
    bind = Binder()
    days = " OR ".join(f"day BETWEEN {bind(p.first)} AND {bind(p.last)}" for p in periods)
    return bind.statement(
        "SELECT name, day, count(*), count(DISTINCT visitor_key) FROM events WHERE environment = 'live' AND NOT bot "
        f"AND name IN ({bind.all(names)}) AND ({days}) GROUP BY name, day ORDER BY name, day",
        "events per visitor by day",
    )
