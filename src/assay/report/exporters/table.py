"""The terminal: one sentence, a table that fits, what is notable, and what to ask next."""

from __future__ import annotations

from dataclasses import replace

from assay.model.answer import Answer
from assay.report import grid
from assay.report.exporters.base import Exporter
from assay.report.layout import Layout
from assay.report.words import Shown, finding_words, one_line, shown

_BAR = 24
_LISTED = 40  # rows of a list of units or visits that a terminal shows
_EIGHTHS = " ▏▎▍▌▋▊▉"
_STYLES = {"bold": "1", "dim": "2", "good": "32", "info": "36", "warning": "33", "bad": "31"}


def _render(answer: Answer, layout: Layout) -> str:
    parts = [_said([answer.sentence], "bold", layout)] if answer.sentence else []
    if answer.columns and answer.rows:
        parts.append(_table(answer, layout))
    if answer.chart and answer.chart.get("kind") == "definition":
        parts += answer.sql
    told = {cell for row in answer.rows for cell in row if isinstance(cell, str)}
    findings = [one for one in answer.findings if one.text not in told]  # a row that says it says it once
    if findings:
        parts.append("\n".join(_said([finding_words(one)], one.severity, layout) for one in findings))
    if answer.notes:
        parts.append("\n".join(_said([note], "dim", layout) for note in answer.notes))
    if answer.next:
        lines = [("next: " if place == 0 else "      ") + one_line(one) for place, one in enumerate(answer.next)]
        parts.append("\n".join(_painted(line, "dim", layout) for line in lines))
    return "\n\n".join(parts) + "\n"


def _table(answer: Answer, layout: Layout) -> str:
    left = len(answer.rows) - _LISTED
    listed = answer.chart is not None and answer.chart.get("kind") == "list" and left > 0
    if listed:
        answer = replace(answer, rows=answer.rows[:_LISTED])
    columns = shown(answer)
    if answer.chart and answer.chart.get("kind") == "funnel":
        columns += _bars(answer)
    tables = []
    for block in grid.blocks(columns, layout.width):
        head, body = grid.lines(block, layout.width)
        tables.append("\n".join([*(_painted(line, "dim", layout) for line in head), *body]))
    if listed:
        tables.append(_painted(f"… and {left:,} more; --format csv has them all", "dim", layout))
    return "\n\n".join(tables)


def _bars(answer: Answer) -> list[Shown]:
    """A bar per row by the rate from the start."""
    if "from_start" not in [column.name for column in answer.columns]:
        return []
    rates = answer.column("from_start")
    return [Shown("", "bar", tuple(bar(rate) if isinstance(rate, int | float) else "" for rate in rates))]


def bar(share: float, width: int = _BAR) -> str:
    """``share`` of ``width`` in block characters, to an eighth; more than nothing is seen as something."""
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    full, rest = divmod(max(eighths, 1 if share > 0 else 0), 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


def _said(texts: list[str], style: str, layout: Layout) -> str:
    lines = [line for text in texts for line in grid.wrap(one_line(text), layout.width)]
    return "\n".join(_painted(line, style, layout) for line in lines)


def _painted(text: str, style: str, layout: Layout) -> str:
    code = _STYLES.get(style)
    return f"\x1b[{code}m{text}\x1b[0m" if layout.colour and code and text else text


EXPORTER = Exporter("table", "text/plain; charset=utf-8", _render)
