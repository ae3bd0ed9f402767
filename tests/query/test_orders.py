"""Orders as entities: merged by id, money from the best source, refunds on the order's own day and unit."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from support import at, bought, dump, event, refunded, rows, table, value, view, workspace

DAY = "2024-03-01 "
D = Decimal


def one(ws, columns: str, order: str = "o1"):
    (row,) = rows(ws, f"SELECT {columns} FROM orders WHERE order_id = $id", id=order)
    return row


def test_lines_of_one_id_are_one_order_and_the_earliest_line_with_an_amount_counts(tmp_path: Path) -> None:
    events = [
        bought("a", DAY + "10:00", "o1", None),
        bought("a", DAY + "10:00", "o1", "30.00", seq=1),
        bought("a", DAY + "10:00", "o1", "20.00", seq=2),
        bought("a", DAY + "10:01", "o1", "99.00"),
        bought("b", DAY + "10:00", "o2", "5.00"),
    ]
    ws = workspace(tmp_path, "", events)
    assert one(ws, "gross, lines, t") == (30, 4, at(DAY + "10:00"))
    assert rows(ws, "SELECT count(*), sum(net) FROM orders") == [(2, 35)]
    ws.close()
    ws = workspace(tmp_path, "rules: {orders: last}")
    assert one(ws, "gross, t") == (99, at(DAY + "10:00"))


def test_money_from_the_ranked_source_who_from_the_browser(tmp_path: Path) -> None:
    events = [
        view("a", DAY + "10:00", referrer="https://www.google.com/"),
        bought("a", DAY + "10:05", "o1", "120.00", source="web"),
        bought(None, DAY + "11:00", "o1", "100.00", source="shop", interactive=False, props={"tax": "16.00"}),
        bought(None, DAY + "09:00", "o1", "101.00", source="crm", interactive=False),
        bought("a", DAY + "10:06", "o2", "7.00", source="web"),
        bought(None, DAY + "12:00", "o3", "8.00", source="shop", interactive=False),
        bought("a", DAY + "10:07", "o4", "9.00", source="web"),
        bought(None, DAY + "12:00", "o4", None, source="shop", interactive=False),
    ]
    ws = workspace(tmp_path, "orders: {sources: [shop, web]}", events)
    assert one(ws, "gross, tax, source, t, lines") == (100, 16, "shop", at(DAY + "10:05"), 3)
    assert rows(ws, "SELECT visitor FROM orders JOIN visitors USING (visitor_key) WHERE order_id = 'o1'") == [("a",)]
    assert one(ws, "gross, session_key IS NULL", "o3") == (8, True)
    # A source without an amount says nothing about the amount: the next one does.
    assert one(ws, "gross, source", "o4") == (9, "web")


def test_types_of_orders(tmp_path: Path) -> None:
    def order(n: int, amount: str, visitor: str = "a", **props: str):
        return bought(visitor, at(DAY + "10:00") + n * 60_000_000, f"o{n}", amount, props=props)

    events = [
        order(0, "1.00", order_type="test"),
        order(1, "10.00"),
        order(2, "0.00"),
        order(3, "12.00"),
        order(4, "13.00", order_type="Renewal"),
        order(5, "14.00", order_type="offline"),
        order(6, "15.00", status="cancelled"),
        order(7, "16.00", visitor="b"),
        order(8, "17.00", visitor="b", status="paid"),
    ]
    ws = workspace(
        tmp_path,
        "metrics: {n: {type: simple, count: order}, rpv: {type: simple, sum: revenue.net, per: visitor}, buyers: {type: conversion, event: purchase}}",
        events,
    )
    assert rows(ws, "SELECT order_type, order_no, counted FROM orders ORDER BY order_id") == [
        ("test", 0, False),
        ("first", 1, True),
        ("zero value", 2, True),
        ("repeat", 3, True),
        ("renewal", 3, False),
        ("offline", 3, False),
        ("cancelled", 3, False),
        ("first", 1, True),
        ("repeat", 2, True),
    ]
    assert value(ws.ask("metric", "n")) == 5
    assert value(ws.ask("metric", "rpv")) == D("27.5")
    # Asked for by type, they are there.
    assert dict(table(ws.ask("metric", "n", by="order_type"), "order_type", "n")) == {
        "first": 2,
        "repeat": 2,
        "zero value": 1,
    }


def test_a_customer_is_the_person_over_all_devices(tmp_path: Path) -> None:
    events = [
        bought("a", DAY + "10:00", "o1", "1.00", user="u"),
        bought("b", DAY + "11:00", "o2", "1.00", user="u"),
        bought("c", DAY + "12:00", "o3", "1.00"),
    ]
    assert rows(workspace(tmp_path, "", events), "SELECT order_type FROM orders ORDER BY order_id") == [
        ("first",),
        ("repeat",),
        ("first",),
    ]


def test_a_later_line_that_cancels(tmp_path: Path) -> None:
    events = [
        bought("a", DAY + "10:00", "o1", "9.00", source="shop"),
        bought(None, DAY + "18:00", "o1", "9.00", source="shop", interactive=False, props={"status": "cancelled"}),
    ]
    assert one(workspace(tmp_path, "", events), "order_type, counted, gross") == ("cancelled", False, 9)


def test_an_order_without_id_is_its_own(tmp_path: Path) -> None:
    ws = workspace(tmp_path, "", [bought("a", DAY + "10:00", None, "3.00"), bought("a", DAY + "10:00", None, "4.00")])
    assert rows(ws, "SELECT count(*), sum(net) FROM orders") == [(2, 7)]


@pytest.mark.parametrize("field", ["shop_id", "order-nr"])
def test_id_amount_and_type_may_be_properties(tmp_path: Path, field: str) -> None:
    plan = f"events: {{order_placed: {{properties: {{{field}: string, total: money, kind: string}}}}}}\norders: {{event: order_placed, id: {field}, amount: total, type: kind}}"
    events = [event("a", "order_placed", DAY + "10:00", props={field: "x", "total": "12.50", "kind": "offline"})]
    assert rows(workspace(tmp_path, plan, events), "SELECT order_id, gross, order_type FROM orders") == [
        ("x", D("12.50"), "offline")
    ]


# -- refunds -------------------------------------------------------------------------------------------------------------

SALES = [
    view("a", DAY + "10:00"),
    bought("a", DAY + "10:05", "o1", "100.00"),
    view("b", DAY + "10:00"),
    bought("b", DAY + "10:05", "o2", "50.00"),
    view("c", DAY + "10:00"),
]
METRICS = """
metrics:
  net: {type: simple, sum: revenue.net}
  gross: {type: simple, sum: revenue.gross}
  rpv: {type: simple, sum: revenue.net, per: visitor}
  aov: {type: ratio, numerator: {sum: revenue.net}, denominator: {count: order}}
  refund_rate: {type: conversion, from: order, event: refund, per: order, within: 30d}
