"""Whiskers: a value per row with the interval in ``<y>_low`` and ``<y>_high``; differences stand against zero."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.charts.base import MOST, Chart, Scale, column_of, extremes, labels, more, number
from assay.charts.forest import Point, forest, tone_of
from assay.charts.parts import height
from assay.model.answer import Answer

KIND = "whiskers"


def draw(answer: Answer, spec: Mapping[str, Any]) -> Chart | None:
    """One point per row that has a value."""
    y = spec["y"]
    column = column_of(answer, y)
    if column is None:
        return None
    against = column.kind == "points" or y.startswith(("difference", "lift"))
    points = [
        Point(
            label,
            row[y],
            row.get(f"{y}_low"),
            row.get(f"{y}_high"),
            tone_of(row.get(f"{y}_low"), row.get(f"{y}_high"), row.get("sure")) if against else "accent",
        )
        for label, row in zip(labels(answer, spec["x"]), answer.records(), strict=True)
        if number(row[y]) is not None
    ]
    if not points:
        return None
    scale = Scale.of(column.kind, column.currency, [p.value for p in points])
    hidden = more(len(points) - MOST)
    unit = f", {scale.unit}" if scale.unit and scale.unit not in column.title else ""
    grey = "; grey, hollow: may be noise" if any(p.tone == "muted" for p in points) else ""
    told = extremes([(p.name, p.value) for p in points], scale)
    return Chart(
        KIND,
        forest(points, scale, zero=against),
        answer.sentence,
        f"{column.title}{unit}; the line is the interval{grey}{hidden}",
        f"Points with intervals of {column.title}: {told}{hidden}.",
        height(min(len(points), MOST)),
    )
