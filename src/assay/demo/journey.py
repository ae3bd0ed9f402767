"""From sessions to events: every session fills some of the same slots, in the same order, at human pace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from assay.demo import catalogue, payload, visits
from assay.demo.draws import Flags, Whole, run_starts
from assay.demo.visits import Sessions

_READ, _PRODUCT, _CATEGORY = -1, -2, -3  # pages that differ by session
PAUSE = 3_600_000  # milliseconds at least between two sessions of a visitor
_LONGEST = 24 * 60.0  # seconds between two events of a session, at most


@dataclass(frozen=True)
class Slot:
    """A place in a session: the time since the event before it is ``least`` plus ``mean`` on average, in seconds.

    ``number`` tells equal places apart.
    """

    event: str
    page: int
    least: float
    mean: float
    number: int = 0


def _product(number: int) -> tuple[Slot, ...]:
    return (
        Slot("page_view", _PRODUCT, 2, 28, number),
        Slot("view_item", _PRODUCT, 0.1, 0.2, number),
        Slot("add_to_cart", _PRODUCT, 3, 30, number),
    )


SLOTS: tuple[Slot, ...] = (
    Slot("page_view", _READ, 0, 0, 0),
    Slot("page_view", _READ, 3, 45, 1),
    Slot("page_view", _READ, 3, 45, 2),
    Slot("sign_up", _READ, 4, 25, 0),
    Slot("page_view", catalogue.SEARCH, 2, 20),
    Slot("search", catalogue.SEARCH, 0.1, 0.2),
    Slot("page_view", _CATEGORY, 2, 20),
    Slot("view_item_list", _CATEGORY, 0.1, 0.2),
    *_product(0),
    *_product(1),
    *_product(2),
    *_product(3)[:2],
    Slot("page_view", _READ, 3, 30, 3),
    Slot("page_view", catalogue.CART, 2, 15),
    Slot("page_view", catalogue.CHECKOUT, 4, 35),
    Slot("experiment_viewed", catalogue.CHECKOUT, 0.05, 0.1),
    Slot("begin_checkout", catalogue.CHECKOUT, 0.05, 0.1),
    Slot("page_view", catalogue.SHIPPING, 15, 60),
    Slot("add_shipping_info", catalogue.SHIPPING, 5, 40),
    Slot("page_view", catalogue.PAYMENT, 0.5, 1.5),
    Slot("add_payment_info", catalogue.PAYMENT, 8, 50),
    Slot("page_view", catalogue.CONFIRMED, 2, 6),
    Slot("purchase", catalogue.CONFIRMED, 0.05, 0.1),
)
_AT = {(s.event, s.page, s.number): n for n, s in enumerate(SLOTS)}


@dataclass(frozen=True)
class Events:
    """One row per event, as codes. ``session`` −1 = none (a refund)."""

    time: NDArray[np.int64]  # milliseconds UTC
    session: NDArray[np.int32]
    seq: NDArray[np.int16]
    name: NDArray[np.int8]
    page: NDArray[np.int16]  # −1 = none
    payload: NDArray[np.int32]  # 0 = none

    def __len__(self) -> int:
        return len(self.time)

    def take(self, rows: Whole | Flags) -> Events:
        """These rows only, in this order."""
        return Events(*(getattr(self, f.name)[rows] for f in fields(self)))


def merge(parts: Sequence[Events]) -> Events:
    """Several tables of events as one."""
    return Events(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Events)))


def _filled(sessions: Sessions) -> NDArray[np.bool_]:
    """Which session fills which slot; shape (sessions, slots)."""
    s = sessions
    mask = np.zeros((len(s), len(SLOTS)), dtype=np.bool_)
    read, category, product = (
        s.landing == land for land in (visits.LAND_READ, visits.LAND_CATEGORY, visits.LAND_PRODUCT)
    )
    stays = ~s.bounce
    mask[:, _AT["page_view", _READ, 0]] = read
    mask[:, _AT["page_view", _READ, 1]] = read & stays & (s.reads >= 1)
    mask[:, _AT["page_view", _READ, 2]] = read & stays & (s.reads >= 2)
    mask[:, _AT["sign_up", _READ, 0]] = s.sign_up
    mask[:, _AT["page_view", catalogue.SEARCH, 0]] = mask[:, _AT["search", catalogue.SEARCH, 0]] = s.term >= 0
    mask[:, _AT["page_view", _CATEGORY, 0]] = category | (read & (s.views > 0))
    mask[:, _AT["view_item_list", _CATEGORY, 0]] = (category & stays) | (read & (s.views > 0))
    mask[:, _AT["page_view", _READ, 3]] = category & stays & (s.views == 0)
    for number in range(4):
        seen = s.views > number
        mask[:, _AT["page_view", _PRODUCT, number]] = seen | (product if number == 0 else False)
        mask[:, _AT["view_item", _PRODUCT, number]] = seen
    recovery, returned = s.kind == visits.RECOVERY, s.kind == visits.CAME_BACK
    later = recovery | returned  # the cart was filled in an earlier session
    for number in range(3):
        mask[:, _AT["add_to_cart", _PRODUCT, number]] = (s.lines > number) & ~later
    mask[:, _AT["page_view", catalogue.CART, 0]] = (s.depth >= visits.CARTED) & ~returned
    mask[:, _AT["experiment_viewed", catalogue.CHECKOUT, 0]] = s.variant >= 0
    for event, page, depth in (
        ("page_view", catalogue.CHECKOUT, visits.BEGAN),
        ("begin_checkout", catalogue.CHECKOUT, visits.BEGAN),
        ("page_view", catalogue.SHIPPING, visits.BEGAN),
        ("add_shipping_info", catalogue.SHIPPING, visits.SHIPPED),
        ("page_view", catalogue.PAYMENT, visits.SHIPPED),
        ("add_payment_info", catalogue.PAYMENT, visits.PAID),
    ):
        mask[:, _AT[event, page, 0]] = (s.depth >= depth) & ~later
    mask[:, _AT["page_view", catalogue.PAYMENT, 0]] |= returned
    done = (s.depth == visits.BOUGHT) & ~s.away
    mask[:, _AT["page_view", catalogue.CONFIRMED, 0]] = mask[:, _AT["purchase", catalogue.CONFIRMED, 0]] = done
    return mask


def _pages(sessions: Sessions, session: Whole, slot: Whole) -> NDArray[np.int16]:
    """Code of each event's page."""
    fixed = np.array([s.page for s in SLOTS], dtype=np.int16)
    number = np.array([s.number for s in SLOTS], dtype=np.int16)
    page = fixed[slot]
    rows = np.flatnonzero(page == _PRODUCT)
    page[rows] = catalogue.FIRST_PRODUCT + sessions.products[session[rows], number[slot[rows]]]
    rows = np.flatnonzero(page == _CATEGORY)
    names = [catalogue.CATEGORIES.index(p.category) for p in catalogue.PRODUCTS]
    page[rows] = catalogue.FIRST_CATEGORY + np.array(names)[sessions.products[session[rows], 0]]
    rows = np.flatnonzero(page == _READ)
    page[rows] = (sessions.read[session[rows]] + 5 * number[slot[rows]]) % len(catalogue.READ)
    return page


