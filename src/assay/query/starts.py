"""Metrics whose units start with an event, a goal or an order, and whose outcomes may follow within a window."""

from __future__ import annotations

from assay.model.errors import Refused
from assay.plan.measures import Measure, Select
from assay.plan.values import Metric, Plan
from assay.query.cut import Cut, Frame, Query, aggregate, block
from assay.query.dimensions import session_filter, uses
from assay.query.rows import RowBuilder, Rows, joins

_CLUSTERED = ("session", "order", "event")


def start_query(plan: Plan, cut: Cut, metric: Metric) -> Query:
    """Units that start in the range, with outcomes after their start: all of them, and those whose window has closed."""
    return Starts(plan, cut, metric).query()


class Starts(Frame):
    """``shared``: the frame of a larger query that these parts go into, with its bound values."""

    def __init__(self, plan: Plan, cut: Cut, metric: Metric, shared: Frame | None = None) -> None:
        super().__init__(plan, cut)
        if shared is not None:
            self.bind, self.dims = shared.bind, shared.dims
        self.metric, self.quantity = metric, metric.quantity
        self.unit = str(metric.quantity.unit or "visitor")
        self.builder = RowBuilder(plan, self.dims, cut)
        self.groups = [f"g{i}" for i in range(self.keys)]

    def query(self) -> Query:
        """Moments of every unit, and of those whose window has closed."""
        measure = self.quantity.numerator
        assert measure is not None
        start = self.quantity.start or Select("order")
        own = self.quantity.start is None and (
            measure.select.of == "order" or (measure.field or "").startswith(("order.", "revenue", "contrib", "gross"))
        )
        ctes = [f"starts AS ({self._starts(start, measure if own else None)})"]
        if own:
            x, table = "x0", "starts"
        else:
            ctes.append(f"outcomes AS ({self.outcomes(measure)})")
            key = ", ".join(f"s.{name}" for name in self._key)
            ctes.append(
                f"values_ AS (SELECT {key}, {self.fold(measure)} AS v FROM starts s JOIN outcomes o ON {self.link()} GROUP BY {key})"
            )
            share = f"CASE WHEN r.v >= {self.quantity.at_least} THEN 1 ELSE 0 END"
            if self.quantity.worth:  # what the start was worth, of those that did (or did not) get there
                share = f"CASE WHEN coalesce(r.v, 0) {'=' if self.quantity.negate else '>'} 0 THEN coalesce(s.worth, 0) ELSE 0 END"
            x = (
                ("1 - " + share if self.quantity.negate else share)
                if self.quantity.kind == "share"
                else share
                if self.quantity.worth
                else "coalesce(r.v, 0)"
            )
            same = " AND ".join(f"r.{name} = s.{name}" for name in self._key)
            ctes.append(f"judged AS (SELECT s.*, {x} AS x0 FROM starts s LEFT JOIN values_ r ON {same})")
            x, table = "x0", "judged"
        return Query(self.statement(self._sums(ctes, table), [self.metric]), (self.metric,), self.keys, matured=True)

    def _starts(self, start: Select, own: Measure | None) -> str:
        """The first (or last) start of each unit in the range; every event or order, where that is the unit itself."""
        rows = self.builder.rows(
            own if own and own.select.of == "order" and own.field else Measure("exists", start), self.cut.by
        )
        if rows.outside:
            rows = Rows(rows.alias, "orders o", rows.where, rows.value)
        alias = rows.alias
        keys = self.grain(f"{alias}.day", rows.t)
        for name in self.cut.by:
            dimension = self.dims.get(name)
            if dimension.scope == "item":
                raise Refused(f"{name} belongs to an item; {self.metric.name} is counted per {self.unit}")
            if dimension.scope == "order" and alias != "o":
                raise Refused(f"{name} belongs to an order; {self.metric.name} starts elsewhere")
            keys.append(dimension.sql)
        where = [rows.where, self.in_range(alias)]
        if self.cut.where is not None:
            where.append(self._filter(alias))
        columns = [f"{key} AS g{i}" for i, key in enumerate(keys)]
        if own is not None:
            value = "1"
            if own.field:
                value = rows.value or "1"
            elif own.select.where is not None:
                value = f"CASE WHEN {self.dims.expression(own.select.where)} THEN 1 ELSE 0 END"
            columns.append(f"coalesce({value}, 0) AS x0")
        if self.quantity.worth:
            columns.append(f"{self.builder.rows(Measure('sum', start, self.quantity.worth)).value} AS worth")
        identity = {"order": "o.order_id", "event": f"{alias}.event_no"}.get(self.unit) or rows.key(self.unit)
        if self.unit == "order" and alias != "o":
            identity = "e.order_id"
        cluster = f"coalesce({alias}.visitor_key, -{rows.event_no})"
        link = {"order": identity, "event": f"{alias}.visitor_key"}.get(self.unit, identity)
        sequence = "e.seq, e.id" if alias == "e" else f"{rows.event_no}"
        source = rows.source + joins(rows, [*columns, *where, identity, link], self.unit)
        base = (
            f"SELECT {identity} AS unit, {link} AS link, {cluster} AS cluster, {rows.t} AS t0, {rows.event_no} AS start_no, ({rows.t}, {sequence}) AS place"
            f"{''.join(', ' + c for c in columns)} FROM {source} WHERE {' AND '.join(w for w in where if w != 'true')}"
        )
        if self.unit not in ("order", "event"):
            base = self._first(base, own is not None)
        matured = "CAST(NULL AS BOOLEAN)"
        if self.quantity.within is None:
            matured = "true"
        elif self.cut.matured_by is not None:
            matured = f"t0 + {self.quantity.within * 1_000_000} <= {self.bind(self.cut.matured_by)}"
        return f"SELECT *, {matured} AS matured FROM ({base})"

    @property
    def _key(self) -> list[str]:
        """What tells a start from the others. No number of a row: an engine may work the starts out once for each place
        that reads them, and number them otherwise."""
        if self.unit in ("order", "event"):
            return ["unit", "start_no"]
        return ["unit", *(self.groups[:1] if self.cut.grain else [])]

    def _first(self, base: str, valued: bool) -> str:
        """The first (or last) start of each unit, in each cell of the grain; its group values come along."""
        fold, end = ("arg_max", "max") if self.quantity.anchor == "last" else ("arg_min", "min")
        grain = self.groups[:1] if self.cut.grain else []
        worth = ["worth"] if self.quantity.worth else []
        carried = [*self.groups[len(grain) :], *(["x0"] if valued else []), *worth]
        # The text of an id decides between starts of one instant only where something else than the instant is taken.
        place = "place" if carried else "t0"
        columns = [f"any_value({c}) AS {c}" for c in ("link", "cluster")] + [
            f"{end}(t0) AS t0",
            f"{fold}(start_no, {place}) AS start_no",
        ]
        columns += [*grain, *(f"{fold}({{'v': {c}}}, place).v AS {c}" for c in carried)]
        by = ", ".join(["unit", *grain])
        return f"SELECT unit, {', '.join(columns)} FROM ({base}) WHERE unit IS NOT NULL GROUP BY {by}"

    def _filter(self, alias: str) -> str:
        """The filter holds on the start's session (or on the start itself, for event and order names)."""
        assert self.cut.where is not None
        scope = self.dims.scope(self.cut.where)
        if (scope == "event" and alias == "e") or (scope == "order" and alias == "o"):
            return f"({self.dims.expression(self.cut.where)})"
        condition = session_filter(self.dims, self.cut.where)
        return condition if uses(condition, "s") else f"({condition})"

    def outcomes(self, measure: Measure) -> str:
        """SQL for what may follow a start: link, t, event_no, v."""
        rows = self.builder.rows(measure)
        if rows.outside:
            rows = Rows(rows.alias, "orders o", rows.where, rows.value)
        key = self.link_of(rows)
        source = rows.source + joins(rows, [key], self.unit)
        where = [
            w
            for w in (rows.where, f"{rows.alias}.day >= {self.bind(self.cut.period.first)}", f"{key} IS NOT NULL")
            if w != "true"
        ]
        grain = ""
        if self.quantity.anchor == "range":
            where.append(f"{rows.alias}.day <= {self.bind(self.cut.period.last)}")
            grain = "".join(f", {g} AS grain" for g in self.grain(f"{rows.alias}.day", rows.t))
        return f"SELECT {key} AS link, {rows.t} AS t, {rows.event_no} AS event_no, {rows.value or '1'} AS v{grain} FROM {source} WHERE {' AND '.join(where)}"

    def link_of(self, rows: Rows) -> str:
        """What a row has in common with the start that it follows."""
        own = {"event": f"{rows.alias}.visitor_key", "order": self._order_key(rows)}.get(self.unit)
        return own or rows.key(self.unit)

    def _order_key(self, rows: Rows) -> str:
        if rows.alias == "o":
            return "o.order_id"
        own = self.plan.orders.id
        return "e.order_id" if own == "order_id" else f"coalesce({self.dims.property(own)}, e.order_id)"

    def link(self) -> str:
        """Outcome ``o`` belongs to start ``s``."""
        parts = ["o.link = s.link", "o.event_no IS DISTINCT FROM s.start_no"]
        if self.quantity.anchor == "range":
            return "o.link = s.link" + (" AND o.grain = s.g0" if self.cut.grain else "")
        if self.unit != "order" or self.quantity.within is not None:
            parts.append("o.t >= s.t0")
        if self.quantity.within is not None:
            parts.append(f"o.t <= s.t0 + {self.quantity.within * 1_000_000}")
        return " AND ".join(parts)

    def fold(self, measure: Measure) -> str:
        """SQL that makes one number of a start's outcomes ``o``."""
        return aggregate(
            measure, Rows("o", "", "true", None if measure.op in ("exists",) or measure.field is None else "o.v")
        )

    def _sums(self, ctes: list[str], table: str) -> str:
        keys = "".join(f"{g}, " for g in self.groups)
        by = f" GROUP BY {keys[:-2]}" if keys else ""
        if self.unit in _CLUSTERED:
            ctes.append(
                f"clusters AS (SELECT {keys}cluster, count(*) AS y, sum(x0) AS x, count(*) FILTER (WHERE matured) AS ym, "
                f"coalesce(sum(x0) FILTER (WHERE matured), 0) AS xm FROM {table} GROUP BY {keys}cluster)"
            )
            blocks = block("x", "y", "count(*)") + ", " + block("xm", "ym", "count(*)", only="ym > 0")
            return f"WITH {', '.join(ctes)} SELECT {keys}{blocks} FROM clusters{by}"
        blocks = block("x0", "1", "count(*)") + ", " + block("x0", "1", "count(*)", only="matured")
        return f"WITH {', '.join(ctes)} SELECT {keys}{blocks} FROM {table}{by}"
