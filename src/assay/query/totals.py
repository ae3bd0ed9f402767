"""Plain totals and ratios of two totals: rows are grouped as they are, each where it belongs."""

from __future__ import annotations

from datetime import timedelta

from assay.model.errors import Refused
from assay.plan.measures import Measure
from assay.plan.values import Metric, Plan
from assay.query.cut import Cut, Frame, Query, aggregate, block
from assay.query.dimensions import session_filter
from assay.query.rows import ITEM_FIELDS, RowBuilder, Rows, cost_dimension, joins
from assay.query.selecting import unit_key


def total_query(plan: Plan, cut: Cut, metric: Metric) -> Query:
    """A total (x) or a ratio (x over y); the unit of independence is the metric's unit, by default the visitor."""
    return _Totals(plan, cut, metric).query()


class _Totals(Frame):
    def __init__(self, plan: Plan, cut: Cut, metric: Metric) -> None:
        super().__init__(plan, cut)
        self.metric, self.quantity = metric, metric.quantity
        self.builder = RowBuilder(plan, self.dims, cut)
        self.groups = [f"g{i}" for i in range(self.keys)]

    def query(self) -> Query:
        measures = [m for m in (self.quantity.numerator, self.quantity.denominator) if m is not None]
        keys = "".join(f"{g}, " for g in self.groups)
        by = f" GROUP BY {keys[:-2]}" if keys else ""
        if self.quantity.kind == "total":
            inner = self._side(measures[0], "x", clustered=False)
            sql = f"SELECT {keys}n, x, n, NULL, NULL, NULL, NULL FROM ({inner})"
        else:
            parts = [self._side(m, "x" if i == 0 else "y", clustered=True) for i, m in enumerate(measures)]
            union = " UNION ALL ".join(
                f"SELECT {keys}cluster, {'x' if i == 0 else 'NULL AS x'}, {'y' if i == 1 else 'NULL AS y'} FROM ({p})"
                for i, p in enumerate(parts)
            )
            folded = f"SELECT {keys}cluster, sum(x) AS x, sum(y) AS y FROM ({union}) GROUP BY {keys}cluster"
            sql = f"SELECT {keys}{block('x', 'y', 'count(*)')} FROM ({folded}){by}"
        return Query(self.statement(sql, [self.metric]), (self.metric,), self.keys)

    def _side(self, measure: Measure, name: str, clustered: bool) -> str:
        rows = self.builder.rows(measure, self.cut.by)
        alias = rows.alias
        keys = self.grain(f"{alias}.day", rows.t if alias != "k" else "0")
        for by in self.cut.by:
            keys.append(cost_dimension(by) if alias == "k" else self._dimension(by, rows))
        where = [w for w in (rows.where, self.in_range(alias)) if w != "true"]
        if self.cut.where is not None:
            if alias == "k":
                raise Refused(f"{self.metric.name}: ad costs cannot be filtered by a segment of visitors")
            where.append(self._filter(rows))
        distinct = measure.select.of in ("visitor", "user", "account", "customer") or measure.op == "unit_days"
        unit = self.quantity.unit or "visitor"
        if distinct and measure.op != "unit_days":
            unit = "user" if measure.select.of == "customer" else measure.select.of
        key = unit_key(unit if unit in ("user", "account") else "visitor", alias)
        each = distinct and measure.select.of != "customer"
        cluster = "NULL" if alias == "k" else key if each else f"coalesce({key}, -{rows.event_no})"
        value = f"count(DISTINCT {cluster})" if distinct else aggregate(measure, Rows(alias, "", "true", rows.value))
        if measure.op == "unit_days":
            value += f" * max({self._days(keys)})"
        columns = [*(f"{key} AS g{i}" for i, key in enumerate(keys)), *([f"{cluster} AS cluster"] if clustered else [])]
        source = rows.source + joins(rows, [*columns, *where, value], unit)
        grouping = f" GROUP BY {', '.join(str(i + 1) for i in range(len(columns)))}" if columns else ""
        return f"SELECT {', '.join([*columns, f'{value} AS {name}', 'count(*) AS n'])} FROM {source} WHERE {' AND '.join(where)}{grouping}"

    def _days(self, keys: list[str]) -> str:
        """Days of the range, or of the part of it that a cell of the grain holds."""
        grain, period = self.cut.grain, self.cut.period
        if grain is None:
            return str(period.days)
        if grain == "hour":
            raise Refused(f"{self.metric.name} counts days; ask by day, week or month")
        starts = period.starts(grain, self.plan.site.week_start)
        ends = [*(later - timedelta(1) for later in starts[1:]), period.last]
        cases = " ".join(
            f"WHEN {self.bind(start)} THEN {(end - max(start, period.first)).days + 1}"
            for start, end in zip(starts, ends, strict=True)
        )
        return f"CASE {keys[0]} {cases} END"

    def _dimension(self, name: str, rows: Rows) -> str:
        if rows.alias == "s" and name in self.plan.segments:
            return session_filter(self.dims, self.plan.segments[name].where)
        dimension = self.dims.get(name)
        if rows.alias == "s" and dimension.scope in ("order", "item"):
            raise Refused(f"{name} belongs to an {dimension.scope}; {self.metric.name} counts sessions")
        if rows.alias == "o" and dimension.scope == "item":
            raise Refused(f"{name} belongs to an item; count or sum an event's items by it, such as count: view_item")
        if dimension.scope == "item" and rows.value is not None and rows.value.removeprefix("e.") not in ITEM_FIELDS:
            raise Refused(f"{self.metric.name} sums a number of the whole event: it cannot be split by {name}")
        return dimension.sql

    def _filter(self, rows: Rows) -> str:
        assert self.cut.where is not None
        scope = self.dims.scope(self.cut.where)
        if (rows.alias == "e" and scope == "event") or (rows.alias == "o" and scope in ("order",)):
            return f"({self.dims.expression(self.cut.where)})"
        return session_filter(self.dims, self.cut.where)
