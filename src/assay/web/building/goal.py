"""Goals."""

from __future__ import annotations

from assay.web.building.base import Field, Kind, counting

KIND = Kind(
    "goal", "goals", "Goal", "what visitors should do: the macro goal pays, micro goals lead to it",
    (
        Field("event", "Event", "one", of=lambda choices: choices.events, hint="Either an event or a page."),
        Field("page", "Page", "words", hint="Paths such as /thanks or /blog/*, by commas."),
        Field("where", "Only where", hint="Such as channel = 'email'."),
        Field("kind", "Kind", "one", of=lambda _c: ("micro", "macro"), default="micro"),
        Field("journey", "Journey", hint="Goals of one journey belong together.", default="default"),
        Field("value", "Worth", hint="An amount, or the property that has it."),
        Field("agreed_by", "Agreed by", "words", hint="Who has agreed that this is the goal, by commas."),
        Field("description", "What it means", default=""),
    ),
    trial=lambda name, _entry: counting(
        f"sessions_with_{name}", {"type": "conversion", "goal": name, "per": "session"}
    ),
    page="kpi",
)  # fmt: skip
