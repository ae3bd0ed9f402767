"""Journeys: what people do next, and whole paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.plan.values import Plan
from assay.web.pages.base import Card, Page, View


def choices(plan: Plan) -> Mapping[str, Sequence[str]]:
    """What a stop on the way is."""
    del plan
    return {"node": ["page", "page_group", "event"]}


def cards(plan: Plan, view: View) -> Sequence[Card]:
    """From page to page, the most frequent paths, how long it takes."""
    node = PAGE.chosen(plan, view)["node"]
    goal = next((goal.name for goal in plan.goals.values() if goal.kind == "macro"), None)
    found = [
        Card("What they do next", "journey", {"node": node}, about="steps from page to page"),
        Card("Whole paths", "journey", {"node": node, "paths": "true"}, width=6, about="the most frequent paths"),
    ]
    if goal:
        found.append(Card("How long it takes", "time-to", {"name": goal}, width=6, about="the time until they convert"))
    found.append(
        Card("Visits, one by one", "sessions", {"limit": "50"}, view="table", about="each visit, and who made it")
    )
    return found


PAGE = Page(
    "journeys", "Journeys", "j", cards, choices, about="What people do next, and the ways they take.",
    icon="M3 5h6c4 0 4 10 8 10M3 15h4",
)  # fmt: skip
