"""Lifecycle: active people above zero by where they come from, those who stopped below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.charts.base import Chart, Scale, as_day, column_of, extremes, number, plain_text, short_day
from assay.charts.parts import COLUMN, Option, days_axis, decal, grid, hatch, legend, level, value_axis
from assay.model.answer import Answer

KIND = "lifecycle"
_COLOURS = {"new": "@series1", "returning": "@series3", "resurrected": "@series5", "dormant": "@rest"}


def draw(answer: Answer, spec: Mapping[str, Any]) -> Chart | None:
    """Columns per period; hatched where the period is not over."""
    rows = answer.records()
    kinds = [name for name in spec["y"] if column_of(answer, name) is not None]
    if not rows or not kinds:
        return None
    scale = Scale.of("count", None, [row[name] for row in rows for name in kinds])
    titles = {name: c.title for name in kinds if (c := column_of(answer, name)) is not None}
    days = [as_day(row[spec["x"]]) for row in rows]
    names = [short_day(day) if day else plain_text(row[spec["x"]]) for day, row in zip(days, rows, strict=True)]
    series: list[Option] = []
    for place, name in enumerate(kinds):
        sign = -1 if name == "dormant" else 1
        data: list[Option] = []
        for row in rows:
            value = number(row[name])
            whole = row.get("complete", True) is not False
            style = {} if whole else {"decal": hatch(), "opacity": 0.7}
            words = scale.words(value) + ("" if whole else " – not over yet")
            data.append(
                {"value": None if value is None else sign * (scale(value) or 0), "words": words, "itemStyle": style}
            )
        series.append(
            {
                "type": "bar",
                "stack": "all",
                "name": titles[name],
                "barMaxWidth": COLUMN,
                "barCategoryGap": "30%",
                "data": data,
                "itemStyle": {"color": _COLOURS.get(name, "@series2"), "decal": decal(place)},
            }
        )
    series[0]["markLine"] = level(0, "", "@axis", "solid")
    option: Option = {
        "grid": grid(top=36),
        "legend": legend(),
        "xAxis": days_axis(names, gap=True),
        "yAxis": value_axis(scale),
        "tooltip": {"trigger": "axis"},
        "series": series,
    }
    active = column_of(answer, "active")
    told = extremes([(n, row["active"]) for n, row in zip(names, rows, strict=True)], scale) if active else ""
    unit = f", {scale.unit}" if scale.unit else ""
    lost = "; below zero: no longer active" if "dormant" in kinds else ""
    open_ = "; hatched: not over yet" if any(row.get("complete") is False for row in rows) else ""
    return Chart(
        KIND, option, answer.sentence, f"people by period{unit}{lost}{open_}", f"Columns by period. Active: {told}."
    )
