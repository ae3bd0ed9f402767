"""Intervals against zero: lifts of an experiment by metric or segment, effects of several tests on each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.charts.base import MOST, Chart, Scale, column_of, labels, more, number
from assay.charts.forest import Point, beyond, forest
from assay.charts.parts import height
from assay.model.answer import Answer, Cell

KIND = "intervals"
_TONES = {"better": "good", "worse": "bad", "harmed": "bad", "safe": "good", "open": "muted"}


def draw(answer: Answer, spec: Mapping[str, Any]) -> Chart | None:
    """One interval per row. Lifts are percent of the control; differences are of the row's own kind."""
    x, low, high = spec["x"], spec["low"], spec["high"]
    column = column_of(answer, x)
    if column is None or column_of(answer, low) is None:
        return None
    lift = x.startswith("lift")
    several = len(set(answer.column("variant"))) > 1 if column_of(answer, "variant") else False
    points = []
    for label, row in zip(labels(answer, spec["y"]), answer.records(), strict=True):
        if number(row[x]) is None:
            continue
        name = f"{label}: {row['variant']}" if several and str(row["variant"]) not in label else label
        role = row.get("role")
        state = str(row.get("state") or "")
        note = ", ".join(part for part in (str(role or ""), state) if part)
        points.append(Point(name, row[x], row[low], row[high], _tone(state, row[low], row[high]), note))
    if not points:
        return None
    kind = "rate" if lift else column.kind if column.kind != "figure" else "number"
    scale = Scale.of(kind, column.currency, [p.value for p in points])
    hidden = more(len(points) - MOST)
    what = "change against control, percent" if lift else f"{column.title}{', ' + scale.unit if scale.unit else ''}"
    out = "; arrow: beyond the axis" if beyond(points[:MOST]) is not None else ""
    told = "; ".join(f"{p.name} {scale.words(p.value)} {scale.between(p.low, p.high)}" for p in points[:MOST])
    return Chart(
        KIND,
        forest(points, scale, zero_words="no change"),
        answer.sentence,
        f"{what}; the line is the interval; grey, hollow: open{out}{hidden}",
        f"Intervals, {what}: {told}{hidden}.",
        height(min(len(points), MOST), least=56),
    )


def _tone(state: str, low: Cell, high: Cell) -> str:
    """By the state in words; without one by zero."""
    if state in _TONES:
        return _TONES[state]
    bottom, top = number(low), number(high)
    return "muted" if bottom is None or top is None or bottom <= 0 <= top else "accent"
