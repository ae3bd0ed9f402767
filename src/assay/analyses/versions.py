"""versions: every definition that a metric has had, since when, and what changed from one to the next."""

from __future__ import annotations

from collections.abc import Sequence

from assay.analyses.base import Asking, Params, Question, argument
from assay.analyses.noted import Noted, noted
from assay.model.answer import Answer, Cell, Column
from assay.model.errors import UnknownName


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
    known = noted(asking.state, plan)
    for name in wanted:
        seen = known.get(name, [])
        for place, one in enumerate(seen):
            until = seen[place + 1].since if place + 1 < len(seen) else None
            rows.append((name, one.since, until, one.text, _changed(seen, place), one.id))
    rows.sort(key=lambda row: (str(row[1]), str(row[0])), reverse=True)
    changed = len({row[0] for row in rows if row[2] is not None})
    columns = (
        Column("metric"),
        Column("since", "day"),
        Column("until", "day", detail=not changed),
        Column("meaning"),
        Column("changed", label="what changed", detail=not changed),
        Column("definition", label="id", detail=not changed),
    )
    said = f"{changed} of {len(wanted)} metrics changed their meaning" if changed else "No metric changed its meaning"
    return asking.answer(
        "versions",
        params,
        columns=columns,
        rows=tuple(rows),
        empty=None if rows else "no definition has been used yet",
        sentence=f"{said} since they are noted." if rows else "No definition has been noted yet.",
        notes=(
            "definitions are noted whenever events are loaded; a derived metric changes with the ids of what it uses",
        ),
        next=("assay catalog",),
        chart={"kind": "table"},
    )


def _changed(seen: Sequence[Noted], place: int) -> str | None:
    """What a definition says otherwise than the one before it, in words; None for the first."""
    if place == 0:
        return None
    keys = seen[place].changes(seen[place - 1])
    if keys is None:
        return "not known: noted before definitions were kept in words"
    return "; ".join(str(one) for one in keys) or "the way it is computed"


QUESTION = Question(
    "versions",
    "Every definition that a metric has had, since when, and what changed.",
    VersionsParams,
    answer,
    needs_data=False,
)
