"""Segments: which groups differ beyond chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.plan.values import Plan
from assay.web.pages.base import Card, Page, View


def choices(plan: Plan) -> Mapping[str, Sequence[str]]:
    """Which metric."""
    return {"metric": [*plan.kpis, *(name for name in plan.metrics if name not in plan.kpis)]}


def cards(plan: Plan, view: View) -> Sequence[Card]:
    """Groups held against all others."""
    chosen = PAGE.chosen(plan, view)
    if "metric" not in chosen:
        return [Card("Segments", "catalog", {"kind": "segments"}, about="the plan's segments")]
    return [
        Card("Groups that differ", "segments", {"name": chosen["metric"]}, about="groups that differ beyond chance"),
        Card("Situations", "patterns", view="told", about="named situations that the data show, and ideas to test"),
    ]


PAGE = Page(
    "segments", "Segments", "s", cards, choices, about="Which groups do otherwise than all the rest.",
    icon="M10 10V3a7 7 0 1 1-7 7zM7 3a7 7 0 0 0-4 4l4 1z",
    acts=(("New segment", "build/segment"), ("New cohort", "build/cohort"),),
)  # fmt: skip
