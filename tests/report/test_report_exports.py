"""JSON, CSV, Markdown: the contract that scripts depend on."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from assay.model.answer import Answer, Column, Definition, Labelled
from assay.model.errors import UnknownName
from assay.model.estimate import Estimate
from assay.model.finding import Finding
from assay.report import render

DEFINITION = Definition(
    "ab12", "rpv", "Net revenue per visitor", "revenue.net", "visitors", "visitor", "", "UTC", {"bots": "out"}
)
ESTIMATE = Estimate(2.5, 2.0, float("inf"), numerator=Decimal("10.00"), denominator=4, n=4, variance=float("nan"))
EVIDENCE = {"days": [date(2024, 1, 2)], "share": float("nan"), "sum": Decimal("1.10")}
ANSWER = Answer(
    "metric",
    {"names": ["rpv"], "from": "2024-01-01"},
    columns=(
        Column("day", "day"),
        Column("channel"),
        Column("rpv", "money", definition="ab12", currency="EUR"),
        Column("rpv_numerator", "money", "revenue", "ab12", "EUR", detail=True),
        Column("visitors", "count", definition="ab12"),
        Column("rate", "rate"),
        Column("new", "flag"),
    ),
    rows=(
        (date(2024, 1, 1), "=cmd|' /C calc'!A0", 2.4431333333333333, Decimal("2931.760000"), 1200, 22 / 1348, True),
        (date(2024, 1, 2), 'a "b", c|d\n-', Decimal("-0.5"), Decimal(0), 3.0, float("nan"), None),
        (date(2024, 1, 3), "-5", None, Decimal("1E+3"), None, float("inf"), False),
    ),
    definitions=(DEFINITION,),
    estimates=(
        Labelled("rpv", {"channel": "x"}, ESTIMATE),
        Labelled("rpv", {"day": date(2024, 1, 3)}, Estimate.none("nothing to divide by")),
    ),
    findings=(Finding("gap", "warning", "a gap", EVIDENCE, "assay quality"),),
    sentence="rpv is 2.44 €.",
    notes=("a note",),
    next=("assay audit",),
    sql=("SELECT 1", "SELECT 2"),
    chart={"kind": "line", "y": ["rpv"]},
    as_of=datetime(2024, 1, 5, tzinfo=UTC),
    complete_through=datetime(2024, 1, 4, tzinfo=UTC),
)


def document() -> dict[str, Any]:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    found: dict[str, Any] = json.loads(render(ANSWER, "json"), parse_constant=refuse)
    return found


def test_json_has_the_keys_of_the_contract() -> None:
    assert list(document()) == [
        "question",
        "params",
        "period",
        "definitions",
        "as_of",
        "complete_through",
        "columns",
        "rows",
        "estimates",
        "findings",
        "sentence",
        "notes",
        "next",
        "sql",
        "chart",
        "empty",
    ]
    assert document()["definitions"] == [
        {
            "id": "ab12",
            "metric": "rpv",
            "text": "Net revenue per visitor",
            "numerator": "revenue.net",
            "denominator": "visitors",
            "unit": "visitor",
            "window": "",
            "zone": "UTC",
            "rules": {"bots": "out"},
        }
    ]
    assert document()["columns"][2:4] == [
        {"name": "rpv", "kind": "money", "label": "rpv", "definition": "ab12", "currency": "EUR", "detail": False},
        {
            "name": "rpv_numerator",
            "kind": "money",
            "label": "revenue",
            "definition": "ab12",
            "currency": "EUR",
            "detail": True,
        },
    ]
    assert document()["sql"] == ["SELECT 1", "SELECT 2"]
    assert document()["as_of"] == "2024-01-05T00:00:00+00:00"


def test_figures_are_unrounded_and_money_is_decimal_text() -> None:
    assert document()["rows"] == [
        ["2024-01-01", "=cmd|' /C calc'!A0", "2.4431333333333334", "2931.76", 1200, 22 / 1348, True],
        ["2024-01-02", 'a "b", c|d\n-', "-0.50", "0.00", 3, None, None],
        ["2024-01-03", "-5", None, "1000.00", None, None, False],
    ]
    assert isinstance(document()["rows"][1][4], int)


def test_estimates_and_findings() -> None:
    first, second = document()["estimates"]
    assert first == {
        "metric": "rpv",
        "group": {"channel": "x"},
        "value": "2.50",
        "low": "2.00",
        "high": None,
        "level": 0.95,
        "method": "",
        "n": 4,
        "numerator": "10.00",
        "denominator": 4,
        "variance": None,
        "reason": None,
    }
    assert (second["value"], second["reason"]) == (None, "nothing to divide by")
    assert document()["findings"] == [
        {
            "code": "gap",
            "severity": "warning",
            "text": "a gap",
            "action": "assay quality",
            "evidence": {"days": ["2024-01-02"], "share": None, "sum": "1.10"},
        }
    ]


def test_csv_is_rfc_4180_with_all_columns_and_no_formula() -> None:
    text = render(ANSWER, "csv")
    assert text.count("\r\n") == 4
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[0] == ["day", "channel", "rpv", "rpv_numerator", "visitors", "rate", "new"]
    assert rows[1] == [
        "2024-01-01",
        "'=cmd|' /C calc'!A0",
        "2.4431333333333334",
        "2931.76",
        "1200",
        repr(22 / 1348),
        "true",
    ]
    assert rows[2] == ["2024-01-02", 'a "b", c|d\n\'-', "-0.50", "0.00", "3", "", ""]
    assert rows[3][1] == "'-5"


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\tx", "\rx", "\nx", "＝1", "＠a"])
def test_csv_text_that_looks_like_a_formula_is_marked(text: str) -> None:
    one = Answer("q", {}, columns=(Column("a"), Column("n", "number")), rows=((text, -1.5),))
    rows = list(csv.reader(io.StringIO(render(one, "csv"), newline="")))
    assert rows[1] == [f"'{text}", "-1.5"]


@pytest.mark.parametrize(
    ("text", "said"),
    [("a;=1;b", "a;'=1;b"), ("a\n=1", "a\n'=1"), ("a\t@b", "a\t'@b"), ("a; -b", "a; -b"), ("a\n\nb", "a\n\nb"),
     ("1-2=x", "1-2=x"), ("a,=b", "a,=b")],
)  # fmt: skip
def test_csv_text_that_other_countries_part_into_formulas_is_marked(text: str, said: str) -> None:
    one = Answer("q", {}, columns=(Column("a"),), rows=((text,),))
    rows = list(csv.reader(io.StringIO(render(one, "csv"), newline="")))
    assert rows[1] == [said]


def test_markdown_has_the_sentence_first_level_columns_and_footnotes() -> None:
    lines = render(ANSWER, "md").splitlines()
    assert lines[0] == "**rpv is 2.44 €.**"
    assert lines[2] == "| day | channel | rpv[^1] | visitors | rate | new |"
    assert lines[3] == "| --- | --- | ---: | ---: | ---: | --- |"
    assert lines[5].startswith(r'| Tue 2 Jan | a "b", c\|d - | −0.50 €')
    assert "- warning: a gap → assay quality" in lines
    assert lines[-1].startswith(
        "[^1]: **rpv**: Net revenue per visitor. revenue.net / visitors; per visitor; time zone UTC;"
    )
    assert "`ab12`" in lines[-1]


def test_empty_answers_in_every_format() -> None:
    one = Answer("metric", {}, empty="no events yet", sentence="There are none.")
    assert json.loads(render(one, "json"))["empty"] == "no events yet"
    assert render(one, "csv") == ""
    assert render(one, "md") == "**There are none.**\n"


def test_an_unknown_format() -> None:
    with pytest.raises(UnknownName, match="it has csv, json, md, table"):
        render(ANSWER, "xml")
