"""Funnels: steps, who is lost, times, groups side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.plan.values import Plan
from assay.report.view import human
from assay.web.pages.base import Card, Page, View


def choices(plan: Plan) -> Mapping[str, Sequence[str]]:
    """Which funnel, and by what it is taken apart."""
    return {"funnel": list(plan.funnels), "by": ["none", "device", "channel", "is_new", "country"]}


def cards(plan: Plan, view: View) -> Sequence[Card]:
    """The funnel, where it leaks, what mending is worth."""
    chosen = PAGE.chosen(plan, view)
    if "funnel" not in chosen:
        return [Card("Funnels", "catalog", {"kind": "funnels"}, about="the steps towards a goal")]
    name = chosen["funnel"]
    by = {} if chosen["by"] == "none" else {"by": chosen["by"]}
    return [
        Card("Step by step", "funnel", {"name": name, **by}, view="funnel", about="how many take each step"),
        *_behind(plan, view, name),
        Card("Where people are lost", "leaks", {"name": name}, width=6, about="groups that lose more than others"),
        Card("What it is worth", "opportunity", {"name": name}, width=6, about="the value of a better step"),
    ]


def _behind(plan: Plan, view: View, name: str) -> Sequence[Card]:
    """Who was lost before the step that the address names, and what they did."""
    step, steps = view.own.get("step", ""), plan.funnels[name].steps
    if not step.isdecimal() or not 2 <= int(step) <= len(steps):
        return ()
    before, lost = human(steps[int(step) - 2].label), human(steps[int(step) - 1].label)
    return (
        Card(f"Lost between {before} and {lost}", "funnel", {"name": name, "lost": step}, view="table", width=6,
             about="each of them, with the whole story", place="behind"),
        Card(f"What comes after {before}", "journey", {"node": "event", "start": steps[int(step) - 2].label}, width=6,
             about="what people do next"),
    )  # fmt: skip


PAGE = Page(
    "funnels", "Funnels", "f", cards,
    choices, about="Where people are lost on the way, who they are, and what it costs.",
    icon="M3 4h14l-5 7v6l-4-2v-4z",
    acts=(("New funnel", "build/funnel"),),
)  # fmt: skip
