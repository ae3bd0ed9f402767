"""CSV from the API opens with the right types in pandas, polars and DuckDB, and says what JSON says."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas
import polars
import pytest
from machined import PLAN

from assay.web.api import api
from assay.web.asking import Asker
from support import NOW, bought, view, workspace

ODD = ["a,b", 'say "hi"', "two\nlines", "semi;colon", "ümläut €", " spaced ", "'quoted'", "NULL", "nan", "1e5x"]
RUN = ["=1+1", "+49 30", "-5", "@SUM(A1)", "x;=1+1;y"]  # what a spreadsheet would run
DAYS = "from=2024-03-01&to=2024-03-03"
ASKED = [
    f"metric?names=views,rpv,buyers&by=device&{DAYS}",
    f"metric?names=rpv&grain=day&compare=previous&{DAYS}",
    f"funnel?name=buy&by=device&{DAYS}",
    f"sessions?{DAYS}",
    f"retention?period=day&{DAYS}",
    "overview",
    "ledger?imports=true",
]
WHOLE = ("count",)
FLOATS = ("rate", "points", "money", "number", "duration", "p")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from starlette.testclient import TestClient

    folder = tmp_path_factory.mktemp("csv")
    devices = [*ODD, *RUN, None]
    events = [
        *(
            view(f"v{n}", f"2024-03-0{day} 10:{n:02}", device=device)
            for day in (1, 2, 3)
            for n, device in enumerate(devices)
        ),
        *(bought(f"v{n}", f"2024-03-02 11:{n:02}", f"o{n}", f"{n}234567.50", currency="EUR") for n in range(1, 6)),
    ]
    with workspace(folder, PLAN, events):
        pass
    asker = Asker(folder, clock=NOW)

    async def found(_request: Any) -> Asker:
        return asker

    with TestClient(api(found)) as made:
        yield made
    asker.close()


def both(client: Any, path: str) -> tuple[dict[str, Any], str]:
    """The JSON and the CSV of a question."""
    name, _, query = path.partition("?")
    return client.get(f"{name}?{query}").json(), client.get(f"{name}.csv?{query}").text


def full(answer: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """Columns with a value in some row, and their places: where all is empty there is no type to find."""
    return [
        (place, column)
        for place, column in enumerate(answer["columns"])
        if any(row[place] not in (None, "") for row in answer["rows"])
    ]


def kind_of(column: dict[str, Any], values: list[Any]) -> str:
    """What the cells of a column are, by the document's own words."""
    if column["kind"] == "figure":
        return "float"
    if column["kind"] in FLOATS:
        return "float" if any(isinstance(v, str | float) for v in values if v is not None) else "whole"
    return {"count": "whole", "day": "day", "moment": "moment", "flag": "flag"}.get(column["kind"], "text")


@pytest.mark.parametrize("path", ASKED)
def test_pandas_finds_the_types_and_the_values(client: Any, path: str) -> None:
    answer, text = both(client, path)
    frame = pandas.read_csv(io.StringIO(text), keep_default_na=False, na_values=[""])
    assert list(frame.columns) == [column["name"] for column in answer["columns"]]
    assert len(frame) == len(answer["rows"]) > 0
    for place, column in full(answer):
        values = [row[place] for row in answer["rows"]]
        kind, got = kind_of(column, values), frame[column["name"]]
        if kind in ("whole", "float"):
            assert pandas.api.types.is_numeric_dtype(got), column
            if kind == "whole" and None not in values:
                assert pandas.api.types.is_integer_dtype(got), column
            wanted = [None if v is None else float(v) for v in values]
            assert [None if pandas.isna(v) else float(v) for v in got] == wanted
        elif kind in ("day", "moment"):
            read = pandas.to_datetime(got, utc=kind == "moment")
            assert [None if pandas.isna(v) else v for v in read] == [
                None
                if v is None
                else pandas.Timestamp(v).tz_convert("UTC")
                if kind == "moment"
                else pandas.Timestamp(v)
                for v in values
            ]
        elif kind == "flag":
            assert [None if pandas.isna(v) else bool(v) for v in got] == values


@pytest.mark.parametrize("path", ASKED)
def test_polars_and_duckdb_find_the_types(client: Any, path: str, tmp_path: Path) -> None:
    answer, text = both(client, path)
    frame = polars.read_csv(io.StringIO(text), try_parse_dates=True, infer_schema_length=None)
    (tmp_path / "answer.csv").write_text(text, encoding="utf-8", newline="")
    table = duckdb.sql(f"SELECT * FROM read_csv('{tmp_path}/answer.csv', sample_size = -1)")
    kinds = dict(zip(table.columns, map(str, table.types), strict=True))
    for place, column in full(answer):
        name, values = column["name"], [row[place] for row in answer["rows"]]
        kind = kind_of(column, values)
        if kind == "text":
            continue  # ids may well be numbers
        wanted = {
            "whole": (("Int64",), ("BIGINT",)), "float": (("Float64", "Int64"), ("DOUBLE", "BIGINT")),
            "day": (("Date",), ("DATE",)), "moment": (("Datetime",), ("TIMESTAMP WITH TIME ZONE",)),
            "flag": (("Boolean",), ("BOOLEAN",)),
        }[kind]  # fmt: skip
        assert str(frame.schema[name]).startswith(wanted[0]), (column, frame.schema[name])
        assert kinds[name] in wanted[1], (column, kinds[name])
        if kind == "day":
            assert frame[name].to_list() == [None if v is None else date.fromisoformat(v) for v in values]
        if kind == "moment":
            assert frame[name].to_list() == [None if v is None else datetime.fromisoformat(v) for v in values]


def test_text_comes_back_as_it_was_and_formulas_do_not_run(client: Any) -> None:
    _, text = both(client, ASKED[0])
    marked = ["'=1+1", "'+49 30", "'-5", "'@SUM(A1)", "x;'=1+1;y"]
    with_pandas = pandas.read_csv(io.StringIO(text), dtype=str, keep_default_na=False, na_values=[""])["device"]
    with_polars = polars.read_csv(io.StringIO(text))["device"].to_list()
    assert {*ODD, *marked} <= set(with_pandas.dropna())
    assert sorted(map(str, with_pandas.dropna())) == sorted(one for one in with_polars if one is not None)
    assert [len(one) for one in (with_pandas, with_polars)] == [len(ODD) + len(RUN) + 1] * 2


def test_money_is_exact_and_nothing_is_grouped(client: Any) -> None:
    answer, text = both(client, f"metric?names=rpv&{DAYS}")
    frame = pandas.read_csv(io.StringIO(text), dtype=str)
    assert frame["rpv_numerator"][0] == answer["rows"][0][1] == "16172837.50"  # 15 million and five times 234,567.50


def test_it_is_a_file_with_lines_as_rfc_4180_has_them(client: Any) -> None:
    found = client.get(f"metric.csv?names=views&by=device&{DAYS}")
    assert found.headers["content-type"] == "text/csv; charset=utf-8"
    assert found.headers["content-disposition"] == 'attachment; filename="metric.csv"'
    assert found.content.endswith(b"\r\n")
    assert not found.content.startswith(b"\xef\xbb\xbf")
    empty = client.get("metric.csv?names=views&from=2023-01-01&to=2023-01-01")
    assert (empty.status_code, empty.text) == (200, "")
