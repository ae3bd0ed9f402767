"""Products and pairs on a small shop worked out by hand, and against SQL over the raw lines of a random one."""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from assay.model.errors import Refused
from assay.stats.proportions import wilson
from assay.workspace import Workspace
from support import Event, at, bought, event, refunded, table, view, workspace

DAY = "2024-03-01 "
SPAN = {"from": "2024-03-01", "to": "2024-03-02"}
PLAN = """
site: {name: Test, timezone: UTC, currency: EUR}
orders: {cost: 50%}
segments: {mobile: "device = 'mobile'"}
"""
COAT = {"item_id": "1", "item_name": "Coat", "item_category": "wear", "item_brand": "X", "price": 100, "quantity": 1}
SOCKS = {"item_id": "2", "item_name": "Socks", "item_category": "wear", "price": "9.95", "quantity": 2}
MUG = {"item_id": "3", "item_name": "Mug", "item_category": "home", "price": 5}


def seen(who: str, time: str, *items: dict[str, Any], name: str = "view_item", **fields: Any) -> Event:
    return event(who, name, DAY + time, items=list(items), **fields)


EVENTS = [
    seen("a", "10:00", COAT),
    seen("a", "10:01", COAT),
    seen("a", "10:02", COAT, name="add_to_cart"),
    bought("a", DAY + "10:05", "o1", "120.00", items=[COAT, SOCKS], props={"coupon": "x"}),
    bought("a", DAY + "10:05:01", "o1", "120.00", items=[COAT, SOCKS]),  # the same order again
    seen("b", "11:00", COAT, MUG, device="mobile"),
    bought("b", DAY + "11:05", "o2", "15.00", items=[{**MUG, "quantity": 3, "coupon": "mug"}], device="mobile"),
    seen("c", "12:00", COAT),
    seen("c", "12:01", SOCKS, name="add_to_cart"),
    bought("d", DAY + "13:00", "o3", "5.00", items=[MUG]),
    bought("e", DAY + "13:00", "o4", "50.00"),
    seen("bot", "10:00", COAT, bot=True),
    event("f", "view_item", "2024-03-09 10:00", items=[COAT]),
    refunded("2024-03-05 10:00", "o1", "9.95", items=[{**SOCKS, "quantity": 1}]),
    refunded("2024-03-05 11:00", "o3", "5.00"),
    bought("t", DAY + "14:00", "o9", "100.00", items=[COAT], props={"order_type": "test"}),
]  # fmt: skip
COLUMNS = (
    "item_name", "views", "viewers", "add_rate", "buy_rate", "buyers", "orders", "quantity", "revenue", "returned", "refunded",
    "margin", "coupon_share",
)  # fmt: skip


