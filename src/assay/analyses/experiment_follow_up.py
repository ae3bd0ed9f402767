"""experiment-follow-up: the readings that were scheduled at the lock: refunds, no-shows, trial-to-paid, retention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from assay.analyses.base import Asking, Params, Question, argument
from assay.model.answer import Answer, Cell, Column
from assay.model.finding import Finding
from assay.model.period import day_of

if TYPE_CHECKING:
    from assay.analyses.experimenting.reading import Reading
    from assay.analyses.experimenting.runs import Run
    from assay.plan.experiments import Experiment

DAY = 86_400


class FollowUpParams(Params):
    """Which experiment, and after how long."""

    name: str = argument("an experiment of the plan")
    days: list[Annotated[int, Field(ge=1, le=3650)]] = Field(
        default_factory=list, description="days after the exposure; default: the plan's follow_up"
    )
    as_of: datetime | None = Field(None, description="the readings of that moment")


def answer(asking: Asking, params: FollowUpParams) -> Answer:
    """One row per reading, metric and treatment; a reading whose windows are open says when it is due."""
    from assay.analyses.experimenting.laying import columns
    from assay.analyses.experimenting.readings import differs, locked
    from assay.analyses.experimenting.runs import experiment_of, run_of

    if asking.span is None:
        return asking.empty("experiment-follow-up", params)
    run = run_of(asking, params.name)
    own = locked(asking, run) if run.start is not None and differs(asking, run) else asking
    experiment = experiment_of(own.plan, params.name)
    spans = [n * DAY for n in params.days] or list(experiment.follow_up)
    heads = (Column("after", "count", "days after"), Column("due", "day"), *columns())
    if not spans:
        return asking.answer(
            "experiment-follow-up", params, columns=heads, empty=f"{params.name} names no follow-up",
            sentence=f"{params.name} names no follow-up; add follow_up: [30d, 60d, 90d], or ask --days 30.",
            next=(f"assay experiment follow-up {params.name} --days 30",),
        )  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    findings: list[Finding] = []
    due = []
    known = day_of(asking.matured_by(), own.plan.site.timezone)  # the end of the data, where that is earlier than now
    for seconds in sorted(spans):
        made, when, found = _reading(own, experiment, run, seconds)
        due += [when] if when > known else []
        rows += [(seconds // DAY, when, *cells) for cells in made] or [
            (seconds // DAY, when, *row_of_nothing(heads[2:]))
        ]
        findings += found
    return asking.answer(
        "experiment-follow-up",
        params,
        columns=heads,
        rows=tuple(rows),
        findings=tuple(findings),
        sentence=_sentence(params.name, sorted(spans), due, findings),
        notes=("a reading counts units whose days are over; before it is due it holds the earliest exposures only",),
        next=(f"assay experiment readout {params.name}",),
        chart={"kind": "intervals", "x": "lift_value", "low": "lift_low", "high": "lift_high", "y": "after"},
    )


def row_of_nothing(columns: Sequence[Column]) -> tuple[Cell, ...]:
    """A reading for which no unit's days are over."""
    return tuple("not due yet" if column.name == "state" else None for column in columns)


def due_day(reading: Reading, seconds: int) -> date:
    """The day on which the last unit's days are over; of a running test its planned end's, else were it stopped now."""
    zone, planned = reading.plan.site.timezone, reading.experiment.end
    if reading.run.end is None and planned is not None:
        return planned + timedelta(-(-seconds // DAY) + 1)
    return day_of(reading.end - 1 + seconds * 1_000_000, zone) + timedelta(1)


def _reading(
    asking: Asking, experiment: Experiment, run: Run, seconds: int
) -> tuple[list[tuple[Cell, ...]], date, list[Finding]]:
    """Rows of one span, the day it is due, and harm that came late."""
    from assay.analyses.experimenting.health import blocking, health
    from assay.analyses.experimenting.laying import row
    from assay.analyses.experimenting.reading import read
    from assay.analyses.experimenting.verdicts import thin

    wider = replace(experiment, window=seconds)
    names = (
        experiment.follow_up_metrics or tuple(g.metric for g in experiment.guardrails) or (experiment.primary.metric,)
    )
    reading = read(asking, wider, run, names)
    lag = max((reading.table.lags.get(name, 0) for name in names), default=0)  # what follows an order of the last day
    when = due_day(reading, seconds + lag)
    faults = blocking(health(reading))
    margins = {g.metric: g.margin for g in experiment.guardrails}
    rows, findings = [], []
    for name in names:
        if reading.last_day(name) is None:
            continue
        role = "primary" if name == experiment.primary.metric else "guardrail" if name in margins else "follow-up"
        for variant in reading.arms[1:]:
            line = reading.line(name, role, variant, margin=margins.get(name))
            hidden = bool(faults or thin(reading, name, variant))
            rows.append(row(line, asking.plan.site.currency, hidden=hidden, reading=f"after {seconds // DAY} days"))
            if not hidden and line.call.state in ("harmed", "worse"):
                findings.append(Finding(
                    "late_harm", "bad", f"{name} is worse under {variant} {seconds // DAY} days after the exposure",
                    {"metric": name, "variant": variant, "days": seconds // DAY},
                    "think the decision over: assay experiment decide",
                ))  # fmt: skip
    return rows, when, findings


def _sentence(name: str, spans: list[int], due: list[date], findings: list[Finding]) -> str:
    said = ", ".join(str(seconds // DAY) for seconds in spans)
    if findings:
        return f"Harm came late in {name}: {findings[0].text}."
    if due:
        return f"Readings of {name} after {said} days: nothing has turned so far; provisional until {max(due)}."
    return f"Readings of {name} after {said} days: nothing has turned."


QUESTION = Question(
    "experiment-follow-up", "What became of a test's units after 30, 60, 90 days.", FollowUpParams, answer
)
