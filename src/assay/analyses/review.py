"""review: what the check of the plan has to say, as an answer."""

from __future__ import annotations

from assay.analyses.base import Asking, Params, Question
from assay.model.answer import Answer, Column

_WORDS = {"error": "mistake", "warning": "warning", "info": "remark"}


class ReviewParams(Params):
    """None: the whole plan."""


def answer(asking: Asking, params: ReviewParams) -> Answer:
    """One row per remark, the gravest first; what is wrong with the files themselves is said before a plan is used."""
    from assay.plan.check import check

    found = sorted(check(asking.plan, today=asking.today), key=lambda one: list(_WORDS).index(one.severity))
    counts = {word: sum(one.severity == name for one in found) for name, word in _WORDS.items()}
    said = ", ".join(f"{n} {word}{'s' if n != 1 else ''}" for word, n in counts.items() if n)
    columns = (Column("severity"), Column("text", label="what"), Column("code", detail=True))
    return asking.answer(
        "review",
        params,
        columns=columns,
        rows=tuple((_WORDS[one.severity], one.text, one.code) for one in found),
        empty=None if found else "the plan is in order",
        sentence=f"The check of the plan has {said}."
        if found
        else "The plan is in order: its check has nothing to say.",
        next=("assay audit", "assay catalog"),
        chart={"kind": "table"},
    )


QUESTION = Question("review", "What the check of the plan has to say.", ReviewParams, answer, needs_data=False)
