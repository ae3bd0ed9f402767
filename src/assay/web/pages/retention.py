"""Retention: who comes back, who is new, dormant or lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.plan.values import Plan
from assay.web.pages.base import Card, Page, View


def choices(plan: Plan) -> Mapping[str, Sequence[str]]:
    """The length of a period."""
    del plan
    return {"period": ["week", "day", "month"]}


def cards(plan: Plan, view: View) -> Sequence[Card]:
    """Cohorts and the life cycle."""
    chosen = PAGE.chosen(plan, view)
    return [
        Card("Who comes back", "retention", {"period": chosen["period"]}, about="cohorts and how many are seen again"),
        Card("New, returning, lost", "lifecycle", {"period": chosen["period"]}, about="how the active come about"),
    ]


PAGE = Page(
    "retention", "Retention", "r", cards, choices, about="Who comes back, and for how long.",
    icon="M4 10a6 6 0 1 1 2 4M4 16v-4h4",
)  # fmt: skip
