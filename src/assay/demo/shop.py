"""The demo shop: a world with a known truth, drawn all at once.

People arrive, look, buy, return, reorder and send things back at the probabilities of ``rates``; ``simulate`` draws
them as arrays of codes, ``write`` turns these into lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from assay.demo import carts as baskets
from assay.demo import journey, origins, rates, visits
from assay.demo.calendar import DAYS, LAST_DAY, SEED, VISITORS, Calendar
from assay.demo.carts import Carts
from assay.demo.draws import Flags, pick, streams
from assay.demo.journey import Events
from assay.demo.payload import NAMES
from assay.demo.sheets import Claims, Spend, claims
from assay.demo.till import Till
from assay.demo.traffic import People
from assay.demo.visits import Sessions


@dataclass(frozen=True)
class World:
    """All that happened. Events are sorted by time, duplicates beside the line they repeat; codes point into the rest.

    ``number`` is the event's own number (its id; a duplicate has that of its original), ``received`` milliseconds UTC.
    ``known_from`` is the instant from which a visitor is a known user (the largest integer = never).
    """

    calendar: Calendar
    seed: int
    people: People
    bots: int  # the last of the people are bots
    sessions: Sessions
    carts: Carts
    events: Events
    number: NDArray[np.int64]
    received: NDArray[np.int64]
    known_from: NDArray[np.int64]
    spend: list[Spend]
    till: Till
    claims: Claims

    @property
    def visitors(self) -> int:
        """Number of people, without bots."""
        return len(self.people) - self.bots

    @property
    def original(self) -> Flags:
        """Events that are not a repetition."""
        marks = np.ones(len(self.number), dtype=np.bool_)
        marks[1:] = self.number[1:] != self.number[:-1]
        return marks


def simulate(
    days: int = DAYS, visitors: int = VISITORS, seed: int = SEED, last_day: date = LAST_DAY, quiet: bool = False
) -> World:
    """A world of ``visitors`` people over ``days`` days; the same arguments give the same world.

    ``quiet``: nothing is planted in it.

    Raises:
        ValueError: fewer days or visitors than the planted situations need.
    """
    if visitors < 1:
        raise ValueError(f"the demo needs at least one visitor, not {visitors}")
    calendar = Calendar(days, last_day, quiet)
    rng = streams(seed)
    people = visits.arrive(calendar, visitors, rng["people"], rng["traffic"])
    sessions = visits.visits(calendar, people, rng)
    cart = baskets.numbers(sessions)
    found, start, over = journey.events(sessions, calendar.end, cart, rng["times"])
    sessions.start[:] = start
    treated = np.zeros(visitors, dtype=np.bool_)
    treated[sessions.visitor[sessions.variant == 1]] = True
    carts = baskets.fill(sessions, treated)
    lost = _lost(calendar, people, sessions, found)
    only, numbers = baskets.order(carts, found, cart, lost, calendar, rng["till"])
    refunds = baskets.refund(carts, calendar.end, rng["refunds"])
    till = baskets.ring_up(carts, only, numbers, calendar, rng["till"])
    kept = found if not lost.any() else found.take(~lost)
    known_from = _known_from(visitors, sessions, kept)
    spend = baskets.spend(calendar, sessions.take(over), rng["costs"])
    wanted = max(1, round(rates.BOTS * int(over.sum()) / (1 - rates.BOTS)))
    first = calendar.start_of(0)
    starts = rng["bots"].integers(first, calendar.end - 120_000, wanted)
    crawlers, crawled = journey.bots(visitors, len(sessions), np.sort(starts), rng["bots"])
    # sessions that never came to be (not over by the end) keep their row, so that codes stay valid; they have no events
    sessions.kind[~over] = -1
    every, number, received = _lines(journey.merge([kept, crawled, refunds]), rng["noise"])
    return World(
        calendar, seed, _with_bots(people, wanted), wanted, visits.join([sessions, crawlers]), carts, every, number,
        received, np.concatenate([known_from, np.full(wanted, _NEVER)]), spend, till,
        _claims(calendar, sessions.take(over), sessions, carts),
    )  # fmt: skip


_NEVER = np.iinfo(np.int64).max


def _lost(calendar: Calendar, people: People, sessions: Sessions, found: Events) -> Flags:
    """Purchases of the broken browser on the days of broken tracking."""
    if calendar.quiet:
        return np.zeros(len(found), dtype=np.bool_)
    first, after = calendar.start_of(calendar.broken[0]), calendar.start_of(calendar.broken[1] + 1)
    lost = (found.name == NAMES.index("purchase")) & (found.time >= first) & (found.time < after)
    rows = np.flatnonzero(lost)
    broken = np.array([p.browser == rates.BROKEN_BROWSER for p in origins.PROFILES])
    lost[rows] = broken[people.profile[sessions.visitor[found.session[rows]]]]
    return np.asarray(lost)


def _claims(calendar: Calendar, over: Sessions, sessions: Sessions, carts: Carts) -> Claims:
    """What the paid channels' platforms claim of the orders that the browser told of."""
    touches = {
        rates.CHANNELS[code]: (over.visitor[over.channel == code], over.start[over.channel == code])
        for code in (rates.PAID, rates.PAID_SOCIAL)
    }
    rows = np.flatnonzero((carts.order >= 0) & carts.tracked)
    visitor = sessions.visitor[carts.session[rows]]
    return claims(calendar, touches, visitor, carts.ordered_at[rows], carts.amount[rows])


def _known_from(visitors: int, sessions: Sessions, found: Events) -> NDArray[np.int64]:
    """A visitor is a known user from the first purchase or sign-up that arrived."""
    rows = np.flatnonzero((found.name == NAMES.index("purchase")) | (found.name == NAMES.index("sign_up")))
    known = np.full(visitors, _NEVER)
    np.minimum.at(known, sessions.visitor[found.session[rows]], found.time[rows])
    return known


def _with_bots(people: People, bots: int) -> People:
    zero = np.zeros(bots, dtype=np.int16)
    return People(
        np.concatenate([people.day, zero]),
        np.concatenate([people.channel, zero]),
        np.concatenate([people.profile, zero + origins.BOT_PROFILE]),
        np.concatenate([people.country, zero + len(origins.COUNTRIES) - 1]),
    )


def _lines(every: Events, rng: np.random.Generator) -> tuple[Events, NDArray[np.int64], NDArray[np.int64]]:
    """Sorted by time, a few lines twice, a few received hours late; with their numbers and times of receipt."""
    rows = np.argsort(every.time, kind="stable")
    n = len(rows)
    delay = 40 + rng.standard_exponential(n, dtype=np.float32) * 120
    late = np.flatnonzero(rng.random(n, dtype=np.float32) < rates.LATE)
    delay[late] = rng.uniform(1, 36, len(late)) * 3_600_000
    copies = 1 + pick(rng, (1 - rates.DUPLICATES, rates.DUPLICATES), n)
    number = np.repeat(np.arange(n), copies)
    found = every.take(rows[number])
    return found, number, found.time + delay.astype(np.int64)[number]
