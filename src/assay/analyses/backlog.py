"""backlog: ideas to test that were noted, the one worth most first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pydantic import Field

from assay.analyses.base import Asking, Params, Question
from assay.decide.words import amount
from assay.model.answer import Answer, Cell, Column
from assay.model.errors import UnknownName, UsageError, suggestion
from assay.model.finding import Idea


class BacklogParams(Params):
    """Which ideas."""

    limit: int = Field(50, ge=1, le=1000, description="most ideas shown")


@dataclass(frozen=True)
class Scored:
    """An idea with its scores. ``ice``: mean of impact, confidence and ease, each 1 to 10; ``expected``: worth a year
    times confidence over effort, decimal money per point of effort."""

    row: Mapping[str, Any]
    impact: float | None
    ice: float | None
    expected: Decimal | None


def scored(rows: Sequence[Mapping[str, Any]]) -> list[Scored]:
    """Ideas by their expected value, those without a judgement after them by worth.

    Impact is the idea's worth over that of the most valuable one, on a scale of 1 to 10: from the data, not from a show
    of hands. Source of ICE: S. Ellis, M. Brown, Hacking Growth (2017), ch. 4.
    """
    most = max((Decimal(row["worth"]) for row in rows if row["worth"]), default=Decimal(0))
    found = []
    for row in rows:
        worth, confidence, effort = row["worth"], row["confidence"], row["effort"]
        impact = float(1 + 9 * Decimal(worth) / most) if worth and most > 0 else None
        judged = confidence is not None and effort is not None
        ice = (impact + confidence + (11 - effort)) / 3 if judged and impact is not None else None
        expected = Decimal(worth) * confidence / 10 / effort if judged and worth else None
        found.append(Scored(row, impact, ice, expected))
    return sorted(
        found, key=lambda one: (one.expected is None, -(one.expected or 0), -(one.impact or 0), one.row["no"])
    )


def answer(asking: Asking, params: BacklogParams) -> Answer:
    """One row per idea, with what the data said of its worth when it was last asked, and what people think of it."""
    found = scored(asking.state.read("backlog") if asking.state else [])
    currency = asking.plan.site.currency
    if not found:
        return asking.answer(
            "backlog", params, columns=_columns(currency), empty="no ideas yet",
            sentence="The backlog has no ideas yet.",
            next=("assay opportunity --to-backlog", "assay patterns --to-backlog", 'assay backlog add "TITLE"'),
        )  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    for one in found[: params.limit]:
        row = one.row
        money: list[Cell] = [None if row[n] is None else Decimal(row[n]) for n in ("worth", "worth_low", "worth_high")]
        where = ", ".join(f"{name} {value}" for name, value in json.loads(row["segment"]).items())
        noted = datetime.fromtimestamp(row["noted_at"] / 1e6, UTC).date()
        rows.append((row["no"], row["title"], where or "everybody", row["step"], *money, row["confidence"],
                     row["effort"], one.ice, one.expected, row["sample"], row["weeks"], row["status"],
                     row["experiment"], row["evidence"], row["source"], noted))  # fmt: skip
    best = found[0].row
    worth = f", about {amount(Decimal(best['worth']), currency, whole=100)} a year" if best["worth"] else ""
    plural = "s" if len(found) != 1 else ""
    unrated = sum(one.row["confidence"] is None or one.row["effort"] is None for one in found)
    return asking.answer(
        "backlog",
        params,
        columns=_columns(currency),
        rows=tuple(rows),
        sentence=f"{len(found)} idea{plural}; the first: {best['title']}{worth}.",
        notes=(
            "worth and sample are those of the day on which the idea was last asked for",
            "per effort: worth a year × confidence / 10 / effort; ICE: mean of impact, confidence and ease, 1 to 10",
            *(
                (f"{unrated} without confidence or effort: assay backlog rate NO --confidence 7 --effort 3",)
                if unrated
                else ()
            ),
        ),
        next=("assay opportunity --to-backlog",),
        chart={"kind": "bars", "x": "idea", "y": "year"},
    )


def _columns(currency: str) -> tuple[Column, ...]:
    return (
        Column("no", "count"), Column("idea"), Column("where", detail=True), Column("step", detail=True),
        Column("year", "money", "a year", currency=currency),
        Column("year_low", "money", "from", currency=currency, detail=True),
        Column("year_high", "money", "to", currency=currency, detail=True), Column("confidence", "count"),
        Column("effort", "count"), Column("ice", "number", "ICE"),
        Column("expected", "money", "per effort", currency=currency), Column("sample", "count", "units per arm"),
        Column("weeks", "number"), Column("status"), Column("experiment", detail=True), Column("evidence", detail=True),
        Column("source", detail=True), Column("noted", "day", detail=True),
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


STATUSES = ("idea", "planned", "running", "done", "dropped")


def add(asking: Asking, title: str, step: str | None, metric: str, worth: float | None) -> tuple[int, bool]:
    """Note an idea by hand; its number, and whether it was new."""
    from assay.query.sql import digest

    assert asking.state is not None
    if not title.strip():
        raise UsageError("an idea needs a title")
    if metric:
        asking.metric(metric)
    key = digest("hand", title.strip().lower())
    before = {row["key"] for row in asking.state.read("backlog")}
    money = None if worth is None else str(Decimal(repr(worth)))
    _, keep = noted(asking, [Idea(key, title.strip(), "hand", metric, {}, step, money)])
    with asking.state.changing() as do:
        for statement, values in keep:
            do(statement, **values)
    return next(row["no"] for row in asking.state.read("backlog") if row["key"] == key), key not in before


def rate(
    asking: Asking, no: int, confidence: int | None, effort: int | None, evidence: str | None, experiment: str | None,
    status: str | None,
) -> None:  # fmt: skip
    """Say what is thought of an idea. UsageError for a number that is none, or a judgement that is none."""
    assert asking.state is not None
    for name, value in (("confidence", confidence), ("effort", effort)):
        if value is not None and not 1 <= value <= 10:
            raise UsageError(f"{name} lies between 1 and 10, not {value}")
    if status is not None and status not in STATUSES:
        raise UsageError(f"{status!r} is no status{suggestion(status, STATUSES)}; {', '.join(STATUSES)}")
    if experiment is not None and experiment not in asking.plan.experiments:
        raise UnknownName("experiment", experiment, asking.plan.experiments)
    values = {"confidence": confidence, "effort": effort, "evidence": evidence, "experiment": experiment}
    if not asking.state.write("rate_idea", no=no, status=status, now=asking.now, **values):
        raise UsageError(f"there is no idea {no}; assay backlog shows the numbers")


QUESTION = Question("backlog", "Ideas to test, the one worth most first.", BacklogParams, answer, needs_data=False)
