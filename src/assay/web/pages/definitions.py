"""Definitions: what every number means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.plan.values import Plan
from assay.web.pages.base import Card, Page, View


def choices(plan: Plan) -> Mapping[str, Sequence[str]]:
    """Which kind of definition."""
    del plan
    return {"kind": ["all", "metrics", "funnels", "segments", "cohorts", "goals", "dimensions", "templates"]}


def cards(plan: Plan, view: View) -> Sequence[Card]:
    """The catalogue, and whether the KPIs are worth their name."""
    chosen = PAGE.chosen(plan, view)
    return [
        Card("Catalogue", "catalog", {"kind": chosen["kind"]}, about="every definition in words"),
        Card("Are the KPIs good ones?", "audit", about="measurable, aligned, sensitive enough"),
    ]


PAGE = Page("definitions", "Definitions", "d", cards, choices)
