"""From a start to an outcome: per unit how long it took, or how long it has been followed without one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assay.plan.measures import Select
from assay.plan.values import Plan
from assay.query.cut import Cut, Frame
from assay.query.dimensions import session_filter
from assay.query.periods import rows_of
from assay.query.unit_events import firsts, unit_events
from assay.store.engine import Result, Statement

_SECOND = 1_000_000
Group = tuple[Any, ...]


@dataclass(frozen=True)
class Asked:
    """``start`` None: the unit's first interactive event ever (its first visit); else its first such event in the range.

    ``within`` in seconds: what comes later is no outcome; None: no limit.
    """

    start: Select | None
    outcome: Select
    per: str = "user"
    within: int | None = None


class TimeToQuery(Frame):
    """Durations under one cut; ``cut.matured_by`` is until when units are followed."""

    def __init__(self, plan: Plan, cut: Cut, asked: Asked) -> None:
        super().__init__(plan, cut)
        if cut.matured_by is None:
            raise ValueError("a time to an outcome needs to know until when units are followed")
        self.asked = asked
        self.groups = [f"g{i}" for i in range(len(cut.by))]
        self.of_one_unit("a time to convert")

    def durations(self) -> Statement:
        """Groups, microseconds until the outcome or the end of follow-up, whether it is the outcome, units."""
        keys = "".join(f"{g}, " for g in self.groups)
        followed = "follow"
        if self.asked.within is not None:
            followed = f"least(follow, {self.asked.within * _SECOND})"
        sql = (
            f"WITH {self._timed()} SELECT {keys}lasted, done, count(*) FROM ("
            f"SELECT {keys}coalesce(took, {followed}) AS lasted, took IS NOT NULL AS done FROM timed) GROUP BY {keys}lasted, done"
        )
        return self.bind.statement(sql, "durations")

    def points(self, seconds: Sequence[int]) -> Statement:
        """Groups, units, then per point: outcomes by then, units followed for so long, outcomes among those."""
        keys = "".join(f"{g}, " for g in self.groups)
        blocks = ", ".join(
            f"count(*) FILTER (WHERE took <= {s * _SECOND}), count(*) FILTER (WHERE follow >= {s * _SECOND}), "
            f"count(*) FILTER (WHERE follow >= {s * _SECOND} AND took <= {s * _SECOND})"
            for s in seconds
        )
        by = f" GROUP BY {keys[:-2]}" if keys else ""
        return self.bind.statement(f"WITH {self._timed()} SELECT {keys}count(*), {blocks} FROM timed{by}", "points")

    def read(self, result: Result) -> dict[Group, list[tuple[float, bool, int]]]:
        """Group → (seconds, had the outcome, units)."""
        width = len(self.groups)
        found: dict[Group, list[tuple[float, bool, int]]] = defaultdict(list)
        for row in result.rows:
            lasted, done, count = row[width:]
            found[tuple(row[:width])].append((lasted / _SECOND, bool(done), count))
        return found

    def _timed(self) -> str:
        """CTEs up to ``timed``: groups, ``took`` (null: not yet) and ``follow``, microseconds."""
        asked, cut = self.asked, self.cut
        by = self.bind(cut.matured_by)
        columns = ["e.t", "e.seq", "e.id"]
        columns += [f"{self.dims.get(name).sql} AS g{i}" for i, name in enumerate(cut.by)]
        ever = asked.start is None
        inside = self.in_range("e")
        if ever:
            # The first visit is looked for in all of history; range and segment then keep it or do not.
            columns.append(
                f"{inside if cut.where is None else f'{inside} AND {session_filter(self.dims, cut.where)}'} AS inside"
            )
        events = unit_events(
            self, asked.per, columns, rows_of(self, asked.start),
            first=None if ever else cut.period.first, last=cut.period.last, segment=None if ever else cut.where,
        )  # fmt: skip
        groups = "".join(f", {g}" for g in self.groups)
        starts = f"SELECT unit, t{groups} FROM ({firsts(events)}) WHERE t <= {by}{' AND inside' if ever else ''}"
        outcomes = unit_events(self, asked.per, ["e.t"], rows_of(self, asked.outcome), first=cut.period.first)
        after = ">" if asked.outcome == asked.start else ">="  # the same event again is another one
        limit = f" AND o.t - s.t <= {asked.within * _SECOND}" if asked.within is not None else ""
        reached = (
            f"SELECT s.unit AS unit, min(o.t) AS t FROM starts s JOIN outcomes o ON o.unit = s.unit "
            f"WHERE o.t {after} s.t AND o.t <= {by}{limit} GROUP BY s.unit"
        )
        keys = "".join(f"s.{g}, " for g in self.groups)
        timed = (
            f"SELECT {keys}r.t - s.t AS took, {by} - s.t AS follow FROM starts s LEFT JOIN reached r ON r.unit = s.unit"
        )
        return f"starts AS ({starts}), outcomes AS ({outcomes}), reached AS ({reached}), timed AS ({timed})"
