"""Points with whiskers against zero: what ``whiskers`` and ``intervals`` share."""

from __future__ import annotations

import math
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


SHAPES = {"good": "triangle", "bad": "diamond", "muted": "circle", "warning": "rect"}


def forest(points: Sequence[Point], scale: Scale, zero: bool = True, zero_words: str = "") -> Option:
    """The option; at most ``MOST`` rows. Colour has a shape as its twin; an arrow at the edge lies beyond the axis."""
    shown = points[:MOST]
    reach = beyond(shown)
    edge = None if reach is None else scale(reach)
    dots: Option = {
        "type": "scatter",
        "z": 6,
        "data": [_dot(i, p, scale, edge) for i, p in enumerate(shown) if number(p.value) is not None],
    }
    if zero:
        dots["markLine"] = upright(0, zero_words)
    ends = [(i, scale(p.low), scale(p.high)) for i, p in enumerate(shown)]
    limits = {} if edge is None else {"max": edge}
    lines = {"show": True, "lineStyle": {"color": "@grid", "type": [1, 4]}}
    return {
        "grid": grid(top=26 if zero_words else 12, right=24),
        "xAxis": value_axis(scale, scale=not zero, **limits),
        "yAxis": names_axis([p.name for p in shown], splitLine=lines),
        "tooltip": {"trigger": "item"},
        "series": [dots, whiskers(ends, [f"@{p.tone}" for p in shown], flat=True)],
    }


def beyond(points: Sequence[Point]) -> float | None:
    """The end of the axis where one interval is so far out that the others would shrink to dots; else None."""
    far = sorted(max((abs(v) for c in (p.value, p.high) if (v := number(c)) is not None), default=0.0) for p in points)
    if len(far) < 3 or far[-2] <= 0 or far[-1] < 8 * far[-2]:
        return None
    size = 10.0 ** math.floor(math.log10(far[-2] * 2))
    return math.ceil(far[-2] * 2 / size) * size


def _style(tone: str) -> Option:
    """Hollow where it may be noise."""
    if tone == "muted":
        return {"color": "@surface", "borderColor": "@muted", "borderWidth": 2, "opacity": 1}
    return {"color": f"@{tone}", "opacity": 1}


def _dot(place: int, point: Point, scale: Scale, edge: float | None) -> Option:
    words = f"{scale.words(point.value)} {scale.between(point.low, point.high)}".strip()
    at = scale(point.value)
    made: Option = {
        "value": [at, place],
        "words": words + (f", {point.note}" if point.note else ""),
        "symbol": SHAPES.get(point.tone, "circle"),
        "symbolSize": 11,
        "itemStyle": _style(point.tone),
    }
    if edge is not None and at is not None and at > edge:
        label = {
            "show": True,
            "position": "left",
            "formatter": scale.label(point.value),
            "color": "@text",
            "distance": 4,
        }
        made |= {"value": [edge, place], "symbol": "triangle", "symbolRotate": -90, "label": label}
    return made


def tone_of(low: Cell, high: Cell, sure: Cell = None) -> str:
    """Muted where the interval holds zero or the row is not beyond noise."""
    bottom, top = number(low), number(high)
    if sure is False or bottom is None or top is None or bottom <= 0 <= top:
        return "muted"
    return "accent"
