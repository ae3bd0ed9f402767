"""The leads world, drawn all at once: visits, the form, and what sales makes of the leads weeks later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from assay.demo.draws import Flags, Whole, chance, pick, run_starts, streams
from assay.demo.happenings import Happenings, Walk
from assay.demo.sheets import Claims, Spend, claims, spend_of
from assay.demo.till import AD_BLOCKER, NONE, OFFLINE, OTHER_DAY, TEST, TRACKED, Deviation, Till, deviate, extra
from assay.demo.traffic import People, Visits, people_of, visits_of
from assay.demo.worlds.base import Wanted
from assay.demo.worlds.leads import rates
from assay.demo.worlds.leads.calendar import Calendar

DAY = 86_400_000
_NEVER = np.iinfo(np.int64).max
_CRM = 1  # source


@dataclass(frozen=True)
class Leads:
    """One row per lead, by time. Instants: −1 = it never comes to that (also not after the days)."""

    visitor: NDArray[np.int64]
    channel: NDArray[np.int16]  # of the session that brought it
    time: NDArray[np.int64]
    after: Flags  # since the form was cut
    spam: Flags
    curious: Flags  # would not have filled in the long form; never becomes pipeline
    booked: Flags
    shows: Flags
    opened_at: NDArray[np.int64]
    won_at: NDArray[np.int64]
    value: NDArray[np.int64]  # of the opportunity, cents

    def __len__(self) -> int:
        return len(self.visitor)


@dataclass(frozen=True)
class World:
    """All that happened."""

    wanted: Wanted
    calendar: Calendar
    people: People
    visits: Visits
    happenings: Happenings
    leads: Leads
    spend: list[Spend]
    till: Till
    claims: Claims


def tables(calendar: Calendar) -> rates.Tables:
    """The probabilities of this world."""
    return rates.QUIET if calendar.quiet else rates.PLANTED


def completion(given: rates.Tables, fields: tuple[str, ...]) -> float:
    """Probability that whoever begins the form fills in all of these fields."""
    return float(np.prod([1 - (given.hard if f == rates.HARD else rates.GIVES_UP) for f in fields]))


def simulate(wanted: Wanted) -> World:
    """A world; the same arguments give the same one."""
    calendar = Calendar(wanted.days, wanted.last_day, wanted.quiet)
    rng = streams(wanted.seed)
    people = people_of(calendar, wanted.visitors, rates.MIX, 0.0, rng["people"])
    visits = visits_of(calendar, people, rates.MIX, rng["traffic"])
    what = Happenings(rates.EVENTS, rates.PAGES, rates.HOST, ("web", "crm"))
    known_from = np.full(wanted.visitors, _NEVER)
    rows, begun = _walk(calendar, people, visits, what, known_from, rng)
    leads = _leads(calendar, visits, what, rows, begun, rng)
    what.close(calendar, known_from)
    channel = rates.MIX.of(visits.entry)
    paid = {rates.MIX.channels[c]: c for c in (rates.PAID, rates.DISPLAY)}
    touches = {name: (visits.visitor[channel == c], visits.start[channel == c]) for name, c in paid.items()}
    claimed = claims(calendar, touches, leads.visitor, leads.time, np.full(len(leads), 4_000))
    spend: list[Spend] = []
    for code, entry in enumerate(rates.MIX.entries):
        if entry.cpc:
            visited = np.bincount(visits.day[visits.entry == code], minlength=calendar.days)
            who = (rates.MIX.channels[entry.channel], entry.source or "", entry.medium or "", entry.campaign or "")
            spend += spend_of(calendar, visited, who, entry.cpc, rng["costs"])
    spend.sort(key=lambda row: row.day)
    till = _ring_up(calendar, leads, rng["till"])
    return World(wanted, calendar, people, visits, what, leads, spend, till, claimed)


def _walk(
    calendar: Calendar, people: People, visits: Visits, what: Happenings, known_from: NDArray[np.int64],
    rng: dict[str, np.random.Generator],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
    """The sessions' events up to the lead; the sessions that bring one and when."""
    walk, page, draw = Walk(what, visits, rng["times"]), what.page, rng["visits"]
    given, every, n = tables(calendar), np.arange(len(visits)), len(visits)
    walk.step(every, "page_view", pick(draw, rates.LANDING_WEIGHTS, n))
    stays = every[~chance(draw, np.array(rates.BOUNCE)[rates.MIX.of(visits.entry)], n)]
    walk.step(stays, "page_view", pick(draw, (0.2, 0.35, 0.3, 0.15), len(stays)), 40)
    seen = stays[chance(draw, rates.CONTACT, len(stays))]
    walk.step(seen, "page_view", page("/contact"), 35)
    left = seen[chance(draw, rates.START, len(seen))]
    # a person fills in the form once: later sessions of who sent it only look
    props = what.props(form_id=rates.FORM)
    short = (visits.day >= calendar.change) & given.short
    walk.step(left, "form_start", page("/contact"), 15, props)
    for field in rates.LONG:
        asked = ~short[left] if field not in rates.SHORT else np.ones(len(left), dtype=np.bool_)
        gone = asked & chance(draw, given.hard if field == rates.HARD else rates.GIVES_UP, len(left))
        # a field is told of when it is entered, so the last one told of is the one at which somebody gave up
        carried = what.props(form_id=rates.FORM, field=field)
        walk.step(left[asked], "form_field", page("/contact"), 9, carried)
        left = left[~gone]
    mobile = people.device[visits.visitor[left]] == 1
    left = left[chance(draw, rates.SENDS * np.where(mobile, given.mobile, 1.0), len(left))]
    left = left[run_starts(visits.visitor[left])]
    walk.step(left, "form_submit", page("/contact"), 10, props)
    at = walk.step(left, "generate_lead", page("/contact/thanks"), 1)
    known_from[visits.visitor[left]] = at
    walk.step(left, "page_view", page("/contact/thanks"), 1)
    return left, at


