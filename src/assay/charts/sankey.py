"""Sankey: which way people go from one step to the next; the rarest edges are left to the table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.charts.base import Chart, Scale, column_of, more, number, plain_text
from assay.charts.parts import LABEL, Option
from assay.model.answer import Answer

KIND = "sankey"
EDGES = 24
OTHER = "(other)"  # what the question put together; ways among it say nothing


def draw(answer: Answer, spec: Mapping[str, Any]) -> Chart | None:
    """Nodes are a page at a step, so a way back is no circle."""
    column = column_of(answer, spec["value"])
    if column is None:
        return None
    every = [row for row in answer.records() if number(row[spec["value"]])]
    rows = [row for row in every if not (row[spec["from"]] == row[spec["to"]] == OTHER)]
    rows.sort(key=lambda row: -(number(row[spec["value"]]) or 0))
    if not rows:
        return None
    apart = "; ways among other pages are left out" if len(rows) < len(every) else ""
    shown = rows[:EDGES]
    scale = Scale.of(column.kind, column.currency, ())
    nodes: dict[str, Option] = {}
    links: list[Option] = []
    for row in shown:
        depth = int(number(row[spec["depth"]]) or 0)
        ends = [(depth, plain_text(row[spec["from"]])), (depth + 1, plain_text(row[spec["to"]]))]
        for step, name in ends:
            nodes.setdefault(f"{step} {name}", _node(step, name))
        words = f"{ends[0][1]} → {ends[1][1]}: {scale.words(row[spec['value']])} {column.title}"
        links.append(
            {
                "source": f"{depth} {ends[0][1]}",
                "target": f"{depth + 1} {ends[1][1]}",
                "value": scale(row[spec["value"]]),
                "words": words,
            }
        )
    hidden = more(len(rows) - len(shown), "rarer ways in the table")
    top = "; ".join(one["words"] for one in links[:5])
    deepest = max(
        sum(1 for one in nodes.values() if one["step"] == step) for step in {n["step"] for n in nodes.values()}
    )
    return Chart(
        KIND,
        _option(list(nodes.values()), links),
        answer.sentence,
        f"{column.title} by step, from left to right{apart}{hidden}",
        f"Ways from step to step; the widest: {top}{hidden}.",
        max(260, 46 * deepest),
    )


def _node(step: int, name: str) -> Option:
    ends = name.startswith("(")
    return {
        "name": f"{step} {name}",
        "step": step,
        "depth": step - 1,
        "words": name,
        "itemStyle": {"color": "@rest" if ends else "@accent"},
        "label": {"formatter": name},
    }


def _option(nodes: list[Option], links: list[Option]) -> Option:
    return {
        "tooltip": {"trigger": "item"},
        "series": [
            {
                "type": "sankey",
                "left": 4,
                "right": 150,
                "top": 8,
                "bottom": 8,
                "nodeWidth": 10,
                "nodeGap": 14,
                "nodeAlign": "left",
                "draggable": False,
                "emphasis": {"focus": "adjacency"},
                "data": nodes,
                "links": links,
                "layoutIterations": 24,
                "lineStyle": {"color": "@flow", "opacity": 0.75, "curveness": 0.5},
                "label": {**LABEL, "width": 140, "overflow": "truncate"},
            }
        ],
    }
