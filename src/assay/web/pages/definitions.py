"""Definitions: what every number means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.plan.values import Plan
from assay.report.view import human
from assay.web.pages.base import Card, Page, View


def choices(plan: Plan) -> Mapping[str, Sequence[str]]:
    """Which kind of definition."""
    return {
        "kind": ["all", "metrics", "funnels", "segments", "cohorts", "goals", "dimensions", "templates"],
        "metric": [*plan.kpis, *(name for name in plan.metrics if name not in plan.kpis)],
        "like": ["ga4", "ga360", "matomo", "mixpanel", "plausible", "posthog"],
    }


def cards(plan: Plan, view: View) -> Sequence[Card]:
    """The catalogue, and whether the KPIs are worth their name."""
    chosen = PAGE.chosen(plan, view)
    found = [
        Card("Catalogue", "catalog", {"kind": chosen["kind"]}, about="every definition in words"),
        Card("Are the KPIs good ones?", "audit", about="measurable, aligned, sensitive enough"),
    ]
    found.append(Card("What the plan's check says", "review", view="table", about="mistakes and remarks"))
    found.append(
        Card("How definitions changed", "versions", view="table", about="since when a number means what it means")
    )
    if "metric" in chosen:
        found.append(
            Card(f"Why {human(chosen['metric'])} is another number in {chosen['like']}", "compare",
                 {"name": chosen["metric"], "like": chosen["like"]}, view="table", about="two numbers, rule by rule")
        )  # fmt: skip
    return found


PAGE = Page(
    "definitions", "Definitions", "d", cards, choices, about="What every number means, exactly.",
    icon="M4 3h9l3 3v11H4zM7 9h6M7 13h6",
)  # fmt: skip
