"""A year of a real gift shop: lines grouped into invoices, cancellations as refunds that name no order."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import yaml

from support import rows, workspace

MAPPING = Path(__file__).parent.parent / "data" / "imports" / "online_retail.yaml"
PLAN = """
site: {timezone: Europe/London, currency: GBP}
metrics:
  orders: {type: simple, count: order}
  gross: {type: simple, sum: revenue.gross}
  net: {type: simple, sum: revenue.net}
  aov: {type: ratio, numerator: {sum: revenue.gross}, denominator: {count: order}}
  per_customer: {type: ratio, numerator: {count: order}, denominator: {count: user}, per: user}
  refund_rate: {type: conversion, from: order, event: refund, per: order, within: 30d}
"""


def test_the_figures_of_the_year(data_file: Callable[[str], Path], tmp_path: Path) -> None:
    path = data_file("online_retail_uci_half.parquet")
    ws = workspace(tmp_path, PLAN)
    keys = yaml.safe_load(MAPPING.read_text(encoding="utf-8"))
    ws.import_files(keys.pop("importer", "events"), [path], keys)
    # One line is priced at a tenth of a penny: amounts are kept as they come.
    assert rows(ws, "SELECT count(*), sum(gross), round(sum(gross), 2) FROM orders") == [
        (8965, Decimal("4057689.721"), Decimal("4057689.72"))
    ]
    assert rows(ws, "SELECT count(DISTINCT person_key) FROM orders") == [(2181,)]
    assert rows(ws, "SELECT count(*), sum(amount), count(order_id) FROM refunds") == [(1821, Decimal("340123.85"), 0)]
    answer = ws.ask(
        "metric", ["orders", "gross", "net", "aov", "refund_rate"], **{"from": "2010-12-01", "to": "2011-12-31"}
    )
    gross, net = Decimal("4057689.721"), Decimal("4057689.721") - Decimal("340123.85")
    assert [e.estimate.value for e in answer.estimates] == [
        8965,
        gross,
        net,
        (gross / 8965).quantize(Decimal("1e-10")),
        0,
    ]
    (customers,) = ws.ask("metric", "per_customer", **{"from": "2010-12-01", "to": "2011-12-31"}).estimates
    assert (customers.estimate.numerator, customers.estimate.denominator) == (8965, 2181)
    # The earliest line of an invoice is its time; a day is a day in London.
    (first,) = rows(ws, "SELECT order_id, day FROM orders ORDER BY t, order_id LIMIT 1")
    raw = rows(
        ws,
        f"SELECT InvoiceNo, min(InvoiceDate)::DATE FROM read_parquet('{path}') WHERE InvoiceNo NOT LIKE 'C%' GROUP BY 1 ORDER BY min(InvoiceDate), 1 LIMIT 1",
    )
    assert [first] == raw
