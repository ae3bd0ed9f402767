"""Attribution's statements and how their rows are read: groups of touches, whole paths, totals, costs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from assay.plan.measures import Measure, Select
from assay.plan.values import Plan
from assay.query.cut import Cut, Frame
from assay.query.dimensions import session_filter, visitor_joins
from assay.query.rows import RowBuilder, cost_dimension
from assay.query.selecting import unit_join, unit_key
from assay.query.touches import NOTHING, SEPARATOR, Asked, Touches, ordered_text
from assay.stats.attribution import CHOSEN, DECAY, KINDS, LOST, START, WON, Group, Move, half_life
from assay.store.engine import Statement

_AMOUNTS = "count(*), sum(v), sum(is_new)"


@dataclass(frozen=True)
class Placed:
    """A group and where its conversions and touches lie: conversion in the range, touch in the range, window closed."""

    group: Group
    inside: bool
    at_range: bool
    closed: bool


@dataclass(frozen=True)
class Spent:
    """Ad cost of a key in the range, and the part of it on days whose windows have closed."""

    amount: Decimal | None
    closed: Decimal | None


def group_statement(plan: Plan, cut: Cut, asked: Asked, needs: Iterable[str], closed_day: date | None) -> Statement:
    """Groups of touches (``read_groups``). Windows are only written for what the models need."""
    frame = Touches(plan, cut, asked)
    wanted = set(needs)
    life = half_life(asked.window) * 1_000_000
    inner = [
        "count(*) OVER (PARTITION BY c) AS n",
        "row_number() OVER (PARTITION BY c ORDER BY tt, k) AS i",
        *(["row_number() OVER (PARTITION BY c ORDER BY direct, tt DESC, k DESC) AS j"] if CHOSEN in wanted else []),
        *(["row_number() OVER (PARTITION BY c, key ORDER BY tt, k) AS turn"] if KINDS in wanted else []),
        *(
            [f"pow(2.0, CAST(tt - max(tt) OVER (PARTITION BY c) AS DOUBLE) / {life}) AS half"]
            if DECAY in wanted
            else []
        ),
    ]
    outer = [
        "CASE WHEN i = 1 THEN 'first' WHEN i = n THEN 'last' ELSE 'middle' END AS place",
        f"{'j = 1' if CHOSEN in wanted else 'false'} AS chosen",
        f"{'turn = 1' if KINDS in wanted else 'false'} AS fresh",
        f"{'sum(CASE WHEN turn = 1 THEN 1 ELSE 0 END) OVER (PARTITION BY c)' if KINDS in wanted else '1'} AS kinds",
        f"{'half / sum(half) OVER (PARTITION BY c)' if DECAY in wanted else '0.0'} AS w",
    ]
    keys = "key, inside, at_range, closed, n, place, chosen, fresh, kinds"
    decayed = ["sum(w)", "sum(w * CAST(v AS DOUBLE))", "sum(w * is_new)"] if DECAY in wanted else ["0", "0", "0"]
    sql = f"""
SELECT {keys}, {_AMOUNTS}, {", ".join(decayed)} FROM (
    SELECT key, v, is_new, inside, at_range, closed, n, {", ".join(outer)} FROM (
        SELECT key, v, is_new, inside, at_range, closed, c, {", ".join(inner)} FROM ({frame.path(closed_day)}) p
    ) numbered
) placed GROUP BY {keys}"""
    return frame.text(sql, "attribution")


def read_groups(rows: Iterable[Sequence[Any]]) -> list[Placed]:
    """The rows of ``group_statement``."""
    found = []
    for key, inside, at_range, closed, n, place, chosen, fresh, kinds, *numbers in rows:
        amounts = tuple(Fraction(x) for x in numbers[:3])
        decayed = tuple(Fraction(x) for x in numbers[3:])
        group = Group(str(key), place, int(n), bool(chosen), bool(fresh), int(kinds), amounts, decayed)
        found.append(Placed(group, bool(inside), bool(at_range), bool(closed)))
    return found


def total_statement(plan: Plan, cut: Cut, asked: Asked) -> Statement:
    """Conversions of the range: their number, value and new customers, with and without a touch."""
    frame = Touches(plan, cut, asked)
    sql = f"SELECT {_AMOUNTS} FROM conversions WHERE inside"
    return frame.bind.statement(f"WITH conversions AS ({frame.conversions()}) {sql}", "conversions")


def path_statement(plan: Plan, cut: Cut, asked: Asked) -> Statement:
    """Whole paths of the range's conversions with their amounts, most frequent first."""
    frame = Touches(plan, cut, asked)
    one = f"SELECT c, {ordered_text('key', 'tt, k')} AS path, max(v) AS v, max(is_new) AS is_new FROM ({frame.path()}) p WHERE inside GROUP BY c"
    return frame.text(f"SELECT path, {_AMOUNTS} FROM ({one}) q GROUP BY path ORDER BY 2 DESC, 3 DESC, 1", "paths")


