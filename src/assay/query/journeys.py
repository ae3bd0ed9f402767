"""Journeys: what follows what within a session. Two window passes over the events; edges and whole paths from the same steps."""

from __future__ import annotations

from dataclasses import dataclass

from assay.model.errors import Refused
from assay.plan.measures import Expression, Select
from assay.plan.values import Plan
from assay.query.cut import Cut, Frame
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
        session = self.asked.per == "session"
        who = "count(*)" if session else "count(DISTINCT who)"
        per_unit = "SELECT depth, a, b, who, sum(dt) AS dt, count(dt) AS timed FROM hops GROUP BY depth, a, b, who"
        if session:  # a session takes a step once: nothing to make distinct
            per_unit = "SELECT depth, a, b, who, dt, CASE WHEN b > 0 AND a > 0 THEN 1 ELSE 0 END AS timed FROM hops"
        seconds = "CASE WHEN sum(timed) > 0 THEN CAST(sum(dt) AS DOUBLE) / sum(timed) / 1000000.0 END"
        stops = self.bind(STARTS if self.asked.backward else ENDS)
        sql = f"""
WITH {self._steps()}, hops AS ({self._hops()}), users AS ({per_unit}), edges AS (
    SELECT depth, a, b, count(*) AS units, {seconds} AS seconds FROM users GROUP BY depth, a, b
), top AS (
    SELECT depth, a, b, units, seconds FROM edges ORDER BY units DESC, depth, a, b LIMIT {limit}
), others AS (
    SELECT u.depth AS depth, u.who AS who, u.dt AS dt, u.timed AS timed
    FROM users u LEFT JOIN top r ON r.depth = u.depth AND r.a = u.a AND r.b = u.b WHERE r.units IS NULL
)
SELECT r.depth, CASE WHEN r.a > 0 THEN m.node ELSE {stops} END, CASE WHEN r.b > 0 THEN n.node ELSE {stops} END, r.units, r.seconds
FROM top r LEFT JOIN names m ON m.n = r.a LEFT JOIN names n ON n.n = r.b
UNION ALL
SELECT depth, {self.bind(OTHER)}, {self.bind(OTHER)}, count(DISTINCT who), {seconds} FROM others GROUP BY depth
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
        shown = ", ".join(f"m{k}.node AS o{k}" for k in range(1, asked.steps + 1))
        joins = " ".join(f"LEFT JOIN names m{k} ON m{k}.n = top.{name}" for k, name in enumerate(names, 1))
        block_names = [f"c{k}" for k in range(7)]
        named = ", ".join(f"{sql} AS {name}" for sql, name in zip(self._moments(), block_names, strict=True))
        sql = f"""
