"""What a question asks of its metrics, and what comes back: the cut, the groups, the cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assay.model.errors import Refused
from assay.model.moments import Moments
from assay.model.period import Period
from assay.plan.measures import Expression, Measure
from assay.plan.values import Metric, Plan
from assay.query.dimensions import Dimensions
from assay.query.rows import Rows
from assay.query.sql import Binder
from assay.store.engine import Result, Statement

GRAINS = ("hour", "day", "week", "month", "quarter", "year")
VARIABLES = ("x", "y")


@dataclass(frozen=True)
class Cut:
    """Days, grouping and filter. ``pick`` decides where a unit has several values of a dimension: first, last or any.

    ``matured_by``: microseconds UTC; a window that closes later is open.
    """

    period: Period
    by: tuple[str, ...] = ()
    grain: str | None = None
    where: Expression | None = None
    pick: str = "first"
    matured_by: int | None = None


@dataclass(frozen=True)
class Cell:
    """One metric in one group. ``all``: moments of (x, y) per unit of independence; ``matured``: the same over closed windows.

    The metric is Σx / Σy, or Σx for a total. ``outside``: what belongs to no unit with a visit in the range.
    """

    all: Moments
    outside: Any = None
    matured: Moments | None = None
    no_rows: tuple[bool, bool] = (False, False)  # of x, of y: nothing was there to sum


@dataclass(frozen=True)
class Query:
    """A statement whose rows are: group keys, then one block of numbers per metric."""

    statement: Statement
    metrics: tuple[Metric, ...]
    keys: int
    matured: bool = False

    def cells(self, result: Result) -> dict[str, dict[tuple[Any, ...], Cell]]:
        """Metric → group → cell."""
        width = 14 if self.matured else 7
        found: dict[str, dict[tuple[Any, ...], Cell]] = {m.name: {} for m in self.metrics}
        for row in result.rows:
            group = tuple(row[: self.keys])
            for i, metric in enumerate(self.metrics):
                block = row[self.keys + i * width : self.keys + (i + 1) * width]
                closed = moments_of(block[7:]) if self.matured else None
                cell = Cell(moments_of(block), block[6], closed, (block[1] is None, block[2] is None))
                found[metric.name][group] = cell
        return found


def moments_of(block: Sequence[Any]) -> Moments:
    """Moments of (x, y) from the numbers that ``block`` asks for."""
    n, x, y, xx, xy, yy = block[:6]
    return Moments(VARIABLES, n or 0, (x or 0, y or 0), (float(xx or 0), float(xy or 0), float(yy or 0)))


class Frame:
    """What the frames share while they write one query."""

    def __init__(self, plan: Plan, cut: Cut) -> None:
        self.plan, self.cut = plan, cut
        self.bind = Binder()
        self.dims = Dimensions(plan, self.bind)

    def in_range(self, alias: str) -> str:
        """The row's day lies in the range."""
        period = self.cut.period
        return f"{alias}.day BETWEEN {self.bind(period.first)} AND {self.bind(period.last)}"

    def grain(self, day: str, t: str) -> list[str]:
        """SQL for the start of the grain (none: empty)."""
        grain = self.cut.grain
        if grain is None:
            return []
        if grain == "day":
            return [day]
        if grain == "hour":
            return [f"({t} // 3600000000) * 3600"]
        if grain == "week":
            shift = 1 if self.plan.site.week_start == "sunday" else 0
            return [f"CAST(date_trunc('week', {day} + {shift}) AS DATE) - {shift}"]
        return [f"CAST(date_trunc('{grain}', {day}) AS DATE)"]

    def of_one_unit(self, what: str) -> None:
        """Refuse to break ``what`` down by what belongs to an order or item, of which a unit has many."""
        for name in self.cut.by:
            scope = self.dims.get(name).scope
            if scope in ("order", "item"):
                raise Refused(f"{name} belongs to an {scope}; {what} is broken down by event, session or visitor")

    @property
    def keys(self) -> int:
        """Number of group columns."""
        return len(self.cut.by) + (self.cut.grain is not None)

    def statement(self, sql: str, metrics: Sequence[Metric]) -> Statement:
        """The finished statement."""
        return self.bind.statement(sql, ", ".join(m.name for m in metrics))


def aggregate(measure: Measure, rows: Rows, extra: str | None = None) -> str:
    """SQL that makes one number from the selected rows; ``extra`` narrows the condition."""
    conditions = [c for c in (rows.where, extra) if c and c != "true"]
    only = f" FILTER (WHERE {' AND '.join(conditions)})" if conditions else ""
    value = rows.value or "1"
    sql = {
        "count": f"count(*){only}" if rows.value is None else f"count({value}){only}",
        "exists": f"count(*){only}",
        "sum": f"sum({value}){only}",
        "min": f"min({value}){only}",
        "max": f"max({value}){only}",
        "once": f"CASE WHEN count(*){only} > 0 THEN 1 END",
        "first": f"arg_min({value}, {rows.t}){only}",
        "last": f"arg_max({value}, {rows.t}){only}",
        "first_time": f"min({rows.t}){only}",
        "count_distinct": f"count(DISTINCT {value}){only}",
    }[measure.op]
    return f"{sql} * {measure.factor}" if measure.factor else sql


def block(x: str, y: str, n: str, outside: str = "NULL", only: str = "") -> str:
    """The seven numbers of a cell: n, Σx, Σy, Σx², Σxy, Σy², outside."""
    filtered = f" FILTER (WHERE {only})" if only else ""
    fx, fy = f"CAST({x} AS DOUBLE)", f"CAST({y} AS DOUBLE)"
    if y == "1":  # one per unit: the sums of y are the count
        top, count = f"sum({x}){filtered}", f"{n}{filtered}"
        return f"{count}, {top}, {count}, sum({fx} * {fx}){filtered}, CAST({top} AS DOUBLE), CAST({count} AS DOUBLE), {outside}"
    return (
        f"{n}{filtered}, sum({x}){filtered}, sum({y}){filtered}, sum({fx} * {fx}){filtered}, sum({fx} * {fy}){filtered}, "
        f"sum({fy} * {fy}){filtered}, {outside}"
    )