def read_paths(rows: Iterable[Sequence[Any]]) -> list[tuple[tuple[str, ...], tuple[Fraction, ...]]]:
    """The rows of ``path_statement``: keys in time order, and the amounts of the conversions at their end."""
    return [(tuple(path.split(SEPARATOR)), tuple(Fraction(x) for x in amounts)) for path, *amounts in rows]


def move_statement(plan: Plan, cut: Cut, asked: Asked, won: bool) -> Statement:
    """Steps on the way to the range's conversions, or (``won`` false) through the range by units without one in it."""
    frame = Touches(plan, cut, asked)
    path = frame.path() if won else frame.shaped(_lost(frame))
    steps = (
        "SELECT key, inside, lag(key) OVER (PARTITION BY c ORDER BY tt, k) AS here, "
        f"lead(key) OVER (PARTITION BY c ORDER BY tt, k) IS NULL AS ended FROM ({path}) p"
    )
    sql = f"SELECT here, key, ended, count(*) FROM ({steps}) q WHERE inside GROUP BY here, key, ended"
    return frame.text(sql, "steps to conversions" if won else "steps without a conversion")


def _lost(frame: Touches) -> str:
    first, last = frame.bind(frame.cut.period.first), frame.bind(frame.cut.period.last)
    inside = ""
    if frame.cut.where is not None:  # the same segment on both sides: units with a visit in it
        where = session_filter(frame.dims, frame.cut.where)
        unit, join = unit_key(frame.asked.per, "s"), unit_join(frame.asked.per, "s")
        source = f"sessions s{join}{visitor_joins(where)}"
        inside = f" AND w.unit IN (SELECT {unit} FROM {source} WHERE {frame.in_range('s')} AND {where})"
    return (
        "SELECT w.unit AS c, 0 AS v, 0 AS is_new, true AS inside, w.k AS k, w.tt AS tt, w.key AS key, w.direct AS direct, "
        f"true AS at_range, true AS closed FROM touches w WHERE w.day >= {first} AND w.day <= {last} AND w.unit IS NOT NULL "
        f"AND NOT EXISTS (SELECT 1 FROM conversions c WHERE c.unit = w.unit){inside}"
    )


def read_moves(won: Iterable[Sequence[Any]], lost: Iterable[Sequence[Any]]) -> list[Move]:
    """The rows of the two ``move_statement``s."""
    found: dict[tuple[str, str], int] = defaultdict(int)
    for rows, end in ((won, WON), (lost, LOST)):
        for here, key, ended, count in rows:
            found[START if here is None else str(here), str(key)] += int(count)
            if ended:
                found[str(key), end] += int(count)
    return [Move(here, there, count) for (here, there), count in sorted(found.items())]


def cost_statement(plan: Plan, cut: Cut, by: str, closed_day: date | None) -> Statement:
    """Ad cost of the range by key in the site's currency: all, and of the days up to ``closed_day``."""
    frame = Frame(plan, cut)
    rows = RowBuilder(plan, frame.dims).rows(Measure("sum", Select("cost"), "cost.amount"))
    closed = "false" if closed_day is None else f"k.day <= {frame.bind(closed_day)}"
    key = f"coalesce({cost_dimension(by)}, '{NOTHING}')"
    sql = (
        f"SELECT {key} AS key, sum(k.amount), sum(CASE WHEN {closed} THEN k.amount END) FROM {rows.source} "
        f"WHERE {frame.in_range('k')} GROUP BY {key}"
    )
    return frame.bind.statement(sql, "costs")


def read_costs(rows: Iterable[Sequence[Any]]) -> dict[str, Spent]:
    """The rows of ``cost_statement``."""
    return {str(key): Spent(amount, closed) for key, amount, closed in rows}
