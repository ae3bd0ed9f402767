"""The primary day by day, as a confidence sequence; and by segment, marked as what it is: exploration."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from assay.analyses.base import Asking, column_kind
from assay.analyses.experimenting.comparing import Parts, plus, whole
from assay.analyses.experimenting.laying import columns, ends_words, lift_ends, row
from assay.analyses.experimenting.reading import Keep, Reading
from assay.analyses.experimenting.readings import planned_reading
from assay.decide.words import group_name
from assay.model.answer import Answer, Cell, Column
from assay.model.errors import UsageError
from assay.model.finding import Finding

if TYPE_CHECKING:
    from assay.analyses.experiment_readout import ReadoutParams
    from assay.query.experiments.table import Key
    from assay.stats.contrast import Interval
    from assay.stats.proportion_tests import ScoreContrast

DAY = 86_400


def daily(asking: Asking, params: ReadoutParams) -> Answer:
    """One row per treatment and day: what could be said at its end, by the units whose windows had closed."""
    found = planned_reading(asking, params.name)
    reading, name = found.judged.reading, found.experiment.primary.metric
    kind, currency = column_kind(reading.metric(name)), asking.plan.site.currency
    rows: list[tuple[Cell, ...]] = []
    for variant in reading.arms[1:]:
        hidden = variant in found.judged.hidden
        for one in curve(reading, name, variant):
            if hidden or one.difference is None or one.absolute is None or one.relative is None:
                rows.append((one.day, variant, one.units, *(None,) * 7))
                continue
            rows.append((
                one.day, variant, one.units, ends_words(one.difference, one.absolute, kind, currency),
                lift_ends(one.lift, one.relative), one.p, one.difference, one.absolute.low, one.absolute.high, one.lift,
            ))  # fmt: skip
    last = found.judged
    return asking.answer(
        "experiment-readout",
        params,
        columns=(
            Column("day", "day"), Column("variant"), Column("units", "count"), Column("effect"), Column("lift"),
            Column("p_value", "p", "p"), Column("difference", "figure", detail=True),
            Column("low", "figure", detail=True), Column("high", "figure", detail=True),
            Column("lift_value", "number", detail=True),
        ),
        rows=tuple(rows),
        definitions=(asking.definition(reading.metric(name)),),
        sentence=f"{name} of {params.name} at the end of each day; the latest: "
        + " ".join(v.text for v in last.verdicts.values()),
        findings=tuple(f for f in last.findings if f.severity in ("bad", "warning")),
        notes=(
            "a day's row holds the units whose windows had closed by its end; all rows hold together at that level",
        ),
        next=(f"assay experiment readout {params.name}",),
        chart={"kind": "sequence", "x": "day", "y": "difference", "low": "low", "high": "high", "by": "variant"},
    )  # fmt: skip


@dataclass(frozen=True)
class Look:
    """What could be said at the end of a day; no difference where nothing could."""

    day: date
    units: int
    difference: float | None = None
    lift: float | None = None
    absolute: Interval | None = None
    relative: Interval | None = None
    p: float | None = None


def curve(reading: Reading, name: str, variant: str) -> list[Look]:
    """Every day's look, of a confidence sequence whatever the looks. Rates are inverted all at once."""
    from assay.stats.contrast import NoContrast
    from assay.stats.proportion_tests import ScoreContrast

    alpha, found = reading.alphas[variant], []
    tables: list[ScoreContrast] = []
    for day, control, treatment in looks(reading, name, variant):
        made, units = reading.contrast(name, control, treatment), whole(control).n + whole(treatment).n
        if isinstance(made, NoContrast):
            found.append(Look(day, units))
        elif isinstance(made, ScoreContrast):
            found.append(Look(day, units, made.difference, made.lift))
            tables.append(made)
        else:
            bound, p = reading.at_any_time(made, alpha)
            ends = made.interval(1 - alpha, critical=bound), made.interval(1 - alpha, "relative", critical=bound)
            found.append(Look(day, units, made.difference, made.lift, *ends, p))
    together = iter(_together(tables, reading, alpha)) if tables else iter(())
    return [next(together)(one) if one.difference is not None and one.absolute is None else one for one in found]


