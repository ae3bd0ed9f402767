"""Tiles: the change of every KPI against the time before, in percent of it. A tile's own sparkline is in ``spark``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.charts.base import MOST, Chart, Scale, more, number
from assay.charts.forest import Point, forest
from assay.charts.parts import height
from assay.model.answer import Answer, Cell

KIND = "tiles"


def draw(answer: Answer, spec: Mapping[str, Any]) -> Chart | None:  # noqa: ARG001
    """None where nothing is compared with."""
    points = [point for row in answer.records() if (point := _point(row)) is not None]
    if not points:
        return None
    scale = Scale.of("rate", None, ())
    hidden = more(len(points) - MOST)
    told = "; ".join(f"{p.name} {scale.words(p.value)} {scale.between(p.low, p.high)}" for p in points[:MOST])
    return Chart(
        KIND,
        forest(points, scale, zero_words="no change"),
        answer.sentence,
        f"change against the time before, percent of it; the line is the interval; grey, hollow: noise{hidden}",
        f"Change of each KPI: {told}{hidden}.",
        height(min(len(points), MOST), least=56),
    )


def _point(row: Mapping[str, Cell]) -> Point | None:
    before, difference = number(row["before"]), number(row["difference"])
    if not before or difference is None:
        return None
    low, high = number(row["difference_low"]), number(row["difference_high"])
    noise = low is None or high is None or low <= 0 <= high
    down, up = [None if end is None else end / before for end in (low, high)]
    return Point(str(row["kpi"]), difference / before, down, up, "muted" if noise else "accent", str(row["change"]))
