"""Acquisition: channels, attribution, what customers cost and are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.plan.values import Plan
from assay.web.pages.base import Card, Page, View


def choices(plan: Plan) -> Mapping[str, Sequence[str]]:
    """By what traffic is grouped, and which model credits it."""
    del plan
    return {
        "by": ["channel", "source", "campaign"],
        "model": ["last_non_direct", "last", "first", "linear", "position", "time_decay", "all"],
    }


def cards(plan: Plan, view: View) -> Sequence[Card]:
    """Sessions by channel, credit by a model, worth of customers."""
    chosen = PAGE.chosen(plan, view)
    return [
        Card("Channels", "channels", {"by": chosen["by"]}, width=6, about="where visits come from"),
        Card(
            "Attribution",
            "attribution",
            {"model": chosen["model"], "by": chosen["by"]},
            width=6,
            about="who gets the credit",
        ),
        Card(
            "Models side by side",
            "attribution",
            {"model": "all", "by": chosen["by"]},
            view="table",
            about="what each model gives to whom",
        ),
        Card("What customers are worth", "clv", about="value by age of the customer"),
    ]


PAGE = Page(
    "acquisition", "Acquisition", "a", cards,
    choices, about="Where people come from, what they cost and what they bring.",
    icon="M10 3v4M10 17v-4M3 10h4M17 10h-4M5 5l3 3M15 15l-3-3",
)  # fmt: skip
