"""experiment-readout: health first, one verdict per treatment, as planned beside as changed, and what it is worth."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import Field

from assay.analyses.base import Asking, Params, Question, argument
from assay.decide.experiments import HARMED, UNSHOWN
from assay.model.answer import Answer, Cell, Labelled
from assay.model.finding import Finding

if TYPE_CHECKING:
    from assay.analyses.experimenting.money import Worth
    from assay.analyses.experimenting.reading import Line
    from assay.analyses.experimenting.verdicts import Judged
    from assay.plan.experiments import Experiment

SEVERITY = {"ship": "good", "do_not_ship": "bad", "keep_running": "info", "abstain": "warning"}


class ReadoutParams(Params):
    """Which experiment, and what is shown beside its verdict."""

    name: str = argument("an experiment of the plan")
    by: list[str] = Field(
        default_factory=list, description="dimension of the exposure's visit: the primary by segment, exploratory"
    )
    add: list[str] = Field(default_factory=list, description="further metrics, exploratory; repeat for more")
    daily: bool = Field(False, description="the primary at the end of every day, as a confidence sequence")
    bayes: bool = Field(False, description="the chance to win and the expected loss beside (flat prior)")
    as_of: datetime | None = Field(None, description="the reading of that moment, from what had been received by then")


def answer(asking: Asking, params: ReadoutParams) -> Answer:
    """One row per treatment and metric; where a verdict is not possible no effect is shown."""
    from assay.analyses.experimenting.laying import columns, estimates, row
    from assay.analyses.experimenting.readings import changed_reading, planned_reading

    if asking.span is None:
        return asking.empty("experiment-readout", params)
    if params.daily or params.by:
        from assay.analyses.experimenting.curves import by_segment, daily

        return daily(asking, params) if params.daily else by_segment(asking, params)
    planned = planned_reading(asking, params.name, params.add)
    judged, experiment = planned.judged, planned.experiment
    if not judged.reading.table.rows:
        return _nobody(asking, params, experiment)
    changed = changed_reading(asking, params.name, params.add)
    currency = asking.plan.site.currency
    rows: list[tuple[Cell, ...]] = []
    labelled: list[Labelled] = []
    beside = changed.judged if changed else None
    for label, one in [("as planned", judged), *([("as changed", beside)] if beside else [])]:
        for variant, lines in one.lines.items():
            hidden = variant in one.hidden | judged.hidden  # no edit of the plan brings an effect out
            for line in lines:
                rows.append(
                    row(line, currency, hidden=hidden, bayes=params.bayes, reading=label)
                )  # fmt: skip
                labelled += [] if hidden or label != "as planned" else estimates(line)
    worths = {} if judged.hidden >= set(judged.lines) else planned.worths
    return asking.answer(
        "experiment-readout",
        params,
        columns=columns(bayes=params.bayes, single=len(judged.lines) == 1, twice=beside is not None),
        rows=tuple(rows),
        estimates=tuple(labelled),
        definitions=tuple(asking.definition(m) for m in judged.reading.metrics),
        sentence=sentence(judged, worths),
        findings=(
            *[f for f in judged.findings if f.severity in ("bad", "warning")],
            *([] if changed is None else [changed.finding]),
            *verdicts(judged, worths),
            *follow(judged),
            *[f for f in judged.findings if f.severity not in ("bad", "warning")],
        ),
        notes=_notes(judged, worths, beside is not None),
        next=_next(params.name, judged, experiment),
        chart={"kind": "intervals", "x": "lift_value", "low": "lift_low", "high": "lift_high", "y": "metric"},
    )


def verdicts(judged: Judged, worths: dict[str, Worth]) -> list[Finding]:
    """One finding per treatment, with everything that it stands on."""
    from assay.analyses.experimenting.money import evidence

    found = []
    for variant, verdict in judged.verdicts.items():
        values: dict[str, Any] = {"variant": variant, "verdict": verdict.state, "because": list(verdict.because)}
        values["states"] = {line.metric.name: line.call.state for line in judged.lines[variant]}
        if variant in judged.hidden:
            values.pop("states")
        elif variant in worths:
            values["money"] = evidence(worths[variant])
        text = verdict.text.rstrip(".")
        found.append(
            Finding(
                "verdict", SEVERITY[verdict.state], text, values, action(verdict.state, judged.reading.experiment.name)
            )
        )
    return found


def action(state: str, name: str) -> str:
    """What to do about a verdict."""
    return {
        "ship": f"write it down: assay experiment decide {name} ship",
        "do_not_ship": f"write it down, with what was learnt: assay experiment decide {name} do-not-ship",
        "keep_running": "leave it running; a look costs nothing",
        "abstain": "mend what is named, or collect what is missing; an effect shown now would mislead",
    }[state]


def follow(judged: Judged) -> list[Finding]:
    """What moved where the primary did not, and guardrails that are not shown safe."""
    from assay.decide.checks.experiment import adjustment, shifted

    found: list[Finding] = []
    for variant, lines in judged.lines.items():
        if variant in judged.hidden:
            continue
        found += [guarded(one, judged) for one in lines if one.call.state in (HARMED, UNSHOWN)]
        primary = lines[0]
        moved = [one.metric.name for one in lines if one.role == "diagnostic" and one.call.state == "better"]
        if primary.call.state == "open" and moved:
            found.append(shifted(primary.metric.name, moved, variant))
        health = getattr(primary.contrast, "health", None)
        if health is not None:
            found.append(adjustment(primary.metric.name, plain_health(health)))
    return found


def guarded(one: Line, judged: Judged) -> Finding:
    """A guardrail that is not shown safe, with its interval."""
    from assay.analyses.base import column_kind
    from assay.analyses.experimenting.laying import effect_words
    from assay.decide.checks.experiment import guardrail
    from assay.stats.contrast import NoContrast

    assert one.margin is not None
    assert one.absolute is not None
    assert not isinstance(one.contrast, NoContrast)
    kind, currency = column_kind(one.metric), judged.reading.plan.site.currency
    effect = effect_words(one.contrast, one.absolute, kind, currency)
    return guardrail(one.metric.name, one.variant, one.call.state == HARMED, effect, one.margin.words())


def plain_health(health: Any) -> dict[str, Any]:
    """A covariate's health as plain values."""
    names = ("theta", "correlation", "variance_reduction", "sign_flip", "same_verdict")
    return {name: getattr(health, name) for name in names if hasattr(health, name)}


