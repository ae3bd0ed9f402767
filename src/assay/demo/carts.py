"""Carts and orders in whole cents, refunds, and what advertising cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.demo import catalogue, rates, visits
from assay.demo.calendar import Calendar
from assay.demo.draws import Flags, Whole, chance
from assay.demo.journey import Events
from assay.demo.payload import CART_EVENTS, CARTS, NAMES, PAYMENTS
from assay.demo.sheets import Spend, spend_of
from assay.demo.till import (
    AD_BLOCKER,
    BROKEN_TAG,
    NO_CONSENT,
    OFFLINE,
    OTHER_AMOUNT,
    TEST,
    TRACKED,
    Deviation,
    Extra,
    Till,
    deviate,
    extra,
)
from assay.demo.visits import Sessions

Cents = NDArray[np.int64]


@dataclass(frozen=True)
class Carts:
    """One row per session that begins a checkout or buys. Money in cents; ``order`` and times: −1 = none."""

    session: NDArray[np.int64]
    items: NDArray[np.int16]  # shape (n, 3): 3 × product + quantity − 1, −1 = no such line
    coupon: NDArray[np.int16]
    payment: NDArray[np.int16]
    goods: Cents
    discount: Cents
    amount: Cents  # goods less discount: what the order event's money is
    tax: Cents
    cost: Cents  # of the goods
    shipping: Cents  # paid by the customer
    shipping_cost: Cents  # that the shop bears: carrier less shipping
    treated: Flags
    order: NDArray[np.int64]  # numbered by time
    ordered_at: NDArray[np.int64]
    tracked: Flags  # the purchase event arrived
    refund: Cents
    refunded_at: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.session)


def numbers(sessions: Sessions) -> NDArray[np.int32]:
    """The cart's row by session, −1 = none."""
    has = sessions.depth >= visits.BEGAN
    return np.where(has, np.cumsum(has) - 1, -1).astype(np.int32)


def fill(sessions: Sessions, treated_visitor: Flags) -> Carts:
    """Price the carts. Orders and refunds are still to come."""
    session = np.flatnonzero(sessions.depth >= visits.BEGAN)
    line = np.arange(3)[None, :] < sessions.lines[session, None]
    products, quantity = sessions.products[session, :3], sessions.quantity[session]
    price = np.array([p.price for p in catalogue.PRODUCTS], dtype=np.int64)
    cost = np.array([p.cost_cents for p in catalogue.PRODUCTS], dtype=np.int64)
    goods = np.asarray((price[products] * quantity * line).sum(axis=1))
    percent = np.array([c[1] for c in rates.COUPONS], dtype=np.int64)[sessions.coupon[session]]
    discount = (goods * percent + 50) // 100
    amount = goods - discount
    treated = treated_visitor[sessions.visitor[session]]
    shipping = np.where(treated, 0, rates.DELIVERY).astype(np.int64)
    none = np.full(len(session), -1, dtype=np.int64)
    return Carts(
        session=session, items=np.where(line, 3 * products + quantity - 1, -1).astype(np.int16),
        coupon=sessions.coupon[session], payment=sessions.payment[session],
        goods=goods, discount=discount, amount=amount, tax=(amount * rates.TAX + 50) // 100,
        cost=np.asarray((cost[products] * quantity * line).sum(axis=1)),
        shipping=shipping, shipping_cost=rates.CARRIER - shipping, treated=treated, order=none.copy(),
        ordered_at=none.copy(), tracked=np.zeros(len(session), dtype=np.bool_), refund=none * 0,
        refunded_at=none.copy(),
    )  # fmt: skip


