"""funnel: how many units reach each step, where they are lost, by any dimension of the first step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import Field

from assay.analyses.base import Asking, Question, Ranged, argument, session_words
from assay.analyses.estimates import clustered_share
from assay.decide.words import group_name, percent
from assay.model.answer import Answer, Cell, Column, Definition, Labelled
from assay.model.errors import UnknownName, UsageError
from assay.model.estimate import Estimate
from assay.model.finding import Finding
from assay.plan.values import Funnel, Plan

if TYPE_CHECKING:
    from assay.query.funnels import Reached

_PLURAL = {"visitor": "visitors", "user": "users", "session": "sessions", "account": "accounts"}


class Params(Ranged):
    """Which funnel, and how it is counted; what is not given is the plan's."""

    name: str = argument("a funnel of the plan")
    per: str | None = Field(
        None, description="visitor, user, session or account", pattern="^(visitor|user|session|account)$"
    )
    window: str | None = Field(None, description="time from step 1, such as 7d, 30m or session")
    by: list[str] = Field(
        default_factory=list, description="dimension or declared property, taken at step 1; repeat for more"
    )


def answer(asking: Asking, params: Params) -> Answer:
    """One row per step (and group): units, rate from the start and from the step before, drop-off."""
    from assay.query.cut import Cut
    from assay.query.funnels import FunnelQuery, step_labels

    funnel = chosen(asking.plan, params)
    period = asking.period(params)
    if asking.without(period):
        return asking.empty("funnel", params, period)
    query = FunnelQuery(asking.plan, funnel, Cut(period, tuple(params.by), None, asking.segment(params.segment)))
    reached = query.read(asking.ask(query.statement_for()))
    labels = step_labels(funnel.steps)
    definition = define(funnel, asking.plan)
    columns = (
        *(Column(name) for name in params.by),
        Column("step"),
        Column("units", "count", _PLURAL[funnel.per], definition.id),
        Column("from_start", "rate", "from start", definition.id),
        Column("from_start_low", "rate", "from", definition.id, detail=True),
        Column("from_start_high", "rate", "to", definition.id, detail=True),
        Column("from_previous", "rate", "from previous", definition.id),
        Column("lost", "count", "lost here", definition.id),
    )
    rows: list[tuple[Cell, ...]] = []
    labelled = []
    for group in sorted(reached, key=lambda g: (-reached[g].units[0], tuple(str(v) for v in g))):
        names = [group_name(v) for v in group]
        for k, label in enumerate(labels):
            one = reached[group]
            rate = step_estimate(one, k)
            before = one.units[k - 1] if k else None
            rows.append(
                (
                    *names,
                    label,
                    one.units[k],
                    rate.value,
                    rate.low,
                    rate.high,
                    None if before is None else one.units[k] / before if before else None,
                    None if before is None else before - one.units[k],
                )
            )
            labelled.append(Labelled(f"{funnel.name}.{label}", dict(zip(params.by, names, strict=True)), rate))
    if not rows:
        return replace(
            asking.empty("funnel", params, period),
            empty=f"nobody did {labels[0]} in {period}",
            sentence=f"Nobody did {labels[0]} in {period}.",
            definitions=(definition,),
        )
    return asking.answer(
        "funnel",
        params,
        columns=columns,
        rows=tuple(rows),
        estimates=tuple(labelled),
        definitions=(definition,),
        sentence=_sentence(funnel, reached, labels, str(period)),
        findings=_findings(reached, labels),
        notes=(definition.text,),
        next=(
            f"assay funnel {funnel.name} --by {'channel' if 'device' in params.by else 'device'}",
            f"assay sql funnel {funnel.name}",
        ),
        chart={"kind": "funnel", "steps": labels, "by": list(params.by)},
    )


def chosen(plan: Plan, params: Params) -> Funnel:
    """The plan's funnel with the question's own unit and window."""
    if params.name not in plan.funnels:
        raise UnknownName("funnel", params.name, plan.funnels)
    funnel = plan.funnels[params.name]
    if params.per:
        funnel = replace(funnel, per=params.per)
        if params.per == "session" and not params.window:
            funnel = replace(funnel, window=None)
    if params.window:
        funnel = replace(funnel, window=_window(params.window))
    return funnel


def _window(text: str) -> int | None:
    from assay.plan.literals import duration

    if text == "session":
        return None
    try:
        seconds = duration(text)
    except ValueError as error:
        raise UsageError(f"window {text!r}: {error}") from error
    if not seconds:
        raise UsageError(f"window {text!r}: a window is longer than nothing, such as 7d or 30m")
    return seconds


def step_estimate(one: Reached, k: int) -> Estimate:
    """The rate from the start: Wilson for visitors and users, by visitor clusters for sessions."""
    from assay.model.moments import Moments
    from assay.stats.proportions import wilson

    if k == 0:
        return Estimate(
            1.0, n=one.units[0], numerator=one.units[0], denominator=one.units[0], reason="the start itself"
        )
    if one.products is None:
        return wilson(one.units[k], one.units[0])
    xx, xy, yy, clusters = one.products[k]
    return clustered_share(Moments(("x", "y"), clusters, (one.units[k], one.units[0]), (xx, xy, yy)))


def define(funnel: Funnel, plan: Plan) -> Definition:
    """The funnel in words."""
    from assay.plan.literals import words

    steps = " → ".join(s.label for s in funnel.steps)
    window = "within the session" if funnel.window is None else f"within {words(funnel.window)} of step 1"
    entry = "a new step 1 starts a new attempt" if funnel.entry == "latest" else "the window starts at the first step 1"
    text = f"{steps}, {funnel.order}, per {funnel.per}, {window}; {entry}, the deepest attempt counts"
    return Definition(
        funnel.id,
        funnel.name,
        text,
        f"{_PLURAL[funnel.per]} that reach the step",
        f"{_PLURAL[funnel.per]} with step 1 in the range",
        funnel.per,
        window,
        plan.site.timezone,
        {"order": funnel.order, "entry": funnel.entry, "session": session_words(plan)},
    )


def _sentence(funnel: Funnel, reached: dict[tuple[Any, ...], Reached], labels: list[str], period: str) -> str:
    totals = [sum(r.units[k] for r in reached.values()) for k in range(len(labels))]
    drops = [(1 - totals[k] / totals[k - 1], k) for k in range(1, len(totals)) if totals[k - 1]]
    worst = max(drops)[1] if drops else 1
    share = percent(totals[-1] / totals[0])
    return (
        f"{share} of {totals[0]:,} {_PLURAL[funnel.per]} get from {labels[0]} to {labels[-1]}; "
        f"most are lost before {labels[worst]} "
        f"({totals[worst - 1]:,} → {totals[worst]:,}), {period}."
    )


def _findings(reached: dict[tuple[Any, ...], Reached], labels: list[str]) -> tuple[Finding, ...]:
    never = [label for k, label in enumerate(labels) if not any(r.units[k] for r in reached.values())]
    return tuple(
        Finding(
            "step_never_reached",
            "warning",
            f"nobody reached {label}: the event may be missing or misspelt",
            {"step": label},
            "assay quality",
        )
        for label in never[:1]
    )


QUESTION = Question("funnel", "Where people are lost, step by step.", Params, answer)
