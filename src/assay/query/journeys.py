"""Journeys: what follows what within a session. Two window passes over the events; edges and whole paths from the same steps."""

from __future__ import annotations

from dataclasses import dataclass

from assay.model.errors import Refused
from assay.plan.measures import Expression, Select
from assay.plan.values import Plan
from assay.query.cut import Cut, Frame, block
from assay.query.dimensions import session_filter
from assay.query.pages import VIEWS
from assay.query.periods import rows_of
from assay.query.unit_events import unit_events
from assay.store.engine import Statement

ENDS, STARTS, OTHER, NONE = "(ends here)", "(starts here)", "(other)", "(none)"


@dataclass(frozen=True)
class Asked:
    """``node``: page, page_group, event, or a property of the plan; ``select`` narrows the events (None: the node's own).

    ``start`` and ``end`` are nodes: forward from the first ``start``, backward from the first ``end``, or between the
    first ``start`` and the first ``end`` after it. ``steps``: most nodes of a path. ``gap`` in seconds: paths of a unit's
    own, cut where nothing happens for so long; None: the store's sessions.
    """

    node: str = "page"
    select: Select | None = None
    start: str | None = None
    end: str | None = None
    steps: int = 5
    collapse: bool = True
    per: str = "visitor"
    gap: int | None = None

    @property
    def backward(self) -> bool:
        """Steps are counted from the end."""
        return self.end is not None and self.start is None


