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
    sentence, further = _told(total, bool(asking.plan.source))
    return asking.answer(
        "waiting",
        params,
        columns=columns,
        rows=tuple((*key, n, *examples[key]) for key, n in counts.most_common()),
        empty=None if total else "nothing is in quarantine",
        sentence=sentence,
        next=(further,),
        chart={"kind": "table"},
    )


def _told(total: int, own: bool) -> tuple[str, str]:
    """What waits, in a sentence, and what to do; ``own``: the lines are rows of own tables."""
    if not total:
        return "Nothing is in quarantine: every line that came could be used.", "assay ledger"
    lines = f"{total:,} lines wait" if total != 1 else "1 line waits"
    if own:
        return f"{lines} in quarantine; mend the tables, or how source: in the plan reads them.", "assay check"
    return (
        f"{lines} in quarantine; {'they' if total != 1 else 'it'} can still be brought in.",
        "assay quarantine replay",
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
