"""pace: each KPI against its target: where it stands and should stand, where it will end, the chance to make it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from assay.analyses.base import Asking, Params, Question, column_kind, day_field
from assay.decide.words import day, value_words
from assay.model.answer import Answer, Cell, Column, Labelled
from assay.model.errors import UnknownName, UsageError
from assay.model.estimate import Estimate

if TYPE_CHECKING:
    from assay.analyses.pacing import Pace
    from assay.plan.values import Kpi


class PaceParams(Params):
    """Which KPIs."""

    names: list[str] = Field(
        default_factory=list,
        description="KPIs of the plan; default: all that have a target",
        json_schema_extra={"argument": True},
    )
    start: date | None = day_field(
        "first day of the target's period; default: the day after the baseline, else of the quarter"
    )
    profile: Literal["weekday", "linear"] = Field(
        "weekday", description="how a total should come in: by the weekdays of its days, or the same every day"
    )
    as_of: datetime | None = Field(None, description="answer as of that moment: only what had been received by then")


_COLUMNS = (
    Column("kpi", label="KPI"),
    Column("target_words", label="target"),
    Column("by", "day"),
    Column("now", label="so far"),
    Column("should_words", label="should be"),
    Column("end", label="expected end"),
    Column("interval", label="95 % interval"),
    Column("standing"),
    Column("so_far", "figure", detail=True),
    Column("should", "figure", detail=True),
    Column("target", "figure", detail=True),
    Column("expected", "figure", detail=True),
    Column("low", "figure", detail=True),
    Column("high", "figure", detail=True),
    Column("chance", "rate", detail=True),
    Column("needed", "figure", detail=True),
    Column("first_day", "day", detail=True),
    Column("last_seen", "day", detail=True),
    Column("reason", detail=True),
    Column("kind", detail=True),
)


def answer(asking: Asking, params: PaceParams) -> Answer:
    """One row per KPI with a target, in the plan's order."""
    from assay.analyses.pacing import paces
    from assay.decide.checks.pace import Standing, off_pace

    kpis = _kpis(asking, params)
    if asking.span is None:
        return asking.empty("pace", params)
    if not kpis:
        what = "no KPI has a target" if asking.plan.kpis else "the plan has no KPIs"
        return asking.answer(
            "pace",
            params,
            columns=_COLUMNS,
            empty=what,
            sentence=f"{what[0].upper()}{what[1:]} yet.",
            notes=("a target is written so: kpis: {rpv: {target: +10% by the last day, baseline: 2026-Q3}}",),
            next=("assay overview", "assay check"),
        )
    found = paces(asking, kpis, params.start, params.profile == "linear")
    metrics = [asking.plan.metrics[kpi.metric] for kpi in kpis]
    standings = [Standing(k.metric, found[k.metric].chance, _needed(asking, found[k.metric])) for k in kpis]
    return asking.answer(
        "pace",
        params,
        columns=_COLUMNS,
        rows=tuple(_row(asking, found[kpi.metric]) for kpi in kpis),
        estimates=tuple(e for kpi in kpis for e in _estimates(found[kpi.metric])),
        definitions=tuple(asking.definition(m) for m in metrics),
        findings=(*off_pace(standings), *_ahead(asking, list(found.values()))),
        sentence=_sentence(asking, [found[kpi.metric] for kpi in kpis]),
        notes=_notes(asking, params, list(found.values())),
        next=(f"assay metric {metrics[0].name} --grain week", "assay overview"),
        chart={"kind": "pace", "metrics": [m.name for m in metrics]},
    )


def _kpis(asking: Asking, params: PaceParams) -> list[Kpi]:
    known = asking.plan.kpis
    for name in params.names:
        if name not in known:
            raise UnknownName("KPI", name, known)
        if known[name].target is None:
            raise UsageError(
                f"{name} has no target; write kpis: {{{name}: {{target: +10% by 2026-12-31, baseline: …}}}}"
            )
    chosen = [known[name] for name in dict.fromkeys(params.names)] or [k for k in known.values() if k.target]
    for kpi in chosen:
        if params.start and kpi.target and params.start > kpi.target.by:
            raise UsageError(
                f"--start {params.start} lies after the target of {kpi.metric}, which ends on {kpi.target.by}"
            )
    return chosen


def standing(pace: Pace) -> str:
    """``64 % chance, at risk``; ``reached``, ``missed``; or why nothing can be said."""
    from assay.decide.checks.pace import chance_words, standing_word

    if pace.reached is not None:
        return "reached" if pace.reached else "missed"
    if pace.chance is not None:
        return f"{chance_words(pace.chance)}, {standing_word(pace.chance)}"
    return f"no chance: {pace.reason}"


