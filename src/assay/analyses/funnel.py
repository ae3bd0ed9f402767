"""funnel: how many units reach each step, where they are lost, how long it takes, and who they are."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from assay.analyses.base import Asking, Question, Ranged, argument, session_words
from assay.analyses.behaviour import seconds
from assay.analyses.funnel_figures import matured_figures, since_previous, step_estimate
from assay.decide.words import group_name, percent
from assay.model.answer import Answer, Cell, Column, Definition, Labelled
from assay.model.errors import Refused, UnknownName, UsageError, suggestion
from assay.model.finding import Finding
from assay.plan.measures import PLURALS
from assay.plan.values import Funnel, Plan

if TYPE_CHECKING:
    from assay.model.period import Period
    from assay.query.funnels import FunnelQuery, Reached


class Params(Ranged):
    """Which funnel, and how it is counted; what is not given is the plan's."""

    name: str = argument("a funnel of the plan")
    per: Literal["visitor", "user", "session", "account"] | None = Field(None, description="what is counted")
    window: str | None = Field(None, description="time from step 1, such as 7d, 30m or session")
    order: Literal["ordered", "strict", "unordered", "windowfunnel"] | None = Field(
        None, description="how steps follow each other"
    )
    entry: Literal["latest", "first"] | None = Field(
        None, description="a new step 1 starts a new attempt, or the window starts at the first one"
    )
    by: list[str] = Field(
        default_factory=list, description="dimension or declared property of the counted attempt; repeat for more"
    )
    at: str = Field(
        "first",
        description="event of the attempt that gives the value of --by: first, last, step:N or all",
        pattern="^(first|last|all|step:[1-9][0-9]*)$",
        examples=["first", "last", "all", "step:2"],
    )
    reached: int | None = Field(None, description="list the units that did step N", ge=1)
    lost: int | None = Field(None, description="list the units that did the step before N and not N", ge=2)
    histogram: str | None = Field(
        None,
        description="how long units take between two steps, such as 1:3",
        pattern="^[1-9][0-9]*:[1-9][0-9]*$",
        examples=["1:3"],
    )
    bins: int | None = Field(None, description="number of bins of the histogram", ge=1, le=1000)
    revenue: bool = Field(False, description="net revenue of the orders inside the counted attempts, by step")
    everyone: bool = Field(False, description="also all units of the range, and those who never enter")


@dataclass(frozen=True)
class Look:
    """One funnel being answered."""

    asking: Asking
    params: Params
    funnel: Funnel
    period: Period
    query: FunnelQuery
    labels: list[str]
    definition: Definition


def answer(asking: Asking, params: Params) -> Answer:
    """One row per step (and group); or the units behind a step, or a histogram of the times."""
    from assay.analyses.funnel_units import histogram, listed
    from assay.query.cut import Cut
    from assay.query.funnels import FunnelQuery, step_labels

    funnel = chosen(asking.plan, params)
    _check(funnel, params)
    period = asking.period(params)
    if asking.without(period):
        return asking.empty("funnel", params, period)
    cut = Cut(period, tuple(params.by), None, asking.segment(params.segment))
    query = FunnelQuery(asking.plan, funnel, cut, asking.ask, params.at)
    labels = step_labels(funnel.steps, funnel.order)
    look = Look(asking, params, funnel, period, query, labels, define(funnel, asking.plan))
    if params.reached or params.lost:
        return listed(look)
    return histogram(look) if params.histogram else _steps(look)


def _check(funnel: Funnel, params: Params) -> None:
    """What the parameters ask for must be there."""
    if params.at != "first" and not params.by:
        raise UsageError("--at says where the values of --by come from; it needs --by")
    if sum(one is not None for one in (params.reached, params.lost, params.histogram)) > 1:
        raise UsageError("--reached, --lost and --histogram are three answers: choose one")
    if params.bins is not None and params.histogram is None:
        raise UsageError("--bins belongs to --histogram")
    ends = [int(n) for n in params.histogram.split(":")] if params.histogram else []
    if ends and ends[0] >= ends[1]:
        raise UsageError(f"--histogram {params.histogram}: the first step comes before the second, such as 1:2")
    for step in (params.reached, params.lost, *ends):
        if step is not None and step > len(funnel.steps):
            has = f"{len(funnel.steps)} steps" if len(funnel.steps) > 1 else "one step"
            raise UsageError(f"step {step}: the funnel {funnel.name} has {has}")
    if funnel.order == "unordered" and any(step.optional for step in funnel.steps):
        raise Refused(f"funnel {funnel.name}: an unordered funnel has no optional steps")


