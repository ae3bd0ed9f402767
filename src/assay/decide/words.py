"""The words of numbers (they stand in ``model``, where charts reach them too)."""

from assay.model.words import (
    amount,
    day,
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
    "day",
    "difference_words",
    "duration",
    "group_name",
    "percent",
    "points",
    "show",
    "significant",
    "value_words",
]