@pytest.fixture
def ws(engine: str, opened: dict[str, Workspace], tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    if engine not in opened:
        opened[engine] = workspace(tmp_path_factory.mktemp("products"), PLAN, EVENTS, engine=engine)
    return opened[engine]


def test_products_by_hand(ws: Workspace) -> None:
    """Margin: the plan's rate of 50 % of what is left after refunds."""
    found = ws.products(**SPAN)
    assert table(found, *COLUMNS) == [
        (
            "Coat",
            4,
            3,
            pytest.approx(1 / 3),
            pytest.approx(1 / 3),
            1,
            1,
            1,
            Decimal(100),
            0,
            Decimal(0),
            Decimal(50),
            1.0,
        ),
        ("Mug", 1, 1, 0.0, 1.0, 2, 2, 4, Decimal(20), 0, Decimal(0), Decimal(10), 0.5),
        ("Socks", 0, 0, None, None, 1, 1, 2, Decimal("19.90"), 1, Decimal("9.95"), Decimal("4.975"), 1.0),
    ]
    assert all(isinstance(money, Decimal) for name in ("revenue", "margin") for money in found.column(name))
    coat = found.records()[0]
    exact = wilson(1, 3)
    assert (coat["buy_rate_low"], coat["buy_rate_high"]) == (exact.low, exact.high)
    assert "1 orders (50.00 €) name no items: they are in no row" in found.notes
    assert "1 refunds (5.00 €) name no items: they are in no row" in found.notes
    assert found.sentence == (
        "Coat brings most revenue (100.00 € of 1 pieces, 71.5 % of all); 33.3 % of those who saw it bought it, "
        "1 to 2 Mar 2024."
    )


def test_by_category_and_brand_and_segment(ws: Workspace) -> None:
    by = ws.products(by="item_category", **SPAN)
    assert table(by, "item_category", "viewers", "orders", "quantity", "revenue") == [
        ("wear", 3, 1, 3, Decimal("119.90")),
        ("home", 1, 2, 4, Decimal(20)),
    ]
    brands = table(ws.products(by="item_brand", **SPAN), "item_brand", "quantity")
    assert brands == [("X", 1), ("(none)", 6)]
    assert table(ws.products(segment="mobile", **SPAN), "item_name", "viewers", "quantity") == [
        ("Mug", 1, 3),
        ("Coat", 1, 0),
    ]
    with pytest.raises(Refused, match="segment over items"):
        ws.products(segment="item_name = 'Mug'", **SPAN)


def test_pairs_by_hand(ws: Workspace) -> None:
    """Of three orders with items one holds coat and socks, each in one order: three times what chance would bring."""
    (pair,) = ws.products(pairs=True, least=1, **SPAN).records()
    assert {k: pair[k] for k in ("product", "other", "both", "support", "attach_rate", "lift", "orders_all")} == {
        "product": "Coat", "other": "Socks", "both": 1, "support": pytest.approx(1 / 3), "attach_rate": 1.0,
        "lift": pytest.approx(3.0), "orders_all": 3,
    }  # fmt: skip
    none = ws.products(pairs=True, **SPAN)
    assert none.empty == "no two products were bought together in 2 orders or more, 1 to 2 Mar 2024"
    assert ws.products(limit=1, **SPAN).notes[-1] == "2 further rows are not shown; --limit shows more"


def test_refunds_booked_on_their_own_day(tmp_path: Path) -> None:
    with workspace(tmp_path, PLAN + "rules: {refunds: booked}", EVENTS) as ws:
        assert [r["returned"] for r in ws.products(**SPAN).records()] == [0, 0, 0]
        later = ws.products(**{"from": "2024-03-05", "to": "2024-03-05"})
        assert table(later, "item_name", "quantity", "returned", "refunded") == [("Socks", 0, 1, Decimal("9.95"))]


def test_cost_of_the_items_comes_before_the_rate(tmp_path: Path) -> None:
    lines = [
        bought("a", DAY + "10:00", "o1", "1", items=[{**COAT, "cost": "60.10"}, {**SOCKS, "cost": 1}]),
        bought("b", DAY + "10:00", "o2", "1", items=[SOCKS]),
    ]
    with workspace(tmp_path, PLAN, lines) as ws:
        found = {
            one.group["item_name"]: one.estimate for one in ws.products(**SPAN).estimates if one.metric == "margin"
        }
        assert found["Coat"].value == Decimal("39.90")
        assert (found["Socks"].value, found["Socks"].reason) == (None, "1 of 2 lines have no cost")
    with workspace(tmp_path / "plain", "site: {currency: EUR}", lines) as ws:
        found = {
            one.group["item_name"]: one.estimate for one in ws.products(**SPAN).estimates if one.metric == "margin"
        }
        assert found["Coat"].value == Decimal("39.90")


def test_without_items(tmp_path: Path) -> None:
    with workspace(tmp_path, PLAN, [view("a", DAY + "10:00")]) as ws:
        found = ws.products(**SPAN)
        assert found.empty == "no event with items in 1 to 2 Mar 2024"
        assert "view_item, add_to_cart and purchase" in found.sentence


def test_seen_by_many_and_bought_by_few(tmp_path: Path) -> None:
    lines = [seen(f"v{n}", "10:00", COAT, MUG) for n in range(200)]
    lines += [bought(f"v{n}", DAY + "11:00", f"o{n}", "5", items=[MUG]) for n in range(60)]
    with workspace(tmp_path, PLAN, lines) as ws:
        (finding,) = ws.products(**SPAN).findings
        assert finding.text.startswith("Coat is seen by 200 and bought by 0 % of them (all products: 15.0 %)")


def shop(seed: int) -> list[Event]:
    """Random visitors who see, add and buy five products."""
    draw = random.Random(seed)
    events, order = [], 0
    for n in range(120):
        for _ in range(draw.randint(1, 4)):
            time = at("2024-03-01 00:00") + draw.randrange(10 * 86_400) * 1_000_000
            items = [
                {"item_id": str(i), "item_name": f"p{i}", "price": f"{i}.99", "quantity": draw.randint(1, 3)}
                for i in draw.sample(range(1, 6), draw.randint(1, 3))
            ]
            name = draw.choice(["view_item", "view_item", "add_to_cart", "purchase"])
            if name == "purchase":
                order += 1
                coupon = {"props": {"coupon": "c"}} if draw.random() < 0.3 else {}
                events.append(bought(f"v{n % 90}", time, f"o{order}", "9.00", items=items, **coupon))
            else:
                events.append(event(f"v{n % 90}", name, time, items=items))
    return events


def raw(events: list[Event]) -> duckdb.DuckDBPyConnection:
    """it: one row per item of an event of the first week."""
    con = duckdb.connect()
    con.execute(
        "CREATE TABLE it (visitor VARCHAR, name VARCHAR, oid VARCHAR, coupon BOOLEAN, p VARCHAR, price DECIMAL(9, 2), n INT)"
    )
    first, end = at("2024-03-01 00:00"), at("2024-03-08 00:00")
    con.executemany(
        "INSERT INTO it VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (e["visitor"], e["name"], e.get("order_id"), "props" in e, i["item_name"], i["price"], i["quantity"])
            for e in events
            for i in e["items"]
            if first <= e["time"] < end
        ],
    )
    return con


