"""What alerts watch, per day: events, sessions with them, steps, filled properties, in total and by each dimension; one pass.

An event that belongs to no session (a server's, a refund) stands for itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from assay.model.period import Period
from assay.plan.measures import Select
from assay.plan.values import Plan
from assay.query.dimensions import Dimensions, uses, visitor_joins
from assay.query.selecting import live, own_names, selected
from assay.query.sql import Binder
from assay.store.engine import Result, Statement

NOTHING = "(none)"
BY_ITSELF = ("page_view", "session_start", "first_visit", "user_engagement", "scroll")  # what a page sends unasked


@dataclass(frozen=True)
class Mark:
    """Rows of events that are counted: by event, page and condition. ``name`` is how it is called."""

    name: str
    select: Select


@dataclass(frozen=True)
class Counts:
    """What one day, or one value of a dimension on it, holds.

    ``visits``: sessions; ``flat``: those of which nothing but page views (and what pages send by themselves) came. By
    mark: ``n`` rows, ``having`` sessions with one, ``squares`` Σ over sessions of n². ``both`` by step: sessions with
    both marks. ``filled`` by property: rows of the event that have it.
    """

    visits: int
    flat: int
    n: tuple[int, ...]
    having: tuple[int, ...]
    squares: tuple[float, ...]
    both: tuple[int, ...]
    filled: tuple[int, ...]


@dataclass(frozen=True)
class Watched:
    """What is counted. ``steps``: places of two marks; ``properties``: place of the event's mark and the property."""

    marks: tuple[Mark, ...]
    steps: tuple[tuple[int, int], ...] = ()
    properties: tuple[tuple[int, str], ...] = ()
    by: tuple[str, ...] = ()


def counts(plan: Plan, watched: Watched, period: Period) -> Statement:
    """Rows: day, one column per dimension (null: not grouped by it), then the numbers of ``Counts``."""
    bind = Binder()
    dims = Dimensions(plan, bind)
    marks = [selected(dims, mark.select) for mark in watched.marks]
    columns = [f"count(*) FILTER (WHERE {condition}) AS m{i}" for i, condition in enumerate(marks)]
    for j, (mark, name) in enumerate(watched.properties):
        own = own_names(plan, watched.marks[mark].select.events)
        sql = dims.property(name) if name in own else dims.get(name).sql
        columns.append(f"count(*) FILTER (WHERE {marks[mark]} AND {sql} IS NOT NULL) AS f{j}")
    joined = " LEFT JOIN sessions s ON s.session_key = e.session_key" if uses(" ".join(columns), "s") else ""
    joined += visitor_joins(" ".join(columns), "e.visitor_key")
    groups = [f"coalesce({dims.get(name).sql}, {bind(NOTHING)}) AS d{i}" for i, name in enumerate(watched.by)]
    sets = "".join(f", (day, d{i})" for i in range(len(watched.by)))
    numbers = ["sum(visit)", "sum(visit * flat)"]
    for i in range(len(marks)):
        numbers += [f"sum(m{i})", f"count(*) FILTER (WHERE m{i} > 0)", f"sum(CAST(m{i} AS DOUBLE) * m{i})"]
    numbers += [f"count(*) FILTER (WHERE m{a} > 0 AND m{b} > 0)" for a, b in watched.steps]
    numbers += [f"sum(f{j})" for j in range(len(watched.properties))]
    names = ", ".join(["day", *(f"d{i}" for i in range(len(watched.by)))])
    return bind.statement(
        f"""
WITH per_session AS (
    SELECT coalesce(e.session_key, -e.event_no) AS unit, e.day AS day,
        CASE WHEN count(*) FILTER (WHERE NOT e.name IN ({bind.all(BY_ITSELF)})) = 0 THEN 1 ELSE 0 END AS flat, {", ".join(columns) or "1 AS one"}
    FROM events e{joined}
    WHERE {live(plan)} AND e.day BETWEEN {bind(period.first)} AND {bind(period.last)}
    GROUP BY coalesce(e.session_key, -e.event_no), e.day
), parted AS (
    SELECT p.*, CASE WHEN s.session_key IS NOT NULL THEN 1 ELSE 0 END AS visit{"".join(f", {g}" for g in groups)}
    FROM per_session p LEFT JOIN sessions s ON s.session_key = p.unit
)
SELECT {names}, {", ".join(numbers)} FROM parted GROUP BY GROUPING SETS ((day){sets})""",
        "watched events per day",
    )


def read(watched: Watched, result: Result) -> dict[tuple[str, str], dict[date, Counts]]:
    """(dimension, value) → day → counts; ("", "") is the whole."""
    found: dict[tuple[str, str], dict[date, Counts]] = {}
    width, marks = 1 + len(watched.by), len(watched.marks)
    for row in result.rows:
        place = next((i for i, value in enumerate(row[1:width]) if value is not None), None)
        key = ("", "") if place is None else (watched.by[place], str(row[1 + place]))
        numbers = row[width:]
        per = numbers[2 : 2 + 3 * marks]
        rest = numbers[2 + 3 * marks :]
        found.setdefault(key, {})[row[0]] = Counts(
            visits=int(numbers[0] or 0),
            flat=int(numbers[1] or 0),
            n=_whole(per[0::3]),
            having=_whole(per[1::3]),
            squares=tuple(float(v or 0) for v in per[2::3]),
            both=_whole(rest[: len(watched.steps)]),
            filled=_whole(rest[len(watched.steps) :]),
        )
    return found


def _whole(values: Iterable[Any]) -> tuple[int, ...]:
    return tuple(int(v or 0) for v in values)


def known_bots(period: Period) -> Statement:
    """Day, events marked as of bots."""
    bind = Binder()
    return bind.statement(
        f"SELECT day, count(*) FILTER (WHERE bot) FROM events WHERE environment = 'live' AND day BETWEEN "
        f"{bind(period.first)} AND {bind(period.last)} GROUP BY day",
        "events of known bots per day",
    )


def by_hour(plan: Plan, watched: Watched, days: Iterable[date]) -> Statement:
    """Rows: day, hour since 1970 in UTC, sessions with an event in it, then the rows of each mark."""
    bind = Binder()
    dims = Dimensions(plan, bind)
    columns = [f"count(*) FILTER (WHERE {selected(dims, mark.select)})" for mark in watched.marks]
    joined = " LEFT JOIN sessions s ON s.session_key = e.session_key" if uses(" ".join(columns), "s") else ""
    joined += visitor_joins(" ".join(columns), "e.visitor_key")
    return bind.statement(
        f"SELECT e.day, e.t // 3600000000 AS hour, count(DISTINCT e.session_key), {', '.join(columns)} FROM events e{joined} "
        f"WHERE {live(plan)} AND e.day IN ({bind.all(days)}) GROUP BY e.day, e.t // 3600000000",
        "watched events per hour",
    )
