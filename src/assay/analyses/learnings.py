"""learnings: what was decided on past tests and why, to be searched; what worked, how often, by how much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from assay.analyses.base import Asking, Params, Question, argument
from assay.decide.words import percent
from assay.model.answer import Answer, Cell, Column
from assay.model.finding import Finding
from assay.model.period import day_of

if TYPE_CHECKING:
    from assay.analyses.experimenting.runs import Entry


class LearningsParams(Params):
    """What is searched for."""

    words: list[str] = argument("words that the name, hypothesis, notes or metrics hold; default: all", many=True)
    limit: int = Field(50, ge=1, le=1000, description="most tests shown")


def answer(asking: Asking, params: LearningsParams) -> Answer:
    """One row per decided test, the latest first; lifts drawn toward what such tests bring here."""
    from assay.analyses.experimenting.learnt import decided, prior
    from assay.analyses.experimenting.runs import log

    known = log(asking.state)
    found = list(reversed(decided(asking)))
    believed, words = prior(asking)
    shown = [entry for entry in found if _matches(entry, known[entry.name], params.words)]
    columns = (
        Column("experiment"), Column("decided", "day"), Column("decision"), Column("verdict"), Column("primary"),
        Column("lift", "rate"), Column("shrunk", "rate", "drawn to the prior"), Column("learnt"),
        Column("revisit", "day", "revisit by"), Column("hypothesis", detail=True), Column("lock", detail=True),
        Column("pictures", "count", detail=True),
    )  # fmt: skip
    if not shown:
        reason = "no test was decided yet" if not found else f"no decided test holds {' '.join(params.words)!r}"
        return asking.answer(
            "learnings", params, columns=columns, empty=reason, sentence=f"{reason[0].upper()}{reason[1:]}.",
            next=("assay experiment",),
        )  # fmt: skip
    rows, drawn = [], []
    for entry in shown:
        shrunk = _shrunk(entry, believed)
        drawn += [shrunk] if shrunk is not None else []
        rows.append(_row(entry, known[entry.name], shrunk, asking.plan.site.timezone))
    won = sum(entry.detail["decision"] == "ship" for entry in shown)
    mean = sum(drawn) / len(drawn) if drawn else None
    said = f", mean lift {mean * 100:+.1f} % after shrinkage" if mean is not None else ""
    return asking.answer(
        "learnings",
        params,
        columns=columns,
        rows=tuple(rows[: params.limit]),
        findings=tuple(_due(asking, shown)),
        sentence=f"{len(shown)} decided test{'s' if len(shown) > 1 else ''}: {won} shipped "
        f"({percent(won / len(shown))}){said}.",
        notes=(f"lifts are drawn toward a prior: {words}; winners do not simply add up",),
        next=("assay experiment value", "assay backlog"),
        chart={"kind": "bars", "x": "experiment", "y": "shrunk"},
    )


def _matches(entry: Entry, entries: list[Entry], words: list[str]) -> bool:
    notes = " ".join(str(one.detail.get("text", "")) for one in entries)
    text = f"{entry.name} {notes} " + " ".join(str(v) for v in entry.detail.values())
    return all(word.lower() in text.lower() for word in words)


def _shrunk(entry: Entry, believed: Any) -> float | None:
    from assay.stats.bayes import shrunk

    if entry.detail.get("lift") is None or not entry.detail.get("lift_error"):
        return None
    return shrunk(float(entry.detail["lift"]), float(entry.detail["lift_error"]), believed).mean


def _row(entry: Entry, entries: list[Entry], shrunk: float | None, zone: str) -> tuple[Cell, ...]:
    detail = entry.detail
    verdicts = ", ".join(str(state).replace("_", " ") for state in detail["verdicts"].values())
    learnt = "; ".join([*([detail["note"]] if detail["note"] else []),
                        *(str(one.detail["text"]) for one in entries if one.action == "note")])  # fmt: skip
    return (
        entry.name, day_of(entry.at, zone), str(detail["decision"]).replace("_", " "),
        verdicts, detail["primary"], detail.get("lift"), shrunk, learnt or None,
        detail["revisit"], detail["hypothesis"] or None, entry.hash, sum(one.action == "screenshot" for one in entries),
    )  # fmt: skip


def _due(asking: Asking, entries: list[Entry]) -> list[Finding]:
    """Decisions that were to be looked at again by now."""
    today = asking.today.isoformat()
    return [
        Finding("revisit", "info", f"{entry.name} was to be looked at again by {entry.detail['revisit']}",
                {"experiment": entry.name, "by": entry.detail["revisit"]}, f"assay experiment readout {entry.name}")
        for entry in entries if entry.detail["revisit"] and entry.detail["revisit"] <= today
    ]  # fmt: skip


QUESTION = Question("learnings", "What past tests taught, to be searched.", LearningsParams, answer, needs_data=False)
