"""Pace: where each KPI stands on the way to its target, as percent of the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.charts.base import MOST, Chart, Scale, more, number
from assay.charts.parts import Option, grid, height, names_axis, upright, value_axis, whiskers
from assay.model.answer import Answer, Cell

KIND = "pace"


def draw(answer: Answer, spec: Mapping[str, Any]) -> Chart | None:  # noqa: ARG001
    """A row per KPI with a target: so far (bar), expected at the end with its interval, the target as a line."""
    rows = [row for row in answer.records() if (number(row["target"]) or 0) > 0 and number(row["so_far"]) is not None]
    if not rows:
        return None
    shown = rows[:MOST]
    hidden = more(len(rows) - len(shown))
    return Chart(
        KIND,
        _option(shown),
        answer.sentence,
        "percent of the target; bar: so far, dot and line: expected end with its interval, "
        f"tick: where it should be today{hidden}",
        "Against the target: " + "; ".join(_told(row) for row in shown) + hidden + ".",
        height(len(shown), 36, 56),
    )


def _share(row: Mapping[str, Cell], name: str) -> float | None:
    value, target = number(row[name]), number(row["target"])
    return None if value is None or not target else value / target


def _told(row: Mapping[str, Cell]) -> str:
    return f"{row['kpi']} {row['now']} so far, target {row['target_words']}, {row['standing']}"


def _option(rows: Sequence[Mapping[str, Cell]]) -> Option:
    scale = Scale.of("rate", None, ())
    off = [str(row["standing"]).endswith("off track") or "off track" in str(row["standing"]) for row in rows]
    tones = ["@bad" if one else "@accent" for one in off]
    bars = [
        {
            "value": scale(_share(r, "so_far")),
            "words": f"so far {r['now']}, target {r['target_words']}",
            "itemStyle": {"color": "@badpale" if bad else "@pale"},
        }
        for r, bad in zip(rows, off, strict=True)
    ]
    dots = [
        {
            "value": [scale(_share(r, "expected")), i],
            "words": f"expected end {r['end']} ({r['interval']}), {r['standing']}",
            "symbol": "diamond" if bad else "circle",
            "itemStyle": {"color": tone, "opacity": 1},
        }
        for i, (r, bad, tone) in enumerate(zip(rows, off, tones, strict=True))
        if _share(r, "expected") is not None
    ]
    ticks = [
        {"value": [scale(_share(r, "should")), i], "words": f"should be {r['should_words']} today"}
        for i, r in enumerate(rows)
        if _share(r, "should") is not None
    ]
    ends = [(i, scale(_share(r, "low")), scale(_share(r, "high"))) for i, r in enumerate(rows)]
    return {
        "grid": grid(top=26, right=24),
        "xAxis": value_axis(scale, min=0),
        "yAxis": names_axis([str(row["kpi"]) for row in rows]),
        "tooltip": {"trigger": "item"},
        "series": [
            {"type": "bar", "barMaxWidth": 18, "data": bars, "markLine": upright(100, "target", "@text")},
            {
                "type": "scatter",
                "symbol": "rect",
                "symbolSize": [2, 20],
                "itemStyle": {"color": "@muted", "opacity": 1},
                "data": ticks,
                "z": 4,
            },
            whiskers(ends, tones, flat=True),
            {"type": "scatter", "symbolSize": 11, "itemStyle": {"opacity": 1}, "data": dots, "z": 6},
        ],
    }
