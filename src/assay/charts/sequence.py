"""Sequence: what a test could say at the end of each day, valid at every look; the band narrows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.charts.base import NAMED, Chart, Scale, as_day, colours, column_of, more, number, plain_text, short_day
from assay.charts.parts import Option, band, days_axis, grid, level, value_axis
from assay.model.answer import Answer, Cell

KIND = "sequence"


def draw(answer: Answer, spec: Mapping[str, Any]) -> Chart | None:
    """A line and a band per variant against zero. The axis holds the later half."""
    if column_of(answer, spec["x"]) is None or column_of(answer, spec["y"]) is None:
        return None
    groups: dict[str, list[Mapping[str, Cell]]] = {}
    for row in answer.records():
        if number(row[spec["y"]]) is not None:
            groups.setdefault(plain_text(row[spec["by"]]), []).append(row)
    days = sorted({day for rows in groups.values() for row in rows if (day := as_day(row[spec["x"]])) is not None})
    if not days:
        return None
    definition = answer.definitions[0] if answer.definitions else None
    metric = definition.metric if definition is not None else "difference"
    shown = dict(list(groups.items())[:NAMED])
    scale = _scale(answer, [row[spec["y"]] for rows in shown.values() for row in rows])
    hidden = more(len(groups) - len(shown), "variants in the table")
    unit = f", {scale.unit}" if scale.unit else ""
    return Chart(
        KIND,
        _option(shown, days, spec, scale),
        answer.sentence,
        f"difference of {metric} to control{unit}, at the end of each day; "
        f"the band is the interval that holds at every look{hidden}",
        "Difference by day. "
        + "; ".join(_told(name, rows, spec, scale) for name, rows in shown.items())
        + hidden
        + ".",
        300,
    )


def _scale(answer: Answer, values: list[Cell]) -> Scale:
    """The words of the effect tell whether these are points; figures themselves do not."""
    words = " ".join(str(cell) for cell in answer.column("effect")) if column_of(answer, "effect") else ""
    return Scale.of("points" if "points" in words else "number", None, values)


def _told(name: str, rows: list[Mapping[str, Cell]], spec: Mapping[str, Any], scale: Scale) -> str:
    last = rows[-1]
    first = next((r for r in rows if _clear(r, spec)), None)
    since = (
        f", away from zero first on {plain_text(first[spec['x']])}" if first is not None else ", never away from zero"
    )
    return f"{name}: last {scale.words(last[spec['y']])} {scale.between(last[spec['low']], last[spec['high']])}{since}"


def _clear(row: Mapping[str, Cell], spec: Mapping[str, Any]) -> bool:
    low, high = number(row[spec["low"]]), number(row[spec["high"]])
    return low is not None and high is not None and (low > 0 or high < 0)


def _option(
    groups: Mapping[str, list[Mapping[str, Cell]]], days: list[Any], spec: Mapping[str, Any], scale: Scale
) -> Option:
    hues = colours(list(groups)) if len(groups) > 1 else dict.fromkeys(groups, "@accent")
    series: list[Option] = []
    reach: list[float] = [0.0]
    for name, rows in groups.items():
        by_day = {as_day(row[spec["x"]]): row for row in rows}
        found = [by_day.get(day) for day in days]
        limits = [
            (i, scale(r[spec["low"]]), scale(r[spec["high"]])) if r else (i, None, None) for i, r in enumerate(found)
        ]
        later = limits[len(limits) // 2 :]
        reach += [end for _, *both in later for end in both if end is not None]
        series.append(band(limits, hues[name], clip=True))
        series.append(
            {
                "type": "line",
                "name": name,
                "showSymbol": False,
                "lineStyle": {"color": hues[name], "width": 2},
                "itemStyle": {"color": hues[name]},
                "data": [
                    {
                        "value": scale(r[spec["y"]]) if r else None,
                        "words": f"{scale.words(r[spec['y']])} {scale.between(r[spec['low']], r[spec['high']])}"
                        if r
                        else "",
                    }
                    for r in found
                ],
            }
        )
    series[-1]["markLine"] = level(0, "no difference", "@axis", "solid")
    room = (max(reach) - min(reach)) * 0.2 or 1.0
    return {
        "grid": grid(right=100),
        "xAxis": days_axis([short_day(day) for day in days], axisLine={"show": False}),
        "yAxis": value_axis(scale, min=_neat(min(reach) - room), max=_neat(max(reach) + room)),
        "tooltip": {"trigger": "axis"},
        "series": series,
    }


def _neat(value: float) -> float:
    """Two significant figures, for the ends of an axis."""
    return float(f"{value:.1e}")