def _words(asking: Asking, pace: Pace, value: Any) -> str:
    kind = column_kind(asking.plan.metrics[pace.kpi.metric])
    return "–" if value is None else value_words(value, kind, asking.plan.site.currency)


def _row(asking: Asking, pace: Pace) -> tuple[Cell, ...]:
    def said(value: Any) -> str:
        return _words(asking, pace, value)

    end = pace.expected
    span = f"{said(end.low)} to {said(end.high)}" if end.low is not None else ""
    figures = (pace.so_far.value, pace.should, pace.target, end.value, end.low, end.high, pace.chance, pace.needed)
    kind = column_kind(asking.plan.metrics[pace.kpi.metric])
    return (
        pace.kpi.metric, said(pace.target), pace.period.last, said(pace.so_far.value), said(pace.should),
        said(end.value), span, standing(pace), *figures, pace.period.first, pace.day,
        pace.reason or pace.so_far.reason, kind,
    )  # fmt: skip


def _estimates(pace: Pace) -> tuple[Labelled, ...]:
    name = pace.kpi.metric
    chance = Estimate(pace.chance, method="mixture of forecasts", reason=pace.reason)
    return (
        Labelled(name, {"at": "so far"}, pace.so_far),
        Labelled(name, {"at": "expected end"}, pace.expected),
        Labelled(f"{name}_chance", {}, chance),
    )


def _needed(asking: Asking, pace: Pace) -> str:
    if pace.needed is None:
        return ""
    if pace.needed < 0 or (column_kind(asking.plan.metrics[pace.kpi.metric]) == "rate" and pace.needed > 1):
        return "; whatever comes from now on"
    what = _words(asking, pace, pace.needed)
    return f"; it takes {what} a day from now on" if pace.total else f"; it takes {what} from now on"


def _ahead(asking: Asking, found: list[Pace]) -> tuple[Any, ...]:
    """What is known to come before the last target ends."""
    from assay.analyses.changelog import known_changes
    from assay.decide.checks.pace import not_foreseen

    open_ = [pace for pace in found if not pace.over]
    if not open_:
        return ()
    first, last = asking.complete_day() + timedelta(1), max(pace.period.last for pace in open_)
    known = known_changes(asking, first, last)
    return not_foreseen([one for one in known if one.kind in ("campaign", "price", "holiday")])


def _sentence(asking: Asking, found: list[Pace]) -> str:
    first = found[0]
    name, last = first.kpi.metric, day(first.period.last)
    head = f"{name} stands at {_words(asking, first, first.so_far.value)}"
    if first.so_far.value is None:
        return f"{name} has no value yet: {first.so_far.reason}."
    if first.target is None:
        return f"{head}; it has no target to be held against: {first.reason}."
    goal = f"{_words(asking, first, first.target)} by {last}"
    if first.reached is not None:
        return f"{head}, the target was {goal}: {standing(first)}{_others(found)}."
    if first.chance is None:
        return f"{head}, the target is {goal}; {standing(first)}{_others(found)}."
    should = f" and should stand at {_words(asking, first, first.should)}" if first.total else ""
    end = f"expected end {_words(asking, first, first.expected.value)}"
    return f"{head}{should}; the target is {goal}: {standing(first)} ({end}){_others(found)}."


def _others(found: list[Pace]) -> str:
    from assay.decide.checks.pace import LOW

    off = [p.kpi.metric for p in found[1:] if p.reached is False or (p.chance is not None and p.chance < LOW)]
    return f"; off track: {', '.join(off)}" if off else ""


def _notes(asking: Asking, params: PaceParams, found: list[Pace]) -> tuple[str, ...]:
    periods: dict[str, list[str]] = {}
    for pace in found:
        periods.setdefault(f"{pace.period} ({pace.since})", []).append(pace.kpi.metric)
    notes = [f"{', '.join(names)}: {period}" for period, names in periods.items()]
    if any(pace.total for pace in found):
        notes.append(
            f"a total should come in {'by the weekdays of its days' if params.profile == 'weekday' else 'evenly'}"
        )
    if any(not pace.total for pace in found):
        notes.append("a rate is that of the whole period: it should stand at its target all along")
    shared = [
        p.kpi.metric for p in found if asking.plan.metrics[p.kpi.metric].quantity.unit in ("visitor", "user", "account")
    ]
    if shared:
        notes.append(
            f"{', '.join(shared)}: counted by the day and brought to the period so far, for a unit that comes on "
            "several days counts once"
        )
    notes.append("chance and interval: days go on as lately, without trend and yearly season")
    return tuple(notes)


QUESTION = Question("pace", "Will each KPI reach its target, and how sure is that.", PaceParams, answer)
