"""Lines over time: a panel per metric, intervals as bands, periods that are not over dashed, known changes as marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from assay.charts.base import (
    NAMED,
    SYMBOLS,
    Chart,
    Scale,
    as_day,
    colours,
    column_of,
    extremes,
    more,
    named_day,
    number,
    plain_text,
)
from assay.charts.curves import panel
from assay.charts.parts import Option, band, days_axis, ends, grid, value_axis
from assay.model.answer import Answer, Cell, Column

KIND = "line"
PANELS = 4
_ALONE, _PANEL, _GAP, _MARK = 270, 190, 22, 15
_LENGTHS = {"day": 1, "week": 7, "month": 28, "quarter": 90, "year": 365}


@dataclass(frozen=True)
class Trend:
    """Periods in order, their labels, which of them are not over, and the known changes by place."""

    days: tuple[date, ...]
    names: tuple[str, ...]
    partial: frozenset[int]
    marks: tuple[tuple[int, str], ...]


def draw(answer: Answer, spec: Mapping[str, Any]) -> Chart | None:
    """One line per group and metric. None without two points in time."""
    x, names = spec["x"], [name for name in spec["y"] if column_of(answer, name) is not None]
    column = column_of(answer, x)
    if column is None and names:
        return _ages(answer, x, names)
    if column is None or column.kind not in ("day", "moment") or not names:
        return None
    trend = _trend(answer, x, spec.get("marks", ()))
    shown = [name for name in names if any(number(v) is not None for v in answer.column(name))][:PANELS]
    if not trend.days or not shown:
        return None
    by = [c for c in answer.columns if c.kind in ("text", "flag") and c.name != x and not c.detail]
    panels = [_Panel(answer, x, c, by) for name in shown if (c := column_of(answer, name)) is not None]
    above = 12 + _MARK * _rows(trend)
    return Chart(
        KIND,
        _option(panels, trend, above),
        answer.sentence,
        _subtitle(panels, x, trend, len(names) - len(shown)),
        " ".join(_alt(panel, trend) for panel in panels),
        above + len(panels) * (_PANEL if len(panels) > 1 else _ALONE) + (len(panels) - 1) * _GAP + 6,
    )


def _ages(answer: Answer, x: str, names: Sequence[str]) -> Chart | None:
    """Ages stand in columns: a curve per row over them."""
    columns = [c for name in names if (c := column_of(answer, name)) is not None]
    first = next(c.name for c in answer.columns)
    rows = [row for row in answer.records() if any(number(row[c.name]) is not None for c in columns)]
    if not rows:
        return None
    scale = Scale.of(columns[0].kind, columns[0].currency, [row[c.name] for row in rows for c in columns])
    shown = rows[:NAMED]
    groups = {
        plain_text(row[first]): [(row[c.name], row.get(f"{c.name}_low"), row.get(f"{c.name}_high")) for c in columns]
        for row in shown
    }
    hidden = more(len(rows) - len(shown))
    titles = [c.title for c in columns]
    told = "; ".join(
        f"{g}: {extremes(list(zip(titles, [v for v, _, _ in f], strict=True)), scale)}" for g, f in groups.items()
    )
    subtitle = f"{scale.unit or 'figures'}, by {x}{hidden}"
    return Chart(KIND, panel(titles, groups, scale), answer.sentence, subtitle, f"Curves. {told}{hidden}.")


def _trend(answer: Answer, x: str, marks: Sequence[Mapping[str, Any]]) -> Trend:
    days = sorted({day for cell in answer.column(x) if (day := as_day(cell)) is not None})
    years = len({day.year for day in days}) > 1
    ends = {i for i, day in enumerate(days) if _partial(answer, x, day)}
    found: dict[int, list[str]] = {}
    for one in marks:
        when = as_day(one["date"])
        places = [i for i, day in enumerate(days) if when is not None and day <= when]
        if places and when is not None and (when - days[places[-1]]).days < _LENGTHS.get(x, 1) + 3:
            found.setdefault(places[-1], []).append(str(one["what"]))
    told = tuple((place, _together(texts)) for place, texts in sorted(found.items()))
    return Trend(tuple(days), tuple(named_day(day, x, years) for day in days), frozenset(ends), told)


def _together(texts: Sequence[str]) -> str:
    first = texts[0] if len(texts[0]) <= 34 else texts[0][:33] + "…"
    return first + (f" and {len(texts) - 1} more" if len(texts) > 1 else "")


def _partial(answer: Answer, x: str, day: date) -> bool:
    """A period that begins before the range, ends after it or after the data."""
    after = _next(day, x)
    if answer.period and (day < answer.period[0] or after > answer.period[1] + timedelta(1)):
        return True
    through = answer.complete_through
    return through is not None and after > through.date() + timedelta(2)  # a day's slack for the site's zone


def _next(day: date, x: str) -> date:
    if x in ("month", "quarter", "year"):
        months = {"month": 1, "quarter": 3, "year": 12}[x]
        month = day.month - 1 + months
        return date(day.year + month // 12, month % 12 + 1, 1)
    return day + timedelta(_LENGTHS.get(x, 1))


class _Panel:
    """One metric: its scale and, by group, a figure with its ends per period."""

    def __init__(self, answer: Answer, x: str, column: Column, by: Sequence[Column]) -> None:
        self.column = column
        name = column.name
        rows = answer.records()
        self.scale = Scale.of(column.kind, column.currency, [row[name] for row in rows])
        self.groups: dict[str, dict[date, tuple[Cell, Cell, Cell, bool]]] = {}
        for row in rows:
            if (day := as_day(row[x])) is not None:
                group = ", ".join(plain_text(row[c.name]) for c in by) or column.title
                still_open = bool(row.get(f"{name}_open"))
                figures = (row[name], row.get(f"{name}_low"), row.get(f"{name}_high"), still_open)
                self.groups.setdefault(group, {})[day] = figures
        self.several = len(self.groups) > 1
        hues = colours(list(self.groups)) if self.several else dict.fromkeys(self.groups, "@accent")
        self.hues = hues

    def begin(self) -> Option:
        """From zero where the figures reach near to it; else where they are, which the subtitle says."""
        seen = self._seen()
        return {"min": 0} if seen and 0 <= min(seen) <= max(seen) / 2 else {"scale": True}

    def cut(self) -> bool:
        """True where the scale begins above zero."""
        return "scale" in self.begin() and min(self._seen(), default=0.0) > 0

    def _seen(self) -> list[float]:
        return [v for one in self.groups.values() for f in one.values() for c in f[:3] if (v := number(c)) is not None]

    def bands(self) -> bool:
        """Intervals are drawn for one line only: several would hide each other."""
        ends = [low for one in self.groups.values() for _, low, _, _ in one.values()]
        return not self.several and any(number(low) is not None for low in ends)


def _series(panel: _Panel, trend: Trend, place: int) -> list[Option]:
    made: list[Option] = []
    names: list[tuple[int, float | None, str]] = []
    axes = {"xAxisIndex": place, "yAxisIndex": place}
    for i, (group, figures) in enumerate(panel.groups.items()):
        colour, named = panel.hues[group], panel.several and i < NAMED
        found = [figures.get(day, (None, None, None, False)) for day in trend.days]
        data: list[Option] = [
            {
                "value": panel.scale(v),
                "words": f"{panel.scale.words(v)} {panel.scale.between(low, high)}".strip()
                + (" – not over yet" if k in trend.partial or still else ""),
            }
            for k, (v, low, high, still) in enumerate(found)
        ]
        loose = {k for k, one in enumerate(found) if k in trend.partial or one[3]}
        if panel.bands():
            limits = [(k, panel.scale(low), panel.scale(high)) for k, (_, low, high, _) in enumerate(found)]
            made.append(band(limits, colour, **axes))
        symbol = SYMBOLS[i % len(SYMBOLS)] if named or not panel.several else "circle"
        line: Option = {
            "type": "line",
            "name": group,
            "symbol": symbol,
            "symbolSize": 6 if len(data) <= 40 else 0,
            "showSymbol": len(data) <= 40,
            "itemStyle": {"color": colour},
            "z": 3 if colour != "@rest" else 2,
            "lineStyle": {"color": colour, "width": 2 if colour != "@rest" else 1},
            **axes,
        }
        whole = [{"value": None} if k in loose else one for k, one in enumerate(data)]
        around = {k + step for k in loose for step in (-1, 0, 1)}
        dashed = [one if k in around else {"value": None} for k, one in enumerate(data)]
        made.append({**line, "data": whole})
        last = _last(data)
        if named and last >= 0:
            names.append((last, data[last]["value"], group))
        if loose:
            drawn = {**line["lineStyle"], "type": [4, 4]}
            hollow = {"color": "@surface", "borderColor": colour, "borderWidth": 2}
            made.append(
                {
                    **line,
                    "data": dashed,
                    "lineStyle": drawn,
                    "itemStyle": hollow,
                    "z": 2,
                }
            )
    return [*made, *ends(names, **axes)]


def _last(data: Sequence[Option]) -> int:
    return max((k for k, one in enumerate(data) if one["value"] is not None), default=-1)


def _marks(trend: Trend, named: bool) -> Option:
    """Lines at known changes; whoever draws knows the width and finds the labels their rows."""
    style = {"color": "@muted", "fontSize": 11, "position": "end", "show": named, "backgroundColor": "@surface"}
    return {
        "silent": True,
        "symbol": "none",
        "animation": False,
        "role": "marks",
        "rows": _rows(trend),
        "lineStyle": {"color": "@muted", "width": 1, "type": [2, 3]},
        "data": [{"xAxis": place, "label": {**style, "formatter": text}} for place, text in trend.marks],
    }


def _rows(trend: Trend) -> int:
    """Rows of labels that there is room for above the plot."""
    return min(len(trend.marks), 4)


def _option(panels: Sequence[_Panel], trend: Trend, above: int) -> Option:
    """Panels below each other; the labels of marks stand over the first, a panel's name over each of several."""
    head = 24 if len(panels) > 1 else 0
    each = _PANEL if len(panels) > 1 else _ALONE
    tops = [place * (each + _GAP) + (above if place else 0) for place in range(len(panels))]
    grids = [top + head + (0 if place else above) for place, top in enumerate(tops)]
    series: list[Option] = []
    for place, one in enumerate(panels):
        own = _series(one, trend, place)
        if trend.marks:
            next(s for s in own if s["type"] == "line")["markLine"] = _marks(trend, named=place == 0)
        series += own
    style = {"color": "@text", "fontSize": 13, "fontWeight": 600}
    titles = [
        {"text": one.column.title, "left": 4, "top": top, "padding": 0, "textStyle": style}
        for one, top in zip(panels, tops, strict=True)
    ]
    right = 118 if any(one.several for one in panels) else 16
    return {
        **({"title": titles} if head else {}),
        "grid": [
            grid(top=top, right=right, **({"height": each - head, "bottom": "auto"} if head else {})) for top in grids
        ],
        "xAxis": [days_axis(trend.names, gridIndex=i) for i in range(len(panels))],
        "yAxis": [value_axis(one.scale, gridIndex=i, **one.begin()) for i, one in enumerate(panels)],
        "axisPointer": {"link": [{"xAxisIndex": "all"}]},
        "tooltip": {"trigger": "axis"},
        "series": series,
    }