def _steps(look: Look) -> Answer:
    """Units by step, with rates, times, what is matured and open."""
    asking, params, funnel = look.asking, look.params, look.funnel
    cutoff = _cutoff(look)
    reached = look.query.reached(cutoff=cutoff)
    matured = None
    if cutoff is not None and any(one.open and any(one.open) for one in reached.values()):
        matured = look.query.reached(starts_until=cutoff)
    if not reached:
        return replace(
            asking.empty("funnel", params, look.period),
            empty=f"nobody did {look.labels[0]} in {look.period}",
            sentence=f"Nobody did {look.labels[0]} in {look.period}.",
            definitions=(look.definition,),
            findings=_doubts(look),
            sql=tuple(asking.sql),
        )
    more = _more(look)
    rows: list[tuple[Cell, ...]] = []
    labelled = []
    for group in sorted(reached, key=lambda g: (-reached[g].units[0], tuple(str(v) for v in g))):
        names = [group_name(v) for v in group]
        one = reached[group]
        for k, label in enumerate(look.labels):
            rate = step_estimate(one, k)
            row = [*names, label, one.units[k], rate.value, rate.low, rate.high, *since_previous(one, k, funnel)]
            if matured is not None:
                row += [*matured_figures(matured.get(group), k), one.open[k] if one.open else 0]
            row += [values[group][k] if group in values else zero for values, zero in more.by_group]
            rows.append((*row, *more.whole))
            labelled.append(Labelled(f"{funnel.name}.{label}", dict(zip(params.by, names, strict=True)), rate))
    return asking.answer(
        "funnel",
        params,
        columns=_columns(look, matured is not None),
        rows=tuple(rows),
        estimates=tuple(labelled),
        definitions=(look.definition,),
        sentence=_sentence(look, reached),
        findings=(*_doubts(look), *_findings(look, reached)),
        notes=(look.definition.text, *_everyone_words(look, reached, more), *_open_words(look, reached, matured)),
        next=(
            f"assay funnel {funnel.name} --by {'channel' if 'device' in params.by else 'device'}",
            *([f"assay funnel {funnel.name} --lost 2"] if len(funnel.steps) > 1 else []),
            f"assay sql funnel {funnel.name}",
        ),
        chart={"kind": "funnel", "steps": look.labels, "by": list(params.by)},
    )


@dataclass(frozen=True)
class _More:
    by_group: list[tuple[dict[Any, Any], Any]]
    whole: tuple[Cell, ...]


def _more(look: Look) -> _More:
    """What is only answered when asked for: revenue by step, all units of the range."""
    from decimal import Decimal

    from assay.query.funnels import details

    plan, funnel, cut, run = look.asking.plan, look.funnel, look.query.cut, look.asking.ask
    by_group: list[tuple[dict[Any, Any], Any]] = []
    whole: tuple[Cell, ...] = ()
    if look.params.revenue:
        by_group.append((details.revenue(plan, funnel, cut, look.query.units(), run), Decimal(0)))
    if look.params.everyone:
        whole = (details.everyone(plan, funnel, cut, run),)
    return _More(by_group, whole)


