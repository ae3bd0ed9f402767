"""KPIs."""

from __future__ import annotations

from assay.web.building.base import Field, Kind, Trial

KIND = Kind(
    "kpi", "kpis", "KPI", "a metric that an objective hangs on; three to five are enough",
    (
        Field("objective", "Objective", "one", of=lambda choices: tuple(choices.plan.objectives)),
        Field("direction", "Better is", "one", of=lambda _c: ("up", "down")),
        Field("target", "Target", hint="Such as +10% by 2027-06-30, or 2.5 by 2027-06-30."),
        Field("guardrail", "A guardrail: it must only not get worse", "flag"),
    ),
    trial=lambda name, _entry: Trial("metric", {"names": [name], "grain": "week"}),
    page="kpi?metric=",
    named_by=lambda choices: tuple(choices.plan.metrics),
    name_hint="A metric of the plan. Ready ones can be added from the list of building blocks.",
)  # fmt: skip