"""


def asked(ws, name: str, first: str = "2024-03-01", last: str = "2024-03-31"):
    return ws.ask("metric", name, **{"from": first, "to": last})


def test_refunds_full_partial_and_of_an_unknown_order(tmp_path: Path) -> None:
    back = [
        refunded("2024-03-05 10:00", "o1", "30.00"),
        refunded("2024-03-06 10:00", "o9", "5.00"),
        refunded("2024-03-07 10:00", None, "2.00"),
    ]
    ws = workspace(tmp_path, METRICS, SALES, back)
    assert one(ws, "gross, refunded, net") == (100, 30, 70)
    assert value(asked(ws, "gross")) == 150
    assert value(asked(ws, "net")) == 113
    # Of the orders' own day: 70 + 50; the two refunds of no known order reduce their own days.
    assert value(asked(ws, "net", "2024-03-01", "2024-03-01")) == 120
    assert table(asked(ws, "net", "2024-03-06", "2024-03-07")) == [(D("-7.000000"),)]
    rate = asked(ws, "refund_rate").estimates[0].estimate
    assert (rate.numerator, rate.denominator) == (1, 2)


def test_a_refund_without_amount_gives_back_what_the_order_still_holds(tmp_path: Path) -> None:
    back = [
        refunded("2024-03-05 10:00", "o1", "30.00"),
        refunded("2024-03-06 10:00", "o1", None),
        refunded("2024-03-06 10:00", "o2", None),
    ]
    ws = workspace(tmp_path, METRICS, SALES, back)
    assert one(ws, "refunded, net") == (100, 0)
    assert one(ws, "refunded, net", "o2") == (50, 0)
    assert rows(ws, "SELECT amount FROM refunds ORDER BY t, order_id") == [(30,), (70,), (50,)]


def test_a_refund_told_by_two_sources_counts_once(tmp_path: Path) -> None:
    back = [
        refunded("2024-03-05 10:00", "o1", "30.00", source="web"),
        refunded("2024-03-05 11:00", "o1", "25.00", source="shop"),
        refunded("2024-03-05 12:00", "o2", "5.00", source="web"),
    ]
    ws = workspace(tmp_path, "orders: {sources: [shop, web]}", SALES, back)
    assert one(ws, "refunded") == (25,)
    assert one(ws, "refunded", "o2") == (5,)


def test_booked_refunds_fall_on_their_own_day(tmp_path: Path) -> None:
    back = [refunded("2024-03-05 10:00", "o1", "30.00"), refunded("2024-03-07 10:00", None, "2.00")]
    ws = workspace(tmp_path, METRICS + "rules: {refunds: booked}", SALES, back)
    days = dict(table(ws.ask("metric", "net", grain="day", **{"from": "2024-03-01", "to": "2024-03-31"}), "day", "net"))
    assert {str(d): v for d, v in days.items() if v} == {"2024-03-01": 150, "2024-03-05": -30, "2024-03-07": -2}
    assert len(days) == 31
    assert value(asked(ws, "net")) == 118


def test_a_refund_comes_before_its_order(tmp_path: Path) -> None:
    ws = workspace(tmp_path, METRICS, [refunded("2024-03-05 10:00", "o1", "30.00")], SALES)
    assert one(ws, "refunded") == (30,)
    assert dump(ws) == dump(workspace(tmp_path / "w", METRICS, [*SALES, refunded("2024-03-05 10:00", "o1", "30.00")]))


def test_net_of_nobodys_refund_is_beside_the_units(tmp_path: Path) -> None:
    ws = workspace(tmp_path, METRICS, SALES, [refunded(DAY + "12:00", None, "12.00")])
    answer = asked(ws, "rpv")
    assert value(answer) == 50
    assert [f.code for f in answer.findings] == ["no_visit_in_range"]


def test_contribution(tmp_path: Path) -> None:
    plan = """