def _payloads(sessions: Sessions, session: Whole, slot: Whole, cart: NDArray[np.int32]) -> NDArray[np.int32]:
    """Code of what each event carries: its items, properties and money."""
    found = np.zeros(len(slot), dtype=np.int32)

    def rows_of(event: str) -> tuple[NDArray[np.int64], Whole]:
        slots = np.array([s.event == event for s in SLOTS])
        rows = np.flatnonzero(slots[slot])
        return rows, session[rows]

    number = np.array([s.number for s in SLOTS], dtype=np.int16)
    rows, at = rows_of("view_item")
    found[rows] = payload.VIEW + sessions.products[at, number[slot[rows]]]
    rows, at = rows_of("add_to_cart")
    line = number[slot[rows]]
    found[rows] = payload.ADD + 3 * sessions.products[at, line] + sessions.quantity[at, line] - 1
    rows, at = rows_of("search")
    found[rows] = payload.TERM + sessions.term[at]
    rows, at = rows_of("experiment_viewed")
    found[rows] = payload.VARIANT + sessions.variant[at]
    rows, at = rows_of("sign_up")
    found[rows] = payload.SIGN_UP
    for kind, event in enumerate(payload.CART_EVENTS):
        rows, at = rows_of(event)
        found[rows] = payload.CARTS + len(payload.CART_EVENTS) * cart[at] + kind
    return found


