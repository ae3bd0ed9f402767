"""waiting: what came and could not be used, by reason and event, with one of the lines."""

from __future__ import annotations

import json
from collections import Counter

from assay.analyses.base import Asking, Params, Question
from assay.model.answer import Answer, Column

MOST = 200  # characters of an example


class WaitingParams(Params):
    """None: everything that waits."""


def answer(asking: Asking, params: WaitingParams) -> Answer:
    """One row per reason and event, the most frequent first."""
    from assay.query.ledger import quarantined

    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], tuple[str, str]] = {}
    for _segment, file, line, reason, raw in asking.ask(quarantined()).rows:
        key = (reason, event(raw))
        counts[key] += 1
        examples.setdefault(key, (f"{file}:{line}", (raw or "")[:MOST]))
    total = sum(counts.values())
    columns = (Column("reason"), Column("event"), Column("lines", "count"), Column("where", detail=True),
               Column("example", detail=True))  # fmt: skip
    return asking.answer(
        "waiting",
        params,
        columns=columns,
        rows=tuple((*key, n, *examples[key]) for key, n in counts.most_common()),
        empty=None if total else "nothing is in quarantine",
        sentence=f"{total:,} lines wait in quarantine; they can still be brought in."
        if total
        else "Nothing is in quarantine: every line that came could be used.",
        next=("assay quarantine replay",) if total else ("assay ledger",),
        chart={"kind": "table"},
    )


def event(raw: str | None) -> str:
    """The event's name in what came; empty where there is none to be read."""
    try:
        found = json.loads(raw or "")
    except ValueError:
        return ""
    name = found.get("name") if isinstance(found, dict) else None
    return str(name)[:100] if name else ""


QUESTION = Question("waiting", "What came and could not be used, by reason and event.", WaitingParams, answer)
