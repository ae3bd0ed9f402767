"""One real day of the Google Merchandise Store, imported and answered: exact figures, and the same by SQL over the raw file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from assay.workspace import Workspace
from support import NOW, rows, table

FILE = "ga3_sessions_20170801_half.parquet"
PLAN = """
site: {name: Merchandise store, timezone: America/Los_Angeles, currency: USD}
rules: {bounce: ga360}
goals: {order: {event: purchase, kind: macro}}
metrics:
  sessions: {type: simple, count: session}
  visitors: {type: simple, count: visitor}
  views: {type: simple, count: page_view}
  bounces: {type: rate, of: session, where: is_bounce}
  orders: {type: simple, count: order}
  revenue: {type: simple, sum: revenue.net}
  rate_session: {type: conversion, goal: order, per: session}
  rate_visitor: {type: conversion, goal: order, per: visitor}
  rpv: {type: simple, sum: revenue.net, per: visitor}
  aov: {type: ratio, numerator: {sum: revenue.net}, denominator: {count: order}}
funnels:
  shop: {steps: [view_item, add_to_cart, begin_checkout, purchase], per: session, window: session}
"""
DAY = {"from": "2017-08-01", "to": "2017-08-01"}


@pytest.fixture(scope="module")
def path(data_file: Callable[[str], Path]) -> Path:
    return data_file(FILE)


@pytest.fixture(scope="module")
def ws(path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("store")
    (folder / "assay.yaml").write_text(PLAN)
    made = Workspace(folder, now=NOW)
    made.import_files("ga360", [path])
    yield made
    made.close()


@pytest.fixture(scope="module")
def raw(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """ses: the file's sessions; hit: its hits; ord: its orders by the rule of the earliest line with an amount."""
    con = duckdb.connect()
    con.execute(f"""
CREATE TABLE ses AS SELECT fullVisitorId || '/' || visitId AS sid, fullVisitorId AS visitor, visitStartTime, channelGrouping AS channel,
    device.deviceCategory AS device, hits FROM read_parquet('{path}');
CREATE TABLE hit AS SELECT sid, visitor, channel, device, (visitStartTime * 1000 + CAST(h.time AS BIGINT)) AS ms, h.hitNumber AS number, h.type AS type,
    CAST(h.eCommerceAction.action_type AS VARCHAR) AS action, h.transaction.transactionId AS oid, h.transaction.transactionRevenue AS micros
FROM (SELECT *, unnest(hits) AS h FROM ses);
CREATE TABLE ord AS SELECT oid, arg_min(sid, (ms, number)) AS sid, arg_min(visitor, (ms, number)) AS visitor, arg_min(channel, (ms, number)) AS channel,
    arg_min(device, (ms, number)) AS device, CAST(arg_min(micros, (ms, number)) FILTER (WHERE micros IS NOT NULL) AS DECIMAL(18, 0)) / 1000000 AS amount
FROM hit WHERE oid IS NOT NULL GROUP BY oid""")
    yield con
    con.close()


def shares(ws: Workspace, name: str, **asked: Any) -> dict[Any, tuple[Any, Any]]:
    answer = ws.ask("metric", name, **DAY, **asked)
    return {tuple(e.group.values()): (e.estimate.numerator, e.estimate.denominator) for e in answer.estimates}


def test_the_figures_of_the_day(ws: Workspace) -> None:
    names = ["sessions", "visitors", "views", "orders", "revenue"]
    answer = ws.ask("metric", names, **DAY)
    assert [e.estimate.value for e in answer.estimates] == [1348, 1200, 5688, 22, Decimal("2931.76")]
    assert shares(ws, "bounces") == {(): (658, 1348)}
    assert shares(ws, "rate_session") == {(): (22, 1348)}
    assert shares(ws, "rate_visitor") == {(): (21, 1200)}
    (rpv,), (aov,) = (ws.ask("metric", name, **DAY).estimates for name in ("rpv", "aov"))
    assert round(rpv.estimate.value, 4) == Decimal("2.4431")
    assert round(aov.estimate.value, 2) == Decimal("133.26")


def test_by_channel_and_device(ws: Workspace) -> None:
    orders = dict(table(ws.ask("metric", "orders", by="channel", **DAY)))
    assert {k: v for k, v in orders.items() if v} == {
        "Referral": 15,
        "Organic Search": 3,
        "Direct": 3,
        "Paid Search": 1,
    }
    assert dict(table(ws.ask("metric", "sessions", by="device", **DAY), "device", "sessions")) == {
        "desktop": 916,
        "mobile": 392,
        "tablet": 40,
    }


def test_the_funnel(ws: Workspace) -> None:
    def units(**asked: Any) -> tuple[int, ...]:
        return tuple(n for (n,) in table(ws.ask("funnel", "shop", **DAY, **asked), "units"))

    assert units() == (223, 79, 41, 15)
    assert units(per="visitor", window="7d") == (208, 71, 38, 15)
    found: dict[str, list[int]] = {}
    for device, n in table(ws.ask("funnel", "shop", by="device", **DAY), "device", "units"):
        found.setdefault(device, []).append(n)
    assert found == {"desktop": [177, 70, 39, 15], "mobile": [42, 7, 1, 0], "tablet": [4, 2, 1, 0]}


@pytest.mark.parametrize("by", ["channel", "device"])
def test_against_sql_over_the_raw_file(ws: Workspace, raw: duckdb.DuckDBPyConnection, by: str) -> None:
    found = raw.execute(f"""
SELECT s.{by}, count(DISTINCT o.sid), count(DISTINCT s.sid), count(DISTINCT s.visitor) FROM ses s LEFT JOIN ord o USING (sid) GROUP BY 1""").fetchall()
    assert shares(ws, "rate_session", by=by) == {(g,): (x, n) for g, x, n, _ in found}
    money = dict(raw.execute(f"SELECT {by}, sum(amount) FROM ord GROUP BY 1").fetchall())
    got = dict(table(ws.ask("metric", "revenue", by=by, **DAY)))
    assert {k: round(v, 2) for k, v in got.items()} == {k: round(Decimal(str(v)), 2) for k, v in money.items()}
    views = dict(raw.execute(f"SELECT {by}, count(*) FROM hit WHERE type = 'PAGE' GROUP BY 1").fetchall())
    assert dict(table(ws.ask("metric", "views", by=by, **DAY))) == views
    overlapping = shares(ws, "rate_visitor", by=by, pick="any")
    assert {k: n for k, (_, n) in overlapping.items()} == {(g,): v for g, _, _, v in found}


def test_the_raw_file_says_the_same(raw: duckdb.DuckDBPyConnection) -> None:
    """The oracle itself: hand-written SQL gives the issue's figures."""
    assert raw.execute(
        "SELECT count(*), sum(amount), count(DISTINCT visitor), count(DISTINCT sid) FROM ord"
    ).fetchone() == (22, pytest.approx(2931.76), 21, 22)
    assert raw.execute(
        "SELECT count(*), count(DISTINCT sid), count(DISTINCT visitor), count(*) FILTER (WHERE len(hits) = 1) FROM ses"
    ).fetchone() == (1348, 1348, 1200, 658)


def test_a_second_import_changes_nothing(ws: Workspace, path: Path) -> None:
    before = rows(
        ws, "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM sessions), (SELECT sum(net) FROM orders)"
    )
    loaded = ws.import_files("ga360", [path])
    assert all(one.again or one.stored == 0 for one in loaded)
    assert (
        rows(ws, "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM sessions), (SELECT sum(net) FROM orders)")
        == before
    )
