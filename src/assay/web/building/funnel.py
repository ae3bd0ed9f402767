"""Funnels."""

from __future__ import annotations

from assay.web.building.base import Field, Kind, Trial

KIND = Kind(
    "funnel", "funnels", "Funnel", "the steps towards a goal, and where people are lost",
    (
        Field("window", "Within", hint="From the first step: 30m, 7d, or session."),
        Field("per", "Counted per", "one", of=lambda _c: ("visitor", "user", "session", "account"), default="visitor"),
        Field(
            "order", "Order", "one", of=lambda _c: ("ordered", "strict", "unordered"), default="ordered",
            hint="ordered: other events may lie between; strict: none may; unordered: in any order.",
        ),
        Field("description", "What it is for", default=""),
    ),
    trial=lambda name, _entry: Trial("funnel", {"name": name}),
    page="funnels?funnel=",
    listed="steps",
    rows=(
        Field("event", "Event", "one", of=lambda choices: choices.events),
        Field("where", "Only where", hint="Such as device = 'mobile'."),
        Field("optional", "Optional", "flag"),
    ),
)  # fmt: skip
