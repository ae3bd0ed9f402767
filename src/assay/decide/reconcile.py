"""Till against tracking, order by order: every difference has one reason, and the reasons add up to the difference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Protocol

from assay.model.period import Period

# Reason → what it means, in the order in which it is told.
REASONS: Mapping[str, str] = {
    "not_tracked": "in the till, never told by the browser: blockers, a broken tag, a page that was left early",
    "no_consent": "in the till, and the buyer did not want to be tracked",
    "offline": "made by telephone, in a store or by sales",
    "renewals": "renewed by themselves, without a visit",
    "test_orders": "test orders of the till",
    "cancelled": "in the till as cancelled or failed",
    "duplicates": "listed more than once in the till",
    "bots": "told by what looked like a bot",
    "not_counted": "tracked, and left out by the plan's rules for orders",
    "other_amount": "on both sides with another amount",
    "other_day": "on both sides, on another day",
    "not_in_till": "tracked, and not in the till: never paid, or paid elsewhere",
    "no_id": "tracked without an order id, so that nothing can be held against it",
}
_TYPES = {"test": "test_orders", "offline": "offline", "renewal": "renewals", "cancelled": "cancelled"}
_UNTRACKED = {**_TYPES, "sale": "not_tracked"}


class Sold(Protocol):
    """A row of the till."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def day(self) -> date: ...  # noqa: D102
    @property
    def amount(self) -> Decimal: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def denied(self) -> bool: ...  # noqa: D102


@dataclass(frozen=True)
class Tracked:
    """An order of the store."""

    day: date
    amount: Decimal
    counted: bool
    kind: str


@dataclass
class Reason:
    """Orders with this reason, and what they add to till − tracked: ``orders`` and ``amount`` are those concerned."""

    orders: int = 0
    amount: Decimal = Decimal(0)
    adds_orders: int = 0
    adds_amount: Decimal = Decimal(0)
    examples: list[str] = field(default_factory=list)

    def take(self, order: str, amount: Decimal, orders: int, adds: Decimal) -> None:
        """One more order."""
        self.orders += 1
        self.amount += amount
        self.adds_orders += orders
        self.adds_amount += adds
        if len(self.examples) < 5:
            self.examples.append(order)


@dataclass
class Sum:
    """Orders and their money."""

    orders: int = 0
    amount: Decimal = Decimal(0)

    def take(self, amount: Decimal, orders: int = 1) -> None:
        """Some more."""
        self.orders += orders
        self.amount += amount


@dataclass
class Balance:
    """Both sides of a range, and every difference by reason. ``should``: orders that the tracking should have seen."""

    till: Sum
    tracked: Sum
    reasons: dict[str, Reason]
    should: Sum
    seen: Sum

    @property
    def left(self) -> tuple[int, Decimal]:
        """What no reason explains: always nothing."""
        orders = self.till.orders - self.tracked.orders - sum(r.adds_orders for r in self.reasons.values())
        amount = (
            self.till.amount - self.tracked.amount - sum((r.adds_amount for r in self.reasons.values()), Decimal(0))
        )
        return orders, amount


def reconcile(
    sales: Iterable[Sold],
    tracked: Mapping[str, Tracked],
    bots: set[str],
    nameless: tuple[int, Decimal],
    period: Period,
) -> Balance:
    """Every row of the till and every tracked order of the range gets exactly one place.

    ``nameless``: tracked orders of the range without an id. Amounts are gross.
    """

    def inside(day: date) -> bool:
        return period.first <= day <= period.last

    reasons = {name: Reason() for name in REASONS}
    till, seen, should, own = Sum(), Sum(), Sum(), Sum()
    first: dict[str, Sold] = {}
    for sale in sales:
        here = inside(sale.day)
        if here:
            till.take(sale.amount)
        if sale.id in first:
            if here:
                reasons["duplicates"].take(sale.id, sale.amount, 1, sale.amount)
            continue
        first[sale.id] = sale
        known = tracked.get(sale.id)
        if known is not None and known.counted:
            there = inside(known.day)
            if here or there:
                _both(reasons, sale, known, here, there)
            if here:
                should.take(sale.amount)
                seen.take(sale.amount)
            continue
        if not here:
            continue
        name = _missing(sale, known, bots)
        reasons[name].take(sale.id, sale.amount, 1, sale.amount)
        if name in ("not_tracked", "no_consent", "bots"):
            should.take(sale.amount)
    for order, known in tracked.items():
        if known.counted and inside(known.day):
            own.take(known.amount)
            if order not in first:
                reasons["not_in_till"].take(order, known.amount, -1, -known.amount)
    if nameless[0]:
        count, amount = nameless
        own.take(amount, count)
        reasons["no_id"] = Reason(count, amount, -count, -amount)
    return Balance(till, own, {name: one for name, one in reasons.items() if one.orders}, should, seen)


def _both(reasons: dict[str, Reason], sale: Sold, known: Tracked, here: bool, there: bool) -> None:
    """On both sides: the difference of days and of amounts."""
    if sale.day != known.day:
        adds = int(here) - int(there)
        reasons["other_day"].take(sale.id, sale.amount, adds, adds * (sale.amount if here else known.amount))
    if sale.amount != known.amount and here and there:
        reasons["other_amount"].take(sale.id, sale.amount - known.amount, 0, sale.amount - known.amount)


def _missing(sale: Sold, known: Tracked | None, bots: set[str]) -> str:
    """Why an order of the till is not among the tracked ones that count."""
    if known is not None:
        return _TYPES.get(known.kind, "not_counted")
    if sale.kind != "sale":
        return _UNTRACKED[sale.kind]
    if sale.id in bots:
        return "bots"
    return "no_consent" if sale.denied else "not_tracked"
