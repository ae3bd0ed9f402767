"""Stripe: payments, refunds and subscriptions.

Source: docs.stripe.com (webhooks: signatures; API reference: events, checkout sessions, invoices, refunds,
subscriptions; currencies: minor units, zero-decimal currencies, special cases). Fields are those of API versions from
2022 on; where a version moved one, both places are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from assay.collect.enrich import values
from assay.collect.enrich.values import Refused
from assay.collect.webhooks.base import (
    SECOND,
    Delivery,
    Hook,
    Kind,
    Notice,
    at,
    digest,
    header,
    hex_of,
    iso_digits,
    minor,
    objects,
    on_time,
    signed_by,
    some,
    text_at,
    wrong_signature,
)
from assay.collect.wire import Line, Request

_HEADER = "stripe-signature"
# Where Stripe's minor units are not those of ISO 4217.
_DIGITS = {"ISK": 2, "UGX": 2, "MGA": 0}
_MONTHS = {"day": Decimal(12) / 365, "week": Decimal(12 * 7) / 365, "month": Decimal(1), "year": Decimal(12)}
_PAYING = ("active", "past_due")
_SIXTH = Decimal("0.000001")


def verify(hook: Hook, request: Request) -> None:
    """``t=…,v1=…``: HMAC-SHA256 of ``t.body``; several v1 while a secret is replaced. Other schemes do not count."""
    moment, given = "", []
    for part in header(request, _HEADER).split(","):
        name, _, value = part.strip().partition("=")
        if name == "t":
            moment = value
        elif name == "v1" and (made := hex_of(value)):
            given.append(made)
    if not moment or not given:
        raise wrong_signature(f"the header {_HEADER} has no t=… and v1=…")
    signed_by(hook, moment.encode() + b"." + request.body, given)
    on_time(hook, moment, request)


def sign(hook: Hook, body: bytes, now: int) -> dict[str, str]:
    """The header."""
    moment = str(now // SECOND)
    return {_HEADER: f"t={moment},v1={digest(hook.secrets[0], moment.encode() + b'.' + body).hex()}"}


def delivery(_hook: Hook, _request: Request, value: Any) -> Delivery:
    """One event. Its id is only used where the event is about nothing that has an id of its own."""
    name = text_at(value, "type") or "event"
    return Delivery([Notice(name, value, text_at(value, "id") or "")], at(value, "livemode") is False)


def lines(hook: Hook, notice: Notice) -> list[Line]:
    """What the event becomes. Raises Refused: not_mapped, with why."""
    make = _EVENTS.get(notice.name)
    if make is None:
        raise Refused("not_mapped", f"nothing is made of {notice.name[:60]}; a rule under events: may")
    thing = at(notice.document, "data", "object")
    if type(thing) is not dict or not text_at(thing, "id"):
        raise Refused("bad_type", "data.object is no object with an id")
    line = make(hook, notice, thing)
    line.setdefault("time", _moment(at(notice.document, "created")))
    return [line]


def _checkout(hook: Hook, _notice: Notice, session: dict[str, Any]) -> Line:
    """A session that is paid; one that is paid later is told by async_payment_succeeded."""
    mode, status = session.get("mode"), session.get("payment_status")
    first = mode == "subscription"
    if mode not in ("payment", "subscription"):
        raise Refused("not_mapped", f"a session of mode {mode} sells nothing")
    if status == "unpaid":
        raise Refused("not_mapped", "not paid yet: counted with checkout.session.async_payment_succeeded")
    if first and hook.webhook.first_invoice == "purchase":
        raise Refused("not_mapped", "its first invoice is counted, as first_invoice: purchase says")
    if first and status == "no_payment_required":
        raise Refused("not_mapped", "a trial: nothing is paid yet")
    order = text_at(session, "invoice") if first else text_at(session, "payment_intent")
    line = _sale(hook, session, "amount_total", order or text_at(session, "id"))
    details = session.get("total_details")
    _props(line, ("tax", details, "amount_tax"), ("shipping", details, "amount_shipping"),
           ("discount", details, "amount_discount"))  # fmt: skip
    line["props"] |= some(coupon=_coupons(session), subscription=text_at(session, "subscription"))
    _put_items(line, session.get("line_items"))
    _put_person(line, session, text_at(session, "client_reference_id"))
    if country := text_at(session, "customer_details", "address", "country"):
        line["country"] = country
    return line


def _invoice(hook: Hook, _notice: Notice, invoice: dict[str, Any]) -> Line:
    """By billing_reason: the first of a subscription, a renewal, or one that was written by hand."""
    reason = text_at(invoice, "billing_reason") or "manual"
    if invoice.get("amount_paid") == 0:
        raise Refused("not_mapped", "an invoice of nothing (a trial, or credit)")
    if reason == "subscription_create" and hook.webhook.first_invoice == "checkout":
        raise Refused("not_mapped", "the first invoice of a checkout: the checkout session is the purchase")
    line = _sale(hook, invoice, "amount_paid", text_at(invoice, "id"))
    if reason.startswith("subscription") and reason != "subscription_create" and hook.webhook.renewals == "renew":
        line["name"] = "renew"
    props = line["props"]
    _props(line, ("tax", invoice, "tax"), ("shipping", invoice.get("shipping_cost"), "amount_total"))
    for name, key in (("tax", "total_taxes"), ("discount", "total_discount_amounts")):
        listed = objects(invoice.get(key))
        if listed and name not in props:
            amounts = [amount for one in listed if type(amount := one.get("amount")) is int]
            if len(amounts) == len(listed):
                props |= some(**{name: _money(sum(amounts), line["currency"])})
    details = at(invoice, "parent", "subscription_details") or invoice.get("subscription_details")
    subscription = text_at(details, "subscription") or text_at(invoice, "subscription")
    props |= some(billing_reason=reason, subscription=subscription)
    _put_items(line, invoice.get("lines"))
    _put_person(line, invoice, None, at(details, "metadata"))
    if paid := at(invoice, "status_transitions", "paid_at"):
        line["time"] = _moment(paid)
    return line


def _sale(hook: Hook, thing: dict[str, Any], key: str, order: str | None) -> Line:
    """A purchase of what ``key`` says. The site's own order id, where it is in the metadata, is the order's."""
    currency = _currency(thing)
    amount = _money(thing.get(key), currency)
    if amount is None:
        raise Refused("bad_money", f"{key} is not a whole number of the smallest unit")
    own = text_at(thing, "metadata", "order_id")
    return {
        "id": text_at(thing, "id"), "name": hook.sale, "order_id": own or order, "amount": amount,
        "currency": currency, "props": some(payment=order if own else None),
    }  # fmt: skip


def _refund(hook: Hook, notice: Notice, refund: dict[str, Any]) -> Line:
    """One refund, when it has succeeded; one that fails afterwards is taken back by its negative."""
    if hook.webhook.refunds == "charge":
        raise Refused("not_mapped", "charge.refunded is counted, as refunds: charge says")
    status = text_at(refund, "status") or "succeeded"
    failed = status in ("failed", "canceled")
    if failed and text_at(notice.document, "data", "previous_attributes", "status") != "succeeded":
        raise Refused("not_mapped", f"a refund that is {status} has given nothing back")
    if not failed and status != "succeeded":
        raise Refused("not_mapped", f"a refund that is {status} is counted when it has succeeded")
    line = _given_back(hook, refund, refund.get("amount"), text_at(refund, "id"))
    if failed:
        line["id"] = f"{line['id']}:{status}"
        line["amount"] = values.money("-" + line["amount"], "amount")
        line["props"]["status"] = status
    else:
        line["time"] = _moment(refund.get("created"))
    return line


def _charge(hook: Hook, notice: Notice, charge: dict[str, Any]) -> Line:
    """What a charge has given back by this event: the charge itself says only how much in all."""
    if hook.webhook.refunds == "refund":
        raise Refused("not_mapped", "refund.created is counted; without it write refunds: charge")
    total = charge.get("amount_refunded")
    before = at(notice.document, "data", "previous_attributes", "amount_refunded")
    if type(total) is not int or type(before) is not int:
        raise Refused("bad_money", "amount_refunded, or what it was before, is not a whole number")
    return _given_back(hook, charge, total - before, f"{text_at(charge, 'id')}:{total}")


def _given_back(hook: Hook, thing: dict[str, Any], amount: object, key: str | None) -> Line:
    currency = _currency(thing)
    plain = _money(amount, currency)
    if plain is None:
        raise Refused("bad_money", "amount is not a whole number of the smallest unit")
    paid = text_at(thing, "invoice") or text_at(thing, "payment_intent") or text_at(thing, "charge")
    return {
        "id": key, "name": hook.refund, "order_id": text_at(thing, "metadata", "order_id") or paid, "amount": plain,
        "currency": currency, "props": some(reason=text_at(thing, "reason")),
    }  # fmt: skip


def _subscribed(_hook: Hook, _notice: Notice, subscription: dict[str, Any]) -> Line:
    """A subscription that is paid for."""
    status = text_at(subscription, "status")
    if status not in _PAYING:
        raise Refused("not_mapped", f"a subscription that is {status} is counted when it is active")
    return _subscription(subscription, "subscribe", text_at(subscription, "id"))


def _changed(hook: Hook, notice: Notice, subscription: dict[str, Any]) -> Line:
    """It begins to be paid for, or what is paid per month has changed."""
    before = at(notice.document, "data", "previous_attributes")
    if text_at(before, "status") in ("incomplete", "trialing"):
        return _subscribed(hook, notice, subscription)
    now, then = _monthly(subscription), _monthly({**subscription, "items": at(before, "items")})
    if now is None or then is None or now == then:
        raise Refused("not_mapped", "what is paid per month has not changed")
    return _subscription(subscription, "upgrade" if now > then else "downgrade", notice.id)


def _ended(_hook: Hook, _notice: Notice, subscription: dict[str, Any]) -> Line:
    """The end, with why: cancellation_requested, payment_failed or payment_disputed."""
    line = _subscription(subscription, "cancel_subscription", text_at(subscription, "id"))
    line["props"].pop("mrr", None)
    details = subscription.get("cancellation_details")
    line["props"] |= some(reason=text_at(details, "reason"), feedback=text_at(details, "feedback"))
    if ended := subscription.get("ended_at"):
        line["time"] = _moment(ended)
    return line


def _subscription(subscription: dict[str, Any], name: str, key: str | None) -> Line:
    monthly = _monthly(subscription)
    plan = text_at(subscription, "items", "data", 0, "price", "id")
    line: Line = {
        "id": key, "name": name, "currency": _currency(subscription),
        "props": some(subscription=text_at(subscription, "id"), plan=plan),
    }  # fmt: skip
    if monthly is not None:
        line["props"]["mrr"] = values.money(f"{monthly:f}", "mrr")
    _put_person(line, subscription, None)
    return line


def _monthly(subscription: dict[str, Any]) -> Decimal | None:
    """What its items cost per month; None where a price is no plain one (tiers, usage)."""
    items = objects(at(subscription, "items", "data"))
    total = Decimal(0)
    for one in items:
        amount, each = at(one, "price", "unit_amount"), at(one, "price", "recurring", "interval_count")
        months = _MONTHS.get(text_at(one, "price", "recurring", "interval") or "")
        count = one.get("quantity", 1)
        if type(amount) is not int or months is None or type(count) is not int:
            return None
        plain = Decimal(amount).scaleb(-_digits(_currency(subscription)))
        total += plain * count / (months * (each if type(each) is int and each > 0 else 1))
    return total.quantize(_SIXTH) if items else None


def _put_person(line: Line, thing: dict[str, Any], reference: str | None, more: Any = None) -> None:
    """The visitor, as the site has told (metadata, client_reference_id); else Stripe's customer is the user."""
    told = [thing.get("metadata"), more]
    visitor = next((v for one in told if (v := text_at(one, "assay_visitor"))), None) or reference
    user = next((v for one in told for key in ("assay_user", "user_id") if (v := text_at(one, key))), None)
    customer = text_at(thing, "customer") or text_at(thing, "customer", "id")
    line["visitor"] = values.ident(visitor, "assay_visitor")
    line["user"] = values.ident(user or (None if visitor else customer), "customer")
    line["props"] |= some(customer=customer)


