"""The known truth of the leads world, as it goes into ``truth.json``."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.demo.calendar import CURRENCY, ZONE
from assay.demo.draws import Flags
from assay.demo.sheets import claims_truth, money
from assay.demo.till import till_truth
from assay.demo.worlds.leads import rates
from assay.demo.worlds.leads.simulate import DAY, World, completion, tables


def truth(world: World) -> dict[str, Any]:
    """All keys of ``truth.json``. ``planted`` are the generator's tables, ``counts`` what happened, exactly."""
    calendar, given = world.calendar, tables(world.calendar)
    return {
        "world": "leads",
        "seed": world.wanted.seed,
        "days": calendar.days,
        "quiet": calendar.quiet,
        "timezone": ZONE,
        "currency": CURRENCY,
        "dates": {name: day.isoformat() for name, day in calendar.dates().items()},
        "planted": {
            "form": {"long": list(rates.LONG), "short": list(rates.SHORT) if given.short else None},
            "completion": {"long": completion(given, rates.LONG), "short": completion(given, rates.SHORT)},
            "hard_field": {"field": rates.HARD, "gives_up": given.hard, "others": rates.GIVES_UP},
            "shows": {"serious": given.shows[0], "curious": given.shows[1]},
            "cheap_channel": rates.MIX.channels[rates.DISPLAY],
            "spam": {"cheap_channel": given.spam, "others": rates.SPAM},
            "mobile_factor_on_sending": given.mobile,
        },
        "counts": counts(world),
        "form_change": form_change(world),
        "channels": channels(world),
        "till": till_truth(world.till),
        "claims": claims_truth(world.claims),
    }


def counts(world: World) -> dict[str, Any]:
    """What happened, as tests count it over the lines."""
    what, leads = world.happenings, world.leads
    columns = what.columns
    site = (columns["visitor"] >= 0) & columns["interactive"]
    won = leads.won_at >= 0
    return {
        "lines": len(what),
        "events_by_name": {name: int(what.named(name).sum()) for name in what.names},
        "visitors": len(np.unique(columns["visitor"][site])),
        "sessions": int((columns["entry"] >= 0).sum()),
        "leads": len(leads),
        "spam": int(what.named("disqualify_lead").sum()),
        "booked": int(what.named("book_demo").sum()),
        "opportunities": int((leads.opened_at >= 0).sum()),
        "pipeline": money(int(leads.value[leads.opened_at >= 0].sum())),
        "deals": int(won.sum()),
        "revenue": money(int(leads.value[won].sum())),
        "ad_cost": money(sum(row.amount for row in world.spend)),
    }


def form_change(world: World) -> dict[str, Any]:
    """Visitors, leads and what became of them, in equal ranges before and after; stages of the leads of the range.

    ``opened`` counts opportunities of leads that had 60 days for it, of ``ripe`` such leads.
    """
    calendar, leads, columns = world.calendar, world.leads, world.happenings.columns
    dates = calendar.dates()
    found = {}
    for name, first, last in (
        ("before", dates["before_first"], dates["before_last"]),
        ("after", dates["form_change"], dates["after_last"]),
    ):
        start, end = (calendar.start_of((day - calendar.first_day).days) for day in (first, last))
        end = calendar.start_of((last - calendar.first_day).days + 1)
        here = (columns["time"] >= start) & (columns["time"] < end) & (columns["entry"] >= 0)
        mine = (leads.time >= start) & (leads.time < end)
        # an appointment is within SHOW_DAYS, so all of these are known once the days go on for so long
        met = mine & leads.booked & (leads.time + (rates.SHOW_DAYS[1] + 1) * DAY <= calendar.end)
        ripe = mine & (leads.time + 60 * DAY <= calendar.end)
        opened: Flags = ripe & (leads.opened_at >= 0) & (leads.opened_at - leads.time <= 60 * DAY)
        found[name] = {
            "visitors": len(np.unique(columns["visitor"][here])),
            "leads": int(mine.sum()),
            "curious": int((mine & leads.curious).sum()),
            "booked": int(met.sum()),
            "shows": int((met & leads.shows).sum()),
            "ripe": int(ripe.sum()),
            "opened": int(opened.sum()),
        }
    return found


def channels(world: World) -> dict[str, Any]:
    """By channel of the session that brought the lead: leads, spam, opportunities, deals, ad cost."""
    leads = world.leads
    found = {}
    for code, name in enumerate(rates.MIX.channels):
        mine = leads.channel == code
        found[name] = {
            "leads": int(mine.sum()),
            "spam": int((mine & leads.spam).sum()),
            "opportunities": int((mine & (leads.opened_at >= 0)).sum()),
            "deals": int((mine & (leads.won_at >= 0)).sum()),
            "cost": money(sum(s.amount for s in world.spend if s.channel == name)),
        }
    return found
