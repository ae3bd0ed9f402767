"""Retention: the grid of cohorts and periods, the darker the more came back; curves where groups are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.charts.base import MOST, NAMED, Chart, Scale, more, number, plain_text
from assay.charts.curves import panel
from assay.charts.parts import SMALL, Option, grid, names_axis
from assay.model.answer import Answer, Cell

KIND = "retention"
STEPS = 6  # shades ``@heat1`` … with texts ``@heattext1`` …


def draw(answer: Answer, spec: Mapping[str, Any]) -> Chart | None:
    """Cells for cohorts; a line per group of the averages where there are groups."""
    columns = [c for c in answer.columns if c.kind == "rate" and c.name.startswith("period_") and not c.detail]
    names = [c.title for c in columns]
    rows = answer.records()
    by = list(spec.get("by", ()))
    if not rows or not columns:
        return None
    scale = Scale.of("rate", None, ())
    averages = {
        ", ".join(plain_text(row[b]) for b in by) or "average": row for row in rows if row["cohort"] == "average"
    }
    if by and averages:
        return _curves(answer, averages, [c.name for c in columns], names, scale)
    cohorts = [row for row in rows if row["cohort"] != "average"][-MOST:]
    shown = [*[row for row in rows if row["cohort"] == "average"], *cohorts]
    hidden = more(len(rows) - len(shown), "earlier cohorts in the table")
    return Chart(
        KIND,
        _grid(shown, [c.name for c in columns], names, scale),
        answer.sentence,
        f"share of a cohort that comes back, percent, by period; empty: not over yet{hidden}",
        _alt(shown, [c.name for c in columns], names, scale) + hidden + ".",
        64 + 30 * len(shown),
    )


def _curves(
    answer: Answer, averages: Mapping[str, Mapping[str, Cell]], keys: Sequence[str], names: Sequence[str], scale: Scale
) -> Chart:
    shown = dict(list(averages.items())[:NAMED])
    groups = {name: [(row[k], row.get(f"{k}_low"), row.get(f"{k}_high")) for k in keys] for name, row in shown.items()}
    told = "; ".join(
        f"{name}: {scale.words(row[keys[0]])} in {names[0]}, {scale.words(_last(row, keys))} last"
        for name, row in shown.items()
    )
    hidden = more(len(averages) - len(shown), "groups in the table")
    subtitle = f"share of all cohorts that comes back, percent, by period{hidden}"
    return Chart(KIND, panel(names, groups, scale), answer.sentence, subtitle, f"Curves. {told}{hidden}.")


def _last(row: Mapping[str, Cell], keys: Sequence[str]) -> Cell:
    return next((row[key] for key in reversed(keys) if number(row[key]) is not None), None)


def _grid(rows: Sequence[Mapping[str, Cell]], keys: Sequence[str], names: Sequence[str], scale: Scale) -> Option:
    largest = max((number(row[key]) or 0.0 for row in rows for key in keys), default=0.0)
    cells: list[Option] = []
    for down, row in enumerate(rows):
        for across, key in enumerate(keys):
            value = number(row[key])
            if value is None:
                continue
            shade = min(STEPS, 1 + int(STEPS * value / largest)) if largest else 1
            units = number(row.get(f"{key}_units"))
            words = scale.words(value) + (
                f" ({int(units):,} of {int(number(row['size']) or 0):,})" if units is not None else ""
            )
            cells.append(
                {
                    "value": [across, down, scale(value)],
                    "words": words,
                    "itemStyle": {"color": f"@heat{shade}"},
                }
            )
    payload = {
        "texts": [f"{(one['value'][2] or 0):.3g}" for one in cells],
        "inks": [one["itemStyle"]["color"].replace("@heat", "@heattext") for one in cells],
    }
    drawn: Option = {"type": "custom", "renderItem": "cell", "itemPayload": payload, "data": cells}
    head = [f"{row['cohort']}  ({int(number(row['size']) or 0):,})" for row in rows]
    across_axis: Option = {
        "type": "category",
        "data": list(names),
        "position": "top",
        "axisLine": {"show": False},
        "axisTick": {"show": False},
        "axisLabel": {**SMALL, "interval": 0, "hideOverlap": True},
    }
    return {
        "grid": grid(top=4, right=4),
        "xAxis": across_axis,
        "yAxis": names_axis(head),
        "tooltip": {"trigger": "item"},
        "series": [{**drawn, "encode": {"x": 0, "y": 1}}],
    }


def _alt(rows: Sequence[Mapping[str, Cell]], keys: Sequence[str], names: Sequence[str], scale: Scale) -> str:
    first = rows[0]
    told = ", ".join(
        f"{scale.words(first[key])} in {name}"
        for key, name in zip(keys, names, strict=True)
        if number(first[key]) is not None
    )
    return f"Grid of {len(rows)} rows and {len(keys)} periods. {first['cohort']}: {told or 'no period is over'}"
