"""Webhooks as their senders send them: bodies with the documented field names, and what the collector makes of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.collect.http import Collector
from assay.collect.keys import Keys
from assay.collect.line import Stepper
from assay.collect.spool import Spool, ended
from assay.collect.webhooks import BY_NAME
from assay.collect.webhooks.base import Hook
from assay.collect.webhooks.receive import decode, protocol
from assay.collect.webhooks.secrets import hook_of
from assay.collect.wire import Decoded, Request
from assay.plan.load import loads
from assay.plan.values import Plan

NOW = 1_795_000_000_000_000  # 2026-11-18 11:06:40 UTC
SECRET = "whsec_of_a_test"
URL = "https://collect.shop.example/w/hubspot"
PLAN = f"""
site: {{name: Shop, timezone: UTC, currency: EUR}}
webhooks:
  stripe: {{kind: stripe, secret: env:S}}
  shopify: {{kind: shopify, secret: env:S}}
  hubspot: {{kind: hubspot, secret: env:S, url: "{URL}"}}
  crm:
    kind: generic
    secret: env:S
    header: X-Signature
    timestamp_header: X-Timestamp
    events:
      - when: "type = 'deal.won' and deal.value > 0"
        event: close_convert_lead
        map: {{id: event_id, order_id: deal.id, value: deal.value, currency: deal.currency, time: at, user: contact.id,
              visitor: [contact.assay, deal.assay], stage: "'won'"}}
      - when: "type in ('order.paid', 'order.settled')"
        event: purchase
        map: {{id: event_id, order_id: order.id, amount_minor: order.cents, currency: order.currency, items: order.lines}}
