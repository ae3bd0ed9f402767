"""What became of every line that was received: from the segments that were loaded."""

from __future__ import annotations

from assay.store.engine import Statement


def segments() -> Statement:
    """Segments of events: name, moment of loading, and what became of their rows."""
    return Statement(
        "SELECT name, loaded_at, rows, stored, duplicates, clashes, quarantined FROM segments WHERE kind = 'events' ORDER BY name",
        {},
        "segments of events",
    )


def refusals() -> Statement:
    """Segment, reason, lines that were refused."""
    return Statement("SELECT segment, reason, lines FROM refusals ORDER BY segment, reason", {}, "refused lines")


def stored_events() -> Statement:
    """Events in the store, and bots among them, by the day (UTC, days since 1970) on which they were received."""
    return Statement(
        "SELECT received_at // 86400000000, count(*), count(*) FILTER (WHERE bot) FROM events GROUP BY 1 ORDER BY 1",
        {},
        "events by day received",
    )
