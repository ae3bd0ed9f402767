"""What an import has to tell: why rows stand in quarantine, and what the store holds now."""

from __future__ import annotations

from collections.abc import Sequence

from assay.query.sql import Binder
from assay.store.engine import Statement


def quarantined(segments: Sequence[str]) -> Statement:
    """Reason, rows, and file and line of the first, of these segments' rows in quarantine; the most frequent first."""
    bind = Binder()
    return bind.statement(
        f"SELECT reason, count(*), arg_min(file, line), min(line) FROM quarantine "
        f"WHERE segment IN ({bind.all(segments)}) GROUP BY reason ORDER BY 2 DESC, 1",
        "quarantine of an import",
    )


def contents() -> Statement:
    """Events, visitors and sessions (live, no bots in the latter two), orders and refunds in the store."""
    return Statement(
        "SELECT (SELECT count(*) FROM events), (SELECT count(DISTINCT visitor_key) FROM sessions), "
        "(SELECT count(*) FROM sessions), (SELECT count(*) FROM orders), (SELECT count(*) FROM refunds)",
        {},
        "contents of the store",
    )
