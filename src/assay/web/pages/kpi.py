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
        "grain": ["day", "week", "month"],
        "like": ["own rules", "ga4", "ga360", "matomo", "mixpanel", "plausible", "posthog"],
    }


def cards(plan: Plan, view: View) -> Sequence[Card]:
    """Trend, breakdown, definition."""
    chosen = PAGE.chosen(plan, view)
    if "metric" not in chosen:
        return [Card("Metrics", "catalog", {"kind": "metrics"}, about="every metric of the plan")]
    name, like = chosen["metric"], chosen["like"]
    rules = (("Compare with another rule", f"kpi?{view.query(metric=name, like='ga4')}#compare"),)
    now = {"names": name} | ({} if "compare" in view.picks else {"compare": "previous"})
    found = [
        Card("Now", "metric", now, view="table", about="the figure with its interval", others=rules),
        Card(
            "In its course", "metric", {"names": name, "grain": chosen["grain"]}, about="one figure a day", others=rules
        ),
        Card(
            f"By {chosen['by'].replace('_', ' ')}",
            "metric",
            {"names": name, "by": chosen["by"]},
            width=6,
            about="the groups side by side",
        ),
        Card("Why it moved", "why", {"name": name}, width=6, about="what a change is made of"),
    ]
    if like != "own rules":
        found.append(Card(f"Under the rules of {like}", "compare", {"name": name, "like": like}, view="table",
                          about="the same number by other rules", place="compare"))  # fmt: skip
    found.append(
        Card("What it means", "explain", {"name": name}, view="table", about="numerator, denominator, unit and rules")
    )
    return found


PAGE = Page(
    "kpi", "KPIs", "k", cards, choices, about="One number in its course: where it moved, for whom, and what it means.",
    icon="M3 17V3M3 17h14M6 13l4-4 3 3 4-6",
    acts=(("New KPI", "build/kpi"), ("New goal", "build/goal"),),
)  # fmt: skip
