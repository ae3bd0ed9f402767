"""Lifecycle: who is new, comes back, was gone and returned; and on how many days of a week or month they are active."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from assay.plan.measures import Select
from assay.plan.values import Plan
from assay.query.cut import Cut, Frame
from assay.query.periods import number_of, number_sql, rows_of
from assay.query.unit_events import unit_events
from assay.store.engine import Result, Statement

WEEK, MONTH = 7, 30  # days behind a day that count as its week and month


@dataclass(frozen=True)
class Active:
    """Units active in one period, by their history: never before, in the period before, earlier only."""

    new: int = 0
    returning: int = 0
    resurrected: int = 0

    @property
    def all(self) -> int:
        """Everybody active in the period."""
        return self.new + self.returning + self.resurrected


@dataclass(frozen=True)
class Daily:
    """Units active on a day, in the 7 days that end with it, in the 30 days that end with it; by the day's number."""

    day: dict[int, int]
    week: dict[int, int]
    month: dict[int, int]


class LifecycleQuery(Frame):
    """Activity of units; ``cut.period`` are whole periods, what came before them is looked at too."""

    def __init__(self, plan: Plan, cut: Cut, active: Select | None, per: str, grain: str) -> None:
        super().__init__(plan, cut)
        self.active, self.per, self.period = active, per, grain

    def statement_for(self) -> Statement:
        """Period's number, then units that are new, returning, resurrected; from the period before the first one on."""
        first = self.bind(number_of(self.cut.period.first, self.period, self.plan) - 1)
        window = "OVER (PARTITION BY unit ORDER BY p)"
        sql = f"""
SELECT p, count(*) FILTER (WHERE k = 1) AS fresh, count(*) FILTER (WHERE k > 1 AND p - before = 1) AS again,
    count(*) FILTER (WHERE k > 1 AND p - before > 1) AS back
FROM (SELECT p, row_number() {window} AS k, lag(p) {window} AS before FROM ({self._distinct(self.period)}))
WHERE p >= {first} GROUP BY p"""
        return self.bind.statement(sql, f"lifecycle by {self.period}")

    def read(self, result: Result) -> dict[int, Active]:
        """Period's number → who was active."""
        return {row[0]: Active(*row[1:]) for row in result.rows}

    def days(self) -> Statement:
        """Day's number, days until the unit is active again (at most 30), units."""
        first = self.bind(number_of(self.cut.period.first, "day", self.plan) - MONTH + 1)
        sql = f"""
SELECT p, CASE WHEN later > p AND later - p < {MONTH} THEN later - p ELSE {MONTH} END AS reach, count(*) AS units
FROM (SELECT p, lead(p) OVER (PARTITION BY unit ORDER BY p) AS later FROM ({self._distinct("day")}))
WHERE p >= {first} GROUP BY 1, 2"""
        return self.bind.statement(sql, "active days")

    def read_days(self, result: Result) -> Daily:
        """A unit counts from a day on until it is active again, so nobody counts twice in one window."""
        day: dict[int, int] = defaultdict(int)
        week: dict[int, int] = defaultdict(int)
        month: dict[int, int] = defaultdict(int)
        for number, reach, units in result.rows:
            day[number] += units
            for k in range(reach):
                month[number + k] += units
                if k < WEEK:
                    week[number + k] += units
        return Daily(day, week, month)

    def _distinct(self, grain: str) -> str:
        events = unit_events(
            self, self.per, [f"{number_sql(self, grain)} AS p"], rows_of(self, self.active),
            last=self.cut.period.last, segment=self.cut.where,
        )  # fmt: skip
        return f"SELECT DISTINCT unit, p FROM ({events})"
