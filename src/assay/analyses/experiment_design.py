"""experiment-design: sample and weeks at present traffic, what is detectable when time is short, what is too noisy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from assay.analyses.base import Asking, Params, Question, argument, column_kind
from assay.decide.words import difference_words, percent, value_words
from assay.model.answer import Answer, Cell, Column
from assay.model.finding import Finding

if TYPE_CHECKING:
    from assay.analyses.experimenting.planning import Base, Need
    from assay.plan.experiments import Experiment

LONG = 8  # weeks: a test that takes longer is seldom waited for
NOISY = 0.5  # of its value: a metric in which less than this cannot be found in eight weeks decides nothing


class DesignParams(Params):
    """Which experiment, and how much time there is."""

    name: str = argument("an experiment of the plan")
    weeks: list[Annotated[int, Field(ge=1, le=520)]] = Field(
        default_factory=lambda: [1, 2, 4, 8], description="weeks for which the detectable effect is shown"
    )


def answer(asking: Asking, params: DesignParams) -> Answer:
    """One row per metric: value and spread in the data, what the plan asks for, units and weeks, detectable effects."""
    from assay.analyses.experimenting.planning import QUANTILE, base, detectable, needs
    from assay.analyses.experimenting.runs import experiment_of

    experiment = experiment_of(asking.plan, params.name)
    if asking.span is None:
        return asking.empty("experiment-design", params)
    found = base(asking, experiment)
    columns = (
        Column("metric"), Column("role"), Column("now"), Column("to_find", label="to be found"),
        Column("units", "count", "units, all arms"), Column("weeks", "number"),
        *(Column(f"in_{w}", label=f"in {w} week{'s' if w > 1 else ''}") for w in params.weeks),
        Column("value", "figure", detail=True), Column("deviation", "figure", "deviation of one unit", detail=True),
        Column("effect", "figure", detail=True), *(Column(f"mde_{w}", "figure", detail=True) for w in params.weeks),
        Column("note", detail=True),
    )  # fmt: skip
    if found is None:
        return asking.answer(
            "experiment-design", params, columns=columns, empty="no unit's window has closed yet",
            sentence=f"Nothing can be planned yet: no window of {params.name} has closed in the data.",
            next=("assay overview",),
        )  # fmt: skip
    wanted = {need.metric: need for need in needs(experiment, found)}
    currency = asking.plan.site.currency
    rows: list[tuple[Cell, ...]] = []
    findings: list[Finding] = []
    for name in experiment.metrics:
        metric = asking.metric(name)
        kind = column_kind(metric)
        need = wanted.get(name)
        if name not in found.moments:
            empty: tuple[Cell, ...] = (None,) * (4 + 2 * len(params.weeks) + 3)
            rows.append((name, need.role if need else "diagnostic", *empty, QUANTILE))
            continue
        smallest = [detectable(experiment, found, name, week) for week in params.weeks]
        mean, variance = found.mean(name), found.variance(name)
        rows.append((
            name, need.role if need else "diagnostic", value_words(mean, kind, currency),
            difference_words(need.effect, kind, currency) if need and need.effect else None,
            need.n if need else None, weeks_of(experiment, found, need),
            *(_found(size, mean, kind, currency) for size in smallest), mean,
            math.sqrt(variance) if variance >= 0 else None, need.effect if need else None, *smallest,
            need.reason if need else None,
        ))  # fmt: skip
        findings += _noisy(experiment, name, mean, detectable(experiment, found, name, LONG))
    findings += _long(experiment, found, wanted)
    whole = max((need.n for need in wanted.values() if need.n is not None), default=None)
    return asking.answer(
        "experiment-design",
        params,
        columns=columns,
        rows=tuple(rows),
        definitions=tuple(asking.definition(asking.metric(name)) for name in experiment.metrics),
        findings=tuple(findings),
        sentence=_sentence(experiment, found, wanted, whole),
        notes=_notes(experiment, found),
        next=(f"assay experiment qa {params.name}", f"assay experiment start {params.name}"),
        chart={"kind": "bars", "x": "metric", "y": "weeks"},
    )


def weeks_of(experiment: Experiment, found: Base, need: Need | None) -> float | None:
    """Weeks of exposures at present traffic."""
    if need is None or need.n is None or not found.weekly:
        return None
    return need.n / (found.weekly * experiment.traffic)


def _found(size: float | None, mean: float, kind: str, currency: str) -> Cell:
    if size is None:
        return None
    lift = f" ({percent(size / abs(mean))})" if mean else ""
    return f"{difference_words(size, kind, currency)}{lift}"


def _noisy(experiment: Experiment, name: str, mean: float, smallest: float | None) -> list[Finding]:
    if smallest is None or not mean or smallest <= NOISY * abs(mean):
        return []
    found = percent(smallest / abs(mean))
    text = f"{name} is too noisy to decide this test: in {LONG} weeks only a change of {found} is found"
    severity = "warning" if name == experiment.primary.metric else "info"
    return [Finding("too_noisy", severity, text, {"metric": name, "detectable": smallest, "weeks": LONG},
                    "cap it, use a covariate (cuped), or choose a metric nearer to the change")]  # fmt: skip


def _long(experiment: Experiment, found: Base, wanted: dict[str, Need]) -> list[Finding]:
    """The guardrail or primary that makes the test long."""
    weeks = {name: weeks_of(experiment, found, need) for name, need in wanted.items()}
    known = {name: w for name, w in weeks.items() if w is not None}
    if not known or max(known.values()) <= LONG:
        return []
    name = max(known, key=lambda n: known[n])
    role = wanted[name].role
    way = "a wider margin" if role == "guardrail" else "a larger effect"
    text = f"the {role} {name} asks for {known[name]:.0f} weeks: {way} or more traffic would do"
    return [Finding("too_long", "warning", text, {"metric": name, "weeks": known[name]},
                    "see what is detectable in the time there is; do not start hoping")]  # fmt: skip


def _sentence(experiment: Experiment, found: Base, wanted: dict[str, Need], whole: int | None) -> str:
    if whole is None:
        missing = next((need.reason for need in wanted.values() if need.reason), "no effect is named")
        return (
            f"{experiment.name} cannot be sized: {missing}. {found.weekly:,.0f} {experiment.who} a week would be in it."
        )
    weeks = whole / (found.weekly * experiment.traffic) if found.weekly else math.inf
    need = max((n for n in wanted.values() if n.n is not None), key=lambda n: n.n or 0)
    primary = wanted[experiment.primary.metric]
    size = experiment.primary.mde.words() if experiment.primary.mde else ""
    driver = "" if need is primary else f" (the guardrail {need.metric} asks for most)"
    return (
        f"{experiment.name} needs {whole:,} {experiment.who}, {weeks:.1f} weeks at present traffic{driver}, "
        f"to find {size} in {primary.metric} with a power of {percent(experiment.power)}."
    )


def _notes(experiment: Experiment, found: Base) -> tuple[str, ...]:
    from assay.analyses.experimenting.planning import inflation
    from assay.plan.literals import words

    where = "its exposures" if found.exposed else "everybody who came and is in its audience: nobody was exposed yet"
    notes = [
        f"value and spread are those of {found.units:,} {experiment.who} in {found.days} days, {where}",
        f"{experiment.looks.kind.replace('_', ' ')} looks cost {percent(inflation(experiment) - 1)} more units",
        f"add {words(experiment.window)} after the last exposure for its window",
    ]
    if experiment.guardrails:
        notes.append(
            "power is shared among primary and guardrails, so that all are shown together; alpha is not divided"
        )
    return tuple(notes)


QUESTION = Question(
    "experiment-design",
    "Sample, weeks and detectable effects of a test, from the data's own spread.",
    DesignParams,
    answer,
)
