"""Survival: which share has done it by when, as steps with their interval; people still open are counted as open."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from assay.charts.base import NAMED, Chart, Scale, colours, more, plain_text
from assay.charts.parts import Option, band, ends, grid, value_axis
from assay.model.answer import Answer

KIND = "survival"
MOST_POINTS = 200
Point = tuple[float, float, float | None, float | None]


def draw(answer: Answer, spec: Mapping[str, Any]) -> Chart | None:
    """A step line per group; time on the x axis."""
    groups = {
        ", ".join(plain_text(v) for v in one["group"].values()) or "all": _thin(one["points"])
        for one in spec["groups"]
        if one["points"]
    }
    if not groups:
        return None
    shown = dict(list(groups.items())[:NAMED])
    longest = max(points[-1][0] for points in shown.values())
    time, share = Scale.of("duration", None, [longest]), Scale.of("rate", None, ())
    hidden = more(len(groups) - len(shown), "groups in the table")
    told = "; ".join(
        f"{name}: {share.words(points[-1][1])} by {time.words(points[-1][0])}" for name, points in shown.items()
    )
    what = f"share that has done it, percent, by {time.unit} since the start"
    several = "" if len(shown) > 1 else "; the band is the interval"
    return Chart(
        KIND,
        _option(shown, time, share),
        answer.sentence,
        what + several + hidden,
        f"Steps upwards. {told}{hidden}.",
        300,
    )


def _thin(points: Sequence[Point]) -> list[Point]:
    """At most ``MOST_POINTS``, first and last among them: more are not seen."""
    if len(points) <= MOST_POINTS:
        return list(points)
    step = (len(points) - 1) / (MOST_POINTS - 1)
    return [points[round(i * step)] for i in range(MOST_POINTS)]


def _option(groups: Mapping[str, Sequence[Point]], time: Scale, share: Scale) -> Option:
    hues = colours(list(groups)) if len(groups) > 1 else dict.fromkeys(groups, "@accent")
    dashes: tuple[Any, ...] = ("solid", [8, 3], [2, 3], [8, 3, 2, 3])  # the twin of the colour
    series: list[Option] = []
    for place, (name, points) in enumerate(groups.items()):
        if len(groups) == 1 and all(len(one) == 4 for one in points):
            limits = [(time(at), share(low), share(high)) for at, _, low, high in points]
            series.append(band(limits, hues[name]))  # type: ignore[arg-type]
        series.append(
            {
                "type": "line",
                "name": name,
                "step": "end",
                "showSymbol": False,
                "itemStyle": {"color": hues[name]},
                "lineStyle": {"color": hues[name], "width": 2, "type": dashes[place]},
                "data": [
                    {"value": [0, 0], "words": "start"},
                    *(
                        {
                            "value": [time(one[0]), share(one[1])],
                            "words": f"{share.words(one[1])} by {time.words(one[0])}",
                        }
                        for one in points
                    ),
                ],
            }
        )
    lasts = {name: points[-1] for name, points in groups.items()}
    longest = max(time(one[0]) or 0.0 for one in lasts.values())
    if len(groups) > 1:
        series += ends([(time(one[0]), share(one[1]), name) for name, one in lasts.items()])
    return {
        "grid": grid(right=118 if len(groups) > 1 else 16),
        "xAxis": value_axis(time, min=0, max=math.ceil(longest), splitLine={"show": False}),
        "yAxis": value_axis(share, min=0),
        "tooltip": {"trigger": "axis"},
        "series": series,
    }
