"""CSV (RFC 4180): all columns, unrounded. Text that a spreadsheet would run as a formula gets a leading apostrophe."""

from __future__ import annotations

import csv
import io

from assay.model.answer import Answer, Cell, Column
from assay.report.exporters.base import Exporter
from assay.report.figures import figure
from assay.report.layout import Layout

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _text(value: Cell, column: Column) -> str:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    said = figure(value, column)
    if said is None:
        return ""
    return str(said).lower() if isinstance(said, bool) else repr(said) if isinstance(said, float) else str(said)


def _render(answer: Answer, _layout: Layout) -> str:
    if not answer.columns:
        return ""
    out = io.StringIO(newline="")
    sheet = csv.writer(out, lineterminator="\r\n")
    sheet.writerow([column.name for column in answer.columns])
    for row in answer.rows:
        sheet.writerow([_text(cell, column) for cell, column in zip(row, answer.columns, strict=True)])
    return out.getvalue()


EXPORTER = Exporter("csv", "text/csv; charset=utf-8; header=present", _render)
