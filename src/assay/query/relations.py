"""Small readings of the store that several questions need."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from assay.query.sql import Binder
from assay.store.engine import Statement


def span() -> Statement:
    """First day, last day and number of live events that are no bots."""
    return Statement(
        "SELECT min(day), max(day), count(*) FROM events WHERE environment = 'live' AND NOT bot", {}, "span"
    )


def daily_visitors() -> Statement:
    """Visitors whose id holds for one day only, and all visitors."""
    return Statement("SELECT count(*) FILTER (WHERE visitor LIKE 'day-%'), count(*) FROM visitors", {}, "ids of a day")


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
    """Currencies other than the site's that have days without a rate: currency, first and last such day."""
    bind = Binder()
    return bind.statement(
        f"SELECT m.currency, min(m.day), max(m.day) FROM (SELECT DISTINCT currency, day FROM events WHERE amount IS NOT NULL "
        f"UNION SELECT DISTINCT currency, day FROM costs) m WHERE m.currency IS NOT NULL AND m.currency <> {bind(site)} "
        f"AND NOT EXISTS (SELECT 1 FROM rates r WHERE r.site = {bind(site)} AND r.currency = m.currency AND r.day = m.day) "
        f"GROUP BY m.currency ORDER BY m.currency",
        "currencies without rates",
    )


def add_rates(site: str, currency: str, days: list[date], rates: list[Decimal]) -> Statement:
    """Store rates: one unit of ``currency`` in the site's."""
    return Statement(
        "INSERT INTO rates SELECT $site, $currency, day, CAST(rate AS DECIMAL(18, 9)) FROM (SELECT unnest($days) AS day, unnest($rates) AS rate) n "
        "WHERE NOT EXISTS (SELECT 1 FROM rates r WHERE r.site = $site AND r.currency = $currency AND r.day = n.day)",
        {"site": site, "currency": currency, "days": days, "rates": [str(rate) for rate in rates]},
        "rates",
    )
