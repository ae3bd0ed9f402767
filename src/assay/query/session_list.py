"""The sessions of a range, one row each, as they were derived under the plan's rules."""

from __future__ import annotations

from assay.plan.values import Plan
from assay.query.cut import Cut, Frame
from assay.query.dimensions import session_filter, visitor_joins
from assay.store.engine import Statement

COLUMNS = (
    "visitor",
    "user_id",
    "session_no",
    "start_t",
    "duration",
    "events",
    "page_views",
    "is_bounce",
    "is_new",
    "channel",
    "source",
    "campaign",
    "entry_page",
    "exit_page",
    "device",
    "country",
)

NAMES = 100  # a machine's session may have a million events


class SessionList(Frame):
    """The first ``limit`` sessions of a cut in time order; 0 = all."""

    def __init__(self, plan: Plan, cut: Cut, limit: int) -> None:
        super().__init__(plan, cut)
        self.limit = limit

    def _chosen(self, columns: str) -> str:
        where = [self.in_range("s")]
        if self.cut.where is not None:
            where.append(session_filter(self.dims, self.cut.where))
        text = " ".join(where)
        joins = visitor_joins(text)
        source = f"sessions s JOIN visitors v ON v.visitor_key = s.visitor_key{joins}"
        limit = f" LIMIT {self.limit}" if self.limit else ""
        return f"SELECT {columns} FROM {source} WHERE {' AND '.join(where)} ORDER BY s.start_t, s.session_key{limit}"

    def rows(self) -> Statement:
        """One row per session: its key, then ``COLUMNS``."""
        special = {
            "visitor": "v.visitor",
            "user_id": "v.user_id",
            "duration": "(s.end_t - s.start_t) / 1000000.0 AS duration",
        }
        columns = ", ".join(special.get(name, f"s.{name}") for name in COLUMNS)
        return self.bind.statement(self._chosen(f"s.session_key, {columns}"), "sessions")

    def names(self) -> Statement:
        """The first ``NAMES`` event names of each of the same sessions in time order: session, name."""
        sql = (
            f"WITH chosen AS ({self._chosen('s.session_key AS session_key, s.start_t AS start_t')}), placed AS ("
            "SELECT c.session_key, c.start_t, n.name, "
            "row_number() OVER (PARTITION BY c.session_key ORDER BY n.t, n.seq, n.id) AS place "
            "FROM chosen c JOIN events n ON n.session_key = c.session_key) "
            f"SELECT session_key, name FROM placed WHERE place <= {NAMES} ORDER BY start_t, session_key, place"
        )
        return self.bind.statement(sql, "events of the sessions")
