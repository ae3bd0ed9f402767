"""Points with whiskers against zero: what ``whiskers`` and ``intervals`` share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.charts.base import MOST, Scale, number
from assay.charts.parts import Option, grid, names_axis, upright, value_axis, whiskers
from assay.model.answer import Cell


@dataclass(frozen=True)
class Point:
    """One row: its name, value and ends; ``tone`` is accent, good, bad, warning or muted."""

    name: str
    value: Cell
    low: Cell
    high: Cell
    tone: str = "accent"
    note: str = ""


SHAPES = {"good": "triangle", "bad": "diamond", "muted": "emptyCircle", "warning": "rect"}


def forest(points: Sequence[Point], scale: Scale, zero: bool = True, zero_words: str = "") -> Option:
    """The option; at most ``MOST`` rows. Colour has a shape as its twin."""
    shown = points[:MOST]
    words = [
        f"{scale.words(p.value)} {scale.between(p.low, p.high)}".strip() + (f", {p.note}" if p.note else "")
        for p in shown
    ]
    dots: Option = {
        "type": "scatter",
        "z": 6,
        "data": [
            {
                "value": [scale(p.value), i],
                "words": told,
                "symbol": SHAPES.get(p.tone, "circle"),
                "symbolSize": 11,
                "itemStyle": {"color": f"@{p.tone}"},
            }
            for i, (p, told) in enumerate(zip(shown, words, strict=True))
            if number(p.value) is not None
        ],
    }
    if zero:
        dots["markLine"] = upright(0, zero_words)
    ends = [(i, scale(p.low), scale(p.high)) for i, p in enumerate(shown)]
    return {
        "grid": grid(top=26 if zero_words else 12, right=24),
        "xAxis": value_axis(scale, scale=not zero),
        "yAxis": names_axis(
            [p.name for p in shown], splitLine={"show": True, "lineStyle": {"color": "@grid", "type": [1, 4]}}
        ),
        "tooltip": {"trigger": "item"},
        "series": [dots, whiskers(ends, [f"@{p.tone}" for p in shown], flat=True)],
    }


def tone_of(low: Cell, high: Cell, sure: Cell = None) -> str:
    """Muted where the interval holds zero or the row is not beyond noise."""
    bottom, top = number(low), number(high)
    if sure is False or bottom is None or top is None or bottom <= 0 <= top:
        return "muted"
    return "accent"
