"""Feature usage: who uses it among the active, and whether early users convert more later (a landmark)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.plan.measures import Select
from assay.plan.values import Plan
from assay.query.cut import Cut, Frame
from assay.query.dimensions import session_filter
from assay.query.periods import rows_of
from assay.query.unit_events import firsts, unit_events
from assay.store.engine import Statement

_SECOND = 1_000_000


@dataclass(frozen=True)
class Landmark:
    """Use in the first ``first`` seconds from ``start`` against ``outcome`` in the ``within`` seconds after those.

    ``start`` None: the first activity ever.
    """

    start: Select | None
    outcome: Select
    first: int
    within: int


class FeatureQuery(Frame):
    """One feature under one cut. ``at_least`` uses make a user of it."""

    def __init__(self, plan: Plan, cut: Cut, feature: Select, per: str, at_least: int) -> None:
        super().__init__(plan, cut)
        self.feature, self.per, self.at_least = feature, per, at_least

    def usage(self) -> Statement:
        """Active units in the range, those of them with enough uses, their uses."""
        period = self.cut.period
        limits = {"first": period.first, "last": period.last}
        active = unit_events(
            self, self.per, [], rows_of(self, self.plan.activity), segment=self.cut.where, **limits
        )  # fmt: skip
        uses = unit_events(self, self.per, [], rows_of(self, self.feature), segment=self.cut.where, **limits)
        sql = (
            f"WITH active AS (SELECT DISTINCT unit FROM ({active})), uses AS (SELECT unit, count(*) AS uses FROM ({uses}) GROUP BY unit) "
            f"SELECT count(*), count(*) FILTER (WHERE u.uses >= {self.at_least}), "
            f"CAST(coalesce(sum(u.uses) FILTER (WHERE u.uses >= {self.at_least}), 0) AS BIGINT) "
            "FROM active a LEFT JOIN uses u ON u.unit = a.unit"
        )
        return self.bind.statement(sql, "feature usage")

    def landmark(self, mark: Landmark, others: Sequence[Select] = ()) -> Statement:
        """Used early or not, activity in those days, each other feature used or not: units not converted by the landmark
        whose window has closed, and those of them that convert then.

        Activity: the number of events that the plan calls active, the feature's own too where it is one of them: without
        those, who uses it would look less active than equals who do something else instead.
        """
        cut = self.cut
        first, within = mark.first * _SECOND, mark.within * _SECOND
        inside = self.in_range("e")
        if cut.where is not None:
            inside += f" AND {session_filter(self.dims, cut.where)}"
        begun = mark.start if mark.start is not None else self.plan.activity
        events = unit_events(
            self, self.per, ["e.t", "e.seq", "e.id", f"{inside} AS inside"], rows_of(self, begun), last=cut.period.last
        )
        uses = unit_events(self, self.per, ["e.t"], rows_of(self, self.feature), first=cut.period.first)
        conditions = [f"coalesce({rows_of(self, other)}, false)" for other in others]
        active = f"coalesce({rows_of(self, self.plan.activity)}, false)"
        marks = [f"CASE WHEN {one} THEN 1 ELSE 0 END AS f{i}" for i, one in enumerate(conditions)]
        marks.append(f"CASE WHEN {active} THEN 1 ELSE 0 END AS active")
        busy = unit_events(
            self, self.per, ["e.t", *marks], f"({' OR '.join([active, *conditions])})", first=cut.period.first
        )
        flags = "".join(f", max(b.f{i}) AS f{i}" for i in range(len(others)))
        used = "".join(f", coalesce(b.f{i}, 0)" for i in range(len(others)))
        keys = ", ".join(str(n) for n in range(1, 3 + len(others)))
        outcomes = unit_events(self, self.per, ["e.t"], rows_of(self, mark.outcome))
        sql = f"""
WITH starts AS (
    SELECT unit, t FROM ({firsts(events)}) WHERE inside AND t + {first + within} <= {self.bind(cut.matured_by)}
), uses AS (
    SELECT s.unit AS unit, count(*) AS uses FROM starts s JOIN ({uses}) u ON u.unit = s.unit
    WHERE u.t >= s.t AND u.t < s.t + {first} GROUP BY s.unit
), busy AS (
    SELECT s.unit AS unit, CAST(sum(b.active) AS BIGINT) AS busy{flags} FROM starts s JOIN ({busy}) b ON b.unit = s.unit
    WHERE b.t >= s.t AND b.t < s.t + {first} GROUP BY s.unit
), outcomes AS (
    SELECT s.unit AS unit, max(CASE WHEN o.t < s.t + {first} THEN 1 ELSE 0 END) AS early,
        max(CASE WHEN o.t >= s.t + {first} AND o.t < s.t + {first + within} THEN 1 ELSE 0 END) AS late
    FROM starts s JOIN ({outcomes}) o ON o.unit = s.unit GROUP BY s.unit
)
SELECT coalesce(u.uses, 0) >= {self.at_least} AS used, coalesce(b.busy, 0) AS busy{used}, count(*), CAST(sum(coalesce(o.late, 0)) AS BIGINT)
FROM starts s LEFT JOIN uses u ON u.unit = s.unit LEFT JOIN outcomes o ON o.unit = s.unit LEFT JOIN busy b ON b.unit = s.unit
WHERE coalesce(o.early, 0) = 0 GROUP BY {keys} ORDER BY {keys}"""
        return self.bind.statement(sql, "feature use and outcome")
