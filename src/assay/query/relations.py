"""Small readings of the store that several questions need."""

from __future__ import annotations

from assay.query.sql import Binder
from assay.store.engine import Statement


def span() -> Statement:
    """First day, last day and number of live events that are no bots."""
    return Statement(
        "SELECT min(day), max(day), count(*) FROM events WHERE environment = 'live' AND NOT bot", {}, "span"
    )


def event_counts() -> Statement:
    """Name, events, first and last day, of everything live."""
    return Statement(
        "SELECT name, count(*), min(day), max(day) FROM events WHERE environment = 'live' GROUP BY name ORDER BY count(*) DESC, name",
        {},
        "events by name",
    )


def segments_loaded() -> Statement:
    """What was loaded: segments, rows, stored, duplicates, clashes, quarantined."""
    return Statement(
        "SELECT kind, count(*), sum(rows), sum(stored), sum(duplicates), sum(clashes), sum(quarantined) FROM segments GROUP BY kind ORDER BY kind",
        {},
        "segments",
    )


def quarantine_reasons() -> Statement:
    """Reasons for rows in quarantine, with an example."""
    return Statement(
        "SELECT reason, count(*), min(file), min(line) FROM quarantine GROUP BY reason ORDER BY 2 DESC, 1",
        {},
        "quarantine",
    )


def foreign_currencies(site: str) -> Statement:
    """Currencies of orders, refunds and costs other than the site's, with the days they occur on and no rate yet."""
    bind = Binder()
    return bind.statement(
        f"SELECT DISTINCT currency FROM (SELECT currency FROM events WHERE amount IS NOT NULL UNION SELECT currency FROM costs) "
        f"WHERE currency IS NOT NULL AND currency <> {bind(site)} AND currency NOT IN (SELECT currency FROM rates)",
        "currencies",
    )
