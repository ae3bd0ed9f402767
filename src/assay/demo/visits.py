"""Who comes when, and how far each session gets: one row per session, all columns drawn at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from assay.demo import catalogue, origins, rates
from assay.demo.calendar import Calendar, Days
from assay.demo.draws import Flags, Floats, Whole, chance, pick, pick_by, run_starts, since_group_start
from assay.demo.traffic import Codes, People, by_day, clock

ORDINARY, RECOVERY, REORDER, BOT, CAME_BACK = range(5)  # kinds of session; the last: from the payment provider
LAND_READ, LAND_CATEGORY, LAND_PRODUCT, LAND_CART = range(4)
BROWSED, CARTED, BEGAN, SHIPPED, PAID, BOUGHT = range(6)  # how deep a session gets
PROVIDER_PAYMENT = 0  # code of the payment that is made at the provider's own site
_LAND = (
    (0.80, 0.08, 0.12), (0.30, 0.25, 0.45), (0.15, 0.35, 0.50), (0.15, 0.30, 0.55),
    (0.45, 0.15, 0.40), (0.45, 0.30, 0.25), (0.40, 0.20, 0.40),
)  # fmt: skip


@dataclass(frozen=True)
class Sessions:
    """One row per session, sorted by visitor and start once the world is complete."""

    visitor: NDArray[np.int32]
    kind: Codes
    day: Codes
    start: NDArray[np.int64]  # milliseconds UTC
    first: Flags  # the visitor's first session
    entry: Codes  # code of rates.ENTRIES
    bounce: Flags
    landing: Codes
    reads: Codes  # further content pages
    read: Codes  # code of the first content page
    sign_up: Flags
    term: Codes  # search term, −1 = none
    views: Codes  # products seen
    products: Codes  # shape (n, 4): in the order in which they are seen
    lines: Codes  # of the cart
    quantity: Codes  # shape (n, 3)
    depth: Codes
    variant: Codes  # −1 = not exposed in this session
    coupon: Codes
    payment: Codes
    away: Flags  # bought, but the order comes with a session of its own

    def __len__(self) -> int:
        return len(self.visitor)

    def take(self, rows: Whole | Flags) -> Sessions:
        """These rows only, in this order."""
        return Sessions(*(getattr(self, f.name)[rows] for f in fields(self)))

    @property
    def channel(self) -> Codes:
        """Code of the channel of the session's own source."""
        return np.array([e.channel for e in rates.ENTRIES], dtype=np.int16)[self.entry]


def join(parts: Sequence[Sessions]) -> Sessions:
    """Several tables of sessions as one."""
    return Sessions(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Sessions)))


def arrive(calendar: Calendar, visitors: int, rng: np.random.Generator, traffic: np.random.Generator) -> People:
    """Day, channel, machine and country of every visitor's first session."""
    noise = traffic.lognormal(0.0, 0.04, calendar.days)
    day_channel = pick(traffic, _weights(calendar, noise), visitors)
    day, channel = np.divmod(day_channel, np.int16(len(rates.CHANNELS)))
    device = pick_by(rng, rates.DEVICE_BY_CHANNEL, channel)
    profiles = [[p.weight if p.device == d else 0.0 for p in origins.PROFILES] for d in range(len(origins.DEVICES))]
    return People(day, channel, pick_by(rng, profiles, device), pick(rng, [c[2] for c in origins.COUNTRIES], visitors))


def tables(calendar: Days) -> rates.Tables:
    """The probabilities of this world."""
    return rates.QUIET if calendar.quiet else rates.PLANTED


def _weights(calendar: Calendar, noise: Floats) -> Floats:
    """Weight of each day and channel for a first session, shape (days, channels): the day's, push, influencer."""
    planted = tables(calendar)
    table = by_day(calendar, noise, planted.growth)[:, None] * np.array(rates.FIRST_MIX)[None, :]
    first, last = calendar.push
    table[first : last + 1, rates.PAID_SOCIAL] *= planted.push
    table[calendar.influencer, rates.SOCIAL] *= planted.influencer
    return np.asarray(table)


def probability(table: rates.Factors, channel: Whole, device: Whole, first: Flags) -> Floats:
    """The product of the three factors, one number per session."""
    by_channel, by_device, by_newness = (np.array(t) for t in table)
    return np.asarray(by_channel[channel] * by_device[device] * by_newness[1 - first.astype(np.int16)])