def _times(slot: Whole, first: Flags, rng: np.random.Generator) -> NDArray[np.int64]:
    """Milliseconds since the session's first event: exponential pauses, a few long ones, none that ends a session."""
    least = np.array([s.least for s in SLOTS], dtype=np.float32)[slot]
    mean = np.array([s.mean for s in SLOTS], dtype=np.float32)[slot]
    gap = rng.standard_exponential(len(slot), dtype=np.float32)
    gap *= mean
    gap += least
    human = np.flatnonzero((mean > 10) & (rng.random(len(slot), dtype=np.float32) < 0.006))
    gap[human] = rng.uniform(300, 1300, len(human))
    np.minimum(gap, np.float32(_LONGEST), out=gap)
    gap[first] = 0
    passed = np.cumsum((gap * 1000).astype(np.int64))
    starts = np.flatnonzero(first)
    return np.asarray(passed - np.repeat(passed[starts], np.diff(np.append(starts, len(slot)))))


def _apart(visitor: Whole, start: NDArray[np.int64], length: NDArray[np.int64]) -> NDArray[np.int64]:
    """Starts moved on just as far as a visitor's sessions need to stay PAUSE apart.

    With c = Σ (length + PAUSE) over the visitor's earlier sessions, the earliest allowed start is
    c + max over the sessions so far of (start − c); the running maximum restarts per visitor by an offset.
    """
    taken = np.cumsum(length + PAUSE) - (length + PAUSE)
    marks = run_starts(visitor)
    begins = np.flatnonzero(marks)
    taken -= np.repeat(taken[begins], np.diff(np.append(begins, len(visitor))))
    offset = visitor.astype(np.int64) << 37
    slack = start - start.min() - taken + (1 << 35)
    return np.asarray(np.maximum.accumulate(slack + offset) - offset - (1 << 35) + taken + start.min())


def events(
    sessions: Sessions, end: int, cart: NDArray[np.int32], rng: np.random.Generator
) -> tuple[Events, NDArray[np.int64], Flags]:
    """Events of people's sessions, the sessions' starts, and which sessions are over by ``end``.

    A session that is not over has no events: its lines would come with the next day's.
    """
    session, slot = np.nonzero(_filled(sessions))
    session, slot = np.asarray(session, dtype=np.int32), np.asarray(slot, dtype=np.int8)
    first = run_starts(session)
    passed = _times(slot, first, rng)
    begins = np.flatnonzero(first)
    ends = np.append(begins[1:], len(slot)) - 1
    start = _apart(sessions.visitor, sessions.start, passed[ends])
    over = start + passed[ends] < end
    names = np.array([payload.NAMES.index(s.event) for s in SLOTS], dtype=np.int8)
    seq = np.arange(len(slot)) - np.repeat(begins, ends - begins + 1)
    found = Events(
        passed + start[session], session.astype(np.int32), seq.astype(np.int16), names[slot],
        _pages(sessions, session, slot), _payloads(sessions, session, slot, cart),
    )  # fmt: skip
    return (found if over.all() else found.take(over[session])), start, np.asarray(over)


def bots(visitors: int, total: int, starts: NDArray[np.int64], rng: np.random.Generator) -> tuple[Sessions, Events]:
    """Crawlers: each one visit of many quick page views. Numbered from ``visitors`` and ``total`` on, after people."""
    n = len(starts)
    views = rng.integers(5, 30, n)
    session = np.repeat(np.arange(total, total + n, dtype=np.int32), views)
    first = run_starts(session)
    passed = np.cumsum(np.where(first, 0, rng.integers(400, 2500, len(session))))
    begins = np.flatnonzero(first)
    time = passed - np.repeat(passed[begins], views) + np.repeat(starts, views)
    page = rng.integers(0, len(catalogue.PAGES), len(session)).astype(np.int16)
    seq = (np.arange(len(session)) - np.repeat(begins, views)).astype(np.int16)
    name = np.full(len(session), payload.NAMES.index("page_view"), dtype=np.int8)
    crawled = Events(time, session, seq, name, page, np.zeros(len(session), dtype=np.int32))
    zero, no = np.zeros(n, dtype=np.int16), np.zeros(n, dtype=np.bool_)
    visitor = np.arange(visitors, visitors + n, dtype=np.int32)
    return Sessions(
        visitor, zero + visits.BOT, zero, starts, ~no, zero, no, zero, zero, zero, no, zero - 1, zero,
        np.zeros((n, 4), dtype=np.int16), zero, np.zeros((n, 3), dtype=np.int16), zero, zero - 1, zero, zero, no,
    ), crawled  # fmt: skip
