"""Answers read back from their JSON: the report is made from what its sealed file holds, and from nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from assay.model.answer import Answer, Cell, Column, Definition
from assay.model.finding import Finding

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def answer_of(found: Mapping[str, Any]) -> Answer:
    """The answer that JSON holds, without its estimates: rows hold their figures too."""
    columns = tuple(
        Column(one["name"], one["kind"], one["label"], one["definition"], one["currency"], one["detail"])
        for one in found["columns"]
    )
    period = found["period"]
    return Answer(
        found["question"],
        found["params"],
        columns,
        tuple(tuple(_cell(one, column) for one, column in zip(row, columns, strict=True)) for row in found["rows"]),
        tuple(Definition(**one) for one in found["definitions"]),
        findings=tuple(Finding(**one) for one in found["findings"]),
        sentence=found["sentence"],
        notes=tuple(found["notes"]),
        next=tuple(found["next"]),
        sql=tuple(found["sql"]),
        chart=found["chart"],
        as_of=_moment(found["as_of"]),
        complete_through=_moment(found["complete_through"]),
        empty=found["empty"],
        period=(date.fromisoformat(period["from"]), date.fromisoformat(period["to"])) if period else None,
    )


def _cell(value: Any, column: Column) -> Cell:
    if isinstance(value, str) and column.kind in ("money", "figure"):
        return Decimal(value)
    if isinstance(value, str) and column.kind == "day" and _DAY.fullmatch(value):
        return date.fromisoformat(value)
    found: Cell = value
    return found


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def at(answers: Mapping[str, Any], source: str) -> Any:
    """The value at a source in the answers' JSON. Raises KeyError where there is none."""
    key, what, *rest = source.split("/")
    answer = answers[key]
    if what == "rows":
        names = [column["name"] for column in answer["columns"]]
        if rest[1] not in names or not int(rest[0]) < len(answer["rows"]):
            raise KeyError(source)
        return answer["rows"][int(rest[0])][names.index(rest[1])]
    if what == "findings":
        if not int(rest[0]) < len(answer["findings"]):
            raise KeyError(source)
        found = answer["findings"][int(rest[0])]
        for name in rest[1:]:
            found = found[name]
        return found
    return answer[what]
