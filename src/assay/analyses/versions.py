"""versions: every definition that a metric has had, since when."""

from __future__ import annotations

from datetime import date

from assay.analyses.base import Asking, Params, Question, argument
from assay.model.answer import Answer, Cell, Column
from assay.model.errors import UnknownName
from assay.model.period import day_of


class VersionsParams(Params):
    """Which metrics."""

    names: list[str] = argument("metrics of the plan; default: all", many=True)


def answer(asking: Asking, params: VersionsParams) -> Answer:
    """One row per metric and definition, the latest first; a number told before followed another definition."""
    plan = asking.plan
    for name in params.names:
        if name not in plan.metrics:
            raise UnknownName("metric", name, plan.metrics)
    wanted = params.names or list(plan.metrics)
    rows: list[tuple[Cell, ...]] = []
    for name in wanted:
        seen = versions(asking, name)
        for place, (first, identity) in enumerate(seen):
            until = seen[place + 1][0] if place + 1 < len(seen) else None
            words = asking.definition(plan.metrics[name]).text if identity == plan.metrics[name].id else None
            rows.append((name, first, until, words, identity))
    rows.sort(key=lambda row: (str(row[1]), str(row[0])), reverse=True)
    changed = len({row[0] for row in rows if row[2] is not None})
    columns = (Column("metric"), Column("since", "day"), Column("until", "day", detail=not changed), Column("meaning"),
               Column("definition", label="id", detail=not changed))  # fmt: skip
    said = f"{changed} of {len(wanted)} metrics changed their meaning" if changed else "No metric changed its meaning"
    return asking.answer(
        "versions",
        params,
        columns=columns,
        rows=tuple(rows),
        empty=None if rows else "no definition has been used yet",
        sentence=f"{said} since they are noted." if rows else "No definition has been noted yet.",
        notes=("definitions are noted whenever events are loaded",),
        next=("assay catalog",),
        chart={"kind": "table"},
    )


def versions(asking: Asking, metric: str) -> list[tuple[date, str]]:
    """The definitions that a metric has had, the first one first: since which day, and the id."""
    seen = asking.state.read("definitions") if asking.state else []
    zone = asking.plan.site.timezone
    return [(day_of(row["first_seen"], zone), row["id"]) for row in seen if row["metric"] == metric]


QUESTION = Question(
    "versions", "Every definition that a metric has had, since when.", VersionsParams, answer, needs_data=False
)
