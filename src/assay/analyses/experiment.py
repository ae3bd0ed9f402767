"""experiment: every test of the plan and of the log, what it waits for, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.analyses.base import Asking, Params, Question
from assay.model.answer import Answer, Cell, Column
from assay.model.period import day_of

if TYPE_CHECKING:
    from assay.analyses.experimenting.runs import Run


class ExperimentParams(Params):
    """None: all of them."""


def answer(asking: Asking, params: ExperimentParams) -> Answer:
    """One row per experiment: running first, then drafts, ended and decided ones."""
    from assay.analyses.experimenting.readings import differs
    from assay.analyses.experimenting.runs import log, run_of

    entries = log(asking.state)
    names = dict.fromkeys([*asking.plan.experiments, *entries])
    runs = [run_of(asking, name, entries.get(name, [])) for name in names]
    order = {"running": 0, "ended": 1, "draft": 2, "decided": 3}
    runs.sort(key=lambda run: (order[run.state], -(run.start or 0), run.name))
    columns = (
        Column("experiment"), Column("state"), Column("primary"), Column("started", "day"), Column("stopped", "day"),
        Column("planned", "count", "planned size"), Column("decision"), Column("plan"),
        Column("lock", detail=True), Column("hypothesis", detail=True),
    )  # fmt: skip
    if not runs:
        return asking.answer(
            "experiment", params, columns=columns, empty="no experiments yet",
            sentence="The plan has no experiments yet.",
            next=("assay init --template shop", "assay backlog"),
        )  # fmt: skip
    rows = []
    for run in runs:
        experiment = asking.plan.experiments.get(run.name)
        if run.start is None:
            plan = "not locked"
        elif experiment is None:
            plan = "no longer in the plan"
        else:
            plan = "changed after the start" if differs(asking, run) else "as locked"
        rows.append(_row(asking.plan.site.timezone, run, plan, experiment.primary.metric if experiment else None,
                         experiment.hypothesis if experiment else None))  # fmt: skip
    counts = {state: sum(run.state == state for run in runs) for state in order}
    said = ", ".join(f"{n} {state}" for state, n in counts.items() if n)
    first = runs[0].name
    ask = "design" if runs[0].state == "draft" else "readout"
    return asking.answer(
        "experiment",
        params,
        columns=columns,
        rows=tuple(rows),
        sentence=f"{len(runs)} experiment{'s' if len(runs) > 1 else ''}: {said}.",
        next=(f"assay experiment {ask} {first}", "assay learnings"),
        chart={"kind": "bars", "x": "experiment", "y": "planned"},
    )


def _row(zone: str, run: Run, plan: str, primary: str | None, hypothesis: str | None) -> tuple[Cell, ...]:
    decided = str(run.decision.detail["decision"]).replace("_", " ") if run.decision else None
    return (
        run.name, run.state, primary, _day(run.start, zone), _day(run.end, zone), run.planned, decided, plan, run.hash,
        hypothesis,
    )  # fmt: skip


def _day(moment: int | None, zone: str) -> Cell:
    return None if moment is None else day_of(moment, zone)


QUESTION = Question(
    "experiment", "Tests: which run, which wait, what was decided.", ExperimentParams, answer, needs_data=False
)
