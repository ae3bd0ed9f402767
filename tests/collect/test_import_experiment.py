"""Tests that another tool ran: a row a unit becomes its exposure; what cannot be one is told or kept apart."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from imported import Imported

from assay.collect.importers import Context, importer
from assay.collect.importers.outcomes import Figure, figures, property_name
from assay.model.errors import DataError, UsageError
from assay.plan.load import loads

NOW = 1_767_225_600_000_000  # 2026-01-01
HEAD = "id,arm,bought,spent,before,city\n"
ROWS = HEAD + "a,A,1,10.50,3,Rome\nb,B,0,0,7,\nc,A,yes,2.25,1e2,Bern\n"
COLUMNS: dict[str, Any] = {
    "name": "mail", "unit": "id", "variant": "arm", "outcome": ["bought:rate", "spent:money"], "covariate": ["before"],
    "segment": ["city"], "date": "2025-03-01",
}  # fmt: skip
PLAN = """
site: {timezone: Europe/Berlin, currency: EUR}
events: {seen: {properties: {test: string, arm: string, share: number}}}
metrics: {m: {type: simple, sum: seen.share, per: user}}
experiments:
  mail: {exposure: {event: seen, name: test, variant: arm, value: mail-1}, start: 2025-02-03, primary: m, unit: user}
  ours: {primary: m, assignments: assign}
