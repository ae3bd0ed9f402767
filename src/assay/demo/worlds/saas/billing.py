"""Subscriptions of the SaaS world: what is paid when, who leaves, and what billing knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from assay.demo.draws import Flags, chance, pick
from assay.demo.happenings import Happenings
from assay.demo.sheets import money
from assay.demo.till import AD_BLOCKER, NONE, OFFLINE, TEST, TRACKED, Deviation, Till, deviate, extra
from assay.demo.worlds.saas import rates
from assay.demo.worlds.saas.calendar import Calendar

if TYPE_CHECKING:
    from assay.demo.worlds.saas.simulate import Trials

DAY = 86_400_000
MONTH, YEAR = 30 * DAY, 365 * DAY
_PRODUCT, _BILLING = 1, 2  # sources


@dataclass(frozen=True)
class Subscriptions:
    """Per subscription: its trial, from when to when (``end``: after the days where it goes on), and its MRR in cents.

    Per invoice: ``trial``, ``time``, ``amount`` in cents, ``ordinal`` (0 = the first), ``number`` by time.
    """

    of: NDArray[np.int64]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    mrr: NDArray[np.int64]  # when the days end or it ended
    yearly: Flags
    trial: NDArray[np.int64]
    time: NDArray[np.int64]
    amount: NDArray[np.int64]
    ordinal: NDArray[np.int64]
    number: NDArray[np.int64]

    def firsts(self, end: int) -> NDArray[np.int64]:
        """Rows of first invoices before ``end``."""
        return np.flatnonzero((self.ordinal == 0) & (self.time < end))


def _mrr(monthly: NDArray[np.int64], yearly: Flags) -> NDArray[np.int64]:
    """What is paid per month, in cents: ten months for twelve where it is paid by the year."""
    return np.where(yearly, (monthly * 10 + 6) // 12, monthly)


def _changes(
    what: Happenings, name: str, time: NDArray[np.int64], person: NDArray[np.int64], mrr: NDArray[np.int64]
) -> None:
    carried = what.carry([{"mrr": money(cents)} for cents in mrr.tolist()])
    what.add(name, time, person=person, payload=carried, source=_BILLING, interactive=False)


def subscribe(calendar: Calendar, trials: Trials, what: Happenings, rng: np.random.Generator) -> Subscriptions:
    """All invoices and what happens to the subscriptions, with their events."""
    given = rates.QUIET if calendar.quiet else rates.PLANTED
    of = np.flatnonzero(trials.wants & (trials.pays_at < calendar.end - DAY // 24))
    n = len(of)
    begin, person = trials.pays_at[of], trials.visitor[of]
    cheap = (trials.channel[of] == rates.DISPLAY) & (not calendar.quiet)
    yearly = chance(rng, rates.YEARLY, n) & ~cheap
    seats = trials.seats[of].copy()
    span = np.where(yearly, YEAR, MONTH)
    monthly_churn = np.array(given.churn)[trials.channel[of]]
    churn = np.where(yearly, 1 - (1 - monthly_churn) ** 6, monthly_churn)
    end = np.full(n, calendar.end + 1)
    alive = np.ones(n, dtype=np.bool_)
    invoices = [(of, begin, seats * rates.SEAT_PRICE * np.where(yearly, 10, 1), np.zeros(n, dtype=np.int64))]
    for k in range(1, calendar.days // 30 + 2):
        at = begin + span * k
        due = alive & (at < calendar.end)
        leaves = due & chance(rng, churn, n)
        end[leaves] = at[leaves] - rng.integers(DAY // 24, DAY, int(leaves.sum()))
        reason = what.choose("reason", rates.REASONS, pick(rng, rates.REASON_WEIGHTS, int(leaves.sum())))
        what.add(
            "cancel_subscription", end[leaves], person=person[leaves], payload=reason, source=_BILLING,
            interactive=False,
        )  # fmt: skip
        alive &= ~leaves
        stays = np.flatnonzero(due & alive)
        _changes(what, "renew", at[stays], person[stays], _mrr(seats * rates.SEAT_PRICE, yearly)[stays])
        price = seats[stays] * rates.SEAT_PRICE * np.where(yearly[stays], 10, 1)
        invoices.append((of[stays], at[stays], price, np.full(len(stays), k)))
        draw = rng.random(len(stays))
        later = at[stays] + rng.integers(DAY, 25 * DAY, len(stays))
        for name, which, step in (
            ("upgrade", draw < rates.UPGRADE, 2),
            ("downgrade", (draw > 1 - rates.DOWNGRADE) & (seats[stays] > 1), -1),
        ):
            rows = stays[which & (later < calendar.end)]
            seats[rows] += step
            when = later[which & (later < calendar.end)]
            _changes(what, name, when, person[rows], _mrr(seats * rates.SEAT_PRICE, yearly)[rows])
    trial, time, amount, ordinal = (np.concatenate([part[i] for part in invoices]) for i in range(4))
    number = np.argsort(np.argsort(time, kind="stable"), kind="stable")
    _pay(what, trials, trial, time, amount, ordinal, number, yearly[np.searchsorted(of, trial)])
    mrr = _mrr(seats * rates.SEAT_PRICE, yearly)
    return Subscriptions(of, begin, end, mrr, yearly, trial, time, amount, ordinal, number)


def order_ids(number: NDArray[np.int64]) -> list[str]:
    """Ids of invoices by their number."""
    return [f"R{100_001 + n}" for n in number.tolist()]


def _pay(
    what: Happenings, trials: Trials, trial: NDArray[np.int64], time: NDArray[np.int64], amount: NDArray[np.int64],
    ordinal: NDArray[np.int64], number: NDArray[np.int64], yearly: Flags,
) -> None:  # fmt: skip
    """The first invoice is paid on the site, the others by themselves."""
    first, again = np.flatnonzero(ordinal == 0), np.flatnonzero(ordinal > 0)
    person, page = trials.visitor[trial], what.page("/app/billing")
    interval = np.where(yearly, "year", "month")
    mrr = _mrr(np.where(yearly, amount // 10, amount), yearly)
    what.add("page_view", time[first] - 40_000, visitor=person[first], entry=0, page=page)
    begun = [{"plan": "team", "interval": str(interval[row]), "mrr": money(int(mrr[row]))} for row in first.tolist()]
    what.add("subscribe", time[first], visitor=person[first], page=page, payload=what.carry(begun))
    ids = order_ids(number)
    for rows, kind in ((first, {}), (again, {"order_type": "renewal"})):
        carried = what.carry(
            [{**kind, "interval": str(interval[row])} for row in rows.tolist()], amount[rows],
            [ids[row] for row in rows.tolist()],
        )  # fmt: skip
        if kind:
            what.add(
                "purchase", time[rows] + 1000, person=person[rows], payload=carried, source=_BILLING, interactive=False
            )
        else:
            what.add("purchase", time[rows] + 1000, visitor=person[rows], page=page, payload=carried)


def ring_up(calendar: Calendar, subs: Subscriptions, rng: np.random.Generator) -> Till:
    """Billing's list: all invoices, and those that no browser and no event told of."""
    known = np.flatnonzero(subs.time + 1000 < calendar.end)
    some = 0.0 if calendar.quiet else 1.0
    firsts = known[subs.ordinal[known] == 0]
    only = extra(
        subs.time[firsts], subs.amount[firsts], {AD_BLOCKER: some * rates.BLOCKED, OFFLINE: some * rates.OFFLINE},
        int(some) * rates.TESTS, calendar.end, rng,
    )  # fmt: skip
    more = len(only.time)
    time = np.concatenate([subs.time[known] + 1000, only.time])
    own = np.concatenate([subs.amount[known], only.amount])
    reason = np.concatenate([np.full(len(known), TRACKED, dtype=np.int16), only.reason])
    none = np.zeros(len(time), dtype=np.int64)
    how = Deviation(none, 0.0, some * rates.TWICE, none * 0.0, (1.0, 2.0))
    booked, difference = deviate(time, reason, how, calendar.end, rng)
    if calendar.quiet:
        difference[:] = NONE
    ordinal = np.concatenate([subs.ordinal[known], np.zeros(more, dtype=np.int64)])
    channel = np.where(reason == OFFLINE, 1, np.where(reason == TEST, 3, np.where(ordinal > 0, 2, 0)))
    number = np.concatenate([subs.number[known], len(subs.number) + np.arange(more)])
    state = np.zeros(len(time), dtype=np.int16)
    return Till(number, booked, own.copy(), own, reason, difference, channel.astype(np.int16), state).sorted()
