"""Names and summaries of the questions, read from their source: ``assay --help`` must not wait for their imports.

A question's file ends in ``QUESTION = Question("name", "summary", …)``; ``QUESTIONS`` in ``analyses`` gives the order.
Where there is no source to read the questions are imported.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import assay

_MARK = "\nQUESTION = Question("


@cache
def questions() -> tuple[tuple[str, str], ...]:
    """Name and summary of every question, in the order of ``QUESTIONS``."""
    try:
        return tuple(_read(Path(assay.__file__).parent / "analyses"))
    except (OSError, ValueError, SyntaxError, TypeError, AssertionError):
        from assay.analyses import QUESTIONS

        return tuple((question.name, question.summary) for question in QUESTIONS)


def _read(folder: Path) -> list[tuple[str, str]]:
    modules = _modules((folder / "__init__.py").read_text(encoding="utf-8"))
    return [_question((folder / f"{module}.py").read_text(encoding="utf-8")) for module in modules]


def _modules(text: str) -> list[str]:
    """Names of the modules in the tuple ``QUESTIONS``."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "QUESTIONS":
            assert isinstance(node.value, ast.Tuple)
            return [
                one.value.id
                for one in node.value.elts
                if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name)
            ]
    raise ValueError("no QUESTIONS")


def _question(text: str) -> tuple[str, str]:
    """Name and summary in the call at the end of a question's file."""
    node = ast.parse(text[text.index(_MARK) + 1 :]).body[0]
    assert isinstance(node, ast.Assign)
    assert isinstance(node.value, ast.Call)
    name, summary = (ast.literal_eval(argument) for argument in node.value.args[:2])
    return str(name), str(summary)
