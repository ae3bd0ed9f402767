"""Judging days: which series are beyond their limit, by a stated rate of false alarms, and what lies behind them.

Budget: a family (the automatic alerts; each rule of the plan) may raise ``rate`` false alarms in 30 days. Seven tenths
are spent on days, two on weeks (every seventh day), one on the hours of running days, in equal parts over the series
that have enough sample; which these are is decided before the day's numbers are looked at. The limit holds for any
dependence between the series (Bonferroni); that they fall together makes the true rate lower.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from assay.analyses.watching import Watch
from assay.decide.alerts import COUNTED, Day, Deviation, Subject
from assay.decide.causes import verdicts
from assay.decide.incidents import Incident, follow

ON_DAYS, ON_WEEKS, ON_HOURS = 0.7, 0.2, 0.1
MONTH = 30.0
LEAST_EFFECT = 0.05  # less is no alert, however sure


@dataclass(frozen=True)
class Judged:
    """One day: what was seen, the incidents so far, and how many series could be judged."""

    day: Day
    incidents: tuple[Incident, ...]
    judged: int
    limit: float


def judge(watch: Watch, days: Sequence[date], before: Iterable[Incident] = ()) -> Iterator[Judged]:
    """Day by day, each from what was known on it; ``before``: incidents that were open."""
    from assay.stats.seasonal import HISTORY, forecasts

    if not days:
        return
    odd = watch.series.odd.copy()
    place = {s: i for i, s in enumerate(watch.subjects)}
    incidents = list(before)
    found = forecasts(watch.series, watch.column(days[0]), watch.column(days[-1]))
    for day in days:
        column = watch.column(day)
        one = found[column]
        flagged, raised, judged, limit = _flagged(
            watch, one, column, [f.members for f in watch.families], ON_DAYS / MONTH
        )
        seen = _seen(watch, one, column)
        today = Day(day, seen, flagged, watch.parts, watch.chains)
        incidents = follow(incidents, today, verdicts(today), raised)
        for incident in incidents:
            if not incident.weekly and (incident.last == day or incident.recovered is None):
                gone = [place[s] for s in incident.touches | incident.verdict.touches if s in place]
                odd[gone, column] = True
        if day.weekday() == 0 and column >= HISTORY + 13:
            incidents = _by_weeks(watch, replace(watch.series, odd=odd), column, day, incidents)
        yield Judged(today, tuple(incidents), judged, limit)


def _by_weeks(watch: Watch, series: Any, column: int, day: date, incidents: list[Incident]) -> list[Incident]:
    from assay.stats.seasonal import weeks

    found = weeks(series, column)
    members = [f.weekly for f in watch.families]
    flagged, raised, _, _ = _flagged(watch, found, column, members, ON_WEEKS * 7 / MONTH)
    busy = {s for one in incidents if not one.weekly and one.recovered is None for s in one.touches}
    flagged = frozenset(flagged - busy)
    seen = {
        s: Deviation(
            *(float(getattr(found, k)[i]) for k in ("value", "expected", "low", "high", "z", "p", "exposure", "usual"))
        )
        for i, s in enumerate(watch.subjects)
        if found.enough[i]
    }
    today = Day(day, seen, frozenset(s for s in flagged if s in seen), watch.parts, watch.chains)
    return follow(incidents, today, verdicts(today), raised, weekly=True)


def _flagged(
    watch: Watch, one: Any, column: int, members: Sequence[tuple[int, ...]], share: float
) -> tuple[frozenset[Subject], dict[Subject, tuple[str, ...]], int, float]:
    """Series beyond their family's limit; who raised them; how many were judged, at which p."""
    raised: dict[Subject, tuple[str, ...]] = {}
    judged, limit = 0, math.nan
    values = getattr(one, "value", watch.series.values[:, column])
    for family, places in zip(watch.families, members, strict=True):
        able = [i for i in places if _able(watch, one, i, column)]
        if not able:
            continue
        alpha = share * family.rate / len(able)
        judged, limit = judged + len(able), alpha if math.isnan(limit) else limit
        for i in able:
            subject = watch.subjects[i]
            if one.p[i] <= alpha and _matters(subject, float(values[i]), float(one.expected[i])):
                raised[subject] = (*raised.get(subject, ()), family.name)
    return frozenset(raised), raised, judged, limit


def _able(watch: Watch, one: Any, i: int, column: int) -> bool:
    """Enough history, enough expected counts, and no day that is left out."""
    exposure = watch.series.exposure[i, column]
    few = exposure < COUNTED if watch.subjects[i].kind == "repeat" else False
    return bool(one.enough[i] and one.size[i] >= COUNTED and not few and not watch.series.odd[i, column])


def _matters(subject: Subject, value: float, expected: float) -> bool:
    """Large enough to be told, and in the direction that means something."""
    if not (math.isfinite(value) and expected > 0):
        return False
    if subject.kind == "fill":
        return expected - value >= LEAST_EFFECT
    if subject.kind == "repeat":
        return value / expected >= 1 + 2 * LEAST_EFFECT
    if subject.kind == "bots":
        return value / expected >= 2
    return abs(value / expected - 1) >= LEAST_EFFECT


def _seen(watch: Watch, one: Any, column: int) -> dict[Subject, Deviation]:
    """Every series of the day; where the model has too little, the mean of four weeks is expected."""
    import numpy as np

    values, exposure = watch.series.values[:, column], watch.series.exposure[:, column]
    window = slice(max(0, column - 28), column)
    usual = np.nan_to_num(watch.series.exposure[:, window]).mean(axis=1)
    rest = np.nan_to_num(watch.series.values[:, window] * watch.series.exposure[:, window]).mean(axis=1)
    plain = np.where(usual > 0, rest / np.maximum(usual, 1e-12), np.nan)
    share = watch.series.share
    expected = np.where(one.enough, one.expected, plain)
    poisson = np.sqrt(np.maximum(np.where(share, expected * (1 - expected) / np.maximum(exposure, 1), expected), 1e-12))
    z = np.where(one.enough, one.z, (values - expected) / poisson)
    found = {}
    for i, subject in enumerate(watch.subjects):
        value = float(values[i])
        if not math.isfinite(value) and exposure[i] > 0:
            continue
        if not math.isfinite(value) or not math.isfinite(float(z[i])):
            continue
        found[subject] = Deviation(
            value, float(expected[i]), float(one.low[i]), float(one.high[i]), float(z[i]), float(one.p[i]),
            float(exposure[i]), float(usual[i]),
        )  # fmt: skip
    return found
