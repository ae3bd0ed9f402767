"""Programme: the testing itself: how much, how fast, how often it wins, what it costs and brings."""

from __future__ import annotations

from collections.abc import Sequence

from assay.plan.values import Plan
from assay.web.pages.base import Card, Page, View


def cards(plan: Plan, view: View) -> Sequence[Card]:
    """Months, money, learnings."""
    del plan, view
    return [
        Card("Month by month", "programme", about="tests started, decided and won, and what they brought"),
        Card("What it brought", "experiment-value", about="money that was promised and that came"),
        Card("What was learnt", "learnings", width=6, about="past tests"),
        Card("Ideas", "backlog", width=6, about="what to test next, by worth"),
    ]


PAGE = Page("programme", "Programme", "", cards, about="How much is tested, how fast, and what it brings.")
