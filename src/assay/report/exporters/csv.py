"""CSV (RFC 4180): all columns, unrounded. Text that a spreadsheet would run as a formula gets an apostrophe before it.

Also within a text, behind what some countries' spreadsheets part cells by: they do not honour quotes that comma parts.
"""

from __future__ import annotations

import csv
import io
import re

from assay.model.answer import Answer, Cell, Column
from assay.report.exporters.base import Exporter
from assay.report.figures import figure
from assay.report.layout import Layout

_FORMULA = re.compile(r"\A(?=[=+\-@＝＋－＠\t\r\n])|(?<=[;\t\r\n])(?=[=+\-@＝＋－＠])")


def _text(value: Cell, column: Column) -> str:
    if isinstance(value, str):
        return _FORMULA.sub("'", value)
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
