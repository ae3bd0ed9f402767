"""Pages: seen, entered, left."""

from __future__ import annotations

from collections.abc import Sequence

from assay.plan.values import Plan
from assay.web.pages.base import Card, Page, View


def cards(plan: Plan, view: View) -> Sequence[Card]:
    """All pages, and those where visits begin with what they bring."""
    del plan, view
    return [
        Card("Pages", "pages", {"until": "page"}, about="views, entries, exits, bounces, time and depth"),
        Card("Landing pages", "pages", {"conversion": "true"}, about="what those who came in there bring"),
    ]


PAGE = Page(
    "pages", "Pages", "p", cards, about="What is seen, how long, and where visits begin and end.",
    icon="M5 2h7l4 4v12H5zM12 2v4h4",
)  # fmt: skip
