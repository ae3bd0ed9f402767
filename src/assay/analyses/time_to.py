"""time-to: how long until they convert, or until they get something of it; those still open are censored, not lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import Field

from assay.analyses.base import Asking, Question, Ranged, argument
from assay.analyses.behaviour import Unit, group_of, rows_named, seconds
from assay.decide.words import duration, percent
from assay.model.answer import Answer, Column, Definition, Labelled
from assay.model.estimate import Estimate
from assay.plan.measures import PLURALS

if TYPE_CHECKING:
    from assay.query.time_to import Asked, Group
    from assay.stats.survival import Curve

_DAY = 86_400
_POINTS = (3600, _DAY, 3 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY, 60 * _DAY, 90 * _DAY, 180 * _DAY, 365 * _DAY)
_SHOWN = 200  # most points of a curve in the chart


class Params(Ranged):
    """From which start to which outcome."""

    name: str = argument("goal or event of the outcome, or order")
    start: str | None = Field(None, description="goal or event that the time counts from; default: the first visit")
    within: str | None = Field(None, description="what comes later is no outcome, such as 30d; default: no limit")
    at: list[str] = Field(default_factory=list, description="moments after the start to report, such as 1d,7d,30d")
    quantile: list[float] = Field(default_factory=lambda: [0.5], description="quantiles of the time; 0.5 is the median")
    per: Unit = Field("user", description="visitor, user or account")
    by: list[str] = Field(default_factory=list, description="dimension or declared property at the start")
    groups: int = Field(10, ge=1, le=1000, description="with --by: most groups, the largest first")


def answer(asking: Asking, params: Params) -> Answer:
    """One row per moment after the start: the share there (Kaplan–Meier), so far, of those followed so long."""
    from assay.query.cut import Cut
    from assay.query.time_to import TimeToQuery
    from assay.stats.survival import kaplan_meier

    asked = _asked(asking, params)
    period = asking.period(params)
    definition = _definition(asking, params)
    if asking.without(period):
        return asking.empty("time-to", params, period)
    cut = Cut(period, tuple(params.by), where=asking.segment(params.segment), matured_by=asking.matured_by())
    query = TimeToQuery(asking.plan, cut, asked)
    durations = query.read(asking.ask(query.durations()))
    if not durations:
        words = f"nobody {'came for the first time' if params.start is None else f'did {params.start}'} in {period}"
        empty = asking.empty("time-to", params, period)
        return replace(empty, empty=words, sentence=f"{words[0].upper()}{words[1:]}.", definitions=(definition,))
    curves = {group: kaplan_meier(rows) for group, rows in durations.items()}
    points = _points(params, asked, max(curve.longest for curve in curves.values()))
    width = len(params.by)
    counted = {tuple(row[:width]): row[width:] for row in asking.ask(query.points(points)).rows}
    kept = sorted(curves, key=lambda g: (-curves[g].n, tuple(str(v) for v in g)))
    rows: list[tuple[Any, ...]] = []
    labelled: list[Labelled] = []
    for group in kept[: params.groups]:
        values = group_of(params.by, group)
        more, estimates = _rows(curves[group], counted[group], points, values)
        rows += more
        labelled += [*estimates, *_times(params, curves[group], durations[group], values)]
    return asking.answer(
        "time-to",
        params,
        columns=_columns(params, definition),
        rows=tuple(rows),
        estimates=tuple(labelled),
        definitions=(definition,),
        sentence=_sentence(params, labelled, curves, str(period)),
        notes=_notes(params, definition, labelled, len(kept)),
        next=(f"assay time-to {params.name} --by first_channel",) if not params.by else ("assay retention",),
        chart={
            "kind": "survival",
            "groups": [
                {
                    "group": group_of(params.by, group),
                    "points": _curve(curves[group]),
                    "histogram": _histogram(durations[group]),
                }
                for group in kept[: params.groups]
            ],
        },
    )


def _asked(asking: Asking, params: Params) -> Asked:
    from assay.model.errors import UsageError
    from assay.query.time_to import Asked

    if any(not 0 < q < 1 for q in params.quantile):
        raise UsageError("--quantile lies between 0 and 1; 0.5 is the median")
    start = None if params.start is None else rows_named(asking.plan, params.start)
    within = None if params.within is None else seconds(params.within, "within")
    return Asked(start, rows_named(asking.plan, params.name), params.per, within)


def _points(params: Params, asked: Asked, longest: float) -> list[int]:
    """The moments that are reported: as asked, else the usual ones up to the longest follow-up or the limit."""
    if params.at:
        return sorted({seconds(text, "at") for text in params.at})
    end = longest if asked.within is None else asked.within
    usual = [point for point in _POINTS if point <= end] or [_POINTS[0]]
    return sorted({*usual, *([asked.within] if asked.within is not None else [])})


def _rows(
    curve: Curve, counted: Sequence[int], points: list[int], values: dict[str, Any]
) -> tuple[list[tuple[Any, ...]], list[Labelled]]:
    from assay.plan.literals import words
    from assay.stats.proportions import wilson

    rows: list[tuple[Any, ...]] = []
    labelled = []
    units = counted[0]
    for k, point in enumerate(points):
        done, followed, done_of_followed = counted[1 + 3 * k : 4 + 3 * k]
        share, matured = curve.share_by(point), wilson(done_of_followed, followed)
        name = words(point)
        rows.append(
            (*values.values(), name, share.value, share.low, share.high, done, done / units if units else None,
             matured.value, matured.low, matured.high, followed, units)
        )  # fmt: skip
        labelled.append(Labelled("share", {**values, "within": name}, share))
        labelled.append(Labelled("matured", {**values, "within": name}, matured))
    return rows, labelled


def _times(
    params: Params, curve: Curve, durations: list[tuple[float, bool, int]], values: dict[str, Any]
) -> list[Labelled]:
    """Quantiles of the curve, then mean and median among those that had the outcome (who is open is left out)."""
    found = [Labelled(_quantile_name(q), values, curve.quantile(q)) for q in params.quantile]
    done = sorted((lasted, count) for lasted, had, count in durations if had)
    total = sum(count for _, count in done)
    if not total:
        nothing = Estimate.none("nobody has had it yet", 0, curve.n)
        return [*found, Labelled("mean_converted", values, nothing), Labelled("median_converted", values, nothing)]
    mean = sum(lasted * count for lasted, count in done) / total
    spread = sum(count * (lasted - mean) ** 2 for lasted, count in done) / (total - 1) if total > 1 else None
    return [
        *found,
        Labelled("mean_converted", values, _mean(mean, spread, total)),
        Labelled("median_converted", values, Estimate(_middle(done, total), n=total, reason="of the converted only")),
    ]


def _mean(mean: float, spread: float | None, n: int) -> Estimate:
    from assay.stats.normal import t_two_sided

    if spread is None:
        return Estimate(mean, n=n, reason="one unit has no variance")
    half = t_two_sided(0.95, n - 1) * (spread / n) ** 0.5
    return Estimate(mean, max(0.0, mean - half), mean + half, 0.95, "Student's t", n, variance=spread / n)


def _middle(done: list[tuple[float, int]], total: int) -> float:
    """The median of durations with counts: the middle one, or the mean of the two in the middle."""
    wanted, seen = {(total - 1) // 2, total // 2}, 0
    middle = []
    for lasted, count in done:
        middle += [lasted for place in sorted(wanted) if seen <= place < seen + count]
        seen += count
    return sum(middle) / len(middle)


def _quantile_name(q: float) -> str:
    return "median" if q == 0.5 else f"quantile_{q:g}"


def _columns(params: Params, definition: Definition) -> tuple[Column, ...]:
    units = PLURALS[params.per]
    return (
        *(Column(name) for name in params.by),
        Column("within"),
        Column("share", "rate", "share (Kaplan–Meier)", definition.id),
        Column("share_low", "rate", "from", definition.id),
        Column("share_high", "rate", "to", definition.id),
        Column("converted", "count", "so far"),
        Column("naive", "rate", "so far, of all", definition.id, detail=True),
        Column("matured", "rate", "of those followed so long", definition.id),
        Column("matured_low", "rate", "from", definition.id, detail=True),
        Column("matured_high", "rate", "to", definition.id, detail=True),
        Column("matured_units", "count", "followed so long"),
        Column("units", "count", units, detail=True),
    )


def _definition(asking: Asking, params: Params) -> Definition:
    from assay.query.sql import digest

    start = params.start or "the first visit"
    units = PLURALS[params.per]
    limit = f", within {params.within}" if params.within else ""
    text = f"time from {start} to {params.name}{limit}; who has not had it is followed until the data end"
    which = "first in the range" if params.start else "first ever, if in the range"
    meaning = ("time-to", text, params.per, asking.plan.site.timezone)
    return Definition(
        digest(*meaning),
        "share",
        text,
        f"{units} with {params.name} after it by then",
        f"{units} with {start} ({which})",
        params.per,
        params.within or "",
        asking.plan.site.timezone,
    )


def _curve(curve: Curve) -> list[tuple[float, float | None, float | None, float | None]]:
    """Seconds, share, low, high at up to 200 of the curve's steps, its last among them."""
    count = len(curve.times)
    places = range(count) if count <= _SHOWN else sorted({round(k * (count - 1) / (_SHOWN - 1)) for k in range(_SHOWN)})
    found = []
    for place in places:
        one = curve.share_by(curve.times[place])
        found.append((curve.times[place], None if one.value is None else float(one.value), one.low, one.high))
    return found


