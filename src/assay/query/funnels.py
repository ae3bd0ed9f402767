"""Ordered funnels as a chain: each step-k event takes over the start of the latest step-(k−1) event before it.

Starts are monotone in time, so the latest is the best one; it counts while it lies within the window. Where all steps
match different events, events at one instant may stand in any order and ``>=`` is exact; where steps may share events,
one event fills one step and the order of the source decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assay.model.errors import Refused
from assay.plan.values import Funnel, Plan, Step
from assay.query.cut import Cut, Frame
from assay.query.dimensions import session_filter, uses, visitor_joins
from assay.query.sql import matches_globs
from assay.store.engine import Result, Statement

_UNITS = {
    "visitor": "e.visitor_key",
    "session": "e.session_key",
    "user": "v.person_key",
    "account": "coalesce(e.account, v.account)",
}


@dataclass(frozen=True)
class Reached:
    """Units of one group by how deep they came. ``units[k]`` reached step k+1; for sessions also the sums per visitor.

    ``products[k]`` = (Σx², Σxy, Σy², clusters) of step k+1, per visitor; None where units are independent.
    """

    units: tuple[int, ...]
    products: tuple[tuple[float, float, float, int], ...] | None


class FunnelQuery(Frame):
    """One funnel under one cut. ``cut.by`` are taken from step 1 of the counted attempt."""

    def __init__(self, plan: Plan, funnel: Funnel, cut: Cut) -> None:
        super().__init__(plan, cut)
        self.funnel = funnel
        self.groups = [f"g{i}" for i in range(len(cut.by))]
        # Attempts of a larger unit that must end in the session they began in are followed per session, then folded.
        self.folded = funnel.window is None and funnel.per != "session"
        self.placed = not self._disjoint() or bool(cut.by) or funnel.entry == "first"

    def statement_for(self) -> Statement:
        """The query: per group and depth, how many units; for sessions per group the sums over visitors."""
        funnel = self.funnel
        if funnel.order != "ordered" or funnel.exclusions or any(s.optional for s in funnel.steps):
            raise Refused(
                f"funnel {funnel.name}: only ordered funnels without exclusions and optional steps can be answered so far"
            )
        chain = self._chain()
        keys = "".join(f"{g}, " for g in self.groups)
        reached = self._reached()
        count = len(funnel.steps)
        ctes = ", ".join([*chain, *reached])
        if funnel.per == "session":
            sums = ", ".join(f"count(*) FILTER (WHERE level >= {k}) AS x{k}" for k in range(1, count + 1))
            blocks = ", ".join(
                f"CAST(sum(x{k}) AS BIGINT), sum(CAST(x{k} AS DOUBLE) * x{k}), sum(CAST(x{k} AS DOUBLE) * x1), sum(CAST(x1 AS DOUBLE) * x1)"
                for k in range(1, count + 1)
            )
            by = f" GROUP BY {keys[:-2]}" if keys else ""
            sql = (
                f"WITH {ctes}, clusters AS (SELECT {keys}cluster, {sums} FROM reached GROUP BY {keys}cluster) "
                f"SELECT {keys}count(*), {blocks} FROM clusters{by}"
            )
        else:
            blocks = ", ".join(f"count(*) FILTER (WHERE level >= {k})" for k in range(1, count + 1))
            sql = f"WITH {ctes} SELECT {keys}NULL, {blocks} FROM reached{f' GROUP BY {keys[:-2]}' if keys else ''}"
        return self.bind.statement(sql, f"funnel {funnel.name}")

    def read(self, result: Result) -> dict[tuple[Any, ...], Reached]:
        """Group → what was reached."""
        width, count = len(self.groups), len(self.funnel.steps)
        found = {}
        for row in result.rows:
            group, clusters, numbers = tuple(row[:width]), row[width], row[width + 1 :]
            if self.funnel.per == "session":
                blocks = [numbers[4 * k : 4 * k + 4] for k in range(count)]
                units = tuple(b[0] or 0 for b in blocks)
                found[group] = Reached(units, tuple((b[1] or 0.0, b[2] or 0.0, b[3] or 0.0, clusters) for b in blocks))
            else:
                found[group] = Reached(tuple(n or 0 for n in numbers), None)
        return {g: r for g, r in found.items() if r.units and r.units[0]}

    def _disjoint(self) -> bool:
        names = [s.event for s in self.funnel.steps]
        return None not in names and len(set(names)) == len(names)

    def _step(self, step: Step) -> str:
        parts = []
        if step.event is not None:
            parts.append(f"e.name = {self.bind(step.event)}")
        if step.page:
            parts.append(matches_globs(self.dims.get("page").sql, step.page, self.bind))
        if step.where is not None:
            named = self.plan.events.get(step.event or "")
            own = frozenset(named.properties if named else ())
            parts.append(f"({self.dims.expression(step.where, own)})")
        return " AND ".join(parts) or "true"

    def _events(self, step: Step, first: bool) -> str:
        """The events of one step: unit, place in time, session."""
        funnel, period = self.funnel, self.cut.period
        condition = self._step(step)
        where = [condition, "e.environment = 'live'"]
        if self.plan.rules.bots == "exclude":
            where.append("NOT e.bot")
        where.append(self.in_range("e") if first else f"e.day >= {self.bind(period.first)}")
        if not first and funnel.window is not None:
            days = -(-funnel.window // 86_400) + 1
            where.append(f"e.day <= {self.bind(period.last)} + {days}")
        whole = _UNITS[funnel.per]
        unit = _UNITS["session"] if self.folded else whole
        where += [f"{one} IS NOT NULL" for one in dict.fromkeys((unit, whole))]
        source = "events e"
        if funnel.per in ("user", "account"):
            source += " JOIN visitors v ON v.visitor_key = e.visitor_key"
        texts = condition
        if self.cut.where is not None:
            filtered = session_filter(self.dims, self.cut.where)
            where.append(filtered)
            texts += " " + filtered
        if uses(texts, "s"):
            source += " JOIN sessions s ON s.session_key = e.session_key"
        if uses(texts, "o"):
            source += " LEFT JOIN orders o ON o.event_no = e.event_no"
        source += visitor_joins(texts, "e.visitor_key")
        more = ", e.seq, e.id" if not self._disjoint() or (first and self.placed) else ""
        if first:
            more += f", {whole} AS whole, e.session_key, e.visitor_key AS cluster, e.event_no"
        return f"SELECT {unit} AS unit, e.t{more} FROM {source} WHERE {' AND '.join(where)}"

    def _chain(self) -> list[str]:
        disjoint, window = self._disjoint(), self.funnel.window
        order = "t" if disjoint else "(t, seq, id)"
        carried = "" if disjoint else ", seq, id"
        first = "SELECT * FROM e1"
        if self.funnel.entry == "first":
            first = "SELECT * FROM e1 QUALIFY row_number() OVER (PARTITION BY whole ORDER BY t, seq, id) = 1"
        ctes = [
            f"e1 AS ({self._events(self.funnel.steps[0], True)})",
            f"a1 AS (SELECT unit, t, t AS start{carried} FROM ({first}))",
        ]
        for k, step in enumerate(self.funnel.steps[1:], start=2):
            ctes.append(f"e{k} AS ({self._events(step, False)})")
            if disjoint:
                joined = f"e{k} b ASOF JOIN a{k - 1} a ON a.unit = b.unit AND b.t >= a.t"
            else:
                joined = f"(SELECT *, {order} AS place FROM e{k}) b ASOF JOIN (SELECT *, {order} AS place FROM a{k - 1}) a ON a.unit = b.unit AND b.place > a.place"
            within = f" WHERE b.t - a.start <= {window * 1_000_000}" if window is not None else ""
            ctes.append(
                f"a{k} AS (SELECT b.unit, b.t, a.start{''.join(f', b.{c}' for c in ('seq', 'id') if not disjoint)} FROM {joined}{within})"
            )
        return ctes

    def _reached(self) -> list[str]:
        """Per unit the depth, and with groups or clusters the step-1 event of the first attempt that gets deepest."""
        steps = range(1, len(self.funnel.steps) + 1)
        union = " UNION ALL ".join(f"SELECT unit, {k} AS k, start FROM a{k}" for k in steps)
        clustered = self.funnel.per == "session"
        if not self.groups and not clustered:
            deepest = f"SELECT unit, max(k) AS level FROM ({union}) GROUP BY unit"
            if self.folded:
                owners = "SELECT unit, any_value(whole) AS whole FROM e1 GROUP BY unit"
                deepest = (
                    f"SELECT whole, max(level) AS level FROM ({deepest}) JOIN ({owners}) USING (unit) GROUP BY whole"
                )
            return [f"reached AS ({deepest})"]
        attempts = f"attempts AS (SELECT unit, max(k) AS level, arg_max(start, (k, -start)) AS start FROM ({union}) GROUP BY unit)"
        columns = [self.dims.get(name).sql for name in self.cut.by]
        for name in self.cut.by:
            if self.dims.get(name).scope in ("order", "item"):
                raise Refused(
                    f"{name} belongs to an {self.dims.get(name).scope}; a funnel is broken down by event, session or visitor"
                )
        place = "seq, id" if self.placed else "event_no"
        source = f"attempts p JOIN (SELECT * FROM e1 QUALIFY row_number() OVER (PARTITION BY unit, t ORDER BY {place}) = 1) e1 ON e1.unit = p.unit AND e1.t = p.start"
        texts = " ".join(columns)
        if uses(texts, "s"):
            source += " LEFT JOIN sessions s ON s.session_key = e1.session_key"
        if uses(texts, "e"):
            source += " LEFT JOIN events e ON e.event_no = e1.event_no"
        source += visitor_joins(texts, "e1.cluster")
        keys = "".join(f", {c} AS g{i}" for i, c in enumerate(columns))
        best = " QUALIFY row_number() OVER (PARTITION BY e1.whole ORDER BY p.level DESC, p.start, p.unit) = 1"
        return [
            attempts,
            f"reached AS (SELECT p.unit, p.level, e1.cluster{keys} FROM {source}{best if self.folded else ''})",
        ]


def step_labels(steps: Sequence[Step]) -> list[str]:
    """Labels of the steps, made different where two are the same."""
    seen: dict[str, int] = {}
    labels = []
    for step in steps:
        seen[step.label] = seen.get(step.label, 0) + 1
        labels.append(step.label if seen[step.label] == 1 else f"{step.label} ({seen[step.label]})")
    return labels
