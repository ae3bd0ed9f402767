"""KPI: one metric in its course, by device and channel, and what it means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.plan.values import Plan
from assay.web.pages.base import Card, Page, View


def choices(plan: Plan) -> Mapping[str, Sequence[str]]:
    """KPIs first, then the other metrics; what to break it down by."""
    return {
        "metric": [*plan.kpis, *(name for name in plan.metrics if name not in plan.kpis)],
        "by": ["device", "channel", "country", "browser", "is_new", "entry_page"],
    }


def cards(plan: Plan, view: View) -> Sequence[Card]:
    """Trend, breakdown, definition."""
    chosen = PAGE.chosen(plan, view)
    if "metric" not in chosen:
        return [Card("Metrics", "catalog", {"kind": "metrics"}, about="every metric of the plan")]
    name = chosen["metric"]
    return [
        Card("In its course", "metric", {"names": name, "grain": "day"}, about="one figure a day"),
        Card(
            f"By {chosen['by']}",
            "metric",
            {"names": name, "by": chosen["by"]},
            width=6,
            about="the groups side by side",
        ),
        Card("Why it moved", "why", {"name": name}, width=6, about="what a change is made of"),
        Card("What it means", "explain", {"name": name}, about="numerator, denominator, unit and rules"),
    ]


PAGE = Page("kpi", "KPIs", "k", cards, choices)
