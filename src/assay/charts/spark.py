"""A sparkline as SVG without scripts: one metric over time, what is not over dashed, the target thin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from assay.charts.base import Scale, as_day, column_of, extremes, number, short_day
from assay.model.answer import Answer

WIDTH, HEIGHT, PAD = 160, 40, 3


@dataclass(frozen=True)
class Spark:
    """``svg`` is coloured by the style sheet (``.spark``) and hidden from readers; ``alt`` says the same in words."""

    svg: str
    alt: str


def spark(answer: Answer, metric: str, target: float | None = None) -> Spark | None:
    """From a ``metric`` answer with a grain. None below two figures."""
    column = column_of(answer, metric)
    time = next((c.name for c in answer.columns if c.kind in ("day", "moment")), None)
    if column is None or time is None:
        return None
    found = [
        (day, value, bool(row.get(f"{metric}_open")))
        for row in answer.records()
        if (day := as_day(row[time])) is not None and (value := number(row[metric])) is not None
    ]
    return spark_of(column.title, column.kind, column.currency, found, target)


def spark_of(
    title: str, kind: str, currency: str | None, found: list[tuple[date, float, bool]], target: float | None = None
) -> Spark | None:
    """From days with their figure and whether it is still open. None below two figures."""
    if len(found) < 2:
        return None
    found = sorted(found, key=lambda one: one[0])
    values = [value for _, value, _ in found]
    scale = Scale.of(kind, currency, values)
    seen = values if target is None else [*values, target]
    low, high = min(seen), max(seen)
    first_open = next((i for i, (_, _, still) in enumerate(found) if still), len(found))
    places = [
        (PAD + i * (WIDTH - 2 * PAD) / (len(found) - 1), _height(value, low, high)) for i, value in enumerate(values)
    ]
    solid, dashed = places[:first_open], places[max(first_open - 1, 0) :]
    end = places[-1]
    parts = [
        f'<svg class="spark" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true">',
        _hatched(dashed) if first_open < len(found) else "",
        "" if target is None else f'<path class="spark-target" d="M0 {_height(target, low, high):.1f}H{WIDTH}"/>',
        f'<path class="spark-line" d="{_path(solid)}"/>' if len(solid) > 1 else "",
        f'<path class="spark-open" d="{_path(dashed)}"/>' if len(dashed) > 1 else "",
        f'<path class="spark-end" d="M{end[0]:.1f} {end[1]:.1f}h.01"/>',
        "</svg>",
    ]
    named = [(short_day(day), value) for day, value, _ in found]
    alt = (
        f"{title}: first {scale.words(values[0])} ({named[0][0]}), "
        f"last {scale.words(values[-1])} ({named[-1][0]}), "
        f"{extremes(named, scale)}" + (f", target {scale.words(target)}" if target is not None else "")
    )
    return Spark("".join(parts), alt)


def _hatched(places: list[tuple[float, float]]) -> str:
    """Thin slanting lines behind the part that is still open."""
    left, right = places[0][0], places[-1][0]
    lines = "".join(
        f"M{x:.1f} {HEIGHT}L{min(x + 6, right):.1f} {HEIGHT - HEIGHT * min(1.0, (right - x) / 6):.1f}"
        for x in (left + 5 * i for i in range(int((right - left) / 5) + 1)) if right - x > 0.5
    )  # fmt: skip
    return f'<path class="spark-hatch" d="{lines}"/>' if lines else ""


def _height(value: float, low: float, high: float) -> float:
    room = HEIGHT - 2 * PAD
    return PAD + room / 2 if high == low else PAD + room * (high - value) / (high - low)


def _path(places: list[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
