"""What is planted in a demo world: each planted truth names the question that must find it, and the finding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from assay.model.answer import Answer

if TYPE_CHECKING:
    from assay.workspace import Workspace

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Planted:
    """One planted truth. ``question`` with ``params`` must find it: a finding with one of ``codes`` in its answer.

    ``what`` is a plain sentence; ``evidence`` is what that finding's evidence must contain, by equality.
    """

    code: str
    what: str
    question: str
    params: Mapping[str, Any]
    codes: tuple[str, ...]
    evidence: Mapping[str, Any]


def found(one: Planted, answer: Answer) -> bool:
    """Whether the answer holds a finding that says it."""
    return any(
        finding.code in one.codes
        and all(key in finding.evidence and _same(finding.evidence[key], value) for key, value in one.evidence.items())
        for finding in answer.findings
    )


def _same(said: Any, meant: Any) -> bool:
    """Equality, where a day or an amount may be given as text."""
    if isinstance(meant, Mapping):
        return (
            isinstance(said, Mapping) and said.keys() == meant.keys() and all(_same(said[k], meant[k]) for k in meant)
        )
    if isinstance(said, date):
        return str(meant) == said.isoformat()[: len("2026-09-30")]
    if isinstance(said, Decimal | float) or isinstance(meant, Decimal | float):
        try:
            return Decimal(str(said)) == Decimal(str(meant))
        except InvalidOperation:
            return False
    return bool(said == meant)


def ask_all(
    workspace: Workspace, planted: Iterable[Planted], progress: Progress = lambda _text, _done, _total: None
) -> list[tuple[Planted, bool]]:
    """Ask for every planted truth, in order, and whether it was found. The same question is asked once."""
    every = list(planted)
    answers: dict[str, Answer | None] = {}
    result = []
    for n, one in enumerate(every):
        progress("asking for what is planted", n, len(every))
        key = repr((one.question, sorted(one.params.items())))
        if key not in answers:
            answers[key] = _asked(workspace, one)
        answer = answers[key]
        result.append((one, answer is not None and found(one, answer)))
    progress("asking for what is planted", len(every), len(every))
    return result


def _asked(workspace: Workspace, one: Planted) -> Answer | None:
    try:
        return workspace.ask(one.question, **one.params)
    except Exception:  # whatever keeps a question from an answer keeps it from finding what is planted
        return None