class JourneyQuery(Frame):
    """Edges or whole paths of one journey under one cut."""

    def __init__(self, plan: Plan, cut: Cut, asked: Asked) -> None:
        super().__init__(plan, cut)
        self.asked = asked
        if asked.node not in ("page", "page_group", "event") and self.dims.get(asked.node).scope != "event":
            raise Refused(f"{asked.node} does not belong to an event; a journey's nodes are what its events say")

    def edges(self, limit: int) -> Statement:
        """Depth, from, to, units, mean seconds; the ``limit`` edges with most units, the others of a depth in one row.

        Depth 0 is everybody on a journey. Depths count from 1 at the start; backward they are −1 for what leads to the
        end, −2 before that.
        """
        hops, who = self._hops(), "count(*)" if self.asked.per == "session" else "count(DISTINCT who)"
        per_unit = "SELECT depth, a, b, who, sum(dt) AS dt, count(dt) AS timed FROM hops GROUP BY depth, a, b, who"
        sql = f"""
WITH {self._steps()}, hops AS ({hops}), users AS ({per_unit}), edges AS (
    SELECT depth, a, b, count(*) AS units, sum(dt) AS dt, sum(timed) AS timed FROM users GROUP BY depth, a, b
), ranked AS (
    SELECT *, row_number() OVER (ORDER BY units DESC, depth, a, b) AS place FROM edges
)
SELECT depth, a, b, units, CASE WHEN timed > 0 THEN CAST(dt AS DOUBLE) / timed / 1000000.0 END AS seconds
FROM ranked WHERE place <= {limit}
UNION ALL
SELECT u.depth, {self.bind(OTHER)}, {self.bind(OTHER)}, count(DISTINCT u.who), CASE WHEN sum(u.timed) > 0 THEN CAST(sum(u.dt) AS DOUBLE) / sum(u.timed) / 1000000.0 END
FROM users u JOIN ranked r ON r.depth = u.depth AND r.a = u.a AND r.b = u.b WHERE r.place > {limit} GROUP BY u.depth
UNION ALL
SELECT 0, NULL, NULL, {who}, NULL FROM steps WHERE depth = 1"""
        return self.bind.statement(sql, f"journey by {self.asked.node}")

    def paths(self, limit: int, goal: Select | None) -> Statement:
        """The nodes of a path (null where it is shorter), units, sessions, and a block of moments of converted over paths.

        The block sums over visitors (x: paths with the goal in the session, not before the path begins; y: paths) where
        sessions are counted, over units (x: any of them converted; y: 1) else.
        """
        asked = self.asked
        names = [f"n{k}" for k in range(1, asked.steps + 1)]
        nodes = ", ".join(f"max(CASE WHEN depth = {k} THEN node END) AS {name}" for k, name in enumerate(names, 1))
        listed, cluster = ", ".join(names), "who" if asked.per != "session" else "visitor"
        converted, goals, join = "0", "", ""
        if goal is not None:
            events = unit_events(self, "session", ["e.t"], rows_of(self, goal), first=self.cut.period.first)
            goals = f", goals AS (SELECT unit AS path, max(t) AS t FROM ({events}) GROUP BY unit)"
            join = " LEFT JOIN goals g ON g.path = r.path"
            converted = "CASE WHEN g.t >= r.began THEN 1 ELSE 0 END"
        x, y = ("sum(won)", "count(*)") if asked.per == "session" else ("max(won)", "1")
        sql = f"""
WITH {self._steps()}{goals}, routes AS (
    SELECT path, any_value(who) AS who, any_value(visitor) AS visitor, min(t) AS began, {nodes}
    FROM steps WHERE depth <= {asked.steps} GROUP BY path
), won AS (
    SELECT {listed}, r.who, r.visitor, {converted} AS won FROM routes r{join}
), clusters AS (
    SELECT {listed}, {cluster} AS cluster, count(*) AS paths, {x} AS x, {y} AS y FROM won GROUP BY {listed}, {cluster}
)
SELECT {listed}, CAST(sum(paths) AS BIGINT) AS times, {block("x", "y", "count(*)")} FROM clusters GROUP BY {listed}
ORDER BY times DESC, {listed} LIMIT {limit}"""
        return self.bind.statement(sql, f"paths by {self.asked.node}")

    # -- steps -------------------------------------------------------------------------------------------------------

    def _events(self) -> str:
        """The events that make nodes: unit, session or place in time, node."""
        asked, cut = self.asked, self.cut
        node = self.dims.get(asked.node).sql if asked.node != "event" else "e.name"
        condition = rows_of(self, asked.select)
        if asked.select is None and asked.node in ("page", "page_group"):
            condition = f"e.name IN ({self.bind.all(VIEWS)}) AND e.path IS NOT NULL"
        elif asked.node not in ("page", "page_group", "event"):
            condition += f" AND {node} IS NOT NULL"
        where: Expression | None = cut.where
        columns = ["e.visitor_key AS visitor", "e.t", "e.seq", "e.id"]
        columns.append(f"coalesce(nullif(CAST({node} AS VARCHAR), ''), {self.bind(NONE)}) AS node")
        last = cut.period.last
        if asked.gap is None:
            columns.insert(0, "e.session_key AS path")
            condition += f" AND e.session_key IS NOT NULL AND {self.in_range('s')}"
            if where is not None:  # the sessions are joined already
                condition += f" AND {session_filter(self.dims, where)}"
            return unit_events(self, asked.per, columns, condition, first=cut.period.first)
        return unit_events(self, asked.per, columns, condition, first=cut.period.first, last=last, segment=where)

    def _steps(self) -> str:
        """CTEs up to ``steps``: path, who, visitor, depth (from 1), node, t, the next node and its moment."""
        asked = self.asked
        order = "ORDER BY t, seq, id"
        ctes = [f"happened AS ({self._events()})"]
        if asked.gap is None:
            ctes.append("sessioned AS (SELECT path, unit AS who, visitor, t, seq, id, node FROM happened)")
        else:
            compare = ">=" if self.plan.rules.session.gap == "inclusive" else ">"
            opens = f"CASE WHEN n > 1 AND NOT (t - t0 {compare} {asked.gap * 1_000_000}) THEN 0 ELSE 1 END"
            window = f"OVER (PARTITION BY unit {order}"
            ctes.append(
                f"sessioned AS (SELECT CONCAT(unit, ':', sum({opens}) {window} ROWS UNBOUNDED PRECEDING)) AS path, unit AS who, visitor, t, seq, id, node "
                f"FROM (SELECT *, row_number() {window}) AS n, lag(t) {window}) AS t0 FROM happened))"
            )
        kept = "sessioned"
        if asked.collapse:
            # Of equal neighbours the last one stays: a node's time is when it was left last.
            kept = "kept"
            ctes.append(
                f"kept AS (SELECT * FROM (SELECT *, lead(node) OVER (PARTITION BY path {order}) AS later FROM sessioned) "
                "WHERE coalesce(later, '') <> node)"
            )
        if asked.backward:
            order = "ORDER BY t DESC, seq DESC, id DESC"
        window = f"OVER (PARTITION BY path {order})"
        placed = (
            f"SELECT path, who, visitor, node, t, row_number() {window} AS place, lead(node) {window} AS next_node, "
            f"lead(t) {window} AS next_t FROM {kept}"
        )
        if asked.start is None and asked.end is None:
            ctes.append(f"steps AS (SELECT *, place AS depth FROM ({placed}))")
        else:
            ctes += self._anchored(placed)
        return ", ".join(ctes)

    def _anchored(self, placed: str) -> list[str]:
        """Steps counted from the first ``start`` (or backward from the first ``end``), up to the ``end`` where both are named."""
        asked = self.asked
        if asked.backward:
            origin = f"max(CASE WHEN node = {self.bind(asked.end)} THEN place END)"  # the first in time
        else:
            origin = f"min(CASE WHEN node = {self.bind(asked.start)} THEN place END)"
        found = f"SELECT *, {origin} OVER (PARTITION BY path) AS origin FROM ({placed})"
        ctes = [f"anchored AS (SELECT *, place - origin + 1 AS depth FROM ({found}) WHERE place >= origin)"]
        if asked.start is None or asked.end is None:
            return [*ctes, "steps AS (SELECT * FROM anchored)"]
        target = f"min(CASE WHEN node = {self.bind(asked.end)} AND depth > 1 THEN depth END) OVER (PARTITION BY path)"
        ctes.append(f"steps AS (SELECT * FROM (SELECT *, {target} AS target FROM anchored) WHERE depth <= target)")
        return ctes

    def _hops(self) -> str:
        """From each step to the next; a path that stops says so. Backward: from what came before."""
        asked = self.asked
        limits = [f"depth < {asked.steps}"]
        if asked.start is not None and asked.end is not None:
            limits.append("depth < target")
        where = " AND ".join(limits)
        stops = self.bind(STARTS if asked.backward else ENDS)
        # Beyond the last step stands nothing, or what an engine takes for nothing: no node is an empty text.
        following = f"coalesce(nullif(next_node, ''), {stops})"
        nodes = f"{following} AS a, node AS b" if asked.backward else f"node AS a, {following} AS b"
        time = "t - next_t" if asked.backward else "next_t - t"
        depth = "-depth" if asked.backward else "depth"
        return f"SELECT {depth} AS depth, {nodes}, who, CASE WHEN coalesce(next_node, '') <> '' THEN {time} END AS dt FROM steps WHERE {where}"
