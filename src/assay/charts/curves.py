"""Curves over columns: values at ages, shares in periods. What ``line`` (ages) and ``retention`` share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.charts.base import NAMED, SYMBOLS, Scale, colours, number
from assay.charts.parts import Option, band, days_axis, ends, grid, value_axis
from assay.model.answer import Cell

Ends = tuple[Cell, Cell, Cell]


def curves(groups: Mapping[str, Sequence[Ends]], scale: Scale, place: int = 0) -> list[Option]:
    """A line per group with a label of its own; the band of a single one."""
    hues = colours(list(groups)) if len(groups) > 1 else dict.fromkeys(groups, "@accent")
    axes = {"xAxisIndex": place, "yAxisIndex": place}
    made: list[Option] = []
    for i, (group, figures) in enumerate(groups.items()):
        if len(groups) == 1 and any(number(low) is not None for _, low, _ in figures):
            made.append(
                band([(k, scale(low), scale(high)) for k, (_, low, high) in enumerate(figures)], hues[group], **axes)
            )
        made.append(
            {
                "type": "line",
                "name": group,
                "symbol": SYMBOLS[i % len(SYMBOLS)],
                "symbolSize": 7,
                "itemStyle": {"color": hues[group]},
                "lineStyle": {"color": hues[group], "width": 2},
                "data": [
                    {"value": scale(v), "words": f"{scale.words(v)} {scale.between(low, high)}".strip()}
                    for v, low, high in figures
                ],
                **axes,
            }
        )
    if len(groups) > 1:
        made += ends([_last(name, groups[name], scale) for name in list(groups)[:NAMED]], **axes)
    return made


def _last(name: str, figures: Sequence[Ends], scale: Scale) -> tuple[int, float | None, str]:
    known = [(k, scale(v)) for k, (v, _, _) in enumerate(figures) if number(v) is not None]
    return (*known[-1], name) if known else (0, None, name)


def panel(names: Sequence[str], groups: Mapping[str, Sequence[Ends]], scale: Scale) -> Option:
    """A whole option of curves."""
    return {
        "grid": grid(right=118 if len(groups) > 1 else 16),
        "xAxis": days_axis(names),
        "yAxis": value_axis(scale, min=0),
        "tooltip": {"trigger": "axis"},
        "series": curves(groups, scale),
    }
