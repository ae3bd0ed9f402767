"""Lines of a reading as columns and rows: for people in words, for programs as plain figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from assay.analyses.base import column_kind
from assay.decide.words import beside, difference_words, significant, value_words
from assay.model.answer import Cell, Column, Labelled
from assay.model.estimate import Estimate

if TYPE_CHECKING:
    from assay.analyses.experimenting.reading import Line
    from assay.plan.values import Metric
    from assay.stats.contrast import Contrast, Interval

STATES = {"better": "better", "worse": "worse", "open": "open", "none": "no number"}


def columns(
    groups: Sequence[str] = (), bayes: bool = False, single: bool = False, twice: bool = False
) -> tuple[Column, ...]:
    """Words first, the figures behind them as details. ``single``: one treatment need not be named in each row.

    ``twice``: two readings stand below each other, as planned and as changed.
    """
    beliefs = (
        (Column("chance_to_win", "rate", "chance to win"), Column("loss_ship", "figure", "expected loss if shipped"))
        if bayes
        else ()
    )
    return (
        Column("metric"), Column("role"), Column("variant", detail=single), *(Column(name) for name in groups),
        Column("state"), Column("values", label="control → treatment"), Column("effect"), Column("lift"),
        Column("p_value", "p", "p"), *beliefs,
        Column("units_control", "count", detail=True), Column("units_treatment", "count", detail=True),
        Column("control", "figure", detail=True), Column("treatment", "figure", detail=True),
        Column("difference", "figure", detail=True), Column("low", "figure", detail=True),
        Column("high", "figure", detail=True), Column("lift_value", "number", detail=True),
        Column("lift_low", "number", detail=True), Column("lift_high", "number", detail=True),
        Column("level", "number", detail=True), Column("margin", detail=True),
        Column("p_margin", "number", detail=True), Column("method", detail=True), Column("reading", detail=not twice),
    )  # fmt: skip


def row(
    one: Line, currency: str, *, hidden: bool = False, groups: Sequence[Cell] = (), bayes: bool = False,
    reading: str = "as planned", p: float | None = None,
) -> tuple[Cell, ...]:  # fmt: skip
    """A line as a row. ``hidden``: nothing may be said of the effect, so nothing is shown; ``p``: not its own."""
    from assay.stats.contrast import NoContrast

    made, margin = one.contrast, one.margin.words() if one.margin else None
    head: tuple[Cell, ...] = (one.metric.name, one.role, one.variant, *groups)
    believed: tuple[Cell, ...] = (None, None) if bayes else ()
    if isinstance(made, NoContrast) or hidden:
        state = "not shown" if hidden else "no number"
        why = made.reason if isinstance(made, NoContrast) else None
        sizes = (None, None) if isinstance(made, NoContrast) else (made.n_control, made.n_treatment)
        empty: tuple[Cell, ...] = (None,) * 8
        return (*head, state, None, None, None, None, *believed, *sizes, *empty, None, margin, None, why, reading)
    kind = column_kind(one.metric)
    if bayes:
        believed = beliefs(one)
    assert one.absolute is not None
    assert one.relative is not None
    values = f"{value_words(made.control, kind, currency)} → {value_words(made.treatment, kind, currency)}"
    return (
        *head, state_words(one), values,
        effect_words(made, one.absolute, kind, currency), lift_words(made, one.relative),
        one.p if p is None else p, *believed, made.n_control, made.n_treatment, made.control,
        made.treatment, made.difference, one.absolute.low, one.absolute.high, made.lift, one.relative.low,
        one.relative.high, one.absolute.level, margin, one.p_margin, made.method, reading,
    )  # fmt: skip


def state_words(one: Line) -> str:
    """What the interval says, in a word or two."""
    return STATES.get(one.call.state, one.call.state)


def signed(value: float, kind: str, currency: str) -> str:
    """``+0.5 points``, ``−1.20 €``."""
    return f"{'+' if value > 0 else '−' if value < 0 else ''}{difference_words(value, kind, currency)}"


def effect_words(made: Contrast, interval: Interval, kind: str, currency: str) -> str:
    """``+0.5 (+0.1 to +0.9) points``, ``−0.82 € (−10.47 € to +8.82 €)``; an open end is said to be open."""
    return ends_words(made.difference, interval, kind, currency)


def ends_words(difference: float, interval: Interval, kind: str, currency: str) -> str:
    """An effect and its interval."""
    if kind == "rate":
        return f"{_sized(difference, interval)} points"
    return f"{signed(difference, kind, currency)} ({_ends(interval, lambda v: signed(v, kind, currency))})"


def lift_words(made: Contrast, interval: Interval) -> str:
    """``+12 (+2.1 to +23) %``."""
    return lift_ends(made.lift, interval)


def lift_ends(lift: float | None, interval: Interval) -> str:
    """A lift and its interval."""
    if lift is None:
        return interval.reason or "–"
    return f"{_sized(lift, interval)} %"


def _sized(value: float, interval: Interval) -> str:
    """A share's change and its interval times 100, none finer than the largest of them asks for."""
    most = max(abs(one) for one in (value, interval.low, interval.high) if one is not None)

    def shown(one: float) -> str:
        return f"{'+' if one > 0 else '−' if one < 0 else ''}{beside(abs(one) * 100, most * 100)}"

    return f"{shown(value)} ({_ends(interval, shown)})"


def _ends(interval: Interval, show: Callable[[float], str]) -> str:
    if interval.low is None and interval.high is None:
        return "not bounded yet"
    low = "unbounded" if interval.low is None else show(interval.low)
    high = "unbounded" if interval.high is None else show(interval.high)
    return f"{low} to {high}"


def beliefs(one: Line) -> tuple[Cell, Cell]:
    """Under a flat prior: the chance that treatment is the better one, and what shipping it is expected to lose."""
    from assay.stats.bayes import normal
    from assay.stats.contrast import NoContrast

    made = one.contrast
    if isinstance(made, NoContrast):
        return None, None
    after = normal(made.difference, made.standard_error, scale="absolute", direction=one.metric.direction or "up")
    return after.chance_to_win, after.loss_shipped


def estimates(one: Line) -> tuple[Labelled, ...]:
    """The effect on both scales."""
    from assay.stats.contrast import NoContrast

    made = one.contrast
    if isinstance(made, NoContrast):
        missing = Estimate.none(made.reason)
        return (Labelled(one.metric.name, {"variant": one.variant, "scale": "absolute"}, missing),)
    found = []
    for scale, value, interval in (
        ("absolute", made.difference, one.absolute), ("relative", made.lift, one.relative),
    ):  # fmt: skip
        assert interval is not None
        size = made.n_control + made.n_treatment
        reason = interval.reason if value is None or interval.low is None or interval.high is None else None
        found.append(
            Labelled(
                one.metric.name,
                {"variant": one.variant, "scale": scale},
                Estimate(value, interval.low, interval.high, interval.level, made.method, size, reason=reason),
            )
        )
    return tuple(found)


def p_words(value: float) -> str:
    """A p-value, never 0."""
    return f"p = {significant(value, 2)}" if value >= 1e-4 else "p < 0.0001"


def named(metric: Metric) -> str:
    """A metric as a sentence says it."""
    return metric.name.replace("_", " ")
