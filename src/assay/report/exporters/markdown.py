"""Markdown: the sentence, the first-level columns, and the definitions as footnotes."""

from __future__ import annotations

import re

from assay.model.answer import Answer, Definition
from assay.report.exporters.base import Exporter
from assay.report.layout import Layout
from assay.report.words import Shown, finding_words, shown

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#])")


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, in one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _render(answer: Answer, _layout: Layout) -> str:
    parts = [f"**{escaped(answer.sentence)}**"] if answer.sentence else []
    if answer.columns and answer.rows:
        parts.append(_table(answer))
    if answer.chart and answer.chart.get("kind") == "definition":
        parts += [f"```sql\n{text}\n```" for text in answer.sql]
    if answer.findings:
        parts.append("\n".join(f"- {escaped(finding_words(one))}" for one in answer.findings))
    if answer.notes:
        parts.append("\n\n".join(f"*{escaped(note)}*" for note in answer.notes))
    if answer.next:
        parts.append("Next: " + ", ".join(f"`{one}`" for one in answer.next))
    if answer.complete_through:
        parts.append(f"Data complete through {answer.complete_through:%Y-%m-%d %H:%M} UTC.")
    parts += [_footnote(place, one) for place, one in enumerate(answer.definitions, 1)]
    return "\n\n".join(parts) + "\n"


def _table(answer: Answer) -> str:
    columns = shown(answer)
    marks: dict[str, int] = {one.id: place for place, one in reversed(list(enumerate(answer.definitions, 1)))}
    seen: set[str] = set()
    heads = [escaped(column.title) + _mark(column, marks, seen) for column in columns]
    lines = [heads, ["---" if column.is_text else "---:" for column in columns]]
    lines += [[escaped(text) for text in row] for row in zip(*(column.texts for column in columns), strict=True)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _mark(column: Shown, marks: dict[str, int], seen: set[str]) -> str:
    """The footnote, at the first column that follows a definition."""
    if column.definition is None or column.definition in seen or column.definition not in marks:
        return ""
    seen.add(column.definition)
    return f"[^{marks[column.definition]}]"


def _footnote(place: int, one: Definition) -> str:
    exactly = f"{one.numerator} / {one.denominator}" if one.denominator else one.numerator
    parts = [exactly] if exactly != one.text else []
    parts += [f"per {one.unit}"] if one.unit else []
    parts += [f"window: {one.window}"] if one.window else []
    parts += [f"time zone {one.zone}"] if one.zone else []
    parts += [f"{name}: {rule}" for name, rule in one.rules.items()]
    exact = "; ".join(escaped(part) for part in parts if part)
    text = f": {escaped(one.text)}." if one.text else "."
    return f"[^{place}]: **{escaped(one.metric)}**{text} {exact}. Definition `{one.id}`."


EXPORTER = Exporter("md", "text/markdown; charset=utf-8", _render)
