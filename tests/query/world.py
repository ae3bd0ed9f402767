"""A random world of about 2,000 events, and the same facts derived from the raw lines by other means.

``raw`` is what was sent. ``ev`` are the lines that count, ``ses`` the visits, ``ord`` the orders, made here by SQL of its
own over the raw lines; nothing of the program is used.
"""

from __future__ import annotations

import random
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from support import Event, at, event

ZONE = "Europe/Berlin"
START = at("2024-03-20 00:00", ZONE)
DAY = 86_400_000_000
MINUTE = 60_000_000
SOURCES = [{}, {}, {"utm_source": "google", "utm_medium": "cpc"}, {"utm_source": "news", "utm_medium": "email"}]
NAMES = ["page_view"] * 6 + ["click", "view_item", "view_item", "add_to_cart", "begin_checkout", "purchase", "sign_up"]


def world(seed: int = 1, visitors: int = 130) -> list[Event]:
    """Events in no order, some sent twice."""
    draw = random.Random(seed)
    events: list[Event] = []
    orders: list[tuple[str, int, str]] = []
    for n in range(visitors):
        common: dict[str, Any] = {}
        if n % 5 == 0:
            common["user"] = f"u{n // 10}"
        if n % 3 == 0:
            common["account"] = f"acc{n % 4}"
        if n % 25 == 7:
            common["bot"] = True
        for _ in range(draw.randint(1, 5)):
            time = START + draw.randrange(28 * 24 * 60) * MINUTE
            first = {**draw.choice(SOURCES), "device": draw.choice(["desktop", "mobile", None])}
            staging = {"environment": "staging"} if draw.random() < 0.05 else {}
            for _ in range(draw.randint(1, 9)):
                name = draw.choice(NAMES)
                fields: dict[str, Any] = {
                    **common,
                    **first,
                    **staging,
                    "path": draw.choice(["/", "/a", "/b?q=1", "/p/1"]),
                }
                if name == "sign_up":
                    fields["props"] = {"plan": draw.choice(["pro", "free"]), "seats": draw.randint(1, 9)}
                if name == "purchase":
                    order = f"o{len(orders)}"
                    amount = f"{draw.randint(1, 9000) / 100:.2f}"
                    fields |= {"order_id": order, "amount": draw.choice([amount, amount, None])}
                    if not (common.get("bot") or staging):
                        orders.append((order, time, amount))
                    if draw.random() < 0.3:
                        again = {**fields, "amount": f"{draw.randint(1, 9000) / 100:.2f}", "seq": 1}
                        events.append(event(f"v{n}", name, time, **again))
                events.append(event(f"v{n}", name, time, **fields))
                time += draw.choice([0, 1, 4, 9, 29, 30, 31]) * MINUTE + draw.choice([0, 0, 1])
    for order, time, amount in orders:
        if draw.random() < 0.3:
            fields = {"order_id": order, "amount": f"{float(amount) / 2:.2f}", "interactive": False}
            events.append(event(None, "refund", time + draw.randrange(40) * DAY, **fields))
    events.append(event(None, "refund", START + 9 * DAY, order_id="unknown", amount="3.00", interactive=False))
    for n, one in enumerate(events):
        one["id"] = f"e{n}"
    events += [dict(e) for e in draw.sample(events, len(events) // 20)]
    draw.shuffle(events)
    return events


def facts(events: list[Event]) -> duckdb.DuckDBPyConnection:
    """The raw lines and what follows from them."""
    con = duckdb.connect()
    con.execute(
        "CREATE TABLE raw (id VARCHAR, name VARCHAR, t BIGINT, day DATE, visitor VARCHAR, usr VARCHAR, account VARCHAR, seq INT, path VARCHAR, "
        "device VARCHAR, src VARCHAR, plan VARCHAR, seats INT, oid VARCHAR, amount DECIMAL(18, 2), live BOOLEAN)"
    )
    lines = []
    for e in events:
        day = datetime.fromtimestamp(e["time"] // 1_000_000, ZoneInfo(ZONE)).date()
        props = e.get("props", {})
        live = e.get("environment") is None and not e.get("bot")
        lines.append(
            (
                e["id"],
                e["name"],
                e["time"],
                day,
                e["visitor"],
                e.get("user"),
                e.get("account"),
                e.get("seq", 0),
                (e.get("path") or "").split("?")[0],
                e.get("device"),
                e.get("utm_source"),
                props.get("plan"),
                props.get("seats"),
                e.get("order_id"),
                e.get("amount"),
                live,
            )
        )
    con.register("lines", pa.table([pa.array(c) for c in zip(*lines, strict=True)], [f"c{i}" for i in range(16)]))
    con.execute("INSERT INTO raw SELECT * FROM lines")
    con.execute("""
CREATE TABLE ev AS SELECT *, coalesce(first(usr) OVER (PARTITION BY visitor), visitor) AS person FROM (SELECT DISTINCT * FROM raw) WHERE live;
CREATE TABLE evs AS
SELECT *, visitor || '#' || sum(opens) OVER (PARTITION BY visitor ORDER BY t, seq, hash(id)) AS sid FROM (
    SELECT *, CASE WHEN t - lag(t) OVER (PARTITION BY visitor ORDER BY t, seq, hash(id)) <= 1800000000 THEN 0 ELSE 1 END AS opens
    FROM ev WHERE name <> 'refund');
CREATE TABLE ses AS
SELECT sid, any_value(visitor) AS visitor, any_value(person) AS person, any_value(account) AS account, min(t) AS t0, max(t) AS t1,
    arg_min(day, t) AS day, arg_min({'v': device}, (t, seq, id)).v AS device,
    CASE arg_min({'v': src}, (t, seq, id)).v WHEN 'google' THEN 'Paid Search' WHEN 'news' THEN 'Email' ELSE 'Direct' END AS channel,
    count(*) FILTER (WHERE name = 'page_view') AS views,
    count(*) FILTER (WHERE name = 'page_view') = 1 AND count(*) FILTER (WHERE name NOT IN ('page_view', 'view_item')) = 0 AS bounced
FROM evs GROUP BY sid;
CREATE TABLE ord AS
SELECT oid, arg_min(visitor, (t, seq, id)) AS visitor, arg_min(person, (t, seq, id)) AS person, any_value(account) AS account,
    arg_min(sid, (t, seq, id)) AS sid, min(t) AS t, arg_min(day, (t, seq, id)) AS day, arg_min(id, (t, seq, id)) AS line,
    arg_min(amount, (t, seq, id)) FILTER (WHERE amount IS NOT NULL) AS gross,
    coalesce(arg_min(amount, (t, seq, id)) FILTER (WHERE amount IS NOT NULL), 0) - coalesce((SELECT sum(r.amount) FROM ev r WHERE r.name = 'refund' AND r.oid = e.oid), 0) AS net
FROM evs e WHERE name = 'purchase' GROUP BY oid""")
    return con