def _leads(
    calendar: Calendar, visits: Visits, what: Happenings, rows: NDArray[np.int64], time: NDArray[np.int64],
    rng: dict[str, np.random.Generator],
) -> Leads:  # fmt: skip
    """What becomes of the leads. Stages are events of the CRM, which sends them on the Monday after."""
    draw, given, n = rng["orders"], tables(calendar), len(rows)
    order = np.argsort(time, kind="stable")
    rows, time = rows[order], time[order]
    visitor = visits.visitor[rows].astype(np.int64)
    channel = rates.MIX.of(visits.entry[rows])
    after = (visits.day[rows] >= calendar.change) & given.short
    spam = chance(draw, np.where(channel == rates.DISPLAY, given.spam, rates.SPAM), n)
    kept = completion(given, rates.LONG) / completion(given, rates.SHORT) if given.short else 1.0
    curious = chance(draw, np.where(after, 1 - kept, 0.0), n) & ~spam
    booked = chance(draw, rates.BOOKS, n) & ~spam
    page = what.page("/demo/booked")
    what.add("book_demo", time[booked] + 40_000, visitor=visitor[booked], page=page)
    crm = _Crm(calendar, what, visitor, draw)
    shows = booked & chance(draw, np.where(curious, given.shows[1], given.shows[0]), n)
    meets = crm.later(time, rates.SHOW_DAYS)
    crm.stage("attend_demo", meets, shows)
    crm.stage("miss_demo", meets, booked & ~shows)
    reason = {"disqualified_lead_reason": "spam"}
    crm.stage("disqualify_lead", crm.later(time, rates.SPAM_DAYS), spam, what.props(**reason))
    # appointments of serious leads are no condition of the pipeline: sales calls those who miss one
    accepted, at = crm.on(time, rates.ACCEPT_DAYS, ~spam & ~curious, rates.ACCEPT, "accept_lead")
    qualified, at = crm.on(at, rates.QUALIFY_DAYS, accepted, rates.QUALIFY, "qualify_lead")
    value = (rates.DEALS[0] * draw.lognormal(0, rates.DEALS[1], n)).astype(np.int64) // 10_000 * 10_000 + 10_000
    texts = what.carry([{"value": f"{cents // 100}.00"} for cents in value.tolist()])
    opened, at = crm.on(at, rates.OPEN_DAYS, qualified, rates.OPEN, "open_opportunity", texts)
    opened_at = np.where(opened, at, -1)
    closing = crm.later(at, rates.CLOSE_DAYS)
    won = opened & chance(draw, rates.WON, n) & (closing < calendar.end)
    won_at = np.where(won, closing, -1)
    deals = np.flatnonzero(won)
    deals = deals[np.argsort(won_at[deals], kind="stable")]
    ids = [f"D{100_001 + k}" for k in range(len(deals))]
    carried = np.zeros(n, dtype=np.int64)
    carried[deals] = what.carry([None] * len(deals), value[deals], ids)
    crm.stage("close_convert_lead", closing, won, carried)
    crm.stage("close_unconvert_lead", closing, opened & ~won, what.props(unconvert_lead_reason="no_budget"))
    return Leads(visitor, channel, time, after, spam, curious, booked, shows, opened_at, won_at, value)


