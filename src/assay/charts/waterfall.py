"""Waterfall: what adds up to a change, one part after the other, the whole from zero."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from assay.charts.base import MOST, Chart, Scale, column_of, labels, more, number, plain_text
from assay.charts.parts import LABEL, Option, grid, height, names_axis, spans, upright, value_axis
from assay.model.answer import Answer, Column

KIND = "waterfall"
WHOLES = ("all", "tracked")  # rows that hold what the parts make together


def draw(answer: Answer, spec: Mapping[str, Any]) -> Chart | None:
    """Parts in the answer's order; the row ``all`` (or the sum) stands at the end as the whole."""
    column = column_of(answer, spec["y"])
    if column is None:
        return None
    whole, parts = _parts(answer, spec["x"], column)
    if not parts:
        return None
    scale = Scale.of(column.kind, column.currency, [value for _, value in parts] + [whole])
    kept = _kept(parts)
    told = [f"{name} {_signed(scale, value)}" for name, value in kept]
    hidden = more(len(parts) - MOST + 1, "taken together") if len(parts) > MOST else ""
    unit = f", {scale.unit}" if scale.unit and scale.unit not in column.title else ""
    return Chart(
        KIND,
        _option(kept, whole, scale),
        answer.sentence,
        f"{column.title}{unit}: each part begins where the one before ends{hidden}",
        f"Parts of the change: {'; '.join(told)}; together {_signed(scale, whole)}.",
        height(len(kept) + 1),
    )


def _parts(answer: Answer, x: str, column: Column) -> tuple[float, list[tuple[str, float]]]:
    """The whole and the first rows that add up to it: further sections tell the same change again."""
    total: float | None = None
    parts: list[tuple[str, float]] = []
    first = next((c.name for c in answer.columns if c.kind == "text"), x)
    for label, row in zip(labels(answer, x), answer.records(), strict=True):
        value = number(row[column.name])
        if value is None:
            continue
        if plain_text(row[first]) in WHOLES:
            total = value
            if parts:
                break
        elif value != 0:
            parts.append((label, value))
            if total is not None and math.isclose(sum(v for _, v in parts), total, rel_tol=1e-9, abs_tol=1e-12):
                break
    return (sum(value for _, value in parts) if total is None else total), parts


def _kept(parts: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """At most ``MOST``; the smallest ones taken together as one."""
    if len(parts) <= MOST:
        return list(parts)
    large = sorted(parts, key=lambda one: -abs(one[1]))[: MOST - 1]
    rest = [one for one in parts if one not in large]
    return [*[one for one in parts if one in large], (f"{len(rest):,} more", sum(value for _, value in rest))]


def _signed(scale: Scale, value: float) -> str:
    words = scale.words(value)
    return words if words.startswith(("+", "−")) or value < 0 else f"+{words}"


def _option(parts: Sequence[tuple[str, float]], whole: float, scale: Scale) -> Option:
    bars: list[Option] = []
    reached = 0.0
    ends = [0.0]
    for place, (_, value) in enumerate(parts):
        bars.append(
            _bar(place, reached, reached + value, _signed(scale, value), scale, "@up" if value > 0 else "@down")
        )
        reached += value
        ends.append(reached)
    bars.append(_bar(len(parts), 0.0, whole, _signed(scale, whole), scale, "@strong"))
    labels_ = [
        {
            "value": [max(bar["value"][1], bar["value"][2]), bar["value"][0]],
            "label": {**LABEL, "show": True, "position": "right", "distance": 6, "formatter": bar["words"]},
        }
        for bar in bars
    ]
    names = [*[name for name, _ in parts], "together"]
    room = 24 + 7 * max(len(bar["words"]) for bar in bars)
    return {
        "grid": grid(right=room),
        "xAxis": value_axis(scale),
        "yAxis": names_axis(names),
        "tooltip": {"trigger": "item"},
        "series": [
            spans(bars),
            {
                "type": "scatter",
                "symbolSize": 1,
                "silent": True,
                "itemStyle": {"color": "transparent", "opacity": 1},
                "data": labels_,
                "markLine": upright(0, ""),
            },
        ],
    }


def _bar(place: int, begin: float, end: float, words: str, scale: Scale, colour: str) -> Option:
    return {"value": [place, scale(begin), scale(end)], "words": words, "itemStyle": {"color": colour}}