def _subtitle(panels: Sequence[_Panel], x: str, trend: Trend, hidden: int) -> str:
    units = dict.fromkeys(f"{p.column.title}, {p.scale.unit}" if p.scale.unit else p.column.title for p in panels)
    parts = [f"{'; '.join(units)}, by {x}"]
    if any(one.cut() for one in panels):
        parts.append("the scale does not begin at zero")
    if any(panel.bands() for panel in panels):
        parts.append("the band is the interval")
    grey = max(len(panel.groups) for panel in panels) - NAMED
    if grey > 0:
        parts.append(f"grey: {grey:,} more")
    if trend.partial or any(one[3] for p in panels for g in p.groups.values() for one in g.values()):
        parts.append("dashed: not over yet")
    return "; ".join(parts) + more(hidden)


def _alt(panel: _Panel, trend: Trend) -> str:
    told = []
    for group, figures in list(panel.groups.items())[:NAMED]:
        told_of = zip(trend.names, trend.days, strict=True)
        known = [(name, v) for name, day in told_of if number(v := figures.get(day, (None,))[0]) is not None]
        if known:
            first, last = known[0], known[-1]
            told.append(
                f"{group}: first {panel.scale.words(first[1])} ({first[0]}), last {panel.scale.words(last[1])} "
                f"({last[0]}), {extremes(known, panel.scale)}"
            )
    return f"Line over {len(trend.days)} periods. " + "; ".join(told) + more(len(panel.groups) - NAMED) + "."
