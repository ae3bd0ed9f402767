"""The shop: coffee gear, one campaign push, one influencer, a broken tag, a test that sells more and earns less."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.demo.calendar import DAYS, VISITORS, Calendar
from assay.demo.planted import Planted
from assay.demo.worlds.base import Progress, Wanted, World, claimed, days_of, plan_text, reconciled

_FILE = Path(__file__).parents[1] / "shop.yaml"
_TILL = {
    "not_tracked": "The till has orders that the browser never told of: a broken tag on three days, and ad blockers.",
    "no_consent": "The till has orders of people who denied consent.",
    "offline": "The till has orders that were made by telephone.",
    "test_orders": "The till has the shop's own test orders.",
    "duplicates": "The till lists some orders twice.",
    "other_amount": "The till has some orders with delivery in the amount.",
    "other_day": "The till books some orders after midnight that the browser has before it.",
}


def plan(wanted: Wanted) -> str:
    """The plan's text."""
    return plan_of(Calendar(wanted.days, wanted.last_day, wanted.quiet))


def plan_of(calendar: Calendar) -> str:
    """The plan's text for a calendar."""
    return plan_text(_FILE, Calendar(), calendar)


def write(wanted: Wanted, folder: Path, progress: Progress | None) -> list[Path]:
    """Simulate and write."""
    from assay.demo.shop import simulate
    from assay.demo.write import write as write_files

    world = simulate(wanted.days, wanted.visitors, wanted.seed, wanted.last_day, wanted.quiet)
    return write_files(world, folder, progress=progress)


def planted(truth: Mapping[str, Any]) -> tuple[Planted, ...]:
    """What is planted, by the questions that must find it."""
    if truth["quiet"]:
        return ()
    influencer, broken, push = (
        {"name": "purchase_rate", "compare": "previous"} | days_of(truth, first, last)
        for first, last in (
            ("influencer_day", "influencer_day"), ("broken_first", "broken_last"), ("push_first", "push_last"),
        )
    )  # fmt: skip
    social = {"dimension": "channel", "value": "Organic Social"}
    safari = {"event": "purchase", "kind": "vanished", "where": {"browser": "Safari"}}
    return (
        Planted(
            "influencer_mix",
            "On one day an influencer brings many who seldom fill a cart: the rate falls, no channel's own does.",
            "why", {**influencer, "name": "cart_rate"}, ("mix_moved",), {**social, "metric": "cart_rate"},
        ),
        Planted(
            "influencer_alert", "The visits of that day are an alert: many more of organic social than usual.",
            "alerts", {}, ("alert",),
            {"cause": "volume", "day": truth["dates"]["influencer_day"], "part": {"channel": "Organic Social"}},
        ),
        Planted(
            "safari_tag", "For three days Safari's purchases are not tracked, while the till goes on.",
            "why", broken, ("tracking_moved",), safari,
        ),
        Planted(
            "safari_alert", "The fall of those days is an alert, and its cause is the tracking.",
            "alerts", {}, ("alert",), {"subject": "purchase", "cause": "tracking", "part": {"browser": "Safari"}},
        ),
        Planted(
            "push_volume", "A campaign push brings more than twice the visits of paid social.",
            "why", {**push, "name": "sessions"}, ("volume_moved",), {"dimension": "channel", "value": "Paid Social"},
        ),
        Planted(
            "push_known", "The push stands in the change log.",
            "why", {**push, "name": "sessions"}, ("known_change",),
            {"what": "Paid social push started", "kind": "campaign"},
        ),
        Planted(
            "mobile_leak", "On mobile far fewer get past the shipping step of the checkout.",
            "leaks", {"name": "checkout_steps"}, ("leak",),
            {"step": "add_shipping_info", "where": {"device": "mobile"}},
        ),
        Planted(
            "mobile_gap", "Mobile converts worse than desktop.", "patterns", {}, ("mobile_gap", "weak_checkout"), {},
        ),
        Planted(
            "provider_returns", "Some come back from the payment provider in a session of its own.",
            "quality", {}, ("ignored_referrer",), {"host": "paypal.com"},
        ),
        Planted(
            "test_harm", "Free delivery sells more and is returned more often: the guardrail is harmed.",
            "experiment-readout", {"name": "free_shipping"}, ("guardrail_harmed",),
            {"metric": "refund_rate", "variant": "treatment"},
        ),
        Planted(
            "test_verdict", "The test ends with: do not ship.",
            "experiment-readout", {"name": "free_shipping"}, ("verdict",),
            {"variant": "treatment", "verdict": "do_not_ship"},
        ),
        Planted(
            "test_silent", "On one day of the test its tag is broken and nobody is exposed.",
            "experiment-readout", {"name": "free_shipping"}, ("exposure_gap",),
            {"days": [truth["dates"]["test_silent"]]},
        ),
        *reconciled(truth, _TILL),
        *claimed(truth),
    )  # fmt: skip


WORLD = World(
    "shop", "a shop for coffee gear", DAYS, VISITORS, plan, write, planted,
    ("assay funnel checkout --by device", "assay metric purchase_rate --by channel --compare previous"),
)  # fmt: skip
