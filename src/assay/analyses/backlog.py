"""backlog: ideas to test that were noted, the one worth most first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pydantic import Field

from assay.analyses.base import Asking, Params, Question
from assay.decide.words import amount
from assay.model.answer import Answer, Cell, Column
from assay.model.finding import Idea


class BacklogParams(Params):
    """Which ideas."""

    limit: int = Field(50, ge=1, le=1000, description="most ideas shown")


def answer(asking: Asking, params: BacklogParams) -> Answer:
    """One row per idea, with what the data said of its worth when it was last asked."""
    found = asking.state.read("backlog") if asking.state else []
    currency = asking.plan.site.currency
    if not found:
        return asking.answer(
            "backlog", params, columns=_columns(currency), empty="no ideas yet",
            sentence="The backlog has no ideas yet.",
            next=("assay opportunity --to-backlog", "assay patterns --to-backlog"),
        )  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    for row in found[: params.limit]:
        money: list[Cell] = [None if row[n] is None else Decimal(row[n]) for n in ("worth", "worth_low", "worth_high")]
        where = ", ".join(f"{name} {value}" for name, value in json.loads(row["segment"]).items())
        noted = datetime.fromtimestamp(row["noted_at"] / 1e6, UTC).date()
        rows.append((row["no"], row["title"], where or "everybody", row["step"], *money, row["sample"], row["weeks"],
                     row["status"], row["source"], noted))  # fmt: skip
    best = found[0]
    worth = f", about {amount(Decimal(best['worth']), currency, whole=100)} a year" if best["worth"] else ""
    plural = "s" if len(found) != 1 else ""
    return asking.answer(
        "backlog",
        params,
        columns=_columns(currency),
        rows=tuple(rows),
        sentence=f"{len(found)} idea{plural}; the first: {best['title']}{worth}.",
        notes=("worth and sample are those of the day on which the idea was last asked for",),
        next=("assay opportunity --to-backlog",),
        chart={"kind": "bars", "x": "idea", "y": "year"},
    )


def _columns(currency: str) -> tuple[Column, ...]:
    return (
        Column("no", "count"), Column("idea"), Column("where", detail=True), Column("step", detail=True),
        Column("year", "money", "a year", currency=currency), Column("year_low", "money", "from", currency=currency),
        Column("year_high", "money", "to", currency=currency), Column("sample", "count", "units per arm"),
        Column("weeks", "number"), Column("status"), Column("source", detail=True), Column("noted", "day", detail=True),
    )  # fmt: skip


def noted(asking: Asking, ideas: Sequence[Idea]) -> tuple[str, tuple[tuple[str, Mapping[str, Any]], ...]]:
    """A note on how many of the ideas are new, and what to keep of them in the state."""
    known = {row["key"] for row in (asking.state.read("backlog") if asking.state else [])}
    new = sum(idea.key not in known for idea in ideas)
    keep = []
    for idea in ideas:
        values = {**asdict(idea), "segment": json.dumps(dict(idea.where), default=str), "now": asking.now}
        keep.append(("add_idea", {name: value for name, value in values.items() if name != "where"}))
    return f"backlog: {new} new, {len(ideas) - new} known before and brought up to date", tuple(keep)


QUESTION = Question("backlog", "Ideas to test, the one worth most first.", BacklogParams, answer, needs_data=False)
