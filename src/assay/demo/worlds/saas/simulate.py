"""The SaaS world, drawn all at once: visits, trials, the first week, who pays, who stays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.demo.draws import Flags, Floats, Whole, chance, pick, run_starts, streams
from assay.demo.happenings import Happenings, Walk
from assay.demo.origins import PROFILES
from assay.demo.sheets import Claims, Spend, claims, spend_of
from assay.demo.till import Till
from assay.demo.traffic import People, Visits, people_of, visits_of
from assay.demo.worlds.base import Wanted
from assay.demo.worlds.saas import billing, rates
from assay.demo.worlds.saas.billing import Subscriptions
from assay.demo.worlds.saas.calendar import Calendar

DAY = 86_400_000
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Trials:
    """One row per trial, by its start."""

    visitor: NDArray[np.int64]
    channel: NDArray[np.int16]  # of the visitor's first session
    start: NDArray[np.int64]
    after: Flags  # since the price change
    seats: NDArray[np.int64]
    activity: NDArray[np.int64]  # uses in the first week
    comments: Flags
    automation: Flags
    odds: Floats  # probability of paying
    wants: Flags  # pays, unless the days end first
    pays_at: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.visitor)


@dataclass(frozen=True)
class Saas:
    """All that happened."""

    wanted: Wanted
    calendar: Calendar
    people: People
    visits: Visits
    happenings: Happenings
    trials: Trials
    subscriptions: Subscriptions
    accounts: NDArray[np.int64]  # of each person, −1 = none
    spend: list[Spend]
    till: Till
    claims: Claims


def tables(calendar: Calendar) -> rates.Tables:
    """The probabilities of this world."""
    return rates.QUIET if calendar.quiet else rates.PLANTED


def simulate(wanted: Wanted) -> Saas:
    """A world; the same arguments give the same one."""
    calendar = Calendar(wanted.days, wanted.last_day, wanted.quiet)
    rng = streams(wanted.seed)
    people = people_of(calendar, wanted.visitors, rates.MIX, 0.0 if wanted.quiet else 0.15, rng["people"])
    visits = visits_of(calendar, people, rates.MIX, rng["traffic"])
    what = Happenings(rates.EVENTS, rates.PAGES, rates.HOST, ("web", "product", "billing"))
    signs = _signing(calendar, visits, rng["visits"])
    visits, signs = _until_signed(visits, signs)
    known_from = np.full(wanted.visitors, _NEVER)
    trials = _walk(calendar, people, visits, signs, what, known_from, rng)
    trials = _judge(calendar, trials, rng["orders"])
    members = _use(trials, what, wanted.visitors, rng["steps"])
    subscriptions = billing.subscribe(calendar, trials, what, rng["refunds"])
    _keep_using(calendar, trials, subscriptions, members, what, wanted.visitors, rng["noise"])
    accounts = np.full(wanted.visitors + int(members.sum()), -1)
    accounts[trials.visitor] = np.arange(len(trials))
    accounts[wanted.visitors :] = np.repeat(np.arange(len(trials)), members)
    what.close(calendar, known_from)
    till = billing.ring_up(calendar, subscriptions, rng["till"])
    paid = {rates.MIX.channels[c]: c for c in (rates.PAID, rates.PAID_SOCIAL, rates.DISPLAY)}
    channel = rates.MIX.of(visits.entry)
    touches = {name: (visits.visitor[channel == c], visits.start[channel == c]) for name, c in paid.items()}
    firsts = subscriptions.firsts(calendar.end)
    who = trials.visitor[subscriptions.trial[firsts]]
    claimed = claims(calendar, touches, who, subscriptions.time[firsts], subscriptions.amount[firsts])
    spend = _spend(calendar, visits, rng["costs"])
    return Saas(wanted, calendar, people, visits, what, trials, subscriptions, accounts, spend, till, claimed)


def _spend(calendar: Calendar, visits: Visits, rng: np.random.Generator) -> list[Spend]:
    rows: list[Spend] = []
    for code, entry in enumerate(rates.MIX.entries):
        if entry.cpc:
            visited = np.bincount(visits.day[visits.entry == code], minlength=calendar.days)
            who = (rates.MIX.channels[entry.channel], entry.source or "", entry.medium or "", entry.campaign or "")
            rows += spend_of(calendar, visited, who, entry.cpc, rng)
    return sorted(rows, key=lambda row: row.day)


@dataclass(frozen=True)
class _Signing:
    """What each session is going to do."""

    stays: Flags
    prices: Flags
    signs: Flags


def _signing(calendar: Calendar, visits: Visits, rng: np.random.Generator) -> _Signing:
    n, given = len(visits), tables(calendar)
    stays = ~chance(rng, np.array(rates.BOUNCE)[rates.MIX.of(visits.entry)], n)
    prices = stays & chance(rng, rates.PRICING, n)
    factor = np.where(visits.day >= calendar.change, given.trials_after, 1.0)
    return _Signing(stays, prices, prices & chance(rng, rates.SIGN_UP * factor, n))


def _until_signed(visits: Visits, what: _Signing) -> tuple[Visits, _Signing]:
    """A visitor signs up once; whoever has signed up comes to the product, no longer to the site."""
    signs = what.signs.astype(np.int64)
    earlier = np.cumsum(signs) - signs
    begins = np.flatnonzero(run_starts(visits.visitor))
    earlier = earlier - np.repeat(earlier[begins], np.diff(np.append(begins, len(visits))))
    keep = earlier == 0
    return visits.take(keep), _Signing(what.stays[keep], what.prices[keep], what.signs[keep])


def _walk(
    calendar: Calendar, people: People, visits: Visits, what: _Signing, happenings: Happenings,
    known_from: NDArray[np.int64], rng: dict[str, np.random.Generator],
) -> Trials:  # fmt: skip
    """The sessions' events up to the set-up of a trial."""
    walk, page, draw = Walk(happenings, visits, rng["times"]), happenings.page, rng["steps"]
    every = np.arange(len(visits))
    landing = pick(draw, rates.LANDING_WEIGHTS, len(visits))
    walk.step(every, "page_view", landing)
    stays = every[what.stays]
    walk.step(stays, "page_view", np.where(landing[stays] == 1, 0, 1), 35)
    walk.step(every[what.prices], "page_view", page("/pricing"), 30)
    undecided = every[what.prices & ~what.signs]
    more = undecided[chance(draw, rates.READS_ON, len(undecided))]
    walk.step(more, "page_view", pick(draw, (0.15, 0.45, 0.2, 0.2), len(more)), 30)
    signs = every[what.signs]
    walk.step(signs, "page_view", page("/signup"), 40)
    known_from[visits.visitor[signs]] = walk.step(signs, "sign_up", page("/signup"), 50)
    tried = signs[chance(draw, rates.TRIAL, len(signs))]
    start = walk.step(tried, "start_trial", page("/signup"), 5)
    walk.step(tried, "page_view", page("/app/welcome"), 4)
    given = tables(calendar)
    firefox = np.array([p.browser == "Firefox" for p in PROFILES])[people.profile[visits.visitor[tried]]]
    connect = np.where(firefox, given.connect[1], given.connect[0])
    left = np.arange(len(tried))
    ones = np.ones(len(tried))
    for name, odds in zip(rates.SETUP, (ones * rates.CREATE, connect, ones * rates.SHARE), strict=True):
        left = left[chance(draw, odds[left], len(left))]
        walk.step(tried[left], name, page("/app/welcome"), 60)
    walk.step(tried[left], "reach_value", page("/app/welcome"), 1)
    order = np.argsort(start, kind="stable")
    none, no = np.zeros(len(tried), dtype=np.int64), np.zeros(len(tried), dtype=np.bool_)
    visitor = visits.visitor[tried][order].astype(np.int64)
    after = visits.day[tried][order] >= calendar.change
    return Trials(visitor, people.channel[visitor], start[order], after, none, none, no, no, none * 1.0, no, none)


