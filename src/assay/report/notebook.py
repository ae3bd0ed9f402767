"""The answer in a notebook: what the terminal says, as HTML, with its picture where charts can be drawn."""

from __future__ import annotations

from html import escape

from assay.model.answer import Answer
from assay.report.drawing import drawing
from assay.report.words import Shown, finding_words, one_line, shown

_ROWS = 200  # a notebook shows the first of them; the frame has all
_RIGHT = ' style="text-align: right"'
_INHERITING = ' style="color: inherit; font-size: inherit"'
# A ground of its own: a notebook's theme may be light or dark, and does not say which.
_GROUND = "background: #fff; color: #1f2328; padding: 8px 16px; margin: 8px 0; border-radius: 4px; width: fit-content"
_FITTING = '<svg style="max-width: 100%; height: auto; overflow: visible" '  # labels may be wider than was measured


def fragment(answer: Answer) -> str:
    """The sentence, the picture, the first-level columns as people read them, what is notable, how rows group."""
    parts = [f"<p><strong>{_said(answer.sentence)}</strong></p>"]
    drawn = drawing(answer, "light")
    if drawn is not None:
        parts.append(f'<div style="{_GROUND}">{drawn.replace("<svg ", _FITTING, 1)}</div>')
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
    return f"<table{_INHERITING}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _side(column: Shown) -> str:
    return "" if column.is_text else _RIGHT


def _list(texts: list[str]) -> list[str]:
    return [f"<ul>{''.join(f'<li>{_said(text)}</li>' for text in texts)}</ul>"] if texts else []


def _said(text: str) -> str:
    return escape(one_line(text))
