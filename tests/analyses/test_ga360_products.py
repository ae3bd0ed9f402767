"""Products, pairs and entry pages of one real day against SQL over the raw file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from assay.workspace import Workspace
from support import NOW, table

FILE = "ga3_sessions_20170801_half.parquet"
PLAN = """
site: {name: Merchandise store, timezone: America/Los_Angeles, currency: USD, holidays: [US]}
goals: {order: {event: purchase, kind: macro}}
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
    """item: one row per product of a hit; sold: those of each order's first line that has an amount."""
    con = duckdb.connect()
    con.execute(f"""
CREATE TABLE hit AS SELECT fullVisitorId AS visitor, fullVisitorId || '/' || visitId AS sid, visitStartTime * 1000 + CAST(h.time AS BIGINT) AS ms,
    h.hitNumber AS number, h.type AS type, CAST(h.eCommerceAction.action_type AS VARCHAR) AS action, h.transaction.transactionId AS oid, h.product AS products,
    h.transaction.transactionRevenue AS micros, h.page.pagePath AS path
FROM (SELECT *, unnest(hits) AS h FROM read_parquet('{path}'));
CREATE TABLE item AS SELECT * EXCLUDE products, p.v2ProductName AS name, CAST(p.productPrice AS DECIMAL(18, 0)) / 1000000 AS price,
    coalesce(CAST(p.productQuantity AS INTEGER), 1) AS pieces FROM (SELECT *, unnest(products) AS p FROM hit)""")
    # Two of the ids stand for a second order too: the plan's rule takes the first line of an id.
    con.execute(
        "CREATE TABLE first AS SELECT oid, sid, arg_min(number, ms) AS first FROM hit WHERE oid IS NOT NULL GROUP BY oid, sid"
    )
    yield con
    con.close()


def test_products_seen_and_bought(ws: Workspace, raw: duckdb.DuckDBPyConnection) -> None:
    """GA360's action 2 is a view of the product's page, 3 puts it into the cart, 6 is a purchase."""
    found = {row["item_name"]: row for row in ws.products(limit=10_000, **DAY).records()}
    seen = raw.execute("""
SELECT name, count(*) FILTER (WHERE s), count(*) FILTER (WHERE s AND a), count(*) FILTER (WHERE s AND b), count(*) FILTER (WHERE b) FROM (
    SELECT name, visitor, bool_or(action = '2') AS s, bool_or(action = '3') AS a, bool_or(number = first) AS b
    FROM item LEFT JOIN first USING (sid, oid) WHERE action IN ('2', '3', '6') GROUP BY name, visitor) GROUP BY name""").fetchall()
    assert seen
    for name, viewers, added, bought, buyers in seen:
        row = found[name]
        assert (row["viewers"], row["buyers"]) == (viewers, buyers)
        if viewers:
            assert row["add_rate"] == pytest.approx(added / viewers)
            assert row["buy_rate"] == pytest.approx(bought / viewers)


def test_pieces_and_revenue_of_the_orders(ws: Workspace, raw: duckdb.DuckDBPyConnection) -> None:
    """48 purchase lines tell of 22 orders: the first line of each says what lies in it."""
    expected = raw.execute("""
SELECT name, sum(pieces), CAST(sum(price * pieces) AS DECIMAL(18, 2)) FROM item JOIN first USING (sid, oid) WHERE number = first GROUP BY name""").fetchall()
    rows = table(ws.products(limit=10_000, **DAY), "item_name", "quantity", "revenue")
    got = {name: (quantity, round(Decimal(money), 2)) for name, quantity, money in rows if quantity}
    assert got == {name: (pieces, round(Decimal(str(money)), 2)) for name, pieces, money in expected}


def test_entry_pages(ws: Workspace, raw: duckdb.DuckDBPyConnection) -> None:
    expected = raw.execute("""
WITH entry AS (SELECT sid, regexp_replace(arg_min(path, (ms, number)), '[?#].*$', '') AS page FROM hit WHERE type = 'PAGE' GROUP BY sid),
    ordered AS (SELECT DISTINCT arg_min(sid, (ms, number)) AS sid FROM hit WHERE oid IS NOT NULL GROUP BY oid)
SELECT page, count(*), count(o.sid) FROM entry LEFT JOIN ordered o USING (sid) GROUP BY page""").fetchall()
    rows = table(ws.pages(conversion=True, per="session", limit=10_000, **DAY), "entry_page", "sessions", "conversions")
    assert sorted(row for row in rows if row[0] != "(none)") == sorted(expected)


def test_the_story_of_a_buyer_adds_up(ws: Workspace) -> None:
    order = ws.products(pairs=True, least=1, **DAY)
    assert order.rows
    found = ws.user("7771285007340524144")
    sums = {one.metric: one.estimate.value for one in found.estimates}
    assert (
        sum(m for m in ws.user("7771285007340524144", limit=10_000).column("money") if m is not None)
        == sums["net_revenue"]
    )
    assert ws.ask("changes", **{"from": "2017-07-01", "to": "2017-08-01"}).column("what") == ["Independence Day (US)"]
