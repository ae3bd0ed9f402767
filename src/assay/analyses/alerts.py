"""alerts: which days were not as expected, what lies behind each, and which of it goes on."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from pydantic import Field

from assay.analyses.alert_log import entry_of, logged, mutes, state_of
from assay.analyses.base import Asking, Question, Ranged, column_kind, day_field
from assay.model.answer import Answer, Column
from assay.model.errors import UnknownName, UsageError

if TYPE_CHECKING:
    from assay.analyses.judging import Judged
    from assay.analyses.watching import Watch
    from assay.decide.incidents import Incident
    from assay.model.finding import Finding
    from assay.plan.values import Change

WARM = 14  # days before the range that are judged too, so that what began there is known


class Params(Ranged):
    """Which days, or which metric."""

    day: date | None = day_field("only what was seen on this day")
    metric: str | None = Field(None, description="only alerts that touch this metric, goal or event")


COLUMNS = (
    Column("no", "count", "no."),
    Column("day", "day"),
    Column("state"),
    Column("cause"),
    Column("what"),
    Column("part"),
    Column("value"),
    Column("expected", label="usual"),
    Column("recovered", "day", "as usual since"),
    Column("why", detail=True),
    Column("series", detail=True),
    Column("last", "day", detail=True),
    Column("low", "number", detail=True),
    Column("high", "number", detail=True),
    Column("p", "number", detail=True),
    Column("touches", detail=True),
    Column("rules", detail=True),
)


def answer(asking: Asking, params: Params) -> Answer:
    """One row per incident, those that go on first. Judged anew from the data; nothing is written."""
    if params.segment:
        raise UsageError(
            "alerts watch everything by its parts; to watch another part, write a rule with by: in the plan"
        )
    if params.day:
        params = params.model_copy(update={"from_": params.day, "to": params.day})
    period = asking.period(params)
    if asking.without(period):
        return asking.empty("alerts", params, period)
    if params.metric:
        _check(asking, params.metric)
    judged, watch = judge_days(asking, period.first - timedelta(WARM), period.last)
    kinds = {m.name: column_kind(m) for m in asking.plan.metrics.values()}
    inside = [j for j in judged if j.day.day >= period.first]
    if not inside:
        reason = _too_early(asking)
        return asking.answer(
            "alerts", params, columns=COLUMNS, empty=reason, sentence=f"{reason[0].upper()}{reason[1:]}."
        )
    found = [
        one
        for one in judged[-1].incidents
        if one.last >= period.first and (not params.metric or _touches(one, params.metric))
    ]
    found.sort(key=lambda one: (one.recovered is not None, -one.first.toordinal(), one.key))
    return asking.answer(
        "alerts",
        params,
        columns=COLUMNS,
        rows=tuple(_row(asking, one, kinds) for one in found),
        findings=tuple(findings(asking, found)),
        sentence=_sentence(found, inside, str(period)),
        notes=_notes(watch, inside),
        next=("assay alerts run", "assay quality", "assay changes"),
    )


def judge_days(
    asking: Asking, first: date, last: date, before: tuple[Incident, ...] = ()
) -> tuple[list[Judged], Watch | None]:
    """The days from ``first`` to ``last`` that can be judged, each with the incidents known on it."""
    from assay.analyses.judging import judge
    from assay.analyses.watching import gather
    from assay.stats.seasonal import LEAST

    assert asking.span is not None
    start = max(first, asking.span.first + timedelta(LEAST))
    if start > last:
        return [], None
    watch = gather(asking, start, last)
    days = [start + timedelta(i) for i in range((last - start).days + 1)]
    return list(judge(watch, days, before)), watch


def findings(asking: Asking, incidents: list[Incident]) -> list[Finding]:
    """A finding per incident, with what the change log has of the days before it."""
    from assay.analyses.changelog import known_changes
    from assay.decide.alert_words import finding

    kinds = {m.name: column_kind(m) for m in asking.plan.metrics.values()}
    found = []
    for one in incidents:
        back = 14 if one.weekly else 2
        changes: list[Change] = known_changes(asking, one.first - timedelta(back), one.first)
        found.append(finding(one, kinds, asking.plan.site.currency, changes, _commands(asking, one)))
    return found


def _commands(asking: Asking, one: Incident) -> list[str]:
    by = one.verdict.slice[0] if one.verdict.slice else "device"
    first = one.first - timedelta(13 if one.weekly else 7)
    names = [s.name for s in sorted(one.touches) if s.kind == "metric" and s.name in asking.plan.metrics]
    for s in sorted(one.touches):
        if s.kind == "goal":
            names += [m.name for m in asking.plan.metrics.values() if m.keys.get("goal") == s.name]
    return [f"assay metric {names[0]} --by {by} --grain day --from {first} --to {one.last}"] if names else []


def _row(asking: Asking, one: Incident, kinds: dict[str, str]) -> tuple[object, ...]:
    from assay.decide.alert_words import CAUSES, kind_of, series_words, subject_words
    from assay.decide.words import value_words

    entry = entry_of(one, logged(asking.state))
    state = state_of(one, entry is not None and entry.acknowledged, mutes(asking.state), asking.today)
    kind, currency, seen = kind_of(one.gauge, kinds), asking.plan.site.currency, one.seen
    finite = seen.low == seen.low
    return (
        entry.no if entry else None,
        one.first,
        state,
        CAUSES[one.verdict.cause],
        subject_words(one),
        " ".join(one.verdict.slice) if one.verdict.slice else "",
        f"{value_words(seen.value, kind, currency)} {series_words(one.gauge)}" if kind == "count" else
        value_words(seen.value, kind, currency),
        value_words(seen.expected, kind, currency),
        one.recovered,
        one.verdict.why,
        str(one.gauge),
        one.last,
        seen.low if finite else None,
        seen.high if finite else None,
        seen.p,
        ", ".join(sorted(str(s) for s in one.touches)),
        ", ".join(one.families),
    )  # fmt: skip


def _sentence(found: list[Incident], inside: list[Judged], period: str) -> str:
    going = [one for one in found if one.recovered is None]
    if not found:
        days = f"{len(inside)} day{'s' if len(inside) > 1 else ''}"
        return f"All as expected: {inside[-1].judged} series watched on {days}, {period}."
    from assay.decide.alert_words import CAUSES, subject_words

    first = found[0]
    head = (
        "One alert, which goes on"
        if going and len(found) == 1
        else f"{len(going)} of {len(found)} alerts {'goes' if len(going) == 1 else 'go'} on"
        if going
        else f"{len(found)} alert{'s' if len(found) > 1 else ''}, all over"
    )
    return f"{head}, {period}; the latest: {subject_words(first)}, {CAUSES[first.verdict.cause]}, since {first.first}."


def _notes(watch: Watch | None, inside: list[Judged]) -> tuple[str, ...]:
    if watch is None:
        return ()
    rates = ", ".join(f"{f.name}: {f.rate:g}" for f in watch.families)
    unwatched = tuple(f"{name} is not watched: {why}" for name, why in watch.unwatched.items())
    last = inside[-1]
    few = sum(len(f.members) for f in watch.families) - last.judged
    return (
        f"false alarms stated, at most, per 30 days: {rates}",
        f"{last.judged} series judged on {last.day.day}, each at p below {last.limit:.2g}",
        f"{few} series have too little history or sample",
        *unwatched,
    )


def _too_early(asking: Asking) -> str:
    from assay.stats.seasonal import LEAST

    assert asking.span is not None
    able = asking.span.first + timedelta(LEAST)
    return f"no alert possible before {able}: an expectation needs {LEAST} days of history, from {asking.span.first}"


def _check(asking: Asking, name: str) -> None:
    plan = asking.plan
    known = {*plan.metrics, *plan.goals, *plan.events}
    if name not in known:
        raise UnknownName("metric, goal or event", name, [*plan.metrics, *plan.goals])


def _touches(one: Incident, name: str) -> bool:
    return any(name == s.name or name in s.name.split(">") or s.name.startswith(f"{name}.") for s in (
        *one.touches, one.verdict.subject
    ))  # fmt: skip


QUESTION = Question(
    "alerts", "Which days were not as expected: tracking broke, mix, rate or volume changed, or bots?", Params, answer
)