def browse(
    people: People, visitor: NDArray[np.int32], kind: int, day: Codes, start: NDArray[np.int64], channel: Codes,
    first: Flags, rng: np.random.Generator, given: rates.Tables,
) -> Sessions:  # fmt: skip
    """What these sessions look at and put into the cart. A reorder surely gets as far as the checkout."""
    n = len(visitor)
    device = people.device[visitor]
    sure = kind == REORDER
    bounce = chance(rng, probability(rates.BOUNCE, channel, device, first), n) & (not sure)
    view = (chance(rng, probability(given.view, channel, device, first), n) | sure) & ~bounce
    cart = (chance(rng, probability(given.cart, channel, device, first), n) | sure) & view
    begun = (chance(rng, probability(given.checkout, channel, device, first), n) | sure) & cart
    lines = np.where(cart, 1 + pick(rng, rates.LINES, n), 0).astype(np.int16)
    views = np.where(view, np.maximum(1 + pick(rng, (0.45, 0.28, 0.17, 0.10), n), lines), 0).astype(np.int16)
    landing = pick_by(rng, _LAND, channel)
    landing[(landing == LAND_PRODUCT) & ~bounce & ~view] = LAND_READ
    # whoever stays sees a second page
    views[(landing == LAND_PRODUCT) & (views == 1)] = 2
    reads = pick(rng, (0.70, 0.20, 0.10), n)
    reads[~view & (reads == 0)] = 1
    stays = ~bounce & (landing == LAND_READ)
    term = np.where(stays & chance(rng, rates.SEARCH, n), rng.integers(0, len(catalogue.TERMS), n), -1)
    steps = np.cumsum(rng.integers(1, 20, (n, 3)), axis=1)
    products = pick(rng, [p.weight for p in catalogue.PRODUCTS], n)[:, None]
    products = np.concatenate([products, (products + steps) % len(catalogue.PRODUCTS)], axis=1)
    entries = [[e.weight if e.channel == c else 0.0 for e in rates.ENTRIES] for c in range(len(rates.CHANNELS))]
    return Sessions(
        visitor=visitor, kind=np.full(n, kind, dtype=np.int16), day=day, start=start, first=first,
        entry=pick_by(rng, entries, channel), bounce=bounce, landing=landing, reads=reads,
        read=pick(rng, catalogue.READ_WEIGHTS, n), sign_up=stays & chance(rng, rates.SIGN_UP, n),
        term=term.astype(np.int16), views=views, products=products.astype(np.int16), lines=lines,
        quantity=(1 + pick(rng, rates.QUANTITY, 3 * n)).reshape(n, 3),
        depth=np.where(begun, BEGAN, np.where(cart, CARTED, BROWSED)).astype(np.int16),
        variant=np.full(n, -1, dtype=np.int16), coupon=pick(rng, [c[2] for c in rates.COUPONS], n),
        payment=pick(rng, (0.45, 0.35, 0.20), n), away=np.zeros(n, dtype=np.bool_),
    )  # fmt: skip


def ordinary(calendar: Calendar, people: People, rng: np.random.Generator) -> Sessions:
    """Every visitor's own sessions, until the first checkout: after it the visitor looks but fills no cart."""
    count = np.minimum(rng.geometric(1 - rates.MORE_SESSIONS, len(people)), 12)
    visitor = np.repeat(np.arange(len(people), dtype=np.int32), count)
    ordinal = since_group_start(count)
    gap = np.where(ordinal == 0, 0, 1 + rng.exponential(rates.RETURN_DAYS, len(visitor)).astype(np.int64))
    passed = np.cumsum(gap)
    day = people.day[visitor] + passed - np.repeat(passed[np.cumsum(count) - count], count)
    seen = day < calendar.days
    visitor, ordinal, day = visitor[seen], ordinal[seen], day[seen].astype(np.int16)
    first = ordinal == 0
    channel = np.where(first, people.channel[visitor], pick(rng, rates.LATER_MIX, len(visitor))).astype(np.int16)
    found = browse(people, visitor, ORDINARY, day, clock(calendar, day, rng), channel, first, rng, tables(calendar))
    attempts = first_checkouts(found)
    at = np.full(len(people), len(found))
    at[found.visitor[attempts]] = attempts
    after = np.arange(len(found)) > at[found.visitor]
    found.depth[after] = BROWSED
    found.lines[after] = 0
    return found


def first_checkouts(sessions: Sessions) -> NDArray[np.int64]:
    """Rows of each visitor's first session that begins a checkout."""
    rows = np.flatnonzero(sessions.depth >= BEGAN)
    return np.asarray(rows[run_starts(sessions.visitor[rows])])


def completion(
    device: Whole, variant: Whole, given: rates.Tables = rates.PLANTED
) -> tuple[Floats, Floats, Floats]:  # fmt: skip
    """Probabilities of the three steps from begin_checkout to purchase."""
    shipping = np.array(given.shipping)[device] * np.where(variant == 1, rates.UPLIFT, 1.0)
    return shipping, np.array(given.payment)[device], np.array(given.purchase)[device]


def walk(
    sessions: Sessions, rows: Whole, device: Whole, rng: np.random.Generator, given: rates.Tables
) -> Flags:  # fmt: skip
    """Send these sessions through the checkout, their ``depth`` in place; true where they buy."""
    shipping, payment, purchase = completion(device, sessions.variant[rows], given)
    shipped = chance(rng, shipping, len(rows))
    paid = shipped & chance(rng, payment, len(rows))
    bought = paid & chance(rng, purchase, len(rows))
    sessions.depth[rows] = BEGAN + shipped.astype(np.int16) + paid + bought
    return bought


