"""Cohorts."""

from __future__ import annotations

from assay.web.building.base import Field, Kind, counting

KIND = Kind(
    "cohort", "cohorts", "Cohort", "people by what they did or did not do",
    (
        Field("did", "Did", "many", of=lambda choices: choices.events),
        Field("did_not", "Did not", "many", of=lambda choices: choices.events),
        Field("at_least", "At least so often", "number", default=1),
        Field("within", "Within", hint="Of their first event: 7d, 30d."),
        Field("where", "Only where", hint="Such as device = 'mobile'."),
        Field("per", "Counted per", "one", of=lambda _c: ("visitor", "user", "account"), default="visitor"),
    ),
    trial=lambda name, _entry: counting("people_in_cohort", {"type": "simple", "count": "visitor"}, segment=name),
    page="overview?segment=",
)  # fmt: skip