def _judge(calendar: Calendar, trials: Trials, rng: np.random.Generator) -> Trials:
    """Team, first week and decision of each trial.

    Given the first week's activity, the comments say nothing about paying; the automation raises its odds.
    """
    n, given = len(trials), tables(calendar)
    cheap = trials.channel == rates.DISPLAY
    size = np.where(cheap, pick(rng, given.cheap_seats, n), pick(rng, rates.SEAT_WEIGHTS, n))
    seats = np.array(rates.SEATS)[size]
    mean = rates.ACTIVITY * (1 + rates.PER_SEAT * (seats - 1))
    activity = rng.poisson(mean * rng.gamma(rates.ACTIVITY_SHAPE, 1 / rates.ACTIVITY_SHAPE, n))
    level = np.log1p(activity)
    comments = chance(rng, _logistic(given.comments[0] + given.comments[1] * level), n) & (activity >= 1)
    automation = chance(rng, rates.AUTOMATED, n) & (activity >= 2)
    logit = rates.PAY[0] + rates.PAY[1] * level + given.automation * automation + given.paid_after * trials.after
    odds = _logistic(logit)
    wants = chance(rng, odds, n)
    decided = rng.uniform(rates.FIRST_DAYS + 1.0, rates.TRIAL_DAYS, n)
    pays_at = trials.start + (decided * DAY).astype(np.int64)
    return Trials(
        trials.visitor, trials.channel, trials.start, trials.after, seats, activity, comments, automation, odds,
        wants, pays_at,
    )  # fmt: skip