class _Crm:
    """Stages of leads: each some days after the one before it, told of on the Monday morning after."""

    def __init__(
        self, calendar: Calendar, what: Happenings, visitor: NDArray[np.int64], rng: np.random.Generator
    ) -> None:
        self.calendar, self.what, self.visitor, self.rng = calendar, what, visitor, rng

    def later(self, time: NDArray[np.int64], days: tuple[float, float]) -> NDArray[np.int64]:
        """An instant some days later."""
        return np.asarray(time + (self.rng.uniform(*days, len(time)) * DAY).astype(np.int64))

    def on(
        self, time: NDArray[np.int64], days: tuple[float, float], left: Flags, odds: float, name: str,
        payload: Whole | int = 0,
    ) -> tuple[Flags, NDArray[np.int64]]:  # fmt: skip
        """The next stage: who reaches it inside the days, and when."""
        at = self.later(time, days)
        reached = left & chance(self.rng, odds, len(time)) & (at < self.calendar.end)
        self.stage(name, at, reached, payload)
        return reached, at

    def stage(self, name: str, at: NDArray[np.int64], which: Flags, payload: Whole | int = 0) -> None:
        """The CRM's events; it knows the visitor from a hidden field of the form."""
        rows = np.flatnonzero(which)
        monday = self.calendar.start_of(0) - date.weekday(self.calendar.first_day) * DAY + DAY // 4
        told = monday + -(-(at[rows] - monday) // (7 * DAY)) * 7 * DAY
        carried = payload if isinstance(payload, int) else payload[rows]
        self.what.add(
            name, at[rows], visitor=self.visitor[rows], payload=carried, source=_CRM, interactive=False, received=told
        )


def _ring_up(calendar: Calendar, leads: Leads, rng: np.random.Generator) -> Till:
    """The CRM's won deals: those of leads, and those that no lead of the site began."""
    rows = np.flatnonzero(leads.won_at >= 0)
    rows = rows[np.argsort(leads.won_at[rows], kind="stable")]
    some = 0.0 if calendar.quiet else 1.0
    shares = {AD_BLOCKER: some * rates.BLOCKED, OFFLINE: some * rates.PHONE}
    only = extra(leads.won_at[rows], leads.value[rows], shares, int(some) * rates.TESTS, calendar.end, rng)
    time = np.concatenate([leads.won_at[rows], only.time])
    own = np.concatenate([leads.value[rows], only.amount])
    reason = np.concatenate([np.full(len(rows), TRACKED, dtype=np.int16), only.reason])
    none = np.zeros(len(time), dtype=np.int64)
    how = Deviation(none, 0.0, some * rates.TWICE, none * 0.0, (1, 2))
    _, difference = deviate(time, reason, how, calendar.end, rng)
    channel = np.where(reason == OFFLINE, 1, np.where(reason == TEST, 3, 0)).astype(np.int16)
    state = np.zeros(len(time), dtype=np.int16)
    # a deal is booked at the instant at which the CRM says so: both have it from there
    difference[difference == OTHER_DAY] = NONE
    return Till(np.arange(len(time)), time, own.copy(), own, reason, difference, channel, state)
