"""The SaaS world: trials, a set-up of three steps, teams, a price change, a cheap channel whose customers leave."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.demo.planted import Planted
from assay.demo.worlds.base import Progress, Wanted, World, claimed, plan_text, reconciled
from assay.demo.worlds.saas.calendar import DAYS, Calendar

_FILE = Path(__file__).with_name("plan.yaml")
_TILL = {
    "not_tracked": "Billing has first invoices that the browser never told of.",
    "offline": "Billing has contracts that sales closed by telephone.",
    "renewals": "Billing has renewals, which nobody comes to the site for.",
    "test_orders": "Billing has test invoices.",
    "duplicates": "Billing lists some invoices twice.",
}


def plan(wanted: Wanted) -> str:
    """The plan's text."""
    return plan_text(_FILE, Calendar(), Calendar(wanted.days, wanted.last_day, wanted.quiet))


def write(wanted: Wanted, folder: Path, progress: Progress | None) -> list[Path]:
    """Simulate and write."""
    from assay.demo.worlds.saas import rates
    from assay.demo.worlds.saas.simulate import simulate
    from assay.demo.worlds.saas.truth import truth
    from assay.demo.worlds.writing import write_world

    world = simulate(wanted)
    return write_world(
        world.happenings, folder, wanted, world.calendar, world.people, rates.MIX, world.accounts, world.spend,
        world.till, "R", world.claims, truth(world), progress,
    )  # fmt: skip


def planted(truth: Mapping[str, Any]) -> tuple[Planted, ...]:
    """What is planted, by the questions that must find it."""
    if truth["quiet"]:
        return ()
    dates = truth["dates"]
    after = {"from": dates["price_change"], "to": dates["after_last"]}
    usage = {
        "names": ["commented", "automated"], "goal": "subscribed", "start": "start_trial", "first": "7d",
        "within": "21d", "from": dates["first_day"], "to": dates["last_day"],
    }  # fmt: skip
    return (
        Planted(
            "price_known", "Trials rise on the day on which the prices change.",
            "why", {"name": "trial_signup_rate", **after}, ("known_change",),
            {"what": "New prices, trial without a card", "kind": "price"},
        ),
        Planted(
            "price_trials", "More visitors start a trial since then: the rate itself moved.",
            "why", {"name": "trial_signup_rate", **after}, ("rate_moved",), {"metric": "trial_signup_rate"},
        ),
        Planted(
            "price_paid", "Fewer trials pay since then: the rate itself moved.",
            "why", {"name": "trial_to_paid", **after}, ("rate_moved",), {"metric": "trial_to_paid"},
        ),
        Planted(
            "more_trials_no_more_customers", "Trials rise and customers do not.",
            "patterns", after, ("micro_up_macro_flat",), {"micro": "on_trial", "macro": "subscribed"},
        ),
        Planted(
            "cheap_channel", "The channel with the cheapest trials brings the customers that are worth least.",
            "patterns", {"from": dates["first_day"], "to": dates["last_day"]}, ("cheap_channel_poor",),
            {"channel": truth["planted"]["cheap_channel"]},
        ),
        Planted(
            "automation_causes", "Who uses the automation early pays more often, given the same activity.",
            "features", usage, ("feature_causes",), {"feature": "automated"},
        ),
        Planted(
            "comments_correlate", "Who comments early pays more often only because the active comment more.",
            "features", usage, ("feature_correlates",), {"feature": "commented"},
        ),
        Planted(
            "firefox_leak", "In Firefox half as many get past the connection of their data.",
            "leaks", {"name": "setup", "from": dates["first_day"], "to": dates["last_day"]}, ("leak",),
            {"step": "connect_data", "where": {"browser": "Firefox"}},
        ),
        *reconciled(truth, _TILL),
        *claimed(truth),
    )  # fmt: skip


WORLD = World(
    "saas", "a planning tool with trials, teams and subscriptions", DAYS, 20_000, plan, write, planted,
    ("assay funnel setup --by browser", "assay clv --by first_channel"),
)  # fmt: skip
