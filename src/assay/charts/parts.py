"""Pieces of ECharts options that several kinds share. Plain JSON: no functions, colours as tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.charts.base import Scale

Option = dict[str, Any]
SMALL: Option = {"color": "@muted", "fontSize": 12}
LABEL: Option = {"color": "@text", "fontSize": 12}
ROW = 30  # height of one row of a horizontal chart
COLUMN = 24  # most pixels that a column is wide, however few there are
LEAST = 40  # what axis and margins take


def grid(**places: Any) -> Option:
    """A plotting area whose axis labels stay inside of it."""
    return {
        "left": 4,
        "right": 16,
        "top": 12,
        "bottom": 4,
        "outerBoundsMode": "same",
        "outerBoundsContain": "axisLabel",
        **places,
    }


def names_axis(names: Sequence[str], **more: Any) -> Option:
    """Categories from top to bottom; long names are cut and shown whole when pointed at."""
    return {
        "type": "category",
        "data": list(names),
        "inverse": True,
        "axisTick": {"show": False},
        "axisLine": {"show": False},
        "triggerEvent": True,
        "axisLabel": {**LABEL, "width": 210, "overflow": "truncate", "interval": 0},
        **more,
    }


def days_axis(names: Sequence[str], gap: bool = False, **more: Any) -> Option:
    """Periods from left to right; labels that would touch are left out."""
    return {
        "type": "category",
        "data": list(names),
        "boundaryGap": gap,
        "axisTick": {"show": False},
        "axisLine": {"lineStyle": {"color": "@axis"}},
        "axisLabel": {**SMALL, "hideOverlap": True, "margin": 10},
        **more,
    }


def value_axis(scale: Scale, /, **more: Any) -> Option:
    """Numbers with thin lines; the unit stands in the subtitle, the percent sign at the numbers."""
    return {
        "type": "value",
        "axisLabel": {**SMALL, "formatter": "{value}" + scale.suffix, "hideOverlap": True},
        "axisLine": {"show": False},
        "axisTick": {"show": False},
        "splitNumber": 4,
        "splitLine": {"lineStyle": {"color": "@grid"}},
        **more,
    }


def whiskers(ends: Sequence[tuple[int, float | None, float | None]], colours: Sequence[str], flat: bool) -> Option:
    """Intervals as thin lines with caps; ``flat`` where values lie on the x axis."""
    return {
        "type": "custom",
        "renderItem": "whisker",
        "silent": True,
        "z": 4,
        "itemPayload": {"flat": flat},
        "encode": {"x": [1, 2], "y": 0} if flat else {"x": 0, "y": [1, 2]},
        "data": [
            {"value": [place, low, high], "itemStyle": {"color": colour}}
            for (place, low, high), colour in zip(ends, colours, strict=True)
            if low is not None or high is not None
        ],
    }


def spans(bars: Sequence[Mapping[str, Any]], flat: bool = True) -> Option:
    """Bars from one value to another: ``{"value": [place, from, to], "itemStyle": …, "words": …}``."""
    return {
        "type": "custom",
        "renderItem": "span",
        "itemPayload": {"flat": flat},
        "data": list(bars),
        "z": 3,
        "encode": {"x": [1, 2], "y": 0} if flat else {"x": 0, "y": [1, 2]},
    }


def band(ends: Sequence[tuple[int, float | None, float | None]], colour: str, **more: Any) -> Option:
    """An interval over time as a pale area; it breaks where there is none."""
    return {
        "type": "custom",
        "renderItem": "band",
        "silent": True,
        "z": 1,
        "encode": {"x": 0, "y": [1, 2]},
        "itemStyle": {"color": colour, "opacity": 0.16},
        "data": [[place, low, high] for place, low, high in ends],
        **more,
    }


def upright(value: float, words: str, colour: str = "@axis", kind: str = "solid") -> Option:
    """A line across all rows at one value of the x axis, such as zero or a target."""
    return {
        "silent": True,
        "symbol": "none",
        "animation": False,
        "lineStyle": {"color": colour, "type": kind, "width": 1},
        "label": {**SMALL, "show": bool(words), "formatter": words, "position": "start", "distance": 4},
        "data": [{"xAxis": value}],
    }


def level(value: float, words: str, colour: str = "@muted", kind: str = "dashed") -> Option:
    """A line at one value of the y axis."""
    return {
        "silent": True,
        "symbol": "none",
        "animation": False,
        "lineStyle": {"color": colour, "type": kind, "width": 1},
        "label": {**SMALL, "show": bool(words), "formatter": words, "position": "insideEndTop"},
        "data": [{"yAxis": value}],
    }


def legend() -> Option:
    """Names of stacked or compared bars, where there is no end of a line to put them at."""
    return {"top": 0, "left": 0, "icon": "rect", "itemWidth": 12, "itemHeight": 12, "textStyle": {"color": "@text"}}


def hatch(colour: str = "@surface") -> Option:
    """The pattern of what is not final."""
    return {"symbol": "rect", "dashArrayX": [1, 0], "dashArrayY": [2, 4], "rotation": -0.785, "color": colour}


def decal(place: int) -> Option | None:
    """A pattern as the twin of the colour of the place-th category; the first has none."""
    kinds: tuple[Option | None, ...] = (
        None,
        {"symbol": "rect", "dashArrayX": [1, 0], "dashArrayY": [2, 6], "rotation": 0.785, "color": "@pattern"},
        {"symbol": "circle", "dashArrayX": [[4, 4]], "dashArrayY": [6], "symbolSize": 0.7, "color": "@pattern"},
        {"symbol": "rect", "dashArrayX": [1, 0], "dashArrayY": [1, 5], "rotation": 0, "color": "@pattern"},
    )
    return kinds[place % len(kinds)]


def ends(named: Sequence[tuple[Any, float | None, str]], **more: Any) -> list[Option]:
    """The names of lines at their ends: place, value and name of each; nothing where there are none."""
    found = [(place, value, name) for place, value, name in named if value is not None]
    if not found:
        return []
    payload = {"texts": [name for _, _, name in found], "inks": ["@text"] * len(found)}
    return [
        {
            "type": "custom",
            "renderItem": "ends",
            "silent": True,
            "z": 5,
            "clip": False,
            "encode": {"x": 0, "y": 1},
            "itemPayload": payload,
            "data": [[place, value] for place, value, _ in found],
            **more,
        }
    ]


def height(rows: int, each: int = ROW, least: int = LEAST) -> int:
    """Pixels for so many rows."""
    return max(90, least + rows * each)
