"""Bars: one per row from zero, with the interval as a whisker and the time before as a grey tick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.charts.base import (
    MOST,
    Chart,
    Scale,
    as_day,
    colours,
    column_of,
    extremes,
    labels,
    more,
    named_day,
    number,
)
from assay.charts.parts import (
    COLUMN,
    Option,
    days_axis,
    decal,
    grid,
    height,
    legend,
    names_axis,
    value_axis,
    whiskers,
)
from assay.model.answer import Answer, Cell

KIND = "bars"


def draw(answer: Answer, spec: Mapping[str, Any]) -> Chart | None:
    """Rows as bars in the answer's order; figures of one row as bars of its metrics; days as columns."""
    names = [spec["y"]] if isinstance(spec["y"], str) else list(spec["y"])
    names = [name for name in names if column_of(answer, name) is not None]
    if not names:
        return None
    if spec.get("x") is None:
        return _metrics(answer, names)
    if (column := column_of(answer, spec["x"])) is not None and column.kind == "day":
        return _by_day(answer, spec["x"], names)
    return _rows(answer, spec["x"], names[0])


def _rows(answer: Answer, x: str, y: str) -> Chart | None:
    found = [
        (label, row)
        for label, row in zip(labels(answer, x), answer.records(), strict=True)
        if number(row[y]) is not None
    ]
    if not found:
        return None
    column = column_of(answer, y)
    assert column is not None
    shown = found[:MOST]
    scale = Scale.of(column.kind, column.currency, [row[y] for _, row in shown])
    hidden = more(len(found) - len(shown))
    unit = f", {scale.unit}" if scale.unit else ""
    had = f"{y}_before" if any(number(row.get(f"{y}_before")) is not None for _, row in shown) else None
    before = "; the grey tick is the time before" if had else ""
    interval = "; the thin line is the interval" if any(f"{y}_low" in row for _, row in shown) else ""
    return Chart(
        KIND,
        _flat(
            [label for label, _ in shown],
            [_figures(row, y) for _, row in shown],
            scale,
            [row.get(had) for _, row in shown] if had else [],
        ),
        answer.sentence,
        f"{column.title}{unit}{interval}{before}{hidden}",
        f"Bars of {column.title}: {extremes([(label, row[y]) for label, row in found], scale)}{hidden}.",
        height(len(shown)),
    )


def _figures(row: Mapping[str, Cell], y: str) -> tuple[Cell, Cell, Cell]:
    return row[y], row.get(f"{y}_low"), row.get(f"{y}_high")


def _flat(
    names: Sequence[str], figures: Sequence[tuple[Cell, Cell, Cell]], scale: Scale, before: Sequence[Cell]
) -> Option:
    """Bars from the left with their numbers behind them."""
    words = [f"{scale.words(v)} {scale.between(low, high)}".strip() for v, low, high in figures]
    signed = any((number(v) or 0) < 0 for v, _, _ in figures)
    rows: list[Option] = [
        {
            "type": "bar",
            "barMaxWidth": 18,
            "barMinWidth": 6,
            "itemStyle": {"color": "@accent", "borderRadius": 2},
            "data": [
                {"value": scale(v), "words": told, "itemStyle": {"color": "@down"} if (number(v) or 0) < 0 else {}}
                for (v, _, _), told in zip(figures, words, strict=True)
            ],
        }
    ]
    ends = [(i, scale(low), scale(high)) for i, (_, low, high) in enumerate(figures)]
    if any(low is not None or high is not None for _, low, high in ends):
        rows.append(whiskers(ends, ["@text"] * len(ends), flat=True))
    far = [max(scale(v) or 0, scale(high) or 0) for v, _, high in figures]
    if before:
        rows.append(
            {
                "type": "scatter",
                "symbol": "rect",
                "symbolSize": [3, 22],
                "itemStyle": {"color": "@muted", "opacity": 1},
                "z": 5,
                "data": [
                    {"value": [scale(one), i], "words": f"before: {scale.words(one)}"}
                    for i, one in enumerate(before)
                    if number(one) is not None
                ],
            }
        )
        far = [max(one, scale(had) or 0) for one, had in zip(far, before, strict=True)]
    rows.append(
        {
            "type": "scatter",
            "symbolSize": 1,
            "silent": True,
            "itemStyle": {"color": "transparent", "opacity": 1},
            "z": 6,
            "data": [
                {
                    "value": [place, i],
                    "label": {
                        "show": True,
                        "position": "right",
                        "distance": 6,
                        "formatter": scale.label(v),
                        "color": "@text",
                        "fontSize": 12,
                    },
                }
                for i, (place, (v, _, _)) in enumerate(zip(far, figures, strict=True))
            ],
        }
    )
    room = 20 + 7 * max(len(scale.words(v)) for v, _, _ in figures)
    return {
        "grid": grid(right=room),
        "xAxis": value_axis(scale, **({} if signed else {"min": 0})),
        "yAxis": names_axis(names),
        "tooltip": {"trigger": "item"},
        "series": rows,
    }