"""


def hook(plan: str = PLAN, name: str = "stripe", *secrets: str) -> Hook:
    made: Plan = loads(plan)
    return hook_of(made, made.webhooks[name], tuple(one.encode() for one in secrets or (SECRET,)))


def body_of(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def request(
    one: Hook, value: Any, headers: Mapping[str, str] | None = None, now: int = NOW, sign: bool = True
) -> Request:
    body = body_of(value)
    made = {**(BY_NAME[one.webhook.kind].sign(one, body, now) if sign else {}), **(headers or {})}
    return Request("POST", f"/w/{one.webhook.name}", {}, made, body, NOW)


def told(name: str, value: Any, headers: Mapping[str, str] | None = None, plan: str = PLAN) -> Decoded:
    one = hook(plan, name)
    return decode({name: one}, request(one, value, headers))


def line(name: str, value: Any, headers: Mapping[str, str] | None = None, plan: str = PLAN) -> dict[str, Any]:
    found = told(name, value, headers, plan)
    assert not found.refusals, found.refusals
    (made,) = found.lines
    return made


def why(name: str, value: Any, headers: Mapping[str, str] | None = None, plan: str = PLAN) -> tuple[str, str]:
    found = told(name, value, headers, plan)
    assert not found.lines, found.lines
    (refusal,) = found.refusals
    return refusal.reason, refusal.detail


def collected(folder: Path, *requests: Request, plan: str = PLAN) -> tuple[list[tuple[int, dict[str, Any]]], Collector]:
    """Answers of a collector with its steps and its spool, and the collector."""
    made = loads(plan)
    known = {name: hook(plan, name) for name in made.webhooks}

    async def go() -> tuple[list[tuple[int, dict[str, Any]]], Collector]:
        app = Collector(
            Spool(folder, gather=0.0), Keys({}), Stepper(made, folder), [protocol(known)], clock=lambda: NOW
        )
        app.spool.start()
        found = [await _asked(app, one) for one in requests]
        await app.spool.stop()
        return found, app

    return asyncio.run(go())


async def _asked(app: Collector, one: Request) -> tuple[int, dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": one.body}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(name.encode(), value.encode("utf-8", "replace")) for name, value in one.headers.items()]
    scope = {
        "type": "http",
        "method": "POST",
        "path": one.path,
        "query_string": b"",
        "headers": headers,
        "client": ("192.0.2.9", 1),
    }
    await app(scope, receive, send)
    return sent[0]["status"], json.loads(sent[1]["body"])


def written(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(text) for path in ended(folder) for text in path.read_bytes().splitlines()]


# -- Stripe ----------------------------------------------------------------------------------------------------------


def stripe_event(kind: str, thing: dict[str, Any], before: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    data = {"object": thing, **({"previous_attributes": before} if before else {})}
    return {
        "id": "evt_1", "object": "event", "api_version": "2025-03-31.basil", "created": 1_794_999_990, "livemode": True,
        "pending_webhooks": 1, "request": {"id": None, "idempotency_key": None}, "type": kind, "data": data, **more,
    }  # fmt: skip


def session(**more: Any) -> dict[str, Any]:
    return {
        "id": "cs_live_1", "object": "checkout.session", "mode": "payment", "payment_status": "paid", "status": "complete",
        "amount_subtotal": 5500, "amount_total": 5999, "currency": "eur", "payment_intent": "pi_1", "invoice": None,
        "subscription": None, "customer": "cus_1", "client_reference_id": "v1", "metadata": {}, "created": 1_794_999_000,
        "customer_details": {"email": "ann@shop.example", "address": {"country": "DE"}},
        "total_details": {"amount_discount": 500, "amount_shipping": 499, "amount_tax": 958},
        "discounts": [{"coupon": "SPRING", "promotion_code": None}], **more,
    }  # fmt: skip


def refund(**more: Any) -> dict[str, Any]:
    return {
        "id": "re_1", "object": "refund", "amount": 2000, "charge": "ch_1", "payment_intent": "pi_1", "currency": "eur",
        "created": 1_794_999_980, "reason": "requested_by_customer", "status": "succeeded", "metadata": {}, **more,
    }  # fmt: skip


def invoice(reason: str, **more: Any) -> dict[str, Any]:
    return {
        "id": "in_1", "object": "invoice", "amount_paid": 1190, "total": 1190, "currency": "eur", "customer": "cus_1",
        "billing_reason": reason, "customer_email": "ann@shop.example", "metadata": {},
        "parent": {"type": "subscription_details", "subscription_details": {"subscription": "sub_1", "metadata": {"assay_visitor": "v1"}}},
        "total_taxes": [{"amount": 150, "type": "tax_rate_details"}, {"amount": 40, "type": "tax_rate_details"}],
        "total_discount_amounts": [{"amount": 100, "discount": "di_1"}], "status_transitions": {"paid_at": 1_794_999_970},
        "lines": {"object": "list", "data": [{"amount": 1000, "description": "1 × Plan", "quantity": 3,
                                              "pricing": {"price_details": {"price": "price_1", "product": "prod_1"}}}]}, **more,
    }  # fmt: skip


def subscription(*prices: tuple[int, str, int], **more: Any) -> dict[str, Any]:
    return {
        "id": "sub_1", "object": "subscription", "status": "active", "currency": "eur", "customer": "cus_1", "metadata": {},
        "items": items(*prices), **more,
    }  # fmt: skip


def items(*prices: tuple[int, str, int]) -> dict[str, Any]:
    return {"object": "list", "data": [
        {"id": f"si_{n}", "quantity": quantity, "price": {"id": f"price_{n}", "unit_amount": amount,
                                                       "recurring": {"interval": interval, "interval_count": 1}}}
        for n, (amount, interval, quantity) in enumerate(prices)
    ]}  # fmt: skip


# -- Shopify ---------------------------------------------------------------------------------------------------------


def order(**more: Any) -> dict[str, Any]:
    return {
        "id": 5550001, "admin_graphql_api_id": "gid://shopify/Order/5550001", "name": "#1001", "test": False,
        "created_at": "2026-11-18T11:40:00+01:00", "processed_at": "2026-11-18T11:40:00+01:00", "cancelled_at": None,
        "cancel_reason": None, "financial_status": "paid", "currency": "EUR", "total_price": "59.99", "total_tax": "9.58",
        "total_discounts": "5.00", "total_shipping_price_set": {"shop_money": {"amount": "4.99", "currency_code": "EUR"}},
        "discount_codes": [{"code": "SPRING", "amount": "5.00", "type": "fixed_amount"}], "source_name": "web",
        "note_attributes": [{"name": "assay_visitor", "value": "v1"}], "email": "ann@shop.example",
        "customer": {"id": 77001, "email": "ann@shop.example"}, "billing_address": {"country_code": "DE"},
        "line_items": [{"id": 1, "product_id": 901, "variant_id": 902, "title": "Cup", "variant_title": "Blue", "vendor": "Kiln",
                        "sku": "CUP-B", "quantity": 2, "price": "30.00", "total_discount": "5.00"}], **more,
    }  # fmt: skip


def shop_refund(**more: Any) -> dict[str, Any]:
    return {
        "id": 880001, "admin_graphql_api_id": "gid://shopify/Refund/880001", "order_id": 5550001, "note": "broken",
        "created_at": "2026-11-18T10:41:00Z", "processed_at": "2026-11-18T10:41:00Z",
        "transactions": [
            {"id": 1, "kind": "refund", "status": "success", "amount": "20.00", "currency": "EUR", "test": False},
            {"id": 2, "kind": "refund", "status": "success", "amount": "0.05", "currency": "EUR", "test": False},
            {"id": 3, "kind": "refund", "status": "failure", "amount": "20.05", "currency": "EUR", "test": False},
        ],
        "refund_line_items": [{"id": 1, "quantity": 1, "line_item_id": 1, "line_item": {"product_id": 901, "title": "Cup", "price": "30.00"}}],
        **more,
    }  # fmt: skip


# -- HubSpot ---------------------------------------------------------------------------------------------------------


def change(stage: str, **more: Any) -> dict[str, Any]:
    return {
        "eventId": 3_816_279_340, "subscriptionId": 25, "portalId": 33, "appId": 1_160_452, "occurredAt": 1_794_999_900_000,
        "subscriptionType": "contact.propertyChange", "attemptNumber": 0, "objectId": 1246, "changeSource": "CRM",
        "propertyName": "lifecyclestage", "propertyValue": stage, **more,
    }  # fmt: skip
