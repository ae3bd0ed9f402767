"""Quantiles by arm: the values of the units that count. Order statistics and moments leave the engine, units never do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from assay.plan.experiments import Experiment
from assay.plan.values import Metric, Plan
from assay.query.experiments.exposures import unit_ctes
from assay.query.experiments.table import frame_of
from assay.store.engine import Statement


@dataclass(frozen=True)
class Counted:
    """Whose values count: units of ``arms``, exposed up to ``last``; those of several arms too where ``several``."""

    arms: Sequence[str]
    last: date
    several: bool = False


class UnitQuantiles:
    """The values of one quantile metric in the units' windows. ``start``, ``end``: bounds of the exposures, µs UTC."""

    def __init__(
        self, plan: Plan, experiment: Experiment, metric: Metric, counted: Counted, start: int, end: int
    ) -> None:
        self.metric = metric
        self.frame, outcomes = frame_of(plan, experiment, [metric], start, end, None)
        values = outcomes.values(metric)
        where = [f"u.variant IN ({self.frame.bind.all(counted.arms)})", f"u.day <= {self.frame.bind(counted.last)}"]
        where += [] if counted.several else ["NOT u.several"]
        ctes = [*unit_ctes(self.frame, experiment, start, end), *outcomes.relation_ctes()]
        ctes.append(
            f"vals AS (SELECT u.variant, u.unit, w.v FROM units u JOIN ({values}) w ON w.unit = u.unit WHERE {' AND '.join(where)})"
        )
        self.head = f"WITH {', '.join(ctes)}"

    def at(self, probabilities: Sequence[float]) -> Statement:
        """Per arm: how many values, and the quantile at each probability (linear between order statistics)."""
        quantiles = ", ".join(f"quantile_cont(v, {p!r})" for p in probabilities)
        return self.frame.statement(
            f"{self.head} SELECT variant, count(*), {quantiles} FROM vals GROUP BY variant", [self.metric]
        )

    def at_or_below(self, limits: Mapping[str, float]) -> Statement:
        """Per arm: units, and sums and products of (values at or below the arm's limit, values) per unit."""
        bind = self.frame.bind
        cases = " ".join(f"WHEN variant = {bind(arm)} THEN v <= {bind(limit)}" for arm, limit in limits.items())
        folded = (
            f"SELECT variant, unit, count(*) FILTER (WHERE CASE {cases} ELSE false END) AS x, count(*) AS y "
            "FROM vals GROUP BY variant, unit"
        )
        return self.frame.statement(
            f"{self.head} SELECT variant, count(*), sum(x), sum(y), sum(x * x), sum(x * y), sum(y * y) FROM ({folded}) GROUP BY variant",
            [self.metric],
        )
