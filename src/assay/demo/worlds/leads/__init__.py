"""The leads world: a form cut from ten fields to five, a CRM that lags by weeks, spam, deals made by telephone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.demo.planted import Planted
from assay.demo.worlds.base import Progress, Wanted, World, plan_text, reconciled
from assay.demo.worlds.leads.calendar import DAYS, Calendar

_FILE = Path(__file__).with_name("plan.yaml")
_TILL = {
    "not_tracked": "The CRM has deals of people whom the site never saw.",
    "offline": "The CRM has deals that began with a telephone call.",
    "test_orders": "The CRM has test deals.",
    "duplicates": "The CRM lists some deals twice.",
}


def plan(wanted: Wanted) -> str:
    """The plan's text."""
    return plan_text(_FILE, Calendar(), Calendar(wanted.days, wanted.last_day, wanted.quiet))


def write(wanted: Wanted, folder: Path, progress: Progress | None) -> list[Path]:
    """Simulate and write."""
    from assay.demo.worlds.leads import rates
    from assay.demo.worlds.leads.simulate import simulate
    from assay.demo.worlds.leads.truth import truth
    from assay.demo.worlds.writing import write_world

    world = simulate(wanted)
    return write_world(
        world.happenings, folder, wanted, world.calendar, world.people, rates.MIX, None, world.spend, world.till, "D",
        world.claims, truth(world), progress,
    )  # fmt: skip


def planted(truth: Mapping[str, Any]) -> tuple[Planted, ...]:
    """What is planted, by the questions that must find it."""
    if truth["quiet"]:
        return ()
    dates = truth["dates"]
    after = {"from": dates["form_change"], "to": dates["after_last"]}
    ever = {"from": dates["first_day"], "to": dates["last_day"]}
    return (
        Planted(
            "form_known", "Leads rise on the day on which the form is cut.",
            "why", {"name": "lead_rate", **after}, ("known_change",),
            {"what": "Contact form cut from ten fields to five", "kind": "deploy"},
        ),
        Planted(
            "form_leads", "More visitors become leads since then: the rate itself moved.",
            "why", {"name": "lead_rate", **after}, ("rate_moved",), {"metric": "lead_rate"},
        ),
        Planted(
            "form_no_shows", "Fewer of the booked appointments are kept since then: the rate itself moved.",
            "why", {"name": "demo_show_up_rate", **after}, ("rate_moved",), {"metric": "demo_show_up_rate"},
        ),
        Planted(
            "more_leads_no_more_pipeline", "Leads rise and the pipeline does not.",
            "patterns", after, ("micro_up_macro_flat",), {"micro": "lead", "macro": "opportunity"},
        ),
        Planted(
            "hard_field", "People give up the form at the telephone number.",
            "patterns", ever, ("form_abandonment",), {"field": truth["planted"]["hard_field"]["field"]},
        ),
        Planted(
            "cheap_channel", "Half of the leads of the cheap channel are spam.",
            "leaks", {"name": "pipeline", **ever}, ("leak",),
            {"step": "accept_lead", "where": {"channel": truth["planted"]["cheap_channel"]}},
        ),
        Planted(
            "mobile_leak", "On mobile fewer of those who fill in the form send it.",
            "leaks", {"name": "form", **ever}, ("leak",), {"step": "form_submit", "where": {"device": "mobile"}},
        ),
        *reconciled(truth, _TILL),
    )  # fmt: skip


WORLD = World(
    "leads", "a solar company with a contact form and a CRM", DAYS, 24_000, plan, write, planted,
    ("assay funnel form --by device", "assay metric lead_rate spam_lead_rate --by channel"),
)  # fmt: skip