events: {purchase: {properties: {goods: money}}}
orders: {cost: goods, shipping: shipping, discount: 10%, fees: 0.02}
metrics: {c: {type: simple, sum: contribution}, m: {type: simple, sum: gross_margin}}
"""
    sold = bought("a", DAY + "10:05", "o1", "100.00", props={"goods": "40.00", "shipping": "4.90", "tax": "19.00"})
    ws = workspace(tmp_path, plan, [sold], [refunded("2024-03-05 10:00", "o1", "20.00")])
    assert one(ws, "net, cost, shipping, discount, fees, tax") == (80, 40, D("4.9"), 8, D("1.6"), 19)
    assert one(ws, "contribution, gross_margin") == (D("25.5"), 40)
    assert value(asked(ws, "c")) == D("25.5")


def test_bots_and_staging_buy_nothing(tmp_path: Path) -> None:
    events = [
        bought("a", DAY + "10:00", "o1", "1.00", bot=True),
        bought("b", DAY + "10:00", "o2", "1.00", environment="staging"),
        bought("c", DAY + "10:00", "o3", "1.00"),
    ]
    assert rows(workspace(tmp_path, "", events), "SELECT order_id FROM orders") == [("o3",)]


def test_repeat_purchases_and_days_between(tmp_path: Path) -> None:
    plan = "metrics: {again: {type: conversion, from: order, event: purchase, per: user, within: 30d}}"
    events = [
        bought("a", "2024-03-01 10:00", "o1", "1.00"),
        bought("a", "2024-03-31 10:00", "o2", "1.00"),
        bought("b", "2024-03-01 10:00", "o3", "1.00"),
        bought("b", "2024-03-31 10:00:01", "o4", "1.00"),
        bought("b", "2024-03-01 10:01", "o3", "1.00"),
    ]
    ws = workspace(tmp_path, plan, events)
    rate = ws.ask("metric", "again", **{"from": "2024-03-01", "to": "2024-03-01"}).estimates[0].estimate
    assert (rate.numerator, rate.denominator) == (1, 2)