def _together(tables: list[ScoreContrast], reading: Reading, alpha: float) -> list[Callable[[Look], Look]]:
    """The intervals and p-values of many tables, as what completes their looks."""
    import numpy as np

    from assay.stats.contrast import Interval
    from assay.stats.score import score_bounds, score_difference
    from assay.stats.sequential import always_valid_p, critical

    counts = np.array([(t.x_control, t.n_control, t.x_treatment, t.n_treatment) for t in tables], dtype=float).T
    data = (counts[0], counts[1], counts[2], counts[3])
    n = counts[1] + counts[3]
    bound = critical(n, alpha, reading.tuning)
    low, high = score_bounds(data, bound)
    down, up = score_bounds(data, bound, relative=True)
    p = always_valid_p(score_difference(data, 0.0), n, reading.tuning)

    def complete(i: int) -> Callable[[Look], Look]:
        top = None if math.isinf(up[i]) else float(up[i])
        absolute = Interval(float(low[i]), float(high[i]), 1 - alpha)
        relative = Interval(float(down[i]), top, 1 - alpha)
        return lambda one: replace(one, absolute=absolute, relative=relative, p=float(p[i]))

    return [complete(i) for i in range(len(tables))]


def looks(reading: Reading, name: str, variant: str) -> list[tuple[date, Parts, Parts]]:
    """(day of the look, control, the treatment), cumulated over days of exposure."""
    last = reading.last_day(name)
    wait = timedelta(-(-(reading.experiment.window + reading.table.lags.get(name, 0)) // DAY))
    none = reading.parts(name, lambda _: False)
    sides = {}
    for arm in (reading.control, variant):
        keep, total, by_day = reading.counted(arm, name), none, {}
        for day in reading.table.days:

            def on_the_day(key: Key, keep: Keep = keep, day: date = day) -> bool:
                return key.day == day and keep(key)

            total = by_day[day] = plus(total, reading.parts(name, on_the_day))
        sides[arm] = by_day
    days = [day for day in reading.table.days if last is not None and day <= last]
    return [(day + wait, sides[reading.control][day], sides[variant][day]) for day in days]


def by_segment(asking: Asking, params: ReadoutParams) -> Answer:
    """The primary in each segment of the exposure's visit; p-values adjusted over all of them (Holm)."""
    from assay.analyses.experimenting.verdicts import thin
    from assay.query.experiments import seen
    from assay.stats.multiple import adjust

    if len(params.by) > 2:
        raise UsageError("--by takes one or two dimensions: more cut the units too thin to say anything")
    found = planned_reading(asking, params.name, by=params.by)
    judged = found.judged
    reading, name = judged.reading, found.experiment.primary.metric
    groups = sorted({key.groups for key in reading.table.rows}, key=str)
    lines = [
        (group, reading.line(name, "exploratory", variant, keep=seen(groups=group)))
        for group in groups
        for variant in reading.arms[1:]
        if variant not in judged.hidden
    ]
    known = [one.p for _, one in lines if one.p is not None]
    adjusted = iter(adjust(known, "holm")) if known else iter(())
    currency = asking.plan.site.currency
    rows, apart = [], []
    for group, one in lines:
        p = next(adjusted) if one.p is not None else None
        few = bool(thin(reading, name, one.variant, seen(groups=group)))
        rows.append(row(one, currency, hidden=few, groups=tuple(group_name(v) for v in group), p=p))
        if not few and p is not None and p < found.experiment.alpha and one.call.state in ("better", "worse"):
            apart.append((group, one, p))
    findings = [
        Finding(
            "segment_effect", "info",
            f"{one.variant} is {one.call.state} in {name} where {_place(params.by, group)}"
            ": an idea for a test of its own, not a verdict",
            {"variant": one.variant, "p": p, **{n: group_name(v) for n, v in zip(params.by, group, strict=True)}},
            "test it there, with that segment as the audience",
        )
        for group, one, p in apart
    ]  # fmt: skip
    hidden = "; effects are not shown while there is no verdict" if judged.hidden else ""
    return asking.answer(
        "experiment-readout",
        params,
        columns=columns(params.by, single=len(reading.arms) == 2),
        rows=tuple(rows),
        definitions=(asking.definition(reading.metric(name)),),
        sentence=f"{name} of {params.name} by {' and '.join(params.by)}, exploratory: "
        + (f"{len(findings)} of {len(lines)} stand out" if findings else "none stands out") + f"{hidden}.",
        findings=(*(f for f in judged.findings if f.severity in ("bad", "warning")), *findings),
        notes=(f"p adjusted over {len(known)} comparisons (Holm); intervals are those of one comparison",),
        next=(f"assay experiment readout {params.name}",),
        chart={"kind": "intervals", "x": "lift_value", "low": "lift_low", "high": "lift_high", "y": params.by[0]},
    )  # fmt: skip


def _place(names: list[str], group: tuple[Any, ...]) -> str:
    return " and ".join(f"{name} is {group_name(value)}" for name, value in zip(names, group, strict=True))
