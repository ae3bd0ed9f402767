"""What becomes of Stripe's events: money exact, refunds once each, a subscription's first invoice no second purchase."""

from __future__ import annotations

from typing import Any

import pytest
from deliveries import PLAN, invoice, items, line, refund, session, stripe_event, subscription, told, why

CHECKOUT = "checkout.session.completed"


def test_a_checkout_is_a_purchase_with_all_that_it_says() -> None:
    assert line("stripe", stripe_event(CHECKOUT, session())) == {
        "id": "stripe:cs_live_1:purchase", "name": "purchase", "order_id": "pi_1", "amount": "59.99", "currency": "EUR",
        "visitor": "v1", "country": "DE", "time": 1_794_999_990_000_000, "interactive": False,
        "props": {"tax": "9.58", "shipping": "4.99", "discount": "5", "coupon": "SPRING", "customer": "cus_1"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("minor", "currency", "amount"),
    [
        (5999, "eur", "59.99"), (500, "usd", "5"), (5, "gbp", "0.05"), (0, "eur", "0"),
        (500, "jpy", "500"), (12_345, "krw", "12345"), (700, "mga", "700"),  # no smaller unit
        (5120, "kwd", "5.12"), (1, "bhd", "0.001"),  # thousandths
        (500, "isk", "5"), (500, "ugx", "5"),  # no smaller unit, told in hundredths all the same
        (999_999_999_999, "eur", "9999999999.99"),
    ],
)  # fmt: skip
def test_minor_units_are_exact(minor: int, currency: str, amount: str) -> None:
    made = line("stripe", stripe_event(CHECKOUT, session(amount_total=minor, currency=currency)))
    assert (made["amount"], made["currency"]) == (amount, currency.upper())


@pytest.mark.parametrize(
    ("more", "person"),
    [
        ({}, ("v1", None)),
        ({"client_reference_id": None}, (None, "cus_1")),
        ({"metadata": {"assay_visitor": "v2", "user_id": "u1"}}, ("v2", "u1")),
        ({"metadata": {"assay_user": "u2"}}, ("v1", "u2")),
        ({"client_reference_id": None, "customer": {"id": "cus_2"}}, (None, "cus_2")),
        ({"client_reference_id": None, "customer": None}, (None, None)),
        ({"client_reference_id": "undefined"}, (None, None)),
    ],
)
def test_who_it_was(more: dict[str, Any], person: tuple[str | None, str | None]) -> None:
    made = line("stripe", stripe_event(CHECKOUT, session(**more)))
    assert (made.get("visitor"), made.get("user")) == person


def test_the_plan_may_say_who_it_was_and_which_order() -> None:
    plan = PLAN.replace(
        "{kind: stripe, secret: env:S}",
        "{kind: stripe, secret: env:S, map: {user: data.object.client_reference_id, visitor: data.object.metadata.v, "
        "order_id: [data.object.metadata.cart, data.object.payment_intent], campaign_code: data.object.metadata.code}}",
    )
    made = line("stripe", stripe_event(CHECKOUT, session(metadata={"code": "X1"})), plan=plan)
    assert (made["user"], made.get("visitor"), made["order_id"], made["props"]["campaign_code"]) == (
        "v1",
        None,
        "pi_1",
        "X1",
    )


def test_the_sites_own_order_id_is_the_orders() -> None:
    made = line("stripe", stripe_event(CHECKOUT, session(metadata={"order_id": "A-1"})))
    assert (made["order_id"], made["props"]["payment"]) == ("A-1", "pi_1")


@pytest.mark.parametrize(
    ("kind", "thing", "reason"),
    [
        (CHECKOUT, session(payment_status="unpaid"), "async_payment_succeeded"),
        (CHECKOUT, session(mode="setup"), "sells nothing"),
        (CHECKOUT, session(mode="subscription", payment_status="no_payment_required"), "a trial"),
        ("invoice.paid", invoice("subscription_create"), "the checkout session is the purchase"),
        ("invoice.paid", invoice("subscription_cycle", amount_paid=0), "an invoice of nothing"),
        ("refund.created", refund(status="pending"), "counted when it has succeeded"),
        ("refund.updated", refund(status="failed"), "has given nothing back"),
        ("charge.refunded", {"id": "ch_1", "amount_refunded": 1}, "refund.created is counted"),
        ("customer.subscription.created", subscription((990, "month", 1), status="trialing"), "when it is active"),
        ("customer.subscription.updated", subscription((990, "month", 1)), "has not changed"),
        ("payment_intent.succeeded", {"id": "pi_1"}, "nothing is made of payment_intent.succeeded"),
    ],
)
def test_what_is_not_mapped_says_why(kind: str, thing: dict[str, Any], reason: str) -> None:
    code, detail = why("stripe", stripe_event(kind, thing))
    assert code == "not_mapped"
    assert reason in detail


@pytest.mark.parametrize("kind", [CHECKOUT, "invoice.paid", "refund.created", "customer.subscription.deleted"])
@pytest.mark.parametrize(
    "thing",
    [
        {}, [], None, "x", 5, {"id": "x"}, {"id": ["x"], "mode": "payment"},
        {"id": "x", "mode": "payment", "payment_status": "paid", "amount_total": "lots", "currency": "eur"},
        {"id": "x", "mode": "payment", "payment_status": "paid", "amount_total": 10**15, "currency": "eur"},
        {"id": "x", "mode": "payment", "payment_status": "paid", "amount_total": 5, "currency": {"a": 1}},
        {"id": "x", "currency": "eur", "amount": 1.5, "amount_paid": 1.5, "status": "succeeded", "items": {"data": 7}, "created": "never", "ended_at": []},
        {"id": "x", "currency": "eur", "amount": True, "amount_paid": True, "parent": [], "lines": 4, "metadata": "m", "ended_at": 10**30},
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_and_nothing_breaks(kind: str, thing: Any) -> None:
    found = told("stripe", stripe_event(kind, thing))
    assert len(found.lines) + len(found.refusals) == 1
    assert not any("amount" in one for one in found.lines)


def test_test_mode_is_staging() -> None:
    for mode, environment in ((True, "live"), (False, "staging")):
        source = told("stripe", stripe_event(CHECKOUT, session(), livemode=mode)).source
        assert source is not None
        assert (source.name, source.environment, source.secret) == ("stripe", environment, True)


def test_a_refund_is_of_its_order_and_counts_once() -> None:
    created = line("stripe", stripe_event("refund.created", refund(), id="evt_2"))
    assert created == {
        "id": "stripe:re_1:refund", "name": "refund", "order_id": "pi_1", "amount": "20", "currency": "EUR",
        "time": 1_794_999_980_000_000, "interactive": False, "props": {"reason": "requested_by_customer"},
    }  # fmt: skip
    for kind in ("refund.updated", "charge.refund.updated"):
        assert line("stripe", stripe_event(kind, refund(), id="evt_3")) == created


def test_a_refund_that_fails_afterwards_is_taken_back() -> None:
    failed = stripe_event("refund.failed", refund(status="failed"), {"status": "succeeded"})
    made = line("stripe", failed)
    assert (made["id"], made["amount"], made["props"]["status"]) == ("stripe:re_1:failed:refund", "-20", "failed")


def test_refunds_by_charge_are_what_each_event_adds() -> None:
    plan = PLAN.replace("{kind: stripe, secret: env:S}", "{kind: stripe, secret: env:S, refunds: charge}")
    charge = {
        "id": "ch_1",
        "object": "charge",
        "currency": "eur",
        "amount": 5999,
        "payment_intent": "pi_1",
        "metadata": {},
    }
    made = [
        line(
            "stripe",
            stripe_event("charge.refunded", {**charge, "amount_refunded": now}, {"amount_refunded": then}),
            plan=plan,
        )
        for then, now in ((0, 1500), (1500, 5999))
    ]
    assert [(one["id"], one["amount"], one["order_id"]) for one in made] == [
        ("stripe:ch_1:1500:refund", "15", "pi_1"), ("stripe:ch_1:5999:refund", "44.99", "pi_1"),
    ]  # fmt: skip
    assert "refunds: charge" in why("stripe", stripe_event("refund.created", refund()), plan=plan)[1]


def test_a_renewal_is_no_second_purchase() -> None:
    made = line("stripe", stripe_event("invoice.paid", invoice("subscription_cycle")))
    assert (made["name"], made["id"], made["order_id"], made["amount"]) == (
        "renew",
        "stripe:in_1:renew",
        "in_1",
        "11.9",
    )
    assert (made["visitor"], made["time"]) == ("v1", 1_794_999_970_000_000)
    assert made["items"] == [{"item_id": "prod_1", "item_name": "1 × Plan", "quantity": 3, "price": 3.333333}]
    assert made["props"] == {
        "tax": "1.9", "discount": "1", "billing_reason": "subscription_cycle", "subscription": "sub_1", "customer": "cus_1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("option", "reason", "name"),
    [
        ("", "manual", "purchase"), ("", "subscription_update", "renew"), ("renewals: purchase", "subscription_cycle", "purchase"),
        ("first_invoice: purchase", "subscription_create", "purchase"),
    ],
)  # fmt: skip
def test_the_billing_reason_says_what_an_invoice_is(option: str, reason: str, name: str) -> None:
    plan = PLAN.replace(
        "{kind: stripe, secret: env:S}", f"{{kind: stripe, secret: env:S{', ' * bool(option)}{option}}}"
    )
    assert line("stripe", stripe_event("invoice.paid", invoice(reason)), plan=plan)["name"] == name


def test_either_the_session_or_the_first_invoice_is_the_purchase() -> None:
    first = session(mode="subscription", payment_intent=None, invoice="in_1", subscription="sub_1")
    assert line("stripe", stripe_event(CHECKOUT, first))["order_id"] == "in_1"
    plan = PLAN.replace("{kind: stripe, secret: env:S}", "{kind: stripe, secret: env:S, first_invoice: purchase}")
    assert "first invoice is counted" in why("stripe", stripe_event(CHECKOUT, first), plan=plan)[1]
    assert line("stripe", stripe_event("invoice.paid", invoice("subscription_create")), plan=plan)["order_id"] == "in_1"


@pytest.mark.parametrize(
    ("prices", "mrr"),
    [
        ([(990, "month", 2)], "19.8"), ([(12_000, "year", 1)], "10"), ([(990, "month", 1), (12_000, "year", 1)], "19.9"),
        ([(700, "week", 1)], "30.416667"),  # 7.00 · 365 / 84
    ],
)  # fmt: skip
def test_what_a_subscription_pays_per_month(prices: list[tuple[int, str, int]], mrr: str) -> None:
    made = line("stripe", stripe_event("customer.subscription.created", subscription(*prices)))
    assert (made["name"], made["props"]["mrr"], made["user"]) == ("subscribe", mrr, "cus_1")


@pytest.mark.parametrize(
    ("before", "name"),
    [
        ({"items": items((500, "month", 1))}, "upgrade"), ({"items": items((24_000, "year", 1))}, "downgrade"),
        ({"status": "trialing"}, "subscribe"), ({"status": "incomplete"}, "subscribe"),
    ],
)  # fmt: skip
def test_a_change_of_a_subscription(before: dict[str, Any], name: str) -> None:
    made = line("stripe", stripe_event("customer.subscription.updated", subscription((990, "month", 1)), before))
    assert (made["name"], made["props"]["mrr"]) == (name, "9.9")


def test_the_end_of_a_subscription_says_why() -> None:
    ended = subscription(
        (990, "month", 1),
        status="canceled",
        ended_at=1_794_999_000,
        cancellation_details={"reason": "payment_failed", "feedback": None},
    )
    made = line("stripe", stripe_event("customer.subscription.deleted", ended))
    assert (made["name"], made["id"], made["time"]) == (
        "cancel_subscription",
        "stripe:sub_1:cancel_subscription",
        1_794_999_000_000_000,
    )
    assert made["props"] == {
        "subscription": "sub_1",
        "plan": "price_0",
        "customer": "cus_1",
        "reason": "payment_failed",
    }


def test_a_rule_of_the_plan_comes_first() -> None:
    rule = (
        "{kind: stripe, secret: env:S, events: [{when: \"type = 'payment_intent.succeeded'\", event: purchase, map: "
        "{id: data.object.id, order_id: data.object.id, amount_minor: data.object.amount_received, currency: data.object.currency}}]}"
    )
    thing = {"id": "pi_9", "amount_received": 1050, "currency": "eur"}
    made = line(
        "stripe",
        stripe_event("payment_intent.succeeded", thing),
        plan=PLAN.replace("{kind: stripe, secret: env:S}", rule),
    )
    assert (made["id"], made["order_id"], made["amount"], made["currency"]) == (
        "stripe:pi_9:purchase",
        "pi_9",
        "10.5",
        "EUR",
    )


def test_events_have_the_plans_names() -> None:
    plan = PLAN + "orders: {event: sold, refund_event: returned}\n"
    assert line("stripe", stripe_event(CHECKOUT, session()), plan=plan)["name"] == "sold"
    assert line("stripe", stripe_event("refund.created", refund()), plan=plan)["name"] == "returned"