def order(
    carts: Carts, found: Events, cart: Whole, lost: Flags, calendar: Calendar, rng: np.random.Generator
) -> tuple[Extra, NDArray[np.int64]]:
    """Number the orders by time, in place. ``lost`` marks the events of ``found`` that never arrive.

    Returns the orders that only the till knows, with their numbers: all are numbered together.
    """
    rows = np.flatnonzero(found.name == NAMES.index("purchase"))
    of = cart[found.session[rows]]
    carts.ordered_at[of] = found.time[rows]
    carts.tracked[of] = ~lost[rows]
    shares = {AD_BLOCKER: rates.BLOCKED, NO_CONSENT: rates.DENIED, OFFLINE: rates.OFFLINE}
    some = 0 if calendar.quiet else 1
    only = extra(
        found.time[rows], carts.amount[of], {k: some * v for k, v in shares.items()}, some * rates.TESTS,
        calendar.end, rng,
    )  # fmt: skip
    place = np.argsort(np.argsort(np.concatenate([found.time[rows], only.time]), kind="stable"), kind="stable")
    carts.order[of] = place[: len(rows)]
    return only, place[len(rows) :]


def ring_up(
    carts: Carts, only: Extra, numbers: NDArray[np.int64], calendar: Calendar, rng: np.random.Generator
) -> Till:
    """The till's list of all orders."""
    rows = np.flatnonzero(carts.order >= 0)
    more = len(only.time)
    time = np.concatenate([carts.ordered_at[rows], only.time])
    own = np.concatenate([carts.amount[rows], only.amount])
    reason = np.concatenate([np.where(carts.tracked[rows], TRACKED, BROKEN_TAG), only.reason]).astype(np.int16)
    refund = np.concatenate([carts.refund[rows], np.zeros(more, dtype=np.int64)])
    some = 0.0 if calendar.quiet else 1.0
    invoice = np.concatenate([carts.payment[rows] == PAYMENTS.index("invoice"), np.zeros(more, dtype=np.bool_)])
    how = Deviation(
        np.concatenate([carts.shipping[rows], np.zeros(more, dtype=np.int64)]), some * rates.WITH_DELIVERY,
        some * rates.TWICE, np.where(invoice, some * rates.CHECKED, 0.0), rates.CHECKED_HOURS,
    )  # fmt: skip
    booked, difference = deviate(time, reason, how, calendar.end, rng)
    channel = np.where(reason == OFFLINE, 1, np.where(reason == TEST, 3, 0))
    return Till(
        np.concatenate([carts.order[rows], numbers]), booked,
        own + np.where(difference == OTHER_AMOUNT, how.added, 0), own, reason, difference,
        channel.astype(np.int16), np.where(refund == 0, 0, np.where(refund == own, 1, 2)).astype(np.int16),
    ).sorted()  # fmt: skip


def refund(carts: Carts, end: int, rng: np.random.Generator) -> Events:
    """Draw refunds of tracked orders, 5 to 20 days later, in place; the lines that the shop's server sends for them."""
    n = len(carts)
    back = chance(rng, np.array(rates.REFUND)[carts.treated.astype(np.int16)], n) & carts.tracked
    at = carts.ordered_at + (rng.uniform(5, 20, n) * 86_400_000).astype(np.int64)
    percent = np.where(rng.random(n) < rates.FULL_REFUND, 100, rng.integers(rates.PARTIAL[0], rates.PARTIAL[1] + 1, n))
    rows = np.flatnonzero(back & (at < end))
    carts.refund[rows] = (carts.amount[rows] * percent[rows] + 50) // 100
    carts.refunded_at[rows] = at[rows]
    k = len(rows)
    return Events(
        at[rows], np.full(k, -1, dtype=np.int32), np.zeros(k, dtype=np.int16),
        np.full(k, NAMES.index("refund"), dtype=np.int8), np.full(k, -1, dtype=np.int16),
        (CARTS + len(CART_EVENTS) * rows + CART_EVENTS.index("refund")).astype(np.int32),
    )  # fmt: skip


def spend(calendar: Calendar, sessions: Sessions, rng: np.random.Generator) -> list[Spend]:
    """Costs by day and campaign: somewhat more clicks than sessions, each at the campaign's price give or take."""
    paid = [(n, e) for n, e in enumerate(rates.ENTRIES) if e.cpc]
    rows: list[Spend] = []
    for code, entry in paid:
        visited = np.bincount(sessions.day[sessions.entry == code], minlength=calendar.days)
        who = (rates.CHANNELS[entry.channel], entry.source or "", entry.medium or "", entry.campaign or "")
        rows += spend_of(calendar, visited, who, entry.cpc, rng)
    return sorted(rows, key=lambda row: row.day)