def expose(calendar: Calendar, sessions: Sessions, rows: Whole, rng: np.random.Generator) -> None:
    """Assign the checkouts that fall into the experiment to its variants, half and half, in place."""
    if calendar.quiet:
        return
    first, last = calendar.test
    day = sessions.day[rows]
    exposed = rows[(day >= first) & (day <= last)]
    sessions.variant[exposed] = rng.integers(0, 2, len(exposed))
    sessions.variant[exposed[sessions.day[exposed] == calendar.silent]] = -1  # the tag was broken


def recover(calendar: Calendar, sessions: Sessions, rows: Whole, device: Whole, rng: np.random.Generator) -> Sessions:
    """The orders that a cart reminder brings back: sessions that go from the mail to the cart and buy.

    ``rows`` are checkouts that were left. The odds are such that the share RECOVERED of all first orders comes
    this way in both variants, so that the uplift on the purchase probability of a visitor is exactly UPLIFT.
    """
    complete = np.prod(np.stack(completion(device, sessions.variant[rows], tables(calendar))), axis=0)
    odds = rates.RECOVERED / (1 - rates.RECOVERED) * complete / (1 - complete)
    back = chance(rng, odds, len(rows))
    day = sessions.day[rows] + 1 + pick(rng, (0.4, 0.25, 0.15, 0.12, 0.08), len(rows))
    found = sessions.take(rows[back & (day < calendar.days)])
    day = day[back & (day < calendar.days)].astype(np.int16)
    n = len(found)
    found.kind[:] = RECOVERY
    found.day[:] = day
    found.start[:] = clock(calendar, day, rng)
    found.first[:] = False
    found.entry[:] = rates.REMINDER
    found.landing[:] = LAND_CART
    found.views[:] = 0
    found.term[:] = -1
    found.sign_up[:] = False
    found.reads[:] = 0
    found.depth[:] = BOUGHT
    found.variant[:] = np.full(n, -1)
    return found


def reorders(calendar: Calendar, people: People, bought: Sessions, rng: np.random.Generator) -> list[Sessions]:
    """After each order another checkout with probability REORDER, at the ordinary rates, and so on."""
    rounds: list[Sessions] = []
    given = tables(calendar)
    for _ in range(rates.MAX_ORDERS - 1):
        again = chance(rng, rates.REORDER, len(bought))
        wait = rates.REORDER_AFTER + rng.exponential(rates.REORDER_DAYS, len(bought)).astype(np.int64)
        day = bought.day + wait
        again &= day < calendar.days
        visitor, late = bought.visitor[again], day[again].astype(np.int16)
        channel = pick(rng, rates.LATER_MIX, len(visitor))
        first = np.zeros(len(visitor), dtype=np.bool_)
        found = browse(people, visitor, REORDER, late, clock(calendar, late, rng), channel, first, rng, given)
        done = walk(found, np.arange(len(found)), people.device[visitor], rng, given)
        rounds.append(found)
        bought = found.take(done)
    return rounds


def came_back(sessions: Sessions, share: float, rng: np.random.Generator) -> Sessions:
    """The sessions that return from the payment provider with the order; those they come from are marked, in place."""
    paid = (sessions.depth == BOUGHT) & (sessions.payment == PROVIDER_PAYMENT) & (sessions.kind != RECOVERY)
    rows = np.flatnonzero(paid)
    rows = rows[chance(rng, share, len(rows))]
    found = sessions.take(rows)
    sessions.away[rows] = True
    found.kind[:] = CAME_BACK
    found.start[:] += rng.integers(60 * 60_000, 100 * 60_000, len(rows))
    found.first[:] = False
    found.entry[:] = rates.PROVIDER
    found.landing[:] = LAND_CART
    found.views[:] = found.reads[:] = 0
    found.term[:] = found.variant[:] = -1
    found.sign_up[:] = False
    return found


def visits(calendar: Calendar, people: People, rng: dict[str, np.random.Generator]) -> Sessions:
    """All sessions of people, sorted by visitor and planned start."""
    own = ordinary(calendar, people, rng["visits"])
    rows = first_checkouts(own)
    device = people.device[own.visitor[rows]]
    expose(calendar, own, rows, rng["steps"])
    bought = walk(own, rows, device, rng["steps"], tables(calendar))
    back = recover(calendar, own, rows[~bought], device[~bought], rng["steps"])
    orders = join([own.take(rows[bought]), back])
    every = join([own, back, *reorders(calendar, people, orders, rng["orders"])])
    every = join([every, came_back(every, tables(calendar).away, rng["till"])])
    # visitor and start in one key: far quicker than a sort by two columns
    key = (every.visitor.astype(np.int64) << 36) | (every.start - calendar.start_of(0))
    return every.take(np.argsort(key, kind="stable"))
