"""Experiments."""

from __future__ import annotations

from assay.web.building.base import Field, Kind, Trial

KIND = Kind(
    "experiment", "experiments", "Experiment", "a test of one idea, decided by one metric",
    (
        Field("hypothesis", "Hypothesis", required=True, hint="Because we saw …, we expect that … will …"),
        Field("variants", "Variants", "words", required=True, hint="What is there now comes first: control, new."),
        Field("primary.metric", "Decided by", "one", of=lambda choices: tuple(choices.plan.metrics), required=True),
        Field("primary.mde", "Smallest effect that matters", hint="Such as 5%; the test is planned for it."),
        Field("diagnostics", "Also looked at", "many", of=lambda choices: tuple(choices.plan.metrics)),
        Field("unit", "Split by", "one", of=lambda _c: ("visitor", "user", "account"), default="visitor"),
        Field("end", "Planned end", hint="A day, such as 2027-03-31."),
    ),
    trial=lambda name, _entry: Trial("experiment-design", {"name": name}),
    page="experiments?experiment=",
)  # fmt: skip