def _put_items(line: Line, listed: Any) -> None:
    """Lines of a session or an invoice, where the event brings them."""
    found = []
    for one in objects(at(listed, "data"))[:200]:
        price = text_at(one, "price", "product") or text_at(one, "pricing", "price_details", "product")
        count, amount = one.get("quantity"), one.get("amount_total", one.get("amount"))
        item = some(
            item_id=price, item_name=text_at(one, "description"), quantity=count if type(count) is int else None
        )
        if type(amount) is int and type(count) is int and count > 0:
            each = (Decimal(amount).scaleb(-_digits(line["currency"])) / count).quantize(_SIXTH)
            item["price"] = float(each)
        if item:
            found.append(item)
    if found:
        line["items"] = found


def _props(line: Line, *named: tuple[str, Any, str]) -> None:
    """Sums beside the amount, as properties."""
    for name, holder, key in named:
        if (amount := _money(at(holder, key), line["currency"])) is not None:
            line["props"][name] = amount


def _coupons(session: dict[str, Any]) -> str | None:
    found = [text_at(one, "promotion_code") or text_at(one, "coupon") for one in objects(session.get("discounts"))]
    return ",".join(one for one in found if one) or None


def _currency(thing: dict[str, Any]) -> str:
    found = values.currency(thing.get("currency"))
    if found is None:
        raise Refused("bad_currency", "the currency is missing")
    return found


def _digits(currency: str) -> int:
    return _DIGITS.get(currency, iso_digits(currency))


def _money(amount: object, currency: str) -> str | None:
    found = minor(amount, _digits(currency))
    return None if found is None else values.money(found, "amount")


def _moment(seconds: Any) -> int | None:
    return values.instant(seconds)


_EVENTS: Mapping[str, Callable[[Hook, Notice, dict[str, Any]], Line]] = {
    "checkout.session.completed": _checkout,
    "checkout.session.async_payment_succeeded": _checkout,
    "invoice.paid": _invoice,
    "invoice.payment_succeeded": _invoice,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "charge.refund.updated": _refund,
    "charge.refunded": _charge,
    "customer.subscription.created": _subscribed,
    "customer.subscription.updated": _changed,
    "customer.subscription.deleted": _ended,
}
KIND = Kind("stripe", verify, delivery, lines, sign)
