"""What becomes of Shopify's and HubSpot's deliveries, and of a generic sender's by the plan's rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from deliveries import NOW, PLAN, change, collected, hook, line, order, request, shop_refund, told, why, written

from assay.collect.webhooks import KINDS
from assay.plan.webhook_forms import Kind

CREATED = {"x-shopify-topic": "orders/create"}


def topic(name: str) -> dict[str, str]:
    return {"x-shopify-topic": name}


def test_every_kind_has_its_name_in_the_plan() -> None:
    assert sorted(Kind.__args__) == sorted(kind.name for kind in KINDS)


# -- Shopify ---------------------------------------------------------------------------------------------------------


def test_an_order_is_a_purchase_with_all_that_it_says() -> None:
    made = line("shopify", order(), CREATED)
    assert made == {
        "id": "shopify:order-5550001:purchase", "name": "purchase", "order_id": "5550001", "amount": "59.99", "currency": "EUR",
        "visitor": "v1", "user": "77001", "country": "DE", "time": 1_794_998_400_000_000, "interactive": False,
        "items": [{"item_id": "901", "item_name": "Cup", "item_variant": "Blue", "item_brand": "Kiln", "item_sku": "CUP-B", "price": 30, "quantity": 2}],
        "props": {"tax": "9.58", "shipping": "4.99", "discount": "5", "coupon": "SPRING", "order_name": "#1001", "sales_channel": "web"},
    }  # fmt: skip


def test_created_and_paid_are_of_one_order() -> None:
    assert line("shopify", order(), CREATED) == line("shopify", order(), topic("orders/paid"))


def test_a_refund_is_what_has_gone_back() -> None:
    made = line("shopify", shop_refund(), topic("refunds/create"))
    assert (made["id"], made["name"], made["order_id"], made["amount"], made["currency"]) == (
        "shopify:refund-880001:refund", "refund", "5550001", "20.05", "EUR",
    )  # fmt: skip
    assert (made["items"], made["props"]) == (
        [{"item_id": "901", "item_name": "Cup", "price": 30, "quantity": 1}],
        {"note": "broken"},
    )


def test_an_order_that_was_never_paid_is_given_back_when_cancelled() -> None:
    cancelled = {"cancelled_at": "2026-11-18T10:45:00Z", "cancel_reason": "inventory"}
    paid = line("shopify", order(**cancelled), topic("orders/cancelled"))
    assert (paid["name"], paid["props"]["reason"], "amount" in paid) == ("order_cancelled", "inventory", False)
    first, second = told("shopify", order(**cancelled, financial_status="voided"), topic("orders/cancelled")).lines
    assert (first["name"], second["name"], second["amount"], second["order_id"]) == (
        "order_cancelled",
        "refund",
        "59.99",
        "5550001",
    )


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        ("products/update", order(), "nothing is made of products/update"),
        ("orders/create", shop_refund(), "is no order"),
        ("orders/create", order(cancelled_at="2026-11-18T10:45:00Z"), "cancelled already"),
        # The topic is not signed: a body that was sent for another one becomes nothing.
        ("refunds/create", order(), "is no refund"), ("orders/cancelled", order(), "not cancelled, whatever the topic says"),
        ("orders/cancelled", shop_refund(), "not cancelled"), ("orders/paid", order(financial_status="pending"), "not paid, whatever"),
        ("refunds/create", shop_refund(transactions=[]), "no money has gone back"),
    ],
)  # fmt: skip
def test_what_shopify_tells_and_is_not_mapped(name: str, body: dict[str, Any], reason: str) -> None:
    code, detail = why("shopify", body, topic(name))
    assert code == "not_mapped"
    assert reason in detail


@pytest.mark.parametrize(
    "more",
    [{"total_price": "a lot"}, {"total_price": None}, {"currency": "euro"}, {"created_at": "x", "processed_at": "x"}],
)
def test_an_order_that_cannot_be_read_is_refused(more: dict[str, Any]) -> None:
    assert why("shopify", order(**more), CREATED)[0] in ("bad_money", "bad_currency", "bad_time")


def test_a_test_order_is_staging() -> None:
    pairs = [
        (order(test=True), "orders/create"),
        (
            shop_refund(transactions=[{"kind": "refund", "status": "success", "amount": "1", "test": True}]),
            "refunds/create",
        ),
    ]
    for body, name in pairs:
        source = told("shopify", body, topic(name)).source
        assert source is not None
        assert source.environment == "staging"


# -- HubSpot ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "event"),
    [
        ("lead", "generate_lead"), ("marketingqualifiedlead", "qualify_lead"), ("salesqualifiedlead", "working_lead"),
        ("opportunity", "working_lead"), ("customer", "close_convert_lead"),
    ],
)  # fmt: skip
def test_a_lifecycle_stage_is_a_lead_event(stage: str, event: str) -> None:
    made = line("hubspot", [change(stage)])
    assert (made["name"], made["user"], made["time"], made["interactive"]) == (
        event,
        "hubspot-1246",
        1_794_999_900_000_000,
        False,
    )
    assert made["props"] == {"lead_status": stage, "hubspot_object": "contact", "portal": "33"}


def test_a_retry_has_the_same_id_and_another_change_another() -> None:
    def key(**more: Any) -> Any:
        return line("hubspot", change("lead", **more))["id"]

    assert key() == "hubspot:contact-33-1246-1794999900000-lifecyclestage-lead:generate_lead"
    # Another attempt, and another subscription to the same property.
    same = {
        key(attemptNumber=3),
        key(eventId=4, subscriptionId=9, subscriptionType="object.propertyChange", objectTypeId="0-1"),
    }
    assert same == {key()}
    assert (
        len({key(), key(occurredAt=1_794_999_900_001), key(objectId=7), key(portalId=34), key(objectTypeId="0-3")}) == 5
    )


def test_deals_companies_and_own_stages() -> None:
    deal = change("closedwon", subscriptionType="deal.propertyChange", propertyName="dealstage", objectId=9)
    made = line("hubspot", deal)
    assert (made["name"], made.get("user"), made["props"]["deal"]) == ("close_convert_lead", None, "9")
    assert (
        line("hubspot", {**deal, "subscriptionType": "object.propertyChange", "objectTypeId": "0-3"})["props"][
            "hubspot_object"
        ]
        == "deal"
    )
    assert line("hubspot", change("customer", subscriptionType="company.propertyChange"))["account"] == "hubspot-1246"
    plan = PLAN.replace("kind: hubspot, ", "kind: hubspot, stages: {'1054411': close_unconvert_lead, lead: none}, ")
    assert line("hubspot", {**deal, "propertyValue": "1054411"}, plan=plan)["name"] == "close_unconvert_lead"
    assert why("hubspot", change("lead"), plan=plan)[0] == "not_mapped"


def test_a_delivery_of_many_says_of_each_what_became_of_it(tmp_path: Path) -> None:
    body = [
        change("lead"),
        change("evangelist"),
        change("x", subscriptionType="contact.creation"),
        change("customer", objectId=None),
        "odd",
    ]
    ((status, said),), _ = collected(tmp_path, request(hook(PLAN, "hubspot"), body))
    assert (status, said["ok"], [one["reason"] for one in said["refused"]]) == (
        200,
        1,
        ["not_mapped", "not_mapped", "bad_type", "bad_type"],
    )
    assert sorted(one.get("refused", one.get("name")) for one in written(tmp_path)) == [
        "bad_type",
        "bad_type",
        "generate_lead",
        "not_mapped",
        "not_mapped",
    ]


# -- generic ---------------------------------------------------------------------------------------------------------

DEAL = {
    "event_id": "e1", "type": "deal.won", "at": "2026-11-18T10:46:00Z", "contact": {"id": 12, "assay": None},
    "deal": {"id": "d1", "value": 1200.5, "currency": "eur", "assay": "v7"},
}  # fmt: skip


def test_a_rule_fills_fields_and_properties_from_paths() -> None:
    assert line("crm", DEAL) == {
        "id": "crm:e1:close_convert_lead", "name": "close_convert_lead", "order_id": "d1", "currency": "EUR", "user": "12",
        "visitor": "v7", "time": 1_794_998_760_000_000, "interactive": False,
        "props": {"value": 1200.5, "stage": "won"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"type": "deal.lost"}, "not_mapped"), ({"deal": {"value": 0}}, "not_mapped"), ({"deal": None}, "not_mapped"),
        ({"at": "soon"}, "bad_time"), ({"contact": {"id": {"x": 1}}}, "bad_type"), ({"event_id": "e" * 300}, "bad_id"),
        ({"type": "order.paid", "order": {"cents": 999}}, "bad_currency"),
        ({"type": "order.paid", "order": {"cents": 9.5, "currency": "EUR"}}, "bad_money"),
        ({"type": "order.paid", "order": {"cents": 1, "currency": "EUR", "lines": "x"}}, "bad_items"),
    ],
)  # fmt: skip
def test_what_a_rule_cannot_make_is_refused(more: dict[str, Any], reason: str) -> None:
    assert why("crm", {**DEAL, **more})[0] == reason


@pytest.mark.parametrize(
    ("cents", "code", "amount"),
    [(999, "eur", "9.99"), (999, "JPY", "999"), (999, "KWD", "0.999"), ("-5", "EUR", "-0.05")],
)
def test_minor_units_by_the_currency(cents: Any, code: str, amount: str) -> None:
    sold = {
        "event_id": "e2",
        "type": "order.settled",
        "order": {"id": 5, "cents": cents, "currency": code, "lines": [{"sku": "a", "price": "1.50"}]},
    }
    made = line("crm", sold)
    assert (made["name"], made["order_id"], made["amount"], made["time"]) == ("purchase", "5", amount, NOW)
    assert made["items"] == [{"item_id": "a", "price": 1.5}]


def test_several_documents_in_a_body_and_no_id() -> None:
    plan = "webhooks: {g: {kind: generic, secret: env:S, header: X-Sig, each: data.events, events: [{when: \"$header.x-kind = 'a'\", event: login}]}}"
    body = {"data": {"events": [{"n": 1}, {"n": 2}, {"n": 1}]}}
    found = told("g", body, {"x-kind": "a"}, plan)
    ids = [one["id"] for one in found.lines]
    assert (len(ids), len(set(ids)), ids[0]) == (3, 2, ids[2])
    assert [one.reason for one in told("g", body, {"x-kind": "b"}, plan).refusals] == ["not_mapped"] * 3


def test_a_plan_may_keep_a_sender_in_staging() -> None:
    source = told(
        "crm", DEAL, plan=PLAN.replace("    header: X-Signature", "    environment: staging\n    header: X-Signature")
    ).source
    assert source is not None
    assert source.environment == "staging"