def _columns(look: Look, open_: bool) -> tuple[Column, ...]:
    params, id_ = look.params, look.definition.id
    columns = [
        *(Column(name) for name in params.by),
        Column("step"),
        Column("units", "count", PLURALS[look.funnel.per], id_),
        Column("from_start", "rate", "from start", id_),
        Column("from_start_low", "rate", "from", id_, detail=True),
        Column("from_start_high", "rate", "to", id_, detail=True),
        Column("from_previous", "rate", "from previous", id_),
        Column("from_previous_low", "rate", "from", id_, detail=True),
        Column("from_previous_high", "rate", "to", id_, detail=True),
        Column("lost", "count", "lost here", id_),
        Column("median_from_previous", "duration", "median time", id_),
        Column("mean_from_previous", "duration", "mean time", id_, detail=True),
        Column("median_from_start", "duration", "median time from start", id_, detail=True),
        Column("mean_from_start", "duration", "mean time from start", id_, detail=True),
    ]
    if open_:
        columns += [
            Column("matured", "rate", "matured", id_),
            Column("matured_low", "rate", "from", id_, detail=True),
            Column("matured_high", "rate", "to", id_, detail=True),
            Column("matured_units", "count", "matured " + PLURALS[look.funnel.per], id_, detail=True),
            Column("open", "count", "still open", id_),
        ]
    if params.revenue:
        columns.append(Column("revenue", "money", "net revenue", id_, look.asking.plan.site.currency))
    if params.everyone:
        columns.append(Column("everyone", "count", f"all {PLURALS[look.funnel.per]} in the range", id_, detail=True))
    return tuple(columns)


def _cutoff(look: Look) -> int | None:
    """Attempts that begin later are open: their window closes after the data end. None where all are closed."""
    if look.funnel.window is None:
        return None
    from datetime import timedelta

    from assay.model.period import day_start

    cutoff = look.asking.matured_by() - look.funnel.window * 1_000_000
    end = day_start(look.period.last + timedelta(1), look.asking.plan.site.timezone)
    return cutoff if cutoff < end - 1 else None


def chosen(plan: Plan, params: Params) -> Funnel:
    """The plan's funnel with the question's own unit, window, order and entry, and the id of what that means."""
    from assay.plan.ids import digest, funnel_meaning

    if params.name not in plan.funnels:
        raise UnknownName("funnel", params.name, plan.funnels)
    funnel = plan.funnels[params.name]
    if params.per:
        funnel = replace(funnel, per=params.per)
        if params.per == "session" and not params.window:
            funnel = replace(funnel, window=None)
    if params.window:
        funnel = replace(funnel, window=None if params.window == "session" else seconds(params.window, "window"))
    if params.order:
        funnel = replace(funnel, order=params.order)
    if params.entry:
        funnel = replace(funnel, entry=params.entry)
    return replace(funnel, id=digest(funnel_meaning(funnel, plan)))


_ORDERS = {
    "ordered": "in this order, other events may lie between",
    "strict": "in this order and nothing between",
    "unordered": "in any order",
    "windowfunnel": "in this order, one event may fill several steps",
}


def define(funnel: Funnel, plan: Plan) -> Definition:
    """The funnel in words."""
    from assay.plan.literals import words

    arrow = " + " if funnel.order == "unordered" else " → "
    steps = arrow.join(f"{s.label} (optional)" if s.optional else s.label for s in funnel.steps)
    window = "within the session" if funnel.window is None else f"within {words(funnel.window)} of step 1"
    entry = "a new step 1 starts a new attempt" if funnel.entry == "latest" else "the window starts at the first step 1"
    if funnel.order == "unordered":
        window, entry = window.replace("of step 1", "of each other"), "the earliest window that holds most steps counts"
    else:
        entry += ", the deepest attempt counts"
    text = f"{steps}, {funnel.order} ({_ORDERS[funnel.order]}), per {funnel.per}, {window}; {entry}"
    for one in funnel.exclusions:
        effect = "leaves the funnel" if one.effect == "leave" else "keeps step 1 only"
        text += f"; with {one.event} between steps {one.after} and {one.before} an attempt {effect}"
    return Definition(
        funnel.id,
        funnel.name,
        text,
        f"{PLURALS[funnel.per]} that reach the step",
        f"{PLURALS[funnel.per]} with step 1 in the range",
        funnel.per,
        window,
        plan.site.timezone,
        {"order": funnel.order, "entry": funnel.entry, "session": session_words(plan)},
    )


