"""Experiments: what runs, what was found, what was learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.plan.values import Plan
from assay.web.pages.base import Card, Page, View


def choices(plan: Plan) -> Mapping[str, Sequence[str]]:
    """Which experiment."""
    return {"experiment": list(plan.experiments)}


def cards(plan: Plan, view: View) -> Sequence[Card]:
    """The list, one read-out, learnings and ideas."""
    chosen = PAGE.chosen(plan, view)
    found = [Card("Experiments", "experiment", about="every test and how it stands")]
    if "experiment" in chosen:
        name = chosen["experiment"]
        found.append(
            Card(f"Read-out of {name}", "experiment-readout", {"name": name}, about="the verdict and its reasons")
        )
        found.append(
            Card("How long it must run", "experiment-design", {"name": name}, width=6, about="sample size and weeks")
        )
    found.append(Card("What was learnt", "learnings", width=6, about="past tests"))
    found.append(Card("Ideas", "backlog", about="what to test next, by worth"))
    return found


PAGE = Page("experiments", "Experiments", "e", cards, choices)
