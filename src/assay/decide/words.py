"""The words of numbers (they stand in ``model``, where charts reach them too)."""

from assay.model.words import (
    amount,
    beside,
    brief_day,
    dated,
    day,
    days,
    difference_words,
    duration,
    group_name,
    percent,
    points,
    show,
    significant,
    span_name,
    value_words,
)

__all__ = [
    "amount",
    "beside",
    "brief_day",
    "dated",
    "day",
    "days",
    "difference_words",
    "duration",
    "group_name",
    "percent",
    "points",
    "show",
    "significant",
    "span_name",
    "value_words",
]
