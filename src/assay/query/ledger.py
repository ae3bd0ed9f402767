"""What became of every line that was received: from the segments that were loaded."""

from __future__ import annotations

from assay.store.engine import Statement


def segments() -> Statement:
    """Segments of events: name, moment of loading, and what became of their rows."""
    return Statement(
        "SELECT name, loaded_at, rows, stored, duplicates, clashes, quarantined, erased, expired FROM segments WHERE kind = 'events' ORDER BY name",
        {},
        "segments of events",
    )


def refusals() -> Statement:
    """Segment, reason, lines that were refused."""
    return Statement("SELECT segment, reason, lines FROM refusals ORDER BY segment, reason", {}, "refused lines")


def stored_events() -> Statement:
    """Events in the store by environment, and bots among them."""
    return Statement(
        "SELECT environment, count(*), count(*) FILTER (WHERE bot) FROM events GROUP BY 1 ORDER BY 1",
        {},
        "events by environment",
    )


def quarantined() -> Statement:
    """Rows in quarantine: segment, file, line, reason, and what came as JSON or raw text."""
    return Statement("SELECT segment, file, line, reason, raw FROM quarantine ORDER BY segment, line", {}, "quarantine")


def held_back() -> Statement:
    """Rows in quarantine."""
    return Statement("SELECT count(*) FROM quarantine", {}, "rows in quarantine")
