"""Funnel: horizontal bars from the left, the rate from the start in words; one bar per group where compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.charts.base import NAMED, Chart, Scale, colours, column_of, more, number, plain_text
from assay.charts.parts import LABEL, Option, decal, grid, legend, names_axis, value_axis
from assay.model.answer import Answer, Cell

KIND = "funnel"


def draw(answer: Answer, spec: Mapping[str, Any]) -> Chart | None:
    """Bars of units; bars of rates from the start where groups of different size are compared."""
    by, steps = list(spec.get("by", ())), list(spec["steps"])
    groups: dict[str, list[Mapping[str, Cell]]] = {}
    for row in answer.records():
        groups.setdefault(", ".join(plain_text(row[name]) for name in by) or "all", []).append(row)
    groups = {name: rows for name, rows in groups.items() if number(rows[0].get("units"))}
    column = column_of(answer, "units")
    if not groups or column is None:
        return None
    compared = len(groups) > 1
    y = "from_start" if compared else "units"
    shown = dict(list(groups.items())[:NAMED])
    scale = Scale.of("rate" if compared else column.kind, None, [row[y] for rows in shown.values() for row in rows])
    hidden = more(len(groups) - len(shown), "groups in the table")
    what = f"share of {column.title} at the start, percent" if compared else column.title
    return Chart(
        KIND,
        _option(shown, steps, y, scale),
        answer.sentence,
        f"{what}, by step{'; and their share of the start' if not compared else ''}{hidden}",
        "Funnel. " + "; ".join(_told(name, rows, compared) for name, rows in shown.items()) + hidden + ".",
        max(150, 44 + len(steps) * (16 + 22 * len(shown)) + (28 if compared else 0)),
    )


def _told(name: str, rows: Sequence[Mapping[str, Cell]], named: bool) -> str:
    share = Scale.of("rate", None, ())
    steps = ", ".join(
        f"{row['step']} {int(number(row['units']) or 0):,}"
        + (f" ({share.words(row['from_start'])})" if number(row["from_start"]) is not None and i else "")
        for i, row in enumerate(rows)
    )
    return f"{name}: {steps}" if named else steps


def _option(groups: Mapping[str, Sequence[Mapping[str, Cell]]], steps: Sequence[str], y: str, scale: Scale) -> Option:
    hues = colours(list(groups))
    share = Scale.of("rate", None, ())
    series: list[Option] = []
    for place, (name, rows) in enumerate(groups.items()):
        data: list[Option] = []
        for row in rows:
            start, before = number(row["from_start"]), number(row.get("from_previous"))
            count = f"{int(number(row['units']) or 0):,}"
            words = [count if y == "units" else share.words(start)]
            if y == "units" and start is not None:
                words.append(share.words(start))
            told = count if start is None else f"{count}, {share.words(start)} of the start"
            if before is not None:
                told += f", {share.words(before)} of the step before"
            data.append({"value": scale(row[y]), "words": told, "label": {"formatter": " · ".join(words)}})
        series.append(
            {
                "type": "bar",
                "name": name,
                "barMaxWidth": 34 if len(groups) == 1 else 18,
                "barGap": "15%",
                "data": data,
                "itemStyle": {
                    "color": hues[name] if len(groups) > 1 else "@accent",
                    "borderRadius": 2,
                    "decal": decal(place) if len(groups) > 1 else None,
                },
                "label": {**LABEL, "show": True, "position": "right", "distance": 6},
            }
        )
    room = 16 + 7 * max(len(one["label"]["formatter"]) for s in series for one in s["data"])
    return {
        **({"legend": legend()} if len(groups) > 1 else {}),
        "grid": grid(top=36 if len(groups) > 1 else 8, right=room),
        "xAxis": value_axis(scale, min=0, max="dataMax", show=False),
        "yAxis": names_axis(steps),
        "tooltip": {"trigger": "item"},
        "series": series,
    }
