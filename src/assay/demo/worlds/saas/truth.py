"""The known truth of the SaaS world, as it goes into ``truth.json``."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.demo.calendar import CURRENCY, ZONE
from assay.demo.draws import Flags
from assay.demo.sheets import claims_truth, money
from assay.demo.till import till_truth
from assay.demo.worlds.saas import rates
from assay.demo.worlds.saas.simulate import DAY, Saas, tables


def truth(world: Saas) -> dict[str, Any]:
    """All keys of ``truth.json``. ``planted`` are the generator's tables, ``counts`` what happened, exactly."""
    calendar, given = world.calendar, tables(world.calendar)
    return {
        "world": "saas",
        "seed": world.wanted.seed,
        "days": calendar.days,
        "quiet": calendar.quiet,
        "timezone": ZONE,
        "currency": CURRENCY,
        "dates": {name: day.isoformat() for name, day in calendar.dates().items()},
        "planted": {
            "price_change": {"trials_factor": given.trials_after, "paid_log_odds": given.paid_after},
            "monthly_churn": dict(zip(rates.MIX.channels, given.churn, strict=True)),
            "cheap_channel": rates.MIX.channels[rates.DISPLAY],
            "automation_log_odds": given.automation,
            "comments_log_odds_per_log_activity": given.comments[1],
            "connect_data": {"Firefox": given.connect[1], "others": given.connect[0]},
        },
        "counts": counts(world),
        "price_change": price_change(world),
        "features": features(world),
        "channels": channels(world),
        "till": till_truth(world.till),
        "claims": claims_truth(world.claims),
    }


def counts(world: Saas) -> dict[str, Any]:
    """What happened, as tests count it over the lines."""
    what, subs, end = world.happenings, world.subscriptions, world.calendar.end
    columns = what.columns
    site = (columns["visitor"] >= 0) & columns["interactive"]
    known = subs.time + 1000 < end
    first, again = known & (subs.ordinal == 0), known & (subs.ordinal > 0)
    paying = subs.end > end
    return {
        "lines": len(what),
        "events_by_name": {name: int(what.named(name).sum()) for name in what.names},
        "visitors": len(np.unique(columns["visitor"][site])),
        "sessions": int((columns["entry"] >= 0).sum()),
        "trials": int(what.named("start_trial").sum()),
        "customers": int(first.sum()),
        "first_orders": {"orders": int(first.sum()), "revenue": money(int(subs.amount[first].sum()))},
        "renewals": {"orders": int(again.sum()), "revenue": money(int(subs.amount[again].sum()))},
        "paying_at_the_end": int(paying.sum()),
        "mrr_at_the_end": money(int(subs.mrr[paying].sum())),
        "ad_cost": money(sum(row.amount for row in world.spend)),
    }


def price_change(world: Saas) -> dict[str, Any]:
    """Trials per visitor and paid per trial whose window of 21 days has closed, in equal ranges before and after."""
    calendar, trials = world.calendar, world.trials
    dates = calendar.dates()
    found = {}
    for name, first, last in (
        ("before", dates["before_first"], dates["before_last"]),
        ("after", dates["price_change"], dates["after_last"]),
    ):
        start, end = (calendar.start_of((day - calendar.first_day).days) for day in (first, last))
        end += DAY
        at = world.happenings.columns["time"]
        here = (at >= start) & (at < end) & (world.happenings.columns["entry"] >= 0)
        begun = (trials.start >= start) & (trials.start < end)
        closed = begun & (trials.start + 21 * DAY <= calendar.end)
        found[name] = {
            "visitors": len(np.unique(world.happenings.columns["visitor"][here])),
            "trials": int(begun.sum()),
            "matured_trials": int(closed.sum()),
            "paid": int((closed & trials.wants).sum()),
        }
    return found


def features(world: Saas) -> dict[str, Any]:
    """By feature: trials that used it in the first week and those that did not, and how many of each will pay.

    ``effect`` is the mean effect of use on the probability of paying, by the generator's own odds.
    """
    trials, given = world.trials, tables(world.calendar)
    found: dict[str, Any] = {}
    used: tuple[tuple[str, Flags, float], ...] = (
        ("comments", trials.comments, 0.0),
        ("automation", trials.automation, given.automation),
    )
    for name, uses, effect in used:
        odds = trials.odds / (1 - trials.odds) * np.exp(np.where(uses, -effect, 0.0))
        without, with_ = odds / (1 + odds), odds * np.exp(effect) / (1 + odds * np.exp(effect))
        found[name] = {
            "users": int(uses.sum()),
            "users_paid": int((uses & trials.wants).sum()),
            "others": int((~uses).sum()),
            "others_paid": int((~uses & trials.wants).sum()),
            "effect": float((with_ - without).mean()) if len(trials) else None,
        }
    return found


def channels(world: Saas) -> dict[str, Any]:
    """By first channel: trials, customers, what they paid within 90 days of their first invoice, and the ad cost.

    Customers are those who came at least 90 days before the days end; the cost is that of the days until then.
    """
    calendar, trials, subs = world.calendar, world.trials, world.subscriptions
    last = calendar.end - 91 * DAY
    begin = {int(of): int(at) for of, at in zip(subs.of, subs.begin, strict=True)}
    first = np.array([begin[int(of)] for of in subs.trial], dtype=np.int64)
    found = {}
    for code, name in enumerate(rates.MIX.channels):
        old = (trials.channel[subs.trial] == code) & (first < last)
        worth = int(subs.amount[old & (subs.time - first <= 90 * DAY)].sum())
        cost = sum(s.amount for s in world.spend if s.channel == name and (calendar.last_day - s.day).days >= 91)
        found[name] = {
            "trials": int((trials.channel == code).sum()),
            "customers": int((trials.channel[subs.of] == code).sum()),
            "settled_customers": int((old & (subs.ordinal == 0)).sum()),
            "worth_90d": money(worth),
            "cost": money(cost),
            "worth_to_cost": worth / cost if cost else None,
        }
    return found
