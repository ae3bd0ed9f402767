"""Segments."""

from __future__ import annotations

from assay.web.building.base import Field, Kind, counting

KIND = Kind(
    "segment", "segments", "Segment", "a group to look at on every page",
    (
        Field(
            "where", "Who belongs to it", required=True,
            hint="Such as device = 'mobile' and country in ('DE', 'AT'). Names are dimensions and declared properties.",
        ),
    ),
    trial=lambda name, _entry: counting("people_in_segment", {"type": "simple", "count": "visitor"}, segment=name),
    page="overview?segment=",
    whole="where",
)  # fmt: skip
