"""Retention: who did the start event in a period, and in which later periods they did the return event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assay.model.moments import Moments
from assay.model.period import DAY_US
from assay.plan.measures import Select
from assay.plan.values import Plan
from assay.query.cut import Cut, Frame, moments_of
from assay.query.dimensions import session_filter
from assay.query.periods import number_of, number_sql, rows_of, start_of
from assay.query.unit_events import firsts, unit_events
from assay.store.engine import Result, Statement

# A window of a unit's own, in days: a month has no fixed length, so thirty.
WINDOW_DAYS = {"day": 1, "week": 7, "month": 30}
Group = tuple[Any, ...]


@dataclass(frozen=True)
class Asked:
    """``columns``: per column after 0 the first and last period number that count as a return.

    ``unbounded``: in a column's period or any later one. ``rolling``: windows from each unit's own start. ``first``: the
    cohort is the unit's first start event ever. ``start`` and ``back`` None: any interactive event.
    """

    start: Select | None
    back: Select | None
    per: str
    grain: str
    columns: tuple[tuple[int, int], ...]
    first: bool = False
    unbounded: bool = False
    rolling: bool = False


@dataclass(frozen=True)
class Cohort:
    """``size`` units that started; ``units[j]`` of them returned in column j (column 0 is the cohort)."""

    size: int
    units: tuple[int, ...]


class RetentionQuery(Frame):
    """One retention table. ``cut.period`` are whole periods of starts, ``cut.by`` the dimensions at the start."""

    def __init__(self, plan: Plan, cut: Cut, asked: Asked) -> None:
        super().__init__(plan, cut)
        self.asked = asked
        self.groups = [f"g{i}" for i in range(len(cut.by))]
        self.of_one_unit("retention")

    def statement_for(self) -> Statement:
        """Rows: groups, cohort's period number, distance (null: the cohort's size), units."""
        asked = self.asked
        keys = "".join(f"s.{g}, " for g in self.groups)
        sizes = f"SELECT {keys}s.cohort, NULL AS n, count(*) AS units FROM starts s GROUP BY {keys}s.cohort"
        returns = f"SELECT {keys}s.cohort, n, count(*) AS units FROM ({self._pairs(keys)}) s GROUP BY {keys}s.cohort, n"
        sql = f"WITH starts AS ({self._starts()}), back AS ({self._returns()}) {sizes} UNION ALL {returns}"
        return self.bind.statement(sql, f"retention by {asked.grain}")

    def read(self, result: Result) -> dict[Group, dict[int, Cohort]]:
        """Group → cohort's period number → cohort; periods in which nobody started are left out."""
        width = len(self.groups)
        sizes: dict[tuple[Group, int], int] = {}
        cells: dict[tuple[Group, int], dict[int, int]] = defaultdict(dict)
        for row in result.rows:
            group, cohort, n, units = tuple(row[:width]), row[width], row[width + 1], row[width + 2]
            if n is None:
                sizes[group, cohort] = units
            else:
                cells[group, cohort][n] = units
        found: dict[Group, dict[int, Cohort]] = defaultdict(dict)
        for (group, cohort), size in sizes.items():
            found[group][cohort] = Cohort(size, (size, *self._columns(cells[group, cohort])))
        return found

    def clusters(self, last: Sequence[int | None]) -> Statement:
        """Moments of the average over cohorts, per unit: one unit may stand in several cohorts, and is one cluster.

        ``last[j - 1]`` is the last cohort for which column j is over (None: for no cohort). Rows: groups, then per column
        units, Σx, Σy, Σx², Σxy, Σy²; x = cohorts after which the unit returned in the column, y = its cohorts.
        """
        keys = "".join(f"s.{g}, " for g in self.groups)
        ys, xs, sums = [], [], []
        for j, (limit, (low, _)) in enumerate(zip(last, self.asked.columns, strict=True), start=1):
            over = "false" if limit is None else f"s.cohort <= {limit}"
            hit = f"s.n >= {low}" if self.asked.unbounded else f"s.n = {j}"
            ys.append(f"sum(CASE WHEN {over} THEN 1 ELSE 0 END) AS y{j}")
            xs.append(f"sum(CASE WHEN {over} AND {hit} THEN 1 ELSE 0 END) AS x{j}")
            x, y = f"coalesce(b.x{j}, 0)", f"a.y{j}"
            pairs = ((x, x), (x, y), (y, y))
            sums.append(f"count(*) FILTER (WHERE {y} > 0), CAST(sum({x}) AS BIGINT), CAST(sum({y}) AS BIGINT)")
            sums += [f"sum(CAST({one} AS DOUBLE) * {two})" for one, two in pairs]
        by = f" GROUP BY {keys[:-2].replace('s.', 'a.')}" if keys else ""
        same = "".join(f" AND b.{g} IS NOT DISTINCT FROM a.{g}" for g in self.groups)
        sql = (
            f"WITH starts AS ({self._starts()}), back AS ({self._returns()}), "
            f"mine AS (SELECT {keys}s.unit, {', '.join(ys)} FROM starts s GROUP BY {keys}s.unit), "
            f"came AS (SELECT {keys}s.unit, {', '.join(xs)} FROM ({self._pairs(keys)}) s GROUP BY {keys}s.unit) "
            f"SELECT {keys.replace('s.', 'a.')}{', '.join(sums)} FROM mine a LEFT JOIN came b ON b.unit = a.unit{same}{by}"
        )
        return self.bind.statement(sql, "average retention by unit")

    def read_clusters(self, result: Result) -> dict[Group, list[Moments]]:
        """Group → per column the moments of (x, y) over units."""
        width = len(self.groups)
        return {
            tuple(row[:width]): [moments_of(row[k : k + 6]) for k in range(width, len(row), 6)] for row in result.rows
        }

    def _columns(self, cells: dict[int, int]) -> Sequence[int]:
        count = len(self.asked.columns)
        if not self.asked.unbounded:
            return [cells.get(j, 0) for j in range(1, count + 1)]
        return [sum(units for n, units in cells.items() if n >= first) for first, _ in self.asked.columns]

    def _starts(self) -> str:
        """One row per unit and period (``first``: per unit): cohort, the moment of the first start event in it, groups."""
        cut, asked = self.cut, self.asked
        number = number_sql(self, asked.grain)
        columns = [f"{number} AS cohort", "e.t"]
        if not cut.by and not asked.first and not asked.rolling:
            events = unit_events(
                self, asked.per, columns[:1], rows_of(self, asked.start),
                first=cut.period.first, last=cut.period.last, segment=cut.where,
            )  # fmt: skip
            return f"SELECT DISTINCT unit, cohort FROM ({events})"
        columns += ["e.seq", "e.id"]
        columns += [f"{self.dims.get(name).sql} AS g{i}" for i, name in enumerate(cut.by)]
        inside = ""
        if asked.first and cut.where is not None:
            # The first ever is looked for among all start events; the segment then keeps it or does not.
            columns.append(f"{session_filter(self.dims, cut.where)} AS inside")
            inside = " AND inside"
        events = unit_events(
            self, asked.per, columns, rows_of(self, asked.start),
            first=None if asked.first else cut.period.first, last=cut.period.last,
            segment=None if asked.first else cut.where,
        )  # fmt: skip
        among = ("unit",) if asked.first else ("unit", "cohort")
        keys = "".join(f", {g}" for g in self.groups)
        lowest = self.bind(number_of(cut.period.first, asked.grain, self.plan))
        return f"SELECT unit, cohort, t{keys} FROM ({firsts(events, *among)}) WHERE cohort >= {lowest}{inside}"

    def _returns(self) -> str:
        """The return events, each unit and period (or instant) once."""
        asked, cut = self.asked, self.cut
        column = "e.t" if asked.rolling else f"{number_sql(self, asked.grain)} AS number"
        last = None
        if not asked.unbounded and not asked.rolling:
            reach = number_of(cut.period.last, asked.grain, self.plan) + max(b for _, b in asked.columns)
            last = start_of(reach + 1, asked.grain, self.plan)
        events = unit_events(
            self, asked.per, [column], rows_of(self, asked.back),
            first=cut.period.first, last=last, segment=cut.where,
        )  # fmt: skip
        return f"SELECT DISTINCT * FROM ({events})"

    def _pairs(self, keys: str) -> str:
        """Each unit of a cohort once per column that it returned in (unbounded: once, at its last distance)."""
        asked = self.asked
        distance = "r.number - s.cohort"
        if asked.rolling:
            distance = f"(r.t - s.t) // {WINDOW_DAYS[asked.grain] * DAY_US}"
        joined = f"FROM starts s JOIN back r ON r.unit = s.unit WHERE {distance} >= 1"
        if asked.unbounded:
            return f"SELECT {keys}s.cohort, s.unit, max({distance}) AS n {joined} GROUP BY {keys}s.cohort, s.unit"
        whens = " ".join(
            f"WHEN {distance} BETWEEN {a} AND {b} THEN {j}" for j, (a, b) in enumerate(asked.columns, start=1)
        )
        plain = all(a == b == j for j, (a, b) in enumerate(asked.columns, start=1))
        column = distance if plain else f"CASE {whens} END"
        joined += f" AND {distance} <= {max(b for _, b in asked.columns)}"
        found = f"SELECT DISTINCT {keys}s.cohort, s.unit, {column} AS n {joined}"
        return found if plain else f"SELECT * FROM ({found}) WHERE n IS NOT NULL"
