"""Funnels: steps, who is lost, times, groups side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.plan.values import Plan
from assay.web.pages.base import Card, Page, View


def choices(plan: Plan) -> Mapping[str, Sequence[str]]:
    """Which funnel, and by what it is taken apart."""
    return {"funnel": list(plan.funnels), "by": ["none", "device", "channel", "is_new", "country"]}


def cards(plan: Plan, view: View) -> Sequence[Card]:
    """The funnel, where it leaks, what mending is worth."""
    chosen = PAGE.chosen(plan, view)
    if "funnel" not in chosen:
        return [Card("Funnels", "catalog", {"kind": "funnels"}, about="the steps towards a goal")]
    name = chosen["funnel"]
    by = {} if chosen["by"] == "none" else {"by": chosen["by"]}
    return [
        Card("Step by step", "funnel", {"name": name, **by}, about="how many take each step"),
        Card("Where people are lost", "leaks", {"name": name}, width=6, about="groups that lose more than others"),
        Card("What it is worth", "opportunity", {"name": name}, width=6, about="the value of a better step"),
    ]


PAGE = Page("funnels", "Funnels", "f", cards, choices)
