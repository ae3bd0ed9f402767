"""Shopify: orders, refunds, cancellations.

Source: shopify.dev (webhooks: verify deliveries, headers; REST Admin API: order, refund, transaction). Only the body is
signed, not the topic nor any moment: so a body must fit its topic, and what comes again is known by its own id.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from assay.collect.ecommerce import put_items
from assay.collect.enrich import values
from assay.collect.enrich.values import Refused
from assay.collect.webhooks.base import (
    Delivery,
    Hook,
    Kind,
    Notice,
    at,
    base64_of,
    digest,
    header,
    objects,
    signed_by,
    some,
    text_at,
)
from assay.collect.wire import Line, Request

_HEADER = "x-shopify-hmac-sha256"
_TOPIC = "x-shopify-topic"
_PAID = ("paid", "partially_refunded", "refunded")
_NEVER_PAID = ("pending", "authorized", "voided", "expired")
_VISITOR = ("assay_visitor", "_assay_visitor")  # a cart attribute with _ before is not shown to the customer


def verify(hook: Hook, request: Request) -> None:
    """Base64 of the HMAC-SHA256 of the body."""
    signed_by(hook, request.body, [base64_of(header(request, _HEADER))])


def sign(hook: Hook, body: bytes, now: int) -> dict[str, str]:
    """The header; the topic has to be given."""
    del now
    return {_HEADER: b64encode(digest(hook.secrets[0], body)).decode()}


def delivery(_hook: Hook, request: Request, value: Any) -> Delivery:
    """One order or refund."""
    topic = request.headers.get(_TOPIC, "").strip().lower() or "no topic"
    transactions = objects(at(value, "transactions"))
    test = at(value, "test") is True or any(one.get("test") is True for one in transactions)
    key = text_at(value, "admin_graphql_api_id") or text_at(value, "id") or ""
    return Delivery([Notice(topic, value, key)], test)


def lines(hook: Hook, notice: Notice) -> list[Line]:
    """What the topic and the body say together. Raises Refused: not_mapped, with why."""
    make = _TOPICS.get(notice.name)
    if make is None:
        raise Refused("not_mapped", f"nothing is made of {notice.name[:60]}; a rule under events: may")
    if text_at(notice.document, "id") is None:
        raise Refused("bad_type", "the body has no id")
    return make(hook, notice.document)


def _order(hook: Hook, order: dict[str, Any]) -> list[Line]:
    """An order; created and paid are told of the same one, which counts once."""
    if "total_price" not in order:
        raise Refused("not_mapped", "the body is no order")
    if at(order, "cancelled_at") is not None:
        raise Refused("not_mapped", "the order is cancelled already")
    line = _of_order(order, hook.sale, "order")
    line["amount"] = _needed(order, "total_price")
    codes = [code for one in objects(order.get("discount_codes")) if (code := text_at(one, "code"))]
    line["props"] = some(
        tax=_sum(order, "total_tax"), shipping=_sum(at(order, "total_shipping_price_set", "shop_money"), "amount"),
        discount=_sum(order, "total_discounts"), coupon=",".join(codes) or None, order_name=text_at(order, "name"),
        sales_channel=text_at(order, "source_name"),
    )  # fmt: skip
    listed = [_item(one, one.get("quantity")) for one in objects(order.get("line_items"))]
    if listed:
        put_items(line, {"items": listed[:200]}, False)
    return [line]


def _paid(hook: Hook, order: dict[str, Any]) -> list[Line]:
    if text_at(order, "financial_status") not in _PAID:
        raise Refused("not_mapped", "the order is not paid, whatever the topic says")
    return _order(hook, order)


def _cancelled(hook: Hook, order: dict[str, Any]) -> list[Line]:
    """The cancellation; an order that was never paid is given back whole, a paid one by refunds/create."""
    if "total_price" not in order or at(order, "cancelled_at") is None:
        raise Refused("not_mapped", "the order is not cancelled, whatever the topic says")
    line = _of_order(order, "order_cancelled", "order")
    line["time"] = values.instant(order.get("cancelled_at"), "cancelled_at")
    line["props"] = some(reason=text_at(order, "cancel_reason"), order_name=text_at(order, "name"))
    if text_at(order, "financial_status") not in _NEVER_PAID:
        return [line]
    void = {key: line[key] for key in ("order_id", "time", "currency")}
    given = {**void, "id": f"order-{text_at(order, 'id')}-void", "name": hook.refund, "props": {"reason": "never paid"}}
    return [line, {**given, "amount": _needed(order, "total_price")}]


def _refund(hook: Hook, refund: dict[str, Any]) -> list[Line]:
    """What has been given back: the successful transactions of a refund."""
    order = text_at(refund, "order_id")
    if order is None or type(refund.get("transactions")) is not list:
        raise Refused("not_mapped", "the body is no refund")
    back = [
        one for one in objects(refund["transactions"]) if one.get("kind") == "refund" and one.get("status") == "success"
    ]
    total = sum((Decimal(_needed(one, "amount")) for one in back), Decimal(0))
    if not total:
        raise Refused("not_mapped", "no money has gone back")
    line: Line = {
        "id": f"refund-{text_at(refund, 'id')}", "name": hook.refund, "order_id": order,
        "time": values.instant(refund.get("processed_at") or refund.get("created_at"), "created_at"),
        "amount": values.money(f"{total:f}", "amount"), "currency": values.currency(back[0].get("currency")),
        "props": some(note=text_at(refund, "note")),
    }  # fmt: skip
    listed = [_item(at(one, "line_item"), one.get("quantity")) for one in objects(refund.get("refund_line_items"))]
    if listed:
        put_items(line, {"items": listed[:200]}, False)
    return [line]


def _of_order(order: dict[str, Any], name: str, what: str) -> Line:
    """What all events of an order share. The order's own id is the order id: refunds know no other."""
    told = {text_at(one, "name"): text_at(one, "value") for one in objects(order.get("note_attributes"))}
    user = told.get("assay_user") or text_at(order, "customer", "id")
    key = text_at(order, "id")
    country = text_at(order, "billing_address", "country_code") or text_at(order, "shipping_address", "country_code")
    return {
        "id": f"{what}-{key}", "name": name, "order_id": key, "currency": values.currency(order.get("currency")),
        "time": values.instant(order.get("processed_at") or order.get("created_at"), "created_at"),
        "visitor": values.ident(next((told[one] for one in _VISITOR if told.get(one)), None), "assay_visitor"),
        "user": values.ident(user, "customer"), "country": country,
    }  # fmt: skip


def _item(one: Any, count: Any) -> dict[str, Any]:
    return some(
        item_id=text_at(one, "product_id") or text_at(one, "sku"), item_name=text_at(one, "title"),
        item_variant=text_at(one, "variant_title"), item_brand=text_at(one, "vendor"), item_sku=text_at(one, "sku"),
        price=at(one, "price"), quantity=count if type(count) is int else None,
    )  # fmt: skip


def _needed(holder: Any, key: str) -> str:
    found = values.money(at(holder, key), key)
    if found is None:
        raise Refused("bad_money", f"{key} is missing")
    return found


def _sum(holder: Any, key: str) -> str | None:
    return values.money(at(holder, key), key)


_TOPICS: Mapping[str, Callable[[Hook, dict[str, Any]], list[Line]]] = {
    "orders/create": _order,
    "orders/paid": _paid,
    "orders/cancelled": _cancelled,
    "refunds/create": _refund,
}
KIND = Kind("shopify", verify, delivery, lines, sign, {_TOPIC: "orders/create"})