def _histogram(durations: list[tuple[float, bool, int]]) -> list[tuple[float, int]]:
    """Left edge in seconds and units, of those that had the outcome; as many bins as the cube root of their number."""
    done = [(lasted, count) for lasted, had, count in durations if had]
    if not done:
        return []
    low, high = min(t for t, _ in done), max(t for t, _ in done)
    bins = max(1, min(60, round(sum(count for _, count in done) ** (1 / 3) + 0.5)))
    size = (high - low) / bins or 1.0
    counts = [0] * bins
    for lasted, count in done:
        counts[min(bins - 1, int((lasted - low) / size))] += count
    return [(low + k * size, count) for k, count in enumerate(counts)]


def _sentence(params: Params, labelled: list[Labelled], curves: dict[Group, Curve], period: str) -> str:
    first = next(one for one in labelled if one.metric == _quantile_name(params.quantile[0]))
    units, start = sum(curve.n for curve in curves.values()), params.start or "the first visit"
    of = f"{units:,} {PLURALS[params.per]}"
    who = f" ({', '.join(str(value) for value in first.group.values())})" if params.by else ""
    q, one = params.quantile[0], first.estimate
    share = "Half" if q == 0.5 else percent(q)
    if one.value is not None:
        return f"{share} of {of}{who} reach {params.name} within {duration(float(one.value))} of {start}, {period}."
    known = [x for x in labelled if x.metric == "share" and x.group.items() >= first.group.items()]
    last = next((x for x in reversed(known) if x.estimate.value is not None), None)
    if last is None:
        return f"{of} started; nobody has been followed long enough to say more, {period}."
    value = percent(float(last.estimate.value or 0))
    return f"{value} of {of}{who} reach {params.name} within {last.group['within']} of {start}, {period}."


def _notes(params: Params, definition: Definition, labelled: list[Labelled], groups: int) -> tuple[str, ...]:
    notes = [definition.text]
    for one in labelled:
        if one.metric in ("share", "matured"):
            continue
        who = "".join(f"{value}: " for value in one.group.values())
        name = one.metric.replace("_", " ").replace("converted", "among those who did")
        if one.estimate.value is None:
            notes.append(f"{who}no {name}: {one.estimate.reason}")
            continue
        low, high = (None if end is None else duration(end) for end in (one.estimate.low, one.estimate.high))
        between = f" ({low or '?'} to {high or 'open'})" if low or high else ""
        notes.append(f"{who}{name} {duration(float(one.estimate.value))}{between}")
    if groups > params.groups:
        notes.append(f"the {params.groups} largest of {groups} groups")
    return tuple(notes)


QUESTION = Question("time-to", "How long it takes until they convert.", Params, answer, over_days=True)
