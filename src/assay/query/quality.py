"""SQL behind the quality of the data: gaps, missing properties, odd orders."""

from __future__ import annotations

from assay.model.period import Period
from assay.plan.values import EventDef, Plan
from assay.query.channels import host_in, ignored, referring_host
from assay.query.dimensions import Dimensions
from assay.query.sql import Binder
from assay.store.engine import Statement


def volume(period: Period) -> Statement:
    """Events per day of the range (days without any are absent)."""
    bind = Binder()
    return bind.statement(
        f"SELECT day, count(*) FROM events WHERE environment = 'live' AND NOT bot AND day BETWEEN {bind(period.first)} AND {bind(period.last)} "
        f"GROUP BY day ORDER BY day",
        "events per day",
    )


def volume_by_event(period: Period, names: tuple[str, ...]) -> Statement:
    """Events per day of named events."""
    bind = Binder()
    return bind.statement(
        f"SELECT name, day, count(*) FROM events WHERE environment = 'live' AND NOT bot AND day BETWEEN {bind(period.first)} AND {bind(period.last)} "
        f"AND name IN ({bind.all(names)}) GROUP BY name, day ORDER BY name, day",
        "events per day and name",
    )


def missing_properties(plan: Plan, events: list[EventDef], period: Period) -> Statement:
    """Per event with required properties: how many, and how many lack each (in the order of ``required``)."""
    bind = Binder()
    dims = Dimensions(plan, bind)
    parts = [
        f"SELECT {bind(event.name)}, {bind(name)}, count(*), count(*) FILTER (WHERE {dims.property(name)} IS NULL) FROM events e "
        f"WHERE e.name = {bind(event.name)} AND e.environment = 'live' AND e.day BETWEEN {bind(period.first)} AND {bind(period.last)}"
        for event in events
        for name in event.required
    ]
    return bind.statement(" UNION ALL ".join(parts), "missing properties")


def orders() -> Statement:
    """Orders: all, without id, without amount, lines beyond the first, without a visit; refunds of no known order and their sum."""
    return Statement(
        """
SELECT count(*), count(*) FILTER (WHERE order_id LIKE 'event:%'), count(*) FILTER (WHERE gross IS NULL AND rate <> 0), coalesce(sum(lines - 1), 0),
    count(*) FILTER (WHERE session_key IS NULL), (SELECT count(*) FROM refunds WHERE order_id IS NULL), (SELECT sum(amount) FROM refunds WHERE order_id IS NULL),
    count(*) FILTER (WHERE rate = 0)
FROM orders""",
        {},
        "orders",
    )


def bots() -> Statement:
    """Events of bots, events without visitor, and staging events."""
    return Statement(
        "SELECT count(*), count(*) FILTER (WHERE bot), count(*) FILTER (WHERE visitor_key IS NULL AND interactive), "
        "count(*) FILTER (WHERE environment <> 'live') FROM events",
        {},
        "bots",
    )


def returns(plan: Plan, period: Period) -> Statement:
    """Sessions that came back from a payment provider, a login service or an ignored host, by host; own domains left out."""
    bind = Binder()
    host = referring_host("s.referrer")
    own = f" AND NOT ({host_in('host', tuple(plan.site.domains))})" if plan.site.domains else ""
    return bind.statement(
        f"SELECT host, count(*) FROM (SELECT {host} AS host FROM sessions s WHERE s.referrer IS NOT NULL "
        f"AND s.day BETWEEN {bind(period.first)} AND {bind(period.last)}) r "
        f"WHERE {ignored('host', plan)}{own} GROUP BY host ORDER BY 2 DESC, 1",
        "sessions from ignored hosts",
    )
