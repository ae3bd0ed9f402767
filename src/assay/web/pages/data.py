"""Data: what came in, what became of it, whether it can be trusted."""

from __future__ import annotations

from collections.abc import Sequence

from assay.plan.values import Plan
from assay.web.pages.base import Card, Page, View


def cards(plan: Plan, view: View) -> Sequence[Card]:
    """Ledger, planned events, quality."""
    del plan, view
    return [
        Card("Ledger", "ledger", {"imports": "true"}, about="what became of every line received"),
        Card("Planned events", "tracking", about="which events come and which do not"),
        Card("Waiting", "waiting", view="table", width=6, about="what came and could not be used, and why"),
        Card("Alerts", "alerts", {"segment": None}, view="told", width=6, about="days that were not as expected"),
        Card("Quality", "quality", about="what to look at before believing a number"),
    ]


PAGE = Page(
    "data", "Data", "t", cards, about="What came in, what became of it, and whether it can be trusted.",
    icon="M3 5c0-3 14-3 14 0v10c0 3-14 3-14 0zM3 10c0 3 14 3 14 0",
    acts=(("Bring in events", "snippet"), ("Events as they come in", "live"),),
)  # fmt: skip
