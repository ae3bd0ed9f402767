"""The ``orders`` importer: exports of shops and payment providers, and any table of orders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from imported import Run

from assay.model.errors import DataError, UsageError

SHOPIFY = """Name,Email,Financial Status,Currency,Shipping,Taxes,Total,Discount Code,Discount Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Cancelled at,Refunded Amount,Source
#1001,a@x.de,paid,EUR,4.90,5.57,34.90,WELCOME,3.00,2024-01-02 09:59:00 +0100,2,Shirt,12.50,SKU1,,0.00,web
#1001,a@x.de,,,,,,,,2024-01-02 09:59:00 +0100,1,Cap,8.00,SKU2,,,
#1002,b@x.de,partially_refunded,EUR,0.00,1.60,10.00,,0.00,2024-01-03 10:00:00 +0100,1,Cap,10.00,SKU2,,4.00,pos
#1003,c@x.de,voided,EUR,0.00,1.60,10.00,,0.00,2024-01-04 10:00:00 +0100,1,Cap,10.00,SKU2,2024-01-04 12:00:00 +0100,0.00,web
#1004,c@x.de,paid,EUR,0.00,1.60,ten,,0.00,2024-01-04 10:00:00 +0100,1,Cap,10.00,SKU2,,0.00,web
#1004,c@x.de,,,,,,,,2024-01-04 10:00:00 +0100,1,Cap,10.00,SKU2,,,
"""
STRIPE = """id,Created (UTC),Amount,Amount Refunded,Currency,Status,Customer Email,Fee,order_id (metadata)
ch_1,2024-01-02 10:00:00,20.00,5.00,eur,Paid,x@y.z,0.5,A1
ch_2,2024-01-02 10:00,15.00,0.00,eur,Failed,x@y.z,0,A2
ch_3,2024-01-03 10:00:00,15.00,15.00,eur,Refunded,x@y.z,0,A2
"""


def test_shopify(run: Run, tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(SHOPIFY)
    done = run("orders", tmp_path / "orders.csv", options={"source": "shopify"})
    assert done.bad() == [
        (6, "amount 'ten' is not a decimal number"),
        (7, "another row of the same event cannot be used"),
    ]
    rows = done.rows()
    assert [(r["name"], r["order_id"], r["amount"]) for r in rows] == [
        ("purchase", "#1001", "34.9"),
        ("purchase", "#1002", "10"),
        ("refund", "#1002", "4"),
        ("purchase", "#1003", "10"),
    ]
    assert {(r["interactive"], r["source"], r["currency"]) for r in rows} == {(False, "shopify", "EUR")}
    assert [i["item_id"] for i in json.loads(rows[0]["items"])] == ["SKU1", "SKU2"]
    assert json.loads(rows[0]["props"]) == {
        "tax": 5.57,
        "shipping": 4.9,
        "discount": 3,
        "coupon": "WELCOME",
        "status": "paid",
    }
    assert json.loads(rows[1]["props"])["order_type"] == "offline"
    assert json.loads(rows[3]["props"])["order_type"] == "cancelled"


def test_stripe(run: Run, tmp_path: Path) -> None:
    (tmp_path / "payments.csv").write_text(STRIPE)
    rows = run("orders", tmp_path / "payments.csv", options={"source": "stripe"}).rows()
    assert sorted((r["name"], r["order_id"], r.get("amount")) for r in rows if r["order_id"] == "A1") == [
        ("purchase", "A1", "20"),
        ("refund", "A1", "5"),
    ]
    failed, paid = (r for r in rows if r["order_id"] == "A2" and r["name"] == "purchase")
    assert ("amount" in failed, json.loads(failed["props"])["attempted_amount"]) == (False, 15)
    assert (paid["amount"], paid["user"], json.loads(paid["props"])["status"]) == ("15", "x@y.z", "refunded")


def test_any_table(run: Run, tmp_path: Path) -> None:
    lines = [
        {
            "order_id": "1",
            "date": "2024-01-02T10:00:00Z",
            "total": 12.5,
            "type": "renewal",
            "items": [{"item_id": "x"}],
        },
        {"order_id": "1", "date": "2024-01-03T10:00:00Z", "total": -12.5},
        {"order_id": "r9", "date": "2024-01-03T10:00:00Z", "total": 3, "type": "Refund", "refund_of": "1"},
        {"order_id": "2", "date": "bad", "total": 3},
    ]
    (tmp_path / "till.ndjson").write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = run("orders", tmp_path / "till.ndjson")
    assert done.bad() == [(4, "time 'bad' cannot be read as a time")]
    assert [(r["name"], r["order_id"], r["amount"]) for r in done.rows()] == [
        ("purchase", "1", "12.5"),
        ("refund", "1", "12.5"),
        ("refund", "1", "3"),
    ]
    assert json.loads(done.rows()[0]["props"]) == {"order_type": "renewal"}
    assert json.loads(done.rows()[0]["items"]) == [{"item_id": "x"}]


@pytest.mark.parametrize(("amounts", "expected"), [("order", "9"), ("line", "12")])
def test_lines_of_one_order(run: Run, tmp_path: Path, amounts: str, expected: str) -> None:
    (tmp_path / "a.csv").write_text("no;at;sum;sku;net\n1;2024-01-01;9;a;1\n1;2024-01-01;3;b;2\n")
    options = {
        "map": {"id": "no", "time": "at", "amount": "sum", "currency": "'EUR'"},
        "items": {"item_id": "sku", "price": "net"},
        "amounts": amounts,
    }
    (row,) = run("orders", tmp_path / "a.csv", options=options).rows()
    assert (row["amount"], row["order_id"], json.loads(row["items"])[1]) == (
        expected,
        "1",
        {"item_id": "b", "price": 2},
    )


def test_repeated_imports_have_the_same_ids(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(STRIPE)
    (tmp_path / "b.csv").write_text("\n".join([STRIPE.splitlines()[0], *reversed(STRIPE.splitlines()[1:])]))
    first, second = run("orders", tmp_path / "a.csv").rows(), run("orders", tmp_path / "b.csv").rows()
    assert {r["id"] for r in first} == {r["id"] for r in second}
    assert len({r["id"] for r in first}) == 5


def test_errors(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    with pytest.raises(DataError, match="no column for the order's id; give --map id=COLUMN"):
        run("orders", tmp_path / "a.csv")
    with pytest.raises(UsageError, match="no field 'totl'"):
        run("orders", tmp_path / "a.csv", options={"map": {"totl": "y"}})
