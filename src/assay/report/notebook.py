"""The answer in a notebook: what the terminal says, as HTML."""

from __future__ import annotations

from html import escape

from assay.model.answer import Answer
from assay.report.words import Shown, finding_words, one_line, shown

_ROWS = 200  # a notebook shows the first of them; the frame has all
_RIGHT = ' style="text-align: right"'


def fragment(answer: Answer) -> str:
    """The sentence, the first-level columns as people read them, what is notable, how rows were grouped."""
    parts = [f"<p><strong>{_said(answer.sentence)}</strong></p>"]
    if answer.columns and answer.rows:
        parts.append(_table(shown(answer), len(answer.rows)))
    parts += _list([finding_words(one) for one in answer.findings])
    parts += _list(list(answer.notes))
    return "".join(parts)


def _table(columns: list[Shown], rows: int) -> str:
    head = "".join(f"<th{_side(column)}>{_said(column.title)}</th>" for column in columns)
    body = "".join(
        "<tr>" + "".join(f"<td{_side(column)}>{_said(column.texts[i])}</td>" for column in columns) + "</tr>"
        for i in range(min(rows, _ROWS))
    )
    more = f"<p>… and {rows - _ROWS:,} more rows; to_pandas() has them all</p>" if rows > _ROWS else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _side(column: Shown) -> str:
    return "" if column.is_text else _RIGHT


def _list(texts: list[str]) -> list[str]:
    return [f"<ul>{''.join(f'<li>{_said(text)}</li>' for text in texts)}</ul>"] if texts else []


def _said(text: str) -> str:
    return escape(one_line(text))