def _metrics(answer: Answer, names: Sequence[str]) -> Chart | None:
    """The figures of one row, where they are of one kind."""
    columns = [c for name in names if (c := column_of(answer, name)) is not None]
    row = answer.records()[0]
    kept = [c for c in columns if number(row[c.name]) is not None]
    if not kept or len({(c.kind, c.currency) for c in kept}) > 1:
        return None
    scale = Scale.of(kept[0].kind, kept[0].currency, [row[c.name] for c in kept])
    interval = "; the thin line is the interval" if f"{kept[0].name}_low" in row else ""
    return Chart(
        KIND,
        _flat([c.title for c in kept], [_figures(row, c.name) for c in kept], scale, []),
        answer.sentence,
        f"{scale.unit or 'figures'}{interval}",
        f"Bars: {extremes([(c.title, row[c.name]) for c in kept], scale)}.",
        height(len(kept)),
    )


def _by_day(answer: Answer, x: str, names: Sequence[str]) -> Chart | None:
    """Columns over days, terms on top of each other; several rows of a day are added up."""
    days = sorted({day for cell in answer.column(x) if (day := as_day(cell)) is not None})
    sums = {(day, name): 0.0 for day in days for name in names}
    for row in answer.records():
        for name in names:
            if (day := as_day(row[x])) is not None:
                sums[day, name] += number(row[name]) or 0.0
    kept = [name for name in names if any(sums[day, name] for day in days)]
    first = column_of(answer, names[0])
    if not days or not kept or first is None:
        return None
    scale = Scale.of(first.kind, first.currency, [sum(sums[day, n] for n in kept) for day in days])
    titles = {name: c.title for name in kept if (c := column_of(answer, name)) is not None}
    if len(days) == 1:
        return _one_day(answer, named_day(days[0], x), [(titles[n], sums[days[0], n]) for n in kept], scale)
    hues = colours(list(titles.values()))
    totals = [(named_day(day, x), sum(sums[day, n] for n in kept)) for day in days]
    option: Option = {
        "grid": grid(top=34),
        "legend": legend(),
        "xAxis": days_axis([name for name, _ in totals], gap=True),
        "yAxis": value_axis(scale, min=0),
        "tooltip": {"trigger": "axis"},
        "series": [
            {
                "type": "bar",
                "stack": "all",
                "name": titles[n],
                "barMaxWidth": COLUMN,
                "itemStyle": {"color": hues[titles[n]], "decal": decal(i)},
                "data": [{"value": scale(sums[day, n]), "words": scale.words(sums[day, n])} for day in days],
            }
            for i, n in enumerate(kept)
        ],
    }
    what = ", ".join(titles.values())
    return Chart(
        KIND, option, answer.sentence, f"{what} by {x}", f"Columns by {x} of {what}: {extremes(totals, scale)}."
    )


def _one_day(answer: Answer, day: str, terms: Sequence[tuple[str, float]], scale: Scale) -> Chart:
    """The terms of a single day as a bar each: one column would say less than its number."""
    return Chart(
        KIND,
        _flat([name for name, _ in terms], [(value, None, None) for _, value in terms], scale, []),
        answer.sentence,
        f"all of it on {day}",
        f"Bars of {day}: {extremes(terms, scale)}.",
        height(len(terms)),
    )