def _logistic(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-x)))


def _labels(trials: Trials, of: Whole, ordinal: Whole | None, rng: np.random.Generator) -> NDArray[np.int64]:
    """The feature of each use of trial ``of``; with ``ordinal``, the first two are those that the team has taken up."""
    label = rng.integers(0, rates.CORE, len(of))
    other = rng.random(len(of))
    label[trials.comments[of] & (other < 0.2)] = rates.COMMENTS
    label[trials.automation[of] & (other > 0.8)] = rates.AUTOMATION
    if ordinal is not None:
        label[trials.comments[of] & (ordinal == 0)] = rates.COMMENTS
        label[trials.automation[of] & (ordinal == 1)] = rates.AUTOMATION
    return np.asarray(label)


def _use(trials: Trials, what: Happenings, visitors: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """The first week's uses and the invitations; the number of members of each team beside its owner."""
    of = np.repeat(np.arange(len(trials)), trials.activity)
    ordinal = np.arange(len(of)) - np.repeat(np.cumsum(trials.activity) - trials.activity, trials.activity)
    time = trials.start[of] + rng.uniform(0.02 * DAY, rates.FIRST_DAYS * DAY - 60_000, len(of)).astype(np.int64)
    label = what.choose("feature", rates.FEATURES, _labels(trials, of, ordinal, rng))
    what.add("use_feature", time, person=trials.visitor[of], payload=label, source=1, interactive=False)
    members = np.where(trials.activity > 0, trials.seats - 1, 0)
    of = np.repeat(np.arange(len(trials)), members)
    invited = trials.start[of] + rng.uniform(0.05 * DAY, 3 * DAY, len(of)).astype(np.int64)
    what.add("invite_member", invited, person=trials.visitor[of], source=1, interactive=False)
    uses = rng.poisson(4, len(of))
    member = np.repeat(np.arange(len(of)), uses)
    time = invited[member] + rng.uniform(0.01 * DAY, 8 * DAY, len(member)).astype(np.int64)
    label = what.choose("feature", rates.FEATURES, _labels(trials, of[member], None, rng))
    what.add("use_feature", time, person=visitors + member, payload=label, source=1, interactive=False)
    return np.asarray(members)


def _keep_using(
    calendar: Calendar, trials: Trials, subs: Subscriptions, members: NDArray[np.int64], what: Happenings,
    visitors: int, rng: np.random.Generator,
) -> None:  # fmt: skip
    """Uses of those who pay, by owner and members, until they leave or the days end."""
    trial, begin, end = subs.of, subs.begin, np.minimum(subs.end, calendar.end)
    first_member = visitors + np.cumsum(members) - members
    lasts = np.maximum(0, end - begin)
    for offset in range(max(rates.SEATS)):
        there = offset <= members[trial]
        uses = rng.poisson(np.where(there, lasts / (7 * DAY) * (4 if offset == 0 else 2), 0))
        row = np.repeat(np.arange(len(trial)), uses)
        of = trial[row]
        time = begin[row] + (rng.random(len(row)) * lasts[row]).astype(np.int64)
        person = trials.visitor[of] if offset == 0 else first_member[of] + offset - 1
        label = what.choose("feature", rates.FEATURES, _labels(trials, of, None, rng))
        what.add("use_feature", time, person=person, payload=label, source=1, interactive=False)