WITH {self._steps()}{goals}, routes AS (
    SELECT path, any_value(who) AS who, any_value(visitor) AS visitor, min(t) AS began, {nodes}
    FROM steps WHERE depth <= {asked.steps} GROUP BY path
), won AS (
    SELECT {listed}, r.who, r.visitor, {converted} AS won FROM routes r{join}
), clusters AS (
    SELECT {listed}, {cluster} AS cluster, count(*) AS paths, {x} AS x, {y} AS y FROM won GROUP BY {listed}, {cluster}
), top AS (
    SELECT {listed}, CAST(sum(paths) AS BIGINT) AS times, {named} FROM clusters GROUP BY {listed}
    ORDER BY times DESC, {listed} LIMIT {limit}
)
SELECT {shown}, top.times, {", ".join(f"top.{name}" for name in block_names)} FROM top {joins} ORDER BY top.times DESC, {listed}"""
        return self.bind.statement(sql, f"paths by {self.asked.node}")

    def _moments(self) -> list[str]:
        """The seven numbers of a block over the clusters of a path."""
        fx, fy = "CAST(x AS DOUBLE)", "CAST(y AS DOUBLE)"
        return ["count(*)", "sum(x)", "sum(y)", f"sum({fx} * {fx})", f"sum({fx} * {fy})", f"sum({fy} * {fy})", "NULL"]

    # -- steps -------------------------------------------------------------------------------------------------------

    def _raw(self) -> tuple[str, str, str]:
        """What a node is made from: the event's value, the column that holds it in ``values_``, the node's text over that."""
        if self.asked.node in ("page", "page_group"):
            return "e.path", "path", self.dims.get(self.asked.node).sql
        value = "e.name" if self.asked.node == "event" else f"CAST({self.dims.get(self.asked.node).sql} AS VARCHAR)"
        return value, "value", "e.value"

    def _names(self) -> list[str]:
        """``nodes``: each value of an event with the number of its node; ``names``: number and text.

        Numbers in the order of the texts: the passes over the events sort and compare these, each text is cleaned once.
        """
        raw, column, text = self._raw()
        views = f" AND e.name IN ({self.bind.all(VIEWS)})" if column == "path" and self.asked.select is None else ""
        values = f"SELECT DISTINCT {raw} AS {column} FROM events e WHERE {raw} IS NOT NULL AND e.day >= {self.bind(self.cut.period.first)}{views}"
        node = f"coalesce(nullif({text}, ''), {self.bind(NONE)})"
        numbered = f"SELECT raw, node, dense_rank() OVER (ORDER BY node) AS n FROM (SELECT e.{column} AS raw, {node} AS node FROM ({values}) e)"
        return [f"nodes AS ({numbered})", "names AS (SELECT DISTINCT n, node FROM nodes)"]

    def _events(self) -> str:
        """The events that make nodes: unit, session or place in time, what the node is made from."""
        asked, cut = self.asked, self.cut
        raw, column, _ = self._raw()
        condition = f"{rows_of(self, asked.select)} AND {raw} IS NOT NULL"
        if asked.select is None and column == "path":
            condition = f"e.name IN ({self.bind.all(VIEWS)}) AND {raw} IS NOT NULL"
        where: Expression | None = cut.where
        columns = ["e.visitor_key AS visitor", "e.t", "e.seq", "e.id_hash AS id", f"{raw} AS raw"]
        if asked.gap is None:
            columns.insert(0, "e.session_key AS path")
            condition += f" AND e.session_key IS NOT NULL AND {self.in_range('s')}"
            if where is not None:  # the sessions are joined already
                condition += f" AND {session_filter(self.dims, where)}"
            return unit_events(self, asked.per, columns, condition, first=cut.period.first)
        return unit_events(
            self, asked.per, columns, condition, first=cut.period.first, last=cut.period.last, segment=where
        )

    def _steps(self) -> str:
        """CTEs up to ``steps``: path, who, visitor, depth (from 1), node (its number), t, the next node and its moment."""
        asked = self.asked
        order = "ORDER BY t, seq, id"
        ctes = [*self._names(), f"happened AS ({self._events()})"]
        path, source = "h.path", "happened"
        if asked.gap is not None:
            compare = ">=" if self.plan.rules.session.gap == "inclusive" else ">"
            opens = f"CASE WHEN n > 1 AND NOT (t - t0 {compare} {asked.gap * 1_000_000}) THEN 0 ELSE 1 END"
            window = f"OVER (PARTITION BY unit {order}"
            path, source = "CONCAT(h.unit, ':', h.run)", "parted"
            ctes.append(
                f"parted AS (SELECT *, sum({opens}) {window} ROWS UNBOUNDED PRECEDING) AS run "
                f"FROM (SELECT *, row_number() {window}) AS n, lag(t) {window}) AS t0 FROM happened))"
            )
        ctes.append(
            f"sessioned AS (SELECT {path} AS path, h.unit AS who, h.visitor, h.t, h.seq, h.id, n.n AS node "
            f"FROM {source} h JOIN nodes n ON n.raw = h.raw)"
        )
        window = f"OVER (PARTITION BY path {order})"
        # Of equal neighbours the last one stays: a node's time is when it was left last. Numbers begin at 1.
        ctes.append(
            f"ordered AS (SELECT path, who, visitor, t, node, row_number() {window} AS k, lead(node) {window} AS later FROM sessioned)"
        )
        kept = "ordered WHERE coalesce(later, 0) <> node" if asked.collapse else "ordered"
        window = f"OVER (PARTITION BY path ORDER BY k{' DESC' if asked.backward else ''})"
        placed = (
            f"SELECT path, who, visitor, node, t, row_number() {window} AS place, lead(node) {window} AS next_node, "
            f"lead(t) {window} AS next_t FROM {kept}"
        )
        if asked.start is None and asked.end is None:
            ctes.append(f"steps AS (SELECT *, place AS depth FROM ({placed}) WHERE place <= {asked.steps})")
        else:
            ctes += self._anchored(placed)
        return ", ".join(ctes)

    def _anchored(self, placed: str) -> list[str]:
        """Steps counted from the first ``start`` (or backward from the first ``end``), up to the ``end`` where both are named."""
        asked = self.asked
        if asked.backward:
            origin = f"max(CASE WHEN node = {self._number(asked.end)} THEN place END)"  # the first in time
        else:
            origin = f"min(CASE WHEN node = {self._number(asked.start)} THEN place END)"
        found = f"SELECT *, {origin} OVER (PARTITION BY path) AS origin FROM ({placed})"
        ctes = [f"anchored AS (SELECT *, place - origin + 1 AS depth FROM ({found}) WHERE place >= origin)"]
        if asked.start is None or asked.end is None:
            return [*ctes, "steps AS (SELECT * FROM anchored)"]
        target = (
            f"min(CASE WHEN node = {self._number(asked.end)} AND depth > 1 THEN depth END) OVER (PARTITION BY path)"
        )
        ctes.append(f"steps AS (SELECT * FROM (SELECT *, {target} AS target FROM anchored) WHERE depth <= target)")
        return ctes

    def _hops(self) -> str:
        """From each step to the next; a path that stops says so. Backward: from what came before."""
        asked = self.asked
        limits = [f"depth < {asked.steps}"]
        if asked.start is not None and asked.end is not None:
            limits.append("depth < target")
        where = " AND ".join(limits)
        # Beyond the last step stands nothing, or what an engine takes for nothing: the numbers of nodes begin at 1.
        following = "coalesce(next_node, 0)"
        nodes = f"{following} AS a, node AS b" if asked.backward else f"node AS a, {following} AS b"
        time = "t - next_t" if asked.backward else "next_t - t"
        depth = "-depth" if asked.backward else "depth"
        return f"SELECT {depth} AS depth, {nodes}, who, CASE WHEN {following} > 0 THEN {time} END AS dt FROM steps WHERE {where}"

    def _number(self, node: str | None) -> str:
        """The number of a node; null where no event has it."""
        return f"(SELECT max(n) FROM names WHERE node = {self.bind(node)})"
