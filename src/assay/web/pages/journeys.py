"""Journeys: what people do next, and whole paths."""

from __future__ import annotations

from collections.abc import Sequence

from assay.plan.values import Plan
from assay.web.pages.base import Card, Page, View


def cards(plan: Plan, view: View) -> Sequence[Card]:
    """From page to page, the most frequent paths, how long it takes."""
    del view
    goal = next((goal.name for goal in plan.goals.values() if goal.kind == "macro"), None)
    found = [
        Card("What they do next", "journey", about="steps from page to page"),
        Card("Whole paths", "journey", {"paths": "true"}, width=6, about="the most frequent paths"),
    ]
    if goal:
        found.append(Card("How long it takes", "time-to", {"name": goal}, width=6, about="the time until they convert"))
    return found


PAGE = Page("journeys", "Journeys", "j", cards)
