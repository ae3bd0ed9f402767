"""What an event carries beside its time and page, by code: items, properties, money. The fixed ones are listed here;
those of a cart (one code per cart and event) are made by ``payload.sql`` from the carts' numbers."""

from __future__ import annotations

import json

from assay.demo import catalogue, rates
from assay.demo.sheets import money

NAMES: tuple[str, ...] = (
    "page_view", "view_item_list", "view_item", "add_to_cart", "begin_checkout", "add_shipping_info",
    "add_payment_info", "purchase", "refund", "sign_up", "search", "experiment_viewed",
)  # fmt: skip
CART_EVENTS: tuple[str, ...] = ("begin_checkout", "add_shipping_info", "add_payment_info", "purchase", "refund")
PAYMENTS: tuple[str, ...] = ("paypal", "card", "invoice")

_N = len(catalogue.PRODUCTS)
NOTHING = 0
SIGN_UP = 1
VARIANT = 2
TERM = VARIANT + len(rates.VARIANTS)
VIEW = TERM + len(catalogue.TERMS)
ADD = VIEW + _N
CARTS = ADD + 3 * _N


def item(product: int, quantity: int) -> str:
    """One item with GA4's fields and its cost, as JSON text; price and cost of one piece are exact decimals."""
    p = catalogue.PRODUCTS[product]
    texts = {"item_id": p.item_id, "item_name": p.name, "item_category": p.category, "item_brand": p.brand}
    rest = f'"price": {money(p.price)}, "cost": {money(p.cost_cents)}, "quantity": {quantity}'
    return f"{json.dumps(texts)[:-1]}, {rest}}}"


def items() -> list[str]:
    """Item texts by 3 × product + quantity − 1."""
    return [item(p, q) for p in range(_N) for q in (1, 2, 3)]


def fixed() -> list[tuple[str | None, str | None]]:
    """(items, props) of the codes below CARTS, in order."""
    rows: list[tuple[str | None, str | None]] = [(None, None), (None, json.dumps({"method": "newsletter"}))]
    rows += [(None, json.dumps({"experiment_id": rates.EXPERIMENT, "variant": v})) for v in rates.VARIANTS]
    rows += [(None, json.dumps({"search_term": t})) for t in catalogue.TERMS]
    prices = [p.price for p in catalogue.PRODUCTS]
    rows += [(f"[{item(p, 1)}]", json.dumps({"value": money(prices[p])})) for p in range(_N)]
    rows += [(f"[{item(p, q)}]", json.dumps({"value": money(prices[p] * q)})) for p in range(_N) for q in (1, 2, 3)]
    return rows
