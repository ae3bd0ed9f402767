"""JSON: everything that the answer holds, unrounded. The shape is a contract: scripts depend on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from assay.model.answer import Answer, Cell, Column, Definition, Labelled
from assay.report.exporters.base import Exporter
from assay.report.figures import figure, plain
from assay.report.layout import Layout


def document(answer: Answer) -> dict[str, Any]:
    """The answer as plain values. Money is decimal text, rates are fractions, what is no number is null."""
    columns = {column.name: column for column in answer.columns}
    return {
        "question": answer.question,
        "params": plain(answer.params),
        "period": None if answer.period is None else dict(zip(("from", "to"), plain(answer.period), strict=True)),
        "definitions": [_definition(one) for one in answer.definitions],
        "as_of": plain(answer.as_of),
        "complete_through": plain(answer.complete_through),
        "columns": [_column(column) for column in answer.columns],
        "rows": [
            [figure(cell, column) for cell, column in zip(row, answer.columns, strict=True)] for row in answer.rows
        ],
        "estimates": [_estimate(one, columns) for one in answer.estimates],
        "findings": [plain(finding) for finding in answer.findings],
        **({"ideas": [plain(idea) for idea in answer.ideas]} if answer.ideas else {}),
        "sentence": answer.sentence,
        "notes": list(answer.notes),
        "next": list(answer.next),
        "sql": list(answer.sql),
        "chart": plain(answer.chart),
        "empty": answer.empty,
    }


def _definition(definition: Definition) -> dict[str, Any]:
    found: dict[str, Any] = plain(definition)
    return found


def _column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "kind": column.kind,
        "label": column.title,
        "definition": column.definition,
        "currency": column.currency if column.kind == "money" else None,
        "detail": column.detail,
    }


def _estimate(labelled: Labelled, columns: dict[str, Column]) -> dict[str, Any]:
    one, name = labelled.estimate, labelled.metric
    value = columns.get(name, Column(name, "number"))

    def said(number: Cell, suffix: str = "") -> Any:
        column = columns.get(f"{name}_{suffix}") if suffix else value
        return figure(number, column) if column is not None else plain(number)

    return {
        "metric": name,
        "group": plain(labelled.group),
        "value": said(one.value),
        "low": said(one.low),
        "high": said(one.high),
        "level": plain(one.level),
        "method": one.method,
        "n": plain(one.n),
        "numerator": said(one.numerator, "numerator"),
        "denominator": said(one.denominator, "denominator"),
        "variance": plain(one.variance),
        "reason": one.reason,
    }


def lines(values: Mapping[str, Any]) -> str:
    """JSON text with one line per key and per entry of a list: short, and readable in a diff."""
    return "{\n" + ",\n".join(f"  {_dump(key)}: {_value(one)}" for key, one in values.items()) + "\n}\n"


def _value(value: Any) -> str:
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(f"    {_dump(one)}" for one in value) + "\n  ]"
    return _dump(value)


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _render(answer: Answer, _layout: Layout) -> str:
    return lines(document(answer))


EXPORTER = Exporter("json", "application/json", _render)
