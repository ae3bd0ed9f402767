"""Quantiles of an event property, with an interval that respects the unit (rows of one visitor are not independent)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.model.errors import Refused
from assay.plan.values import Metric, Plan
from assay.query.cut import Cut, Frame, block
from assay.query.dimensions import session_filter
from assay.query.rows import RowBuilder, joins
from assay.query.selecting import UNITS, unit_key
from assay.store.engine import Statement


class QuantileQuery(Frame):
    """The values of one quantile metric under a cut: their quantiles, and how many lie at or below a given value."""

    def __init__(self, plan: Plan, cut: Cut, metric: Metric) -> None:
        super().__init__(plan, cut)
        self.metric = metric
        measure = metric.quantity.numerator
        if measure is None:
            raise Refused(f"{metric.name} names no value")
        rows = RowBuilder(plan, self.dims, cut).rows(measure, cut.by)
        alias = rows.alias
        keys = [*self.grain(f"{alias}.day", rows.t), *(self.dims.get(name).sql for name in cut.by)]
        where = [rows.where, self.in_range(alias), f"{rows.value} IS NOT NULL"]
        if cut.where is not None:
            direct = alias == "e" and self.dims.scope(cut.where) == "event"
            where.append(self.dims.expression(cut.where) if direct else session_filter(self.dims, cut.where))
        unit = metric.quantity.unit
        cluster = unit_key(unit if unit in UNITS else "visitor", alias)
        columns = [f"{key} AS g{i}" for i, key in enumerate(keys)]
        source = rows.source + joins(rows, [*columns, *where, cluster], metric.quantity.unit or "visitor")
        selected = ", ".join(
            [*columns, f"coalesce({cluster}, -{rows.event_no}) AS cluster", f"CAST({rows.value} AS DOUBLE) AS v"]
        )
        self.rows = f"SELECT {selected} FROM {source} WHERE {' AND '.join(f'({w})' for w in where if w != 'true')}"
        self.keys_sql = "".join(f"g{i}, " for i in range(self.keys))
        self.by = f" GROUP BY {self.keys_sql[:-2]}" if self.keys else ""

    def values(self, probabilities: Sequence[float]) -> Statement:
        """Per group: number of rows, and the quantile at each probability (linear between order statistics)."""
        quantiles = ", ".join(f"quantile_cont(v, {p!r})" for p in probabilities)
        return self.statement(f"SELECT {self.keys_sql}count(*), {quantiles} FROM ({self.rows}){self.by}", [self.metric])

    def at_or_below(self, limits: Mapping[tuple[Any, ...], float]) -> Statement:
        """Moments of (rows at or below the group's limit, rows) per unit of independence."""
        cases = []
        for group, limit in limits.items():
            same = [f"g{i} IS NOT DISTINCT FROM {self.bind(value)}" for i, value in enumerate(group)]
            cases.append(f"WHEN {' AND '.join(same) or 'true'} THEN v <= {self.bind(limit)}")
        below = f"CASE {' '.join(cases)} ELSE false END"
        folded = f"SELECT {self.keys_sql}cluster, count(*) FILTER (WHERE {below}) AS x, count(*) AS y FROM ({self.rows}) GROUP BY {self.keys_sql}cluster"
        return self.statement(
            f"SELECT {self.keys_sql}{block('x', 'y', 'count(*)')} FROM ({folded}){self.by}", [self.metric]
        )