"""


def go(folder: Path, *files: Path, plan: str = "", now: int = NOW, zone: str = "UTC", **options: Any) -> Imported:
    context = Context(folder / "spool", "USD", zone, now, plan=loads(plan) if plan else None)
    chosen = importer("experiment").options_from(options)
    return Imported(list(importer("experiment").segments(files, chosen, context)))


def text(folder: Path, content: str, name: str = "units.csv") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def props(done: Imported) -> list[Mapping[str, Any]]:
    return [json.loads(row["props"]) for row in done.rows()]


def test_a_row_is_the_exposure_of_its_unit(tmp_path: Path) -> None:
    done = go(tmp_path, text(tmp_path, ROWS), **COLUMNS)
    first, second, third = done.rows()
    assert {k: first[k] for k in ("name", "visitor", "source", "environment", "interactive")} == {
        "name": "experiment_viewed", "visitor": "a", "source": "experiment", "environment": "live", "interactive": False,
    }  # fmt: skip
    assert first["time"] == 1_740_873_599_000_000  # the last second of the day
    assert first["received_at"] == NOW
    assert [json.loads(row["props"]) for row in (first, second, third)] == [
        {"experiment_id": "mail", "variant": "A", "bought": 1, "spent": 10.5, "before": 3, "city": "Rome"},
        {"experiment_id": "mail", "variant": "B", "bought": 0, "spent": 0, "before": 7},
        {"experiment_id": "mail", "variant": "A", "bought": 1, "spent": 2.25, "before": 100, "city": "Bern"},
    ]
    assert len({row["id"] for row in done.rows()}) == 3


def test_the_same_in_every_kind_of_file(tmp_path: Path) -> None:
    import duckdb

    plain = text(tmp_path, ROWS)
    zipped, table = tmp_path / "units.csv.gz", tmp_path / "units.parquet"
    zipped.write_bytes(gzip.compress(ROWS.encode()))
    duckdb.sql(
        "SELECT 'a' AS id, 'A' AS arm, true AS bought, 10.5::DOUBLE AS spent, 3 AS before, 'Rome' AS city"
    ).write_parquet(str(table))
    lines = text(
        tmp_path,
        '{"id": "a", "arm": "A", "bought": true, "spent": 10.50, "before": 3, "city": "Rome"}\n',
        "units.ndjson",
    )
    local = text(tmp_path, 'id;arm;bought;spent;before;city\na;A;ja;"10,50";3,0;Rome\n'.replace("ja", "1"), "local.csv")
    expected = go(tmp_path, plain, **COLUMNS).rows()
    assert go(tmp_path, zipped, **COLUMNS).rows() == expected
    for one in (table, lines):
        assert go(tmp_path, one, **COLUMNS).rows() == expected[:1]
    assert go(tmp_path, local, **COLUMNS, decimal="comma").rows() == expected[:1]


def test_units_without_ids_are_numbered_in_the_file(tmp_path: Path) -> None:
    file = text(tmp_path, "variant,clicks\nA,1\nB,oops\nB,0\n")
    done = go(tmp_path, file, name="mail", outcome=["clicks"])
    assert [row["visitor"] for row in done.rows()] == ["mail:1", "mail:3"]
    other = text(tmp_path, "variant,clicks\nA,1\n", "more.csv")
    with pytest.raises(UsageError, match=r"units.csv names no units, and row numbers .* give --unit COLUMN"):
        go(tmp_path, file, other, name="mail", outcome=["clicks"])
    named = text(tmp_path, "unit,variant,clicks\nx,A,1\n", "named.csv")  # told by the column's name
    assert [row["visitor"] for row in go(tmp_path, named, name="mail", outcome=["clicks"]).rows()] == ["x"]


def test_broken_rows_and_doubled_units_go_to_quarantine(tmp_path: Path) -> None:
    rows = [
        "a,A,1,10.50,3,Rome", "b,,1,1,1,Rome", ",A,1,1,1,Rome", "c,A,2,1,1,Rome", "d,A,1,ten,1,Rome", "e,A,1,,1,Rome",
        "f,A,1,1,nan,Rome", "a,A,1,10.50,3,Rome", "a,B,0,1,3,Rome", "g,B,0,1,3", "h,A,oops,1,1,x", "h,B,1,1,1,x",
    ]  # fmt: skip
    done = go(tmp_path, text(tmp_path, HEAD + "\n".join(rows) + "\n"), **COLUMNS)
    assert [(row["visitor"], json.loads(row["props"])["variant"]) for row in done.rows()] == [("a", "A"), ("h", "B")]
    assert done.bad() == [
        (3, "the variant (column arm) is empty"),
        (4, "the unit (column id) is empty"),
        (5, "bought '2' is neither 0 nor 1"),
        (6, "spent 'ten' is not an amount"),
        (7, "spent is empty"),
        (8, "before 'nan' is not a number"),
        (9, "the unit is in an earlier row; the first row stands"),
        (10, "the unit is in an earlier row, with another variant; the first row stands"),
        (11, "the row has 5 columns, the header 6"),
        (12, "bought 'oops' is neither 0 nor 1"),
    ]
    (segment,) = done.segments
    assert (segment.read, segment.rows, segment.quarantined) == (12, 2, 10)


def test_an_empty_number_is_0_where_that_is_said(tmp_path: Path) -> None:
    file = text(tmp_path, HEAD + "a,A,,,,\nb,B,1,1,,\n")
    assert [one["spent"] for one in props(go(tmp_path, file, **COLUMNS, zero_empty=True))] == [0, 1]
    with pytest.raises(DataError, match=r"nothing usable, every row is broken; line 2: bought is empty"):
        go(tmp_path, file, **COLUMNS)


def test_nothing_usable_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no rows"):
        go(tmp_path, text(tmp_path, HEAD), **COLUMNS)
    with pytest.raises(DataError, match="is empty"):
        go(tmp_path, text(tmp_path, "", "none.csv"), **COLUMNS)
    sheet = tmp_path / "units.xlsx"
    sheet.write_bytes(b"PK\x03\x04" + b"\0" * 40)
    with pytest.raises(DataError, match=r"units.xlsx is a workbook of a spreadsheet; save the sheet .* as CSV"):
        go(tmp_path, sheet, **COLUMNS)
    with pytest.raises(DataError, match="one object per line"):
        go(tmp_path, text(tmp_path, '[{"id": "a"}]', "units.json"), **COLUMNS)
    assert not list(tmp_path.glob("spool/*"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": None}, "--name is missing: which experiment is it?"),
        ({"variant": "amr"}, "has no column 'amr'; did you mean 'arm'? (--variant names the column that says who saw what)"),
        ({"variant": "variant"}, "has no column 'variant'"),
        ({"variant": "before", "covariate": []}, "the column 'before' of many.csv has 60 different values and is no variant"),
        ({"unit": "idd"}, "has no column 'idd'; did you mean 'id'?"),
        ({"outcome": ["bougt"]}, "has no column 'bougt'; did you mean 'bought'? (--outcome names the column of the outcome)"),
        ({"outcome": ["spent:mony"]}, "--outcome spent:mony: there is no kind 'mony'; did you mean 'money'?"),
        ({"outcome": []}, "--outcome is missing: what came of the units of many.csv? Did you mean --outcome bought:rate --outcome spent:money?"),
        ({"outcome": ["arm"]}, "--outcome arm: that column is the variant"),
        ({"outcome": ["spent", "spent"]}, "--outcome spent: the column is given twice"),
        ({"covariate": ["spent"]}, "--covariate spent: the column is an outcome and no covariate as well"),
        ({"segment": ["date=city"]}, None),
        ({"segment": ["device=city"]}, "the name device means something else already"),
        ({"segment": ["spent=city"]}, "'spent' and 'city' would both be the property spent; name one of them otherwise"),
        ({"control": "a"}, "many.csv has no variant 'a'; it has A, B (--control names one of them)"),
        ({"time": "before"}, "--time and --date at once"),
        ({"date": "2026-01-02"}, "2026-01-02 lies in the future; --date is the day on which the units were exposed"),
        ({"time_zone": "Berlin"}, "there is no time zone 'Berlin'"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant(tmp_path: Path, options: Mapping[str, Any], message: str | None) -> None:
    rows = "".join(f"u{n},{'AB'[n % 2]},{n % 2},{n / 7:.3f},{n},x\n" for n in range(60))
    file = text(tmp_path, HEAD + rows, "many.csv")
    given = {**COLUMNS, "outcome": ["bought:rate", "spent"], **options}
    given = {key: value for key, value in given.items() if value is not None}
    if message is None:
        assert len(go(tmp_path, file, **given).rows()) == 60
        return
    with pytest.raises(UsageError) as caught:
        go(tmp_path, file, **given)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_number_of_many_sizes_is_kept(tmp_path: Path) -> None:
    written = ["0.1", "1e-9", "12345678.123456789", "-3", " 4 ", "1,234.50", "1e300", "true"]
    file = text(tmp_path, "unit,variant,x\n" + "".join(f'{n},A,"{one}"\n' for n, one in enumerate(written)))
    found = [one["x"] for one in props(go(tmp_path, file, name="n", outcome=["x"]))]
    assert found == [0.1, 1e-9, 12345678.123456789, -3, 4, 1234.5, 1e300, 1]
    assert go(tmp_path, file, name="n", outcome=["x:number"]).bad() == [(9, "x 'true' is not a number")]


def test_names_that_mean_something_else_get_another() -> None:
    for column, name in {
        "Spend (EUR)": "spend_eur", "channel": "unit_channel", "revenue": "unit_revenue", "value": "unit_value", "2w": "unit_2w",
        "order": "order", "select": "unit_select", "Größe": "größe", "experiment_id": "unit_experiment_id", "visit": "visit",
    }.items():  # fmt: skip
        assert property_name(column, ("experiment_id", "variant")) == name
    assert figures(["a=b c:rate"], ["x"], ["x"]) == [
        Figure("outcome", "b c", "a", "rate"),
        Figure("covariate", "x", "x"),
    ]
    assert figures(["spent:in:eur:money"], [], []) == [Figure("outcome", "spent:in:eur", "spent_in_eur", "money")]


def test_times_by_column_and_the_day_by_default(tmp_path: Path) -> None:
    file = text(tmp_path, "unit,variant,x,at\na,A,1,2025-06-01 10:00\nb,B,0,01/06/2025\nc,B,0,\n")
    done = go(tmp_path, file, name="n", outcome=["x"], time="at", zone="Europe/Berlin")
    assert [row["time"] for row in done.rows()] == [1_748_764_800_000_000]  # 08:00 UTC
    assert done.bad() == [(3, "time '01/06/2025' cannot be read as a time"), (4, "the event has no time")]
    told = go(tmp_path, file, name="n", outcome=["x"], time="at", time_format="%d/%m/%Y", time_zone="UTC")
    assert [row["time"] for row in told.rows()] == [1_748_736_000_000_000]
    (row, *_) = go(tmp_path, file, name="n", outcome=["x"]).rows()
    assert row["time"] == NOW - 1_000_000  # the end of the last complete day
    # A day that was not given makes no other import of the same file.
    later = go(tmp_path, file, name="n", outcome=["x"], now=NOW + 3 * 86_400_000_000)
    assert later.segments[0].name == go(tmp_path, file, name="n", outcome=["x"]).segments[0].name


def test_the_plan_says_how_the_exposure_is_called(tmp_path: Path) -> None:
    file = text(tmp_path, "unit,variant,Share,arm\na,A,0.5,x\n")
    (row,) = go(tmp_path, file, name="mail", outcome=["Share", "arm=Share"][:1], plan=PLAN, zone="Europe/Berlin").rows()
    assert (row["name"], row["visitor"], row["user"]) == ("seen", "a", "a")
    assert json.loads(row["props"]) == {"test": "mail-1", "arm": "A", "share": 0.5}
    assert row["time"] == 1_738_623_599_000_000  # the end of the plan's start, in Berlin
    (row,) = go(tmp_path, file, name="mail", outcome=["Share"], plan=PLAN, per="account", date="2025-01-01").rows()
    assert (row.get("user"), row["account"]) == (None, "a")
    with pytest.raises(UsageError, match="variants are computed, not read"):
        go(tmp_path, file, name="ours", outcome=["Share"], plan=PLAN)
    with pytest.raises(UsageError, match=r"name one of the plan \(mail, ours\)"):
        go(tmp_path, file, outcome=["Share"], plan=PLAN)


def test_parts_of_a_large_file_do_not_repeat_units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from assay.collect.importers import experiment

    monkeypatch.setattr(experiment, "PART", 4)
    rows = "".join(f"u{n % 6},A,{n}\n" for n in range(10))
    done = go(tmp_path, text(tmp_path, "unit,variant,x\n" + rows), name="n", outcome=["x"])
    assert [(row["visitor"], json.loads(row["props"])["x"]) for row in done.rows()] == [(f"u{n}", n) for n in range(6)]
    assert [line for line, _ in done.bad()] == [8, 9, 10, 11]
    assert len(done.segments) == 2


def test_the_sql_file_has_named_blocks() -> None:
    from assay.collect.importers.work import blocks

    assert all(statements for statements in blocks("experiment").values())
