"""Experiments: what runs, what was found, what was learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.plan.values import Plan
from assay.report.view import human
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
        said = human(name)
        found += [
            Card(f"Verdict on {said}", "experiment-readout", {"name": name}, view="verdict",
                 about="the verdict and its reasons"),
            Card("Every metric", "experiment-readout", {"name": name}, width=6, about="each metric with its interval"),
            Card("From day to day", "experiment-readout", {"name": name, "daily": "true"}, width=6,
                 about="the effect at the end of every day"),
            Card("How long it must run", "experiment-design", {"name": name}, about="sample size and weeks"),
            Card("Is it sound?", "experiment-qa", {"name": name}, view="table",
                 about="what to check before and while it runs"),
        ]  # fmt: skip
    found.append(Card("What was learnt", "learnings", width=6, about="past tests"))
    found.append(Card("What it brought", "experiment-value", width=6, about="money that was promised and that came"))
    found.append(Card("Ideas", "backlog", about="what to test next, by worth"))
    return found


PAGE = Page(
    "experiments", "Experiments", "e", cards, choices, about="What was tested, what came out, and what to test next.",
    icon="M8 3v5l-5 8h14l-5-8V3M6 3h8",
    acts=(
        ("New test", "build/experiment"),
        ("Start", "act/start"),
        ("Stop", "act/stop"),
        ("Decide", "act/decide"),
        ("Note what was learnt", "act/learnt"),
        ("Keep an idea", "act/idea"),
        ("Programme", "programme"),
    ),
)  # fmt: skip
