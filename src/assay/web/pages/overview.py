"""Overview: the scorecard, what changed and why, whether targets will be reached."""

from __future__ import annotations

from collections.abc import Sequence

from assay.plan.values import Plan
from assay.report.view import human
from assay.web.pages.base import Card, Page, View


def cards(plan: Plan, view: View) -> Sequence[Card]:
    """KPIs first; then the reasons for what moved, the pace, alerts and the change log."""
    del view
    kpis = [name for name, kpi in plan.kpis.items() if not kpi.guardrail]
    found = [
        Card(
            "Scorecard",
            "overview",
            {"daily": "true"},
            view="tiles",
            about="each KPI with its objective, target and change",
        )
    ]
    if kpis:
        found.append(
            Card(f"Why {human(kpis[0])} moved", "why", {"name": kpis[0]}, width=6, about="what a change is made of")
        )
        found.append(Card("On pace", "pace", width=6, about="whether targets will be reached"))
    found.append(
        Card("Alerts", "alerts", {"segment": None}, view="told", width=6, about="days that were not as expected")
    )
    found.append(Card("What changed when", "changes", width=6, about="releases, prices, campaigns and holidays"))
    return found


PAGE = Page(
    "overview", "Overview", "o", cards, about="Are we on track, and what changed?",
    icon="M3 10h6V3H3zM11 17h6v-7h-6zM3 17h6v-4H3zM11 7h6V3h-6z",
    acts=(("Note a change", "act/change"),),
)  # fmt: skip