def _sentence(look: Look, reached: dict[tuple[Any, ...], Reached]) -> str:
    labels, plural = look.labels, PLURALS[look.funnel.per]
    needed = [k for k, step in enumerate(look.funnel.steps) if not step.optional]
    last = needed[-1]
    if look.params.at == "all" and len(reached) > 1:
        return f"{_overlapping(look, reached, last)}, {look.period}."
    totals = [sum(r.units[k] for r in reached.values()) for k in range(len(labels))]
    if last == 0:
        return f"{totals[0]:,} {plural} did {labels[0]}, {look.period}."
    share = percent(totals[last] / totals[0])
    way = f"get from {labels[0]} to {labels[last]}"
    if look.funnel.order == "unordered":
        way = f"do all {len(labels)} steps"
    text = f"{share} of {totals[0]:,} {plural} {way}"
    drops = [(1 - totals[k] / totals[before], k, before) for before, k in itertools.pairwise(needed) if totals[before]]
    if drops:
        _, worst, before = max(drops)
        text += f"; most are lost before {labels[worst]} ({totals[before]:,} → {totals[worst]:,})"
    return f"{text}, {look.period}."


def _overlapping(look: Look, reached: dict[tuple[Any, ...], Reached], last: int) -> str:
    """Groups that share units, best and worst first: their sum means nothing."""
    rates = {g: r.units[last] / r.units[0] for g, r in reached.items() if r.units[0]}
    names = {g: ", ".join(str(group_name(v)) for v in g) for g in rates}
    best, worst = max(rates, key=lambda g: rates[g]), min(rates, key=lambda g: rates[g])
    return (
        f"{look.labels[0]} to {look.labels[last]}: highest {percent(rates[best])} ({names[best]}), "
        f"lowest {percent(rates[worst])} ({names[worst]}), of {len(rates)} groups that overlap"
    )


def _everyone_words(look: Look, reached: dict[tuple[Any, ...], Reached], more: _More) -> tuple[str, ...]:
    """How many of all units of the range begin the funnel at all; what overlaps cannot be added up."""
    if not more.whole or look.params.at == "all":
        return ()
    total = int(str(more.whole[0]))
    begun = min(total, sum(one.units[0] for one in reached.values()))
    plural = PLURALS[look.funnel.per]
    share = percent(begun / total) if total else "0 %"
    return (f"{begun:,} of all {total:,} {plural} of the range begin the funnel ({share}), {total - begun:,} never do",)


def _open_words(
    look: Look, reached: dict[tuple[Any, ...], Reached], matured: dict[tuple[Any, ...], Reached] | None
) -> tuple[str, ...]:
    if matured is None:
        return ()
    waiting = sum(one.open[-1] for one in reached.values() if one.open)
    plural = PLURALS[look.funnel.per]
    return (
        (
            f"{waiting:,} {plural} are still within their window: their figures are provisional; "
            f"matured counts only attempts whose window had closed when the data end"
        ),
    )


def _findings(look: Look, reached: dict[tuple[Any, ...], Reached]) -> tuple[Finding, ...]:
    """A step that nobody came to: its event may be missing or misspelt, or another event always lies between."""
    never = [label for k, label in enumerate(look.labels) if not any(r.units[k] for r in reached.values())]
    why, action = "the event may be missing or misspelt", "assay quality"
    if look.funnel.order == "strict":
        why, action = (
            "strict allows no other event between two steps",
            f"assay funnel {look.funnel.name} --order ordered",
        )
    return tuple(
        Finding("step_never_reached", "warning", f"nobody reached {label}: {why}", {"step": label}, action)
        for label in never[:1]
    )


def _doubts(look: Look) -> tuple[Finding, ...]:
    """What is wrong with the funnel's definition."""
    found = []
    if len(look.funnel.steps) == 1:
        text = f"the funnel {look.funnel.name} has one step: nobody can be lost in it"
        found.append(Finding("one_step", "warning", text, {}, "add a step to the plan"))
    events = look.asking.plan.events
    named = [*(step.event for step in look.funnel.steps), *(one.event for one in look.funnel.exclusions)]
    for name in dict.fromkeys(named):
        if name is not None and name not in events:
            text = f"the event {name!r} is neither built in nor declared{suggestion(name, events)}"
            found.append(Finding("unknown_event", "warning", text, {"event": name}, "assay check"))
    return tuple(found)


QUESTION = Question(
    "funnel", "Where people are lost, step by step, how long it takes and who they are.", Params, answer
)
