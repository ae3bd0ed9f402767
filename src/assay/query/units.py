"""Metrics over units with a visit in the range: visitors, users, sessions, accounts. One number per unit, zeros included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assay.model.errors import Refused
from assay.plan.measures import Measure
from assay.plan.values import Metric, Plan
from assay.query.cut import Cut, Frame, Query, aggregate, block
from assay.query.dimensions import session_filter, uses, visitor_joins
from assay.query.rows import RowBuilder, Rows, joins
from assay.query.selecting import unit_join, unit_key

_OF_VISIT = ("session", "visitor", "user", "account")


def unit_query(plan: Plan, cut: Cut, unit: str, metrics: Sequence[Metric]) -> Query:
    """One query for all metrics of a unit. A total of the unit itself (``count: visitor``) is among them: x = 1."""
    return _Units(plan, cut, unit).query(metrics)


class _Units(Frame):
    def __init__(self, plan: Plan, cut: Cut, unit: str) -> None:
        super().__init__(plan, cut)
        self.unit = unit
        self.session = unit == "session"
        self.builder = RowBuilder(plan, self.dims, cut)
        self.groups = [f"g{i}" for i in range(self.keys)]

    def query(self, metrics: Sequence[Metric]) -> Query:
        own = [(n, m) for n, m in enumerate(metrics) if m.quantity.kind != "total" and _of_visit(m)]
        read = [(n, m) for n, m in enumerate(metrics) if m.quantity.kind != "total" and not _of_visit(m)]
        ctes = [f"units AS ({self._visits(own)})"]
        source, columns = "units u", {n: f"u.x{n}" for n, _ in own}
        firsts = ["u.g0"] if self.cut.grain else []
        for i, members in enumerate(self._relations(read)):
            ctes.append(f"r{i} AS ({self._values(members)})")
            on = f"r{i}.unit = u.unit" + (f" AND r{i}.grain = u.g0" if self.cut.grain and not self.session else "")
            source += f" {'LEFT' if self.session else 'FULL'} JOIN r{i} ON {on}"
            if self.cut.grain and not self.session:
                firsts.append(f"r{i}.grain")
            columns |= {n: _per_unit(metrics[n], f"r{i}.x{n}") for n, _, _ in members}
        columns |= {
            n: "CASE WHEN u.unit IS NOT NULL THEN 1 END" for n, m in enumerate(metrics) if m.quantity.kind == "total"
        }
        keys = [f"u.{g} AS {g}" for g in self.groups]
        if len(firsts) > 1:
            keys[0] = f"coalesce({', '.join(firsts)}) AS g0"
        numbers = [f"{columns[n]} AS x{n}" for n in range(len(metrics))]
        ctes.append(f"per_unit AS (SELECT {', '.join([*keys, 'u.cluster', 'u.unit', *numbers])} FROM {source})")
        table = self._capped(ctes, metrics)
        return Query(self.statement(self._sums(ctes, table, metrics), metrics), tuple(metrics), self.keys)

    def _visits(self, own: Sequence[tuple[int, Metric]]) -> str:
        """One row per unit (and grain) with its group values: a session as it is, larger units by the pick."""
        keys = self.grain("s.day", "s.start_t")
        inside = {
            n: f"CAST({session_filter(self.dims, self.plan.segments[n].where)} AS BOOLEAN)"
            for n in self.cut.by
            if n in self.plan.segments
        }
        for name in self.cut.by:
            if name in inside:
                keys.append(inside[name])
                continue
            dimension = self.dims.get(name)
            if dimension.scope in ("order", "item"):
                raise Refused(f"{name} belongs to an {dimension.scope}, not to a {self.unit}: count an event by it")
            keys.append(dimension.sql)
        where = [self.in_range("s")]
        if self.cut.where is not None:
            where.append(session_filter(self.dims, self.cut.where))
        events = any(uses(key, "e") for key in keys if key not in inside.values())
        columns = [f"{key} AS g{i}" for i, key in enumerate(keys)]
        for n, metric in own:
            rows = self.builder.rows(_numerator(metric))
            value = f"CASE WHEN {rows.where} THEN {rows.value or '1'} ELSE 0 END"
            columns.append(
                f"{f'CASE WHEN s.is_bounce IS NOT NULL THEN {value} END' if _unsaid(metric) else value} AS w{n}"
            )
            events = events or uses(value, "e")
        texts = " ".join([*columns, *where])
        source = "sessions s" + unit_join(self.unit, "s")
        source += visitor_joins(texts)
        if events:
            source += " JOIN events e ON e.session_key = s.session_key AND e.interactive"
        place = (
            "(e.t, e.seq, e.id)"
            if events
            else "s.session_key"
            if self.unit == "visitor"
            else "(s.start_t, s.session_key)"
        )
        base = (
            f"SELECT {unit_key(self.unit, 's')} AS unit, s.visitor_key AS cluster, s.session_key, {''.join(c + ', ' for c in columns)}{place} AS place "
            f"FROM {source} WHERE {' AND '.join(where)}"
        )
        if events:
            base = self._by_session(base, own)
        elif self.session:
            outs = [*self.groups, *(f"w{n} AS x{n}" for n, _ in own)]
            return f"SELECT {', '.join(['unit', 'cluster', *outs])} FROM ({base})"
        return self._picked(base, own)

    def _by_session(self, base: str, own: Sequence[tuple[int, Metric]]) -> str:
        """Events folded to visits first: a visit's own number counts once, however many events it has."""
        fixed = self.groups if self.cut.pick == "any" else self.groups[:1] if self.cut.grain else []
        fold = "arg_min" if self.cut.pick != "last" else "arg_max"
        outs = [g if g in fixed else f"{fold}({{'v': {g}}}, place).v AS {g}" for g in self.groups]
        outs += [f"max(w{n}) AS w{n}" for n, _ in own]
        return (
            f"SELECT {', '.join(['unit', 'cluster', 'session_key', *outs])}, {'max' if fold == 'arg_max' else 'min'}(place) AS place "
            f"FROM ({base}) GROUP BY {', '.join(['unit', 'cluster', 'session_key', *fixed])}"
        )

    def _picked(self, base: str, own: Sequence[tuple[int, Metric]]) -> str:
        """Visits folded to units."""
        fixed = self.groups if self.cut.pick == "any" else self.groups[:1] if self.cut.grain else []
        fold = "arg_min" if self.cut.pick != "last" else "arg_max"
        outs = [g if g in fixed else f"{fold}({{'v': {g}}}, place).v AS {g}" for g in self.groups]
        outs += [f"{'max' if m.quantity.kind == 'share' else 'sum'}(w{n}) AS x{n}" for n, m in own]
        return (
            f"SELECT {', '.join(['unit', 'any_value(cluster) AS cluster', *outs])} FROM ({base}) WHERE unit IS NOT NULL "
            f"GROUP BY {', '.join(['unit', *fixed])}"
        )

    def _relations(self, read: Sequence[tuple[int, Metric]]) -> list[list[tuple[int, Measure, Rows]]]:
        """Measures that read the same relation are summed in one pass over it."""
        found: dict[str, list[tuple[int, Measure, Rows]]] = {}
        for n, metric in read:
            measure = _numerator(metric)
            rows = self.builder.rows(measure)
            if rows.alias == "k":
                raise Refused(
                    f"{metric.name}: ad costs belong to no {self.unit}; make it a ratio over orders or visitors"
                )
            found.setdefault(rows.source, []).append((n, measure, rows))
        return list(found.values())

    def _values(self, members: Sequence[tuple[int, Measure, Rows]]) -> str:
        """Numbers per unit (and grain) from the rows of one relation, under the same range and filter as the units."""
        rows = members[0][2]
        alias = rows.alias
        conditions = list(dict.fromkeys(r.where for _, _, r in members))
        where = [c for c in [" OR ".join(f"({c})" for c in conditions) if "true" not in conditions else ""] if c]
        where = [f"({where[0]})"] if where else []
        if self.session:
            where.append(f"{alias}.session_key IS NOT NULL AND {alias}.day >= {self.bind(self.cut.period.first)}")
            where.append(f"{rows.t} <= (SELECT max(w.end_t) FROM sessions w WHERE {self.in_range('w')})")
        else:
            where.append(self.in_range(alias))
            if self.cut.where is not None:
                where.append(session_filter(self.dims, self.cut.where))
        grain = [f"{g} AS grain" for g in self.grain(f"{alias}.day", rows.t)] if not self.session else []
        shared = len(conditions) == 1  # then WHERE has said it already
        numbers = [f"{aggregate(m, replace(r, where='true') if shared else r)} AS x{n}" for n, m, r in members]
        texts = [*where, *numbers]
        source = rows.source + joins(rows, texts, self.unit)
        return (
            f"SELECT {', '.join([f'{rows.key(self.unit)} AS unit', *grain, *numbers])} FROM {source} "
            f"WHERE {' AND '.join(where)} GROUP BY {'1, 2' if grain else '1'}"
        )

    def _capped(self, ctes: list[str], metrics: Sequence[Metric]) -> str:
        caps = [(n, m.quantity.cap) for n, m in enumerate(metrics) if m.quantity.cap is not None]
        if not caps:
            return "per_unit"
        limits = {
            n: f"(SELECT quantile_cont(coalesce(x{n}, 0), {cap}) FROM per_unit WHERE unit IS NOT NULL)"
            if cap < 1
            else f"CAST({cap} AS DECIMAL(18, 6))"
            for n, cap in caps
        }
        replaced = ", ".join(
            f"CASE WHEN x{n} > {limit} THEN {limit} ELSE x{n} END AS x{n}" for n, limit in limits.items()
        )
        ctes.append(f"capped AS (SELECT * REPLACE ({replaced}) FROM per_unit)")
        return "capped"

    def _sums(self, ctes: list[str], table: str, metrics: Sequence[Metric]) -> str:
        unsaid = {n for n, m in enumerate(metrics) if m.quantity.kind != "total" and _of_visit(m) and _unsaid(m)}
        keys = "".join(f"{g}, " for g in self.groups)
        by = f" GROUP BY {keys[:-2]}" if keys else ""
        if self.session:
            numbers = "".join(f", coalesce(sum(x{n}), 0) AS x{n}" for n in range(len(metrics)))
            numbers += "".join(f", count(x{n}) AS y{n}" for n in unsaid)
            ctes.append(
                f"clusters AS (SELECT {keys}cluster, count(*) AS y{numbers} FROM {table} GROUP BY {keys}cluster)"
            )
            blocks = ", ".join(
                block(f"x{n}", f"y{n}", "count(*)", only=f"y{n} > 0")
                if n in unsaid
                else block(f"x{n}", "y", "count(*)")
                for n in range(len(metrics))
            )
            return f"WITH {', '.join(ctes)} SELECT {keys}{blocks} FROM clusters{by}"
        here = "unit IS NOT NULL"
        blocks = ", ".join(
            block(
                f"x{n}",
                "1",
                "count(*)",
                f"sum(x{n}) FILTER (WHERE unit IS NULL)",
                f"{here} AND x{n} IS NOT NULL" if n in unsaid else here,
            )
            for n in range(len(metrics))
        )
        return f"WITH {', '.join(ctes)} SELECT {keys}{blocks} FROM {table}{by}"


def _numerator(metric: Metric) -> Measure:
    measure = metric.quantity.numerator
    assert measure is not None, f"{metric.name} has no numerator"
    return measure


def _of_visit(metric: Metric) -> bool:
    """A condition on the visit itself, or a session's own number: read from the session's row."""
    measure = metric.quantity.numerator
    return measure is not None and (measure.select.of in _OF_VISIT or (measure.field or "").startswith("session."))


def _unsaid(metric: Metric) -> bool:
    """A share of visits of which the bounce rule cannot say it (null): those are on neither side of it."""
    where = _numerator(metric).select.where
    return metric.quantity.kind == "share" and where is not None and "is_bounce" in where.names


def _per_unit(metric: Metric, column: str) -> str:
    """A unit's number from its rows: 0 or 1 for a share (turned round for a share without), the value for a mean."""
    if metric.quantity.kind != "share":
        return column
    if metric.quantity.negate:
        return f"CASE WHEN {column} > 0 THEN 0 ELSE 1 END"
    return f"CASE WHEN {column} >= {metric.quantity.at_least} THEN 1 END"