def _effect(line: Line, currency: str) -> str:
    """A metric and its effect."""
    from assay.analyses.base import column_kind
    from assay.analyses.experimenting.laying import effect_words
    from assay.stats.contrast import NoContrast

    assert not isinstance(line.contrast, NoContrast)
    assert line.absolute is not None
    return f"{line.metric.name} {effect_words(line.contrast, line.absolute, column_kind(line.metric), currency)}"


def sentence(judged: Judged, worths: dict[str, Worth]) -> str:
    """The verdict, the effect on the primary and its worth."""
    from assay.stats.contrast import NoContrast

    parts = []
    currency = judged.reading.plan.site.currency
    for variant, verdict in judged.verdicts.items():
        text = verdict.text
        line = judged.lines[variant][0]
        if variant not in judged.hidden and not isinstance(line.contrast, NoContrast) and line.absolute is not None:
            effect = _effect(line, currency)
            worth = worths.get(variant)
            if worth is not None and worth.metric != line.metric.name:  # another metric is the money: its effect beside
                text += f" {effect[0].upper()}{effect[1:]}."
                effect = _effect(
                    next(one for one in judged.lines[variant] if one.metric.name == worth.metric), currency
                )
            effect = worth.sentence(effect) if worth else effect
            text += f" {effect[0].upper()}{effect[1:]}."
        parts.append(text)
    return " ".join(parts)


def _notes(judged: Judged, worths: dict[str, Worth], changed: bool) -> tuple[str, ...]:
    reading = judged.reading
    experiment = reading.experiment
    from assay.decide.words import amount
    from assay.plan.literals import words

    looks = {
        "always_valid": "intervals hold at every look, however often it is looked",
        "fixed": "intervals hold at the one planned look"
        if reading.once
        else "before its planned end the test is shown with intervals that hold at every look",
        "group_sequential": "intervals hold at the planned looks",
    }[experiment.looks.kind]
    level = 1 - next(iter(reading.alphas.values()))
    who = f"only units whose {words(experiment.window)} since their exposure are over"
    notes = [f"{looks}; level {level:.4g}; {who if experiment.window else 'outcomes stand on the exposure itself'}"]
    if len(reading.arms) > 2:
        notes.append(f"{len(reading.arms) - 1} treatments: {experiment.correction} over the primary")
    for worth in list(worths.values())[:1]:
        notes += [f"money: {text}" for text in worth.assumptions]
        notes.append(
            f"expected, drawn toward the prior: {amount(worth.expected, worth.currency, whole=100)} {worth.span}; "
            "so is the chance of a loss; the range is the verdict's, of this test alone"
        )
    if reading.extra:
        notes.append("exploratory metrics were added after the plan: a find among them is an idea, not a verdict")
    if changed:
        notes.append("rows marked as changed follow the plan as it is now; the verdict follows the locked one")
    return tuple(notes)


def _next(name: str, judged: Judged, experiment: Experiment) -> tuple[str, ...]:
    states = {verdict.state for verdict in judged.verdicts.values()}
    commands = [f"assay experiment readout {name} --daily", f"assay experiment readout {name} --by device"]
    if states & {"ship", "do_not_ship"}:
        best = "ship" if "ship" in states else "do-not-ship"
        commands.insert(0, f"assay experiment decide {name} {best}")
    if experiment.follow_up and states == {"ship"}:
        commands.append(f"assay experiment follow-up {name}")
    return tuple(commands)


def _nobody(asking: Asking, params: ReadoutParams, experiment: Experiment) -> Answer:
    from assay.analyses.experimenting.laying import columns

    exposure = experiment.exposure
    reason = f"nobody was exposed to {experiment.name} yet"
    return asking.answer(
        "experiment-readout", params, columns=columns(single=len(experiment.treatments) == 1), empty=reason,
        sentence=f"Nobody was exposed to {experiment.name} yet: no {exposure.event} whose {exposure.name_property} "
        f"is {exposure.value!r}.",
        next=(f"assay experiment qa {experiment.name}", f"assay experiment design {experiment.name}"),
    )  # fmt: skip


QUESTION = Question(
    "experiment-readout", "The verdict of a test: health, primary, guardrails, money.", ReadoutParams, answer
)