@pytest.mark.everywhere
def test_against_sql_over_the_raw_lines(tmp_path: Path, engine: str) -> None:
    events = shop(3)
    con = raw(events)
    week = {"from": "2024-03-01", "to": "2024-03-07"}
    with workspace(tmp_path, PLAN, events, engine=engine) as ws:
        found = ws.products(**week)
        expected = con.execute("""
WITH v AS (SELECT p, visitor, bool_or(name = 'view_item') AS s, bool_or(name = 'add_to_cart') AS a, bool_or(name = 'purchase') AS b FROM it GROUP BY ALL)
SELECT p, count(*) FILTER (WHERE s), count(*) FILTER (WHERE s AND a) / count(*) FILTER (WHERE s), count(*) FILTER (WHERE s AND b) / count(*) FILTER (WHERE s),
    count(*) FILTER (WHERE b), any_value(q), any_value(r), any_value(o), any_value(c) FROM v
JOIN (SELECT p, sum(n) AS q, sum(price * n) AS r, count(DISTINCT oid) AS o, count(DISTINCT CASE WHEN coupon THEN oid END) / count(DISTINCT oid) AS c
    FROM it WHERE name = 'purchase' GROUP BY p) USING (p)
GROUP BY p ORDER BY any_value(r) DESC""").fetchall()
        names = (
            "item_name",
            "viewers",
            "add_rate",
            "buy_rate",
            "buyers",
            "quantity",
            "revenue",
            "orders",
            "coupon_share",
        )
        assert table(found, *names) == expected
        pairs = con.execute("""
WITH o AS (SELECT DISTINCT oid, p FROM it WHERE name = 'purchase'), n AS (SELECT p, count(*) AS n FROM o GROUP BY p)
SELECT a.p, b.p, count(*), count(*) / x.n, count(*) * (SELECT count(DISTINCT oid) FROM o) / (x.n * y.n)
FROM o a JOIN o b ON a.oid = b.oid AND a.p <> b.p JOIN n x ON x.p = a.p JOIN n y ON y.p = b.p
WHERE x.n < y.n OR (x.n = y.n AND a.p < b.p) GROUP BY a.p, b.p, x.n, y.n ORDER BY 3 DESC, 1, 2""").fetchall()
        got = table(ws.products(pairs=True, least=1, **week), "product", "other", "both", "attach_rate", "lift")
        assert [row[:3] for row in got] == [row[:3] for row in pairs]
        assert [row[3:] for row in got] == [pytest.approx(row[3:]) for row in pairs]


def test_items_belong_to_the_line_that_brings_the_money(tmp_path: Path, engine: str) -> None:
    """The browser says who bought, the shop what for how much; where the shop names no items, the browser's stand."""
    lines = [
        seen("a", "10:00", COAT),
        bought("a", DAY + "10:05", "o1", "100.00", items=[COAT]),
        bought(None, DAY + "10:06", "o1", "90.00", source="shop", items=[{**COAT, "price": 90}], interactive=False),
        bought("a", DAY + "11:05", "o2", "5.00", items=[MUG]),
        bought(None, DAY + "11:06", "o2", "5.00", source="shop", interactive=False),
    ]
    plan = "site: {currency: EUR}\norders: {sources: [shop, web]}"
    with workspace(tmp_path, plan, lines, engine=engine) as ws:
        assert table(ws.products(**SPAN), "item_name", "buyers", "quantity", "revenue") == [
            ("Coat", 1, 1, Decimal(90)),
            ("Mug", 1, 1, Decimal(5)),
        ]
