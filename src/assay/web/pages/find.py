"""Find: metrics, funnels, segments and goals by a word of their name or meaning."""

from __future__ import annotations

from collections.abc import Sequence

from assay.plan.values import Plan
from assay.web.pages.base import Card, Page, View


def cards(plan: Plan, view: View) -> Sequence[Card]:
    """The catalogue's rows that hold the words."""
    del plan
    words = " ".join(view.own.get("q", "").split())
    title = f"Found for “{words}”" if words else "Everything that has a definition"
    return [Card(title, "catalog", {"kind": "all"}, view="table", wanted=words, about="what has that name")]


PAGE = Page("find", "Search", "", cards, about="Metrics, funnels, segments and goals of the plan.")
