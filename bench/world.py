"""A simulated site for the questions about sequences: 2 million visitors, 20 million events, 90 days, as one Parquet file.

Every instant is taken once, so that no two events of a visitor tie: what ClickHouse's ``windowFunnel`` does with ties is its own.
"""

from __future__ import annotations

from pathlib import Path

DAYS = 90
FIRST = "2026-01-01"
PLAN = """
site: {name: Bench, timezone: UTC, currency: USD}
rules: {session_source: own}
goals: {order: {event: purchase, kind: macro}}
metrics:
  visitors: {type: simple, count: visitor}
  sessions: {type: simple, count: session}
  purchase_rate: {type: conversion, event: purchase, per: session}
  bounce_rate: {type: rate, of: session, where: is_bounce}
funnels:
  checkout: {steps: [view_item, add_to_cart, begin_checkout, purchase], per: visitor, window: 7d}
"""

_SESSIONS = """
CREATE OR REPLACE TABLE sessions AS
SELECT s, v, CAST(1767225600 + (h1 % (86400 * 90 - 3600)) AS BIGINT) * 1000000 + (s % 1000) AS start,
    1 + CAST(least(9, floor(-ln((h2 % 100000 + 1) / 100001.0) * 4)) AS INTEGER) AS n, h3 % 100 AS whence, h4 % 3 AS dev
FROM (
    SELECT s, CAST(floor(pow((hash(s * 7 + 1) % 1000003) / 1000003.0, 1.6) * {visitors}) AS BIGINT) AS v,
        hash(s * 7 + 2) AS h1, hash(s * 7 + 3) AS h2, hash(s * 7 + 4) AS h3, 0 AS h4
    FROM range({sessions}) t(s)
)
"""

_EVENTS = """
COPY (
    SELECT printf('%d-%d', s, k) AS id,
        CASE WHEN k = 0 OR r < 55 THEN 'page_view' WHEN r < 77 THEN 'view_item' WHEN r < 89 THEN 'add_to_cart'
            WHEN r < 96 THEN 'begin_checkout' ELSE 'purchase' END AS name,
        start + k * 40000000 + (hash(s * 31 + k) % 20000000) AS "time", 'web' AS source, printf('v%d', v) AS visitor,
        printf('/p/%d', CAST(pow((hash(s * 13 + k) % 1009) / 1009.0, 2) * 200 AS INTEGER)) AS path,
        ['desktop', 'mobile', 'tablet'][1 + v % 3] AS device,
        CASE WHEN whence < 25 THEN 'google' WHEN whence < 35 THEN 'newsletter' WHEN whence < 45 THEN 'facebook' END AS utm_source,
        CASE WHEN whence < 25 THEN 'cpc' WHEN whence < 35 THEN 'email' WHEN whence < 45 THEN 'paid_social' END AS utm_medium,
        CASE WHEN whence BETWEEN 45 AND 69 THEN 'https://www.bing.com/' WHEN whence BETWEEN 70 AND 74 THEN 'https://example.org/a' END AS referrer,
        CASE WHEN k > 0 AND r >= 96 THEN printf('o%d-%d', s, k) END AS order_id,
        CASE WHEN k > 0 AND r >= 96 THEN printf('%d.%02d', 10 + hash(s) % 90, hash(s + 5) % 100) END AS amount
    FROM (SELECT *, hash(s * 17 + k) % 100 AS r FROM (SELECT *, unnest(range(n)) AS k FROM sessions))
) TO '{path}' (FORMAT parquet)
"""


def write(path: Path, millions: float) -> Path:
    """The file; written once."""
    import duckdb

    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    # A session has 4.05 events on average.
    with duckdb.connect() as connection:
        connection.execute(_SESSIONS.format(visitors=int(millions * 100_000), sessions=int(millions * 1e6 / 4.05)))
        connection.execute(_EVENTS.format(path=path))
    return path
