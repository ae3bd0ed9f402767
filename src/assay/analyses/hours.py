"""The running day up to its last complete hour: an event that has not come, where by this hour it usually has."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from assay.analyses.judging import MONTH, ON_HOURS
from assay.decide.alerts import COUNTED, GONE, TRACKING, Day, Deviation, Subject, Verdict
from assay.decide.causes import verdicts
from assay.model.period import day_start
from assay.plan.build_measures import AUTOMATIC

if TYPE_CHECKING:
    from assay.analyses.base import Asking
    from assay.analyses.watching import Watch

FORMER = 8  # days of the same weekday that say which part of a day has come by an hour
LEAST_FORMER = 4
_HOUR = 3_600_000_000


def running(asking: Asking) -> tuple[Day, list[Verdict]] | None:
    """What the running day shows of broken tracking; None where it has no complete hour, or too little lies before it.

    The hour of the newest event is still filling and is left out; so a source that sends late raises nothing. Each
    hour of a day is a look of its own, and its share of the budget is a twenty-fourth.
    """
    from assay.analyses.watching import gather, listed
    from assay.query import relations, watch
    from assay.stats.seasonal import LEAST, forecasts

    today = asking.today
    if asking.span is None or asking.span.last != today or (today - asking.span.first).days <= LEAST:
        return None
    former = [today - timedelta(7 * k) for k in range(1, FORMER + 1)]
    former = [day for day in former if day >= asking.span.first]
    todo = listed(asking.plan, [row[0] for row in asking.run(relations.event_counts()).rows])
    rows = asking.ask(watch.by_hour(asking.plan, todo.watched, [today, *former])).rows
    hours = _by_hour(asking, rows)
    end = max(hours.get(today, {0: ()}))
    if end == 0 or len(former) < LEAST_FORMER:
        return None
    whole = gather(asking, today, today)
    column = whole.column(today)
    forecast = forecasts(whole.series, column, column)[column]
    names = [Subject("sessions"), *(Subject("event", m.name) for m in todo.watched.marks)]
    seen, p = _seen(whole, forecast, names, hours, (today, former, end))
    rate = next((f.rate for f in whole.families if f.name == AUTOMATIC), 0.0)
    limit = ON_HOURS * rate / MONTH / 24 / max(len(p), 1)
    flagged = frozenset(s for s, value in p.items() if value <= limit and seen[s].ratio < GONE and s.kind == "event")
    day = Day(today, seen, flagged, whole.parts, whole.chains)
    return day, [v for v in verdicts(day) if v.cause == TRACKING]


def _by_hour(asking: Asking, rows: list[tuple[Any, ...]]) -> dict[date, dict[int, tuple[int, ...]]]:
    """Day → hour of the day in the site's zone → sessions and counts."""
    found: dict[date, dict[int, tuple[int, ...]]] = {}
    for day, hour, *numbers in rows:
        begins = day_start(day, asking.plan.site.timezone)
        found.setdefault(day, {})[max(0, (hour * _HOUR - begins) // _HOUR)] = tuple(int(n or 0) for n in numbers)
    return found


def _seen(
    whole: Watch, forecast: Any, names: list[Subject], hours: dict[date, dict[int, tuple[int, ...]]],
    when: tuple[date, list[date], int],
) -> tuple[dict[Subject, Deviation], dict[Subject, float]]:  # fmt: skip
    import numpy as np
    from scipy.special import ndtri

    from assay.stats.seasonal import so_far

    today, former, end = when
    place = {s: i for i, s in enumerate(whole.subjects)}
    known = [(j, s, place[s]) for j, s in enumerate(names) if s in place]

    def until(day: date, j: int, last: int) -> float:
        return float(sum(numbers[j] for hour, numbers in hours.get(day, {}).items() if hour < last))

    totals = np.array([[until(day, j, 99) for day in former] for j, _, _ in known])
    came = np.array([[until(day, j, end) for day in former] for j, _, _ in known])
    parts = np.where(totals > 0, came / np.maximum(totals, 1), np.nan)
    able = np.isfinite(parts).sum(axis=1) >= LEAST_FORMER
    chosen = [one for one, ok in zip(known, able, strict=True) if ok]
    places = [i for _, _, i in chosen]
    ratio = whole.series.variance[places] / np.where(
        whole.series.values[places] > 0, whole.series.values[places], np.nan
    )
    phi = np.array([max(1.0, float(np.nanmedian(row))) if np.isfinite(row).any() else 1.0 for row in ratio])
    values = np.array([until(today, j, end) for j, _, _ in chosen])
    picked = type(forecast)(*(np.asarray(getattr(forecast, key))[places] for key in forecast.__dataclass_fields__))
    mean, spread, below = so_far(picked, phi, parts[able], values)
    seen, p = {}, {}
    for k, (_, subject, _) in enumerate(chosen):
        expected, tail = float(mean[k]), max(float(below[k]), 1e-300)
        if not (picked.enough[k] and np.isfinite(expected)):
            continue
        z = float(ndtri(min(tail, 0.5))) if values[k] < expected else 0.0
        half = 2.6 * float(spread[k])
        seen[subject] = Deviation(float(values[k]), expected, max(0.0, expected - half), expected + half, z, tail)
        if expected >= COUNTED:
            p[subject] = tail
    return seen, p
