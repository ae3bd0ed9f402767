"""The words of numbers (they stand in ``model``, where charts reach them too)."""

from assay.model.words import (
    amount,
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
    value_words,
)

__all__ = [
    "amount",
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
    "value_words",
]
