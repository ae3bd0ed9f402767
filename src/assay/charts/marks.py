"""Marks: known changes along time, one row per kind."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from assay.charts.base import Chart, as_day, plain_text, short_day
from assay.charts.parts import LABEL, Option, days_axis, grid, names_axis
from assay.model.answer import Answer

KIND = "marks"
_SHAPES = ("circle", "rect", "triangle", "diamond", "roundRect")


def draw(answer: Answer, spec: Mapping[str, Any]) -> Chart | None:
    """A mark per change at its day; its words when pointed at and in the text."""
    found = [
        (day, plain_text(row["kind"]), plain_text(row[spec["y"]]))
        for row in answer.records()
        if (day := as_day(row[spec["x"]])) is not None
    ]
    if not found:
        return None
    found.sort()
    first, last = answer.period if answer.period else (found[0][0], found[-1][0])
    first, last = min(first, found[0][0]), max(last, found[-1][0])
    days = [first + timedelta(n) for n in range((last - first).days + 1)]
    kinds = list(dict.fromkeys(kind for _, kind, _ in found))
    option: Option = {
        "grid": grid(right=24, top=18),
        "xAxis": days_axis([short_day(day) for day in days], gap=True, splitLine={"show": False}),
        "yAxis": names_axis(kinds, splitLine={"show": True, "lineStyle": {"color": "@grid"}}),
        "tooltip": {"trigger": "item"},
        "series": [
            {
                "type": "scatter",
                "symbolSize": 13,
                "itemStyle": {"color": "@accent", "opacity": 1},
                "data": [
                    {
                        "value": [(day - first).days, kinds.index(kind)],
                        "words": f"{day:%a} {day.day} {day:%b %Y}: {what}",
                        "symbol": _SHAPES[kinds.index(kind) % len(_SHAPES)],
                        "label": {
                            **LABEL,
                            "show": True,
                            "position": _side(day, first, last),
                            "formatter": what,
                            "distance": 8,
                            "width": 190,
                            "overflow": "truncate",
                        },
                    }
                    for day, kind, what in found
                ],
                "labelLayout": {"hideOverlap": True},
            }
        ],
    }
    told = "; ".join(f"{short_day(day, years=True)} {what} ({kind})" for day, kind, what in found)
    return Chart(KIND, option, answer.sentence, "known changes by kind", f"{told}.", 64 + 52 * len(kinds))


def _side(day: Any, first: Any, last: Any) -> str:
    """The label stands where there is room."""
    return "left" if (day - first).days * 2 > (last - first).days else "right"
