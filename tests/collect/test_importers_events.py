"""The ``events`` importer: mappings, kinds of files, bad rows, ids, files that need no copy."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import yaml
from imported import Run

from assay.collect.importers import importer
from assay.model.errors import DataError, UsageError
from assay.model.event import NAMES

MAPPINGS = Path(__file__).parent.parent / "data" / "imports"
CSV = """event,timestamp,user_id,amount,currency,plan,note
page_view,2024-01-01T10:00:00Z,u1,,,free,"two
lines"
purchase,1704106800,u2,"1,234.50",eur,pro,x
purchase,1704106800000,u2,abc,EUR,pro,x

purchase,nonsense,u2,1,EUR,pro,x
,2024-01-01 10:00:00+02:00,u2,1,EUR,pro,x
purchase,2024-01-01 10:00:00,u2,2.5,EURO,pro,x
purchase,1984-01-01,u2,2.5,EUR,pro,x
short,row
purchase,2024-01-01 10:00:00,u2,2.5,EUR,pro,"x ""y"" z"
"""
BAD = [
    (5, "amount 'abc' is not a decimal number"),
    (7, "time 'nonsense' cannot be read as a time"),
    (8, "the event has no name"),
    (9, "currency 'EURO' is not a code of three letters"),
    (10, "time '1984-01-01' lies outside 1990 to tomorrow"),
    (11, "the row has 2 columns, the header 7"),
]


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("form", ["plain", "gz", "utf-16", "utf-8-sig", "crlf", "semicolon"])
def test_bad_rows_are_kept_with_line_and_reason_and_the_rest_is_loaded(run: Run, tmp_path: Path, form: str) -> None:
    file = tmp_path / "rows.csv"
    if form == "gz":
        file = tmp_path / "rows.csv.gz"
        file.write_bytes(gzip.compress(CSV.encode()))
    elif form == "crlf":
        write(file, CSV.replace("\n", "\r\n"))
    elif form == "semicolon":
        write(file, CSV.replace(",", ";").replace("1;234.50", "1,234.50"))
    else:
        write(file, CSV, "utf-8" if form == "plain" else form)
    done = run("events", file)
    (segment,) = done.segments
    assert (segment.read, segment.rows, segment.quarantined, segment.skipped) == (9, 3, 6, 0)
    assert done.bad() == BAD
    assert done.raw()[5].replace(";", ",") == "short,row"
    first, second, third = done.rows()
    assert (first["name"], first["time"], first["user"]) == ("page_view", 1_704_103_200_000_000, "u1")
    assert json.loads(first["props"])["note"].splitlines() == ["two", "lines"]
    assert (second["amount"], second["currency"], second["time"]) == ("1234.5", "EUR", 1_704_106_800_000_000)
    assert json.loads(third["props"]) == {"plan": "pro", "note": 'x "y" z'}
    assert third["interactive"] is True
    assert third["source"] == "events"
    assert third["received_at"] == third["time"]


def test_columns_are_exactly_those_of_the_event_line(run: Run, tmp_path: Path) -> None:
    done = run("events", write(tmp_path / "a.csv", "name,time\nx,2024-01-01\n"))
    with duckdb.connect() as connection:
        found = connection.execute(f"DESCRIBE SELECT * FROM '{done.segments[0].path}'").fetchall()
    assert tuple(row[0] for row in found) == NAMES
    assert {row[1] for row in found} == {"VARCHAR", "BIGINT", "BOOLEAN"}


def test_ndjson_keeps_types_and_line_numbers(run: Run, tmp_path: Path) -> None:
    lines = [
        '{"name":"a","time":"2024-01-01","props":{"x":1},"items":[{"item_id":"1","price":2.50}],"extra":{"k":2},"n":5}',
        '{"name":"a","time":1704106800,"props":"no"}',
        "not json",
        "",
        '{"name":"a"}',
        "[1]",
        '{"name":"b","time":1704106800.25,"seq":3,"amount":12.10,"bot":false}',
        '{"name":"b","time":1704106800,"seq":"x"}',
        '{"name":"b","time":1704106800,"items":{"item_id":1}}',
    ]
    done = run("events", write(tmp_path / "a.ndjson", "\n".join(lines)))
    assert done.bad() == [
        (2, "props are not valid JSON"),
        (3, "the line is not valid JSON"),
        (5, "the event has no time"),
        (6, "the line is no JSON object"),
        (8, "seq 'x' is not a whole number"),
        (9, "items are no JSON array"),
    ]
    assert done.raw()[1] == "not json"
    first, second = done.rows()
    assert json.loads(first["props"]) == {"x": 1, "extra": {"k": 2}, "n": 5}
    assert json.loads(first["items"]) == [{"item_id": "1", "price": 2.5}]
    assert (second["time"], second["seq"], second["amount"], second["bot"]) == (1_704_106_800_250_000, 3, "12.1", False)
    assert second["currency"] == "USD"


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("2024-01-01T10:00:00+02:00", {}, 1_704_096_000_000_000),
        ("2024-01-01 10:00:00 -0400", {}, 1_704_117_600_000_000),
        ("2024-01-01 10:00 UTC", {}, 1_704_103_200_000_000),
        ("2024-07-01 10:00:00", {"time_zone": "Europe/Berlin"}, 1_719_820_800_000_000),
        ("2024-01-01", {"time_zone": "Europe/Berlin"}, 1_704_063_600_000_000),
        ("1704103200", {}, 1_704_103_200_000_000),
        ("1704103200.5", {}, 1_704_103_200_500_000),
        ("1704103200123", {}, 1_704_103_200_123_000),
        ("1704103200123456", {}, 1_704_103_200_123_456),
        ("1704103200123456789", {}, 1_704_103_200_123_456),
        ("20240101", {}, 1_704_067_200_000_000),
        ("31/01/2024 10:00", {"time_format": "%d/%m/%Y %H:%M"}, 1_706_695_200_000_000),
        ("31/01/2024 10:00 +0100", {"time_format": "%d/%m/%Y %H:%M %z"}, 1_706_691_600_000_000),
    ],
)
def test_times(run: Run, tmp_path: Path, text: str, options: dict[str, str], expected: int) -> None:
    done = run("events", write(tmp_path / "a.csv", f"name,time\nx,{text}\n"), options=options)
    assert done.rows()[0]["time"] == expected


def test_mapping_with_expressions_kinds_and_a_filter(run: Run, tmp_path: Path) -> None:
    text = "no,at,what,qty,price,mail\n1,2024-01-01,sale,3,2.55,A@x\n2,2024-01-02,back,1,2.55,B@x\n3,2024-01-03,test,1,9,C@x\n"
    options = {
        "map": {
            "time": "at",
            "order_id": "no",
            "user": "lower(mail)",
            "amount": "qty * price",
            "currency": "'eur'",
            "props.big": "case when qty * price > 5 then 'yes' else 'no' end",
        },
        "name": "purchase",
        "when": [{"where": "what = 'back'", "name": "refund", "interactive": False, "user": None}],
        "where": "what <> 'test'",
        "rest": False,
    }
    done = run("events", write(tmp_path / "a.csv", text), options=options)
    assert (done.segments[0].read, done.segments[0].rows, done.segments[0].skipped) == (3, 2, 1)
    sale, back = done.rows()
    assert (sale["name"], sale["amount"], sale["currency"], sale["user"]) == ("purchase", "7.65", "EUR", "a@x")
    assert sale["props"] == '{"big":"yes"}'
    assert (back["name"], back["interactive"], "user" in back) == ("refund", False, False)


def test_what_cannot_be_calculated_is_a_bad_row(run: Run, tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "name,time,q,p\nx,2024-01-01,2,ten\nx,2024-01-01,2,\nx,2024-01-01,2,1.5\n")
    done = run("events", file, options={"map": {"amount": "q * p"}})
    assert done.bad() == [(2, "amount 'calculated from 2 and ten' is not a decimal number")]
    assert [row.get("amount") for row in done.rows()] == [None, "3"]


def test_url_gives_host_path_and_tags(run: Run, tmp_path: Path) -> None:
    url = "https://Shop.example/a/b?utm_source=news%20letter&utm_medium=email&gclid=7#top"
    (row,) = run("events", write(tmp_path / "a.csv", f"name,time,url\npage_view,2024-01-01,{url}\n")).rows()
    assert (row["host"], row["path"], row["utm_source"]) == ("shop.example", "/a/b", "news letter")
    assert (row["utm_medium"], row["click_id"]) == ("email", "gclid=7")


def test_ids_do_not_depend_on_the_order_of_rows_and_repeats_do_not_double(run: Run, tmp_path: Path) -> None:
    lines = [f"x,2024-01-{day:02d},u{day % 3}" for day in range(1, 11)] + ["x,2024-01-01,u1"] * 3
    shuffled = lines[:]
    random.Random(1).shuffle(shuffled)
    first = run("events", write(tmp_path / "a.csv", "\n".join(["name,time,user", *lines])))
    second = run("events", write(tmp_path / "b.csv", "\n".join(["name,time,user", *shuffled])))
    part = run("events", write(tmp_path / "c.csv", "\n".join(["name,time,user", *lines[:11]])))
    ids = {row["id"] for row in first.rows()}
    assert len(ids) == len(lines)
    assert ids == {row["id"] for row in second.rows()}
    assert {row["id"] for row in part.rows()} < ids
    again = run("events", tmp_path / "a.csv")
    assert [s.name for s in again.segments] == [s.name for s in first.segments]
    other = run("events", tmp_path / "a.csv", options={"source": "other"})
    assert other.segments[0].name != first.segments[0].name
    assert not ids & {row["id"] for row in other.rows()}


def parquet(path: Path, select: str) -> Path:
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
    return path


LINE = "SELECT i::VARCHAR AS id, 'page_view' AS name, 1700000000000000 + i AS time, '{\"a\":1}' AS props FROM range(50) t(i)"


def test_a_file_in_event_line_form_is_not_copied(run: Run, tmp_path: Path) -> None:
    file = parquet(tmp_path / "line.parquet", LINE)
    (segment,) = run("events", file).segments
    assert (segment.path, segment.moved, segment.rows, segment.quarantine) == (file, False, 50, None)
    assert list((tmp_path / "spool").iterdir()) == []


@pytest.mark.parametrize(
    "change",
    [
        "REPLACE (CASE WHEN id = '7' THEN NULL ELSE id END AS id)",
        "REPLACE (CASE WHEN id = '7' THEN '{' ELSE props END AS props)",
        "REPLACE (CASE WHEN id = '7' THEN 5 ELSE time END AS time)",
        "REPLACE (time::INTEGER AS time)" if False else "REPLACE (time::HUGEINT AS time)",
    ],
)
def test_a_file_that_is_nearly_in_event_line_form_is_checked_and_written(run: Run, tmp_path: Path, change: str) -> None:
    done = run("events", parquet(tmp_path / "line.parquet", f"SELECT * {change} FROM ({LINE})"))
    (segment,) = done.segments
    assert segment.moved
    assert segment.rows + segment.quarantined == 50
    assert all(row["id"] for row in done.rows())
    if segment.quarantined:
        assert done.bad()[0][0] == 8
        assert json.loads(done.raw()[0])["name"] == "page_view"


def test_big_files_are_cut_into_parts(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.collect.importers.events.PART", 400)
    text = "name,time\n" + "".join(f"x,{1_704_103_200 + i}\n" for i in range(1000))
    done = run("events", write(tmp_path / "a.csv", text))
    assert [s.rows for s in done.segments] == [400, 400, 200]
    assert [s.name[-5:] for s in done.segments] == ["-0000", "-0001", "-0002"]
    assert sum(s.read for s in done.segments) == 1000
    assert len({row["id"] for row in done.rows()}) == 1000


def test_online_retail(run: Run, data_file: Callable[[str], Path]) -> None:
    """Known figures of the set: 8,965 orders of 2,181 customers, 1,821 cancellations."""
    options = yaml.safe_load((MAPPINGS / "online_retail.yaml").read_text(encoding="utf-8"))
    done = run("events", data_file("online_retail_uci_half.parquet"), options=options)
    (segment,) = done.segments
    assert (segment.read, segment.quarantined) == (190_877, 0)
    amount = "sum(CAST(amount AS DECIMAL(18, 6)))"
    assert done.query(
        f'SELECT count(*), round({amount}, 2)::VARCHAR, count(DISTINCT "user"), count(DISTINCT order_id), '
        "count(DISTINCT id), count(items) FROM e WHERE name = 'purchase'"
    ) == (8965, "4057689.72", 2181, 8965, 8965, 8965)
    assert done.query(
        f"SELECT count(*), round({amount}, 2)::VARCHAR, count(order_id) FROM e WHERE name = 'refund'"
    ) == (
        1821,
        "340123.85",
        0,
    )


def test_a_broken_line_holds_its_whole_group_back(run: Run, tmp_path: Path) -> None:
    text = "no,at,sku,q,p\n1,2024-01-01 10:00,a,1,2.50\n1,2024-01-01 09:00,b,2,0.1\n2,2024-01-02,a,x,1\n2,2024-01-02,b,1,1\n,2024-01-02,b,1,1\n"
    options = {"name": "purchase", "group_by": ["no"], "map": {"time": "at", "order_id": "no", "amount": "q * p"}}
    options["items"] = {"item_id": "sku", "quantity": "q", "price": "p"}
    done = run("events", write(tmp_path / "a.csv", text), options=options)
    assert done.bad() == [
        (4, "amount 'calculated from x and 1' is not a decimal number"),
        (5, "another row of the same event cannot be used"),
        (6, "the row has none of the columns that it is grouped by"),
    ]
    (row,) = done.rows()
    assert (row["time"], row["amount"], row["order_id"]) == (1_704_099_600_000_000, "2.7", "1")
    assert json.loads(row["items"]) == [
        {"item_id": "a", "quantity": 1, "price": 2.5},
        {"item_id": "b", "quantity": 2, "price": 0.1},
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"map": {"tim": "x"}}, "no field 'tim'; did you mean 'time'"),
        ({"map": {"user": "usr_id"}}, "no column 'usr_id'; did you mean 'user_id'"),
        ({"group": ["a"]}, "no option 'group'; did you mean 'group_by'"),
        ({"time_zone": "Europe/Nowhere"}, "no time zone 'Europe/Nowhere'"),
        ({"when": [{"where": "amount >", "name": "x"}]}, "cannot read the expression 'amount >'"),
        ({"map": {"user": "(SELECT 1)"}}, "it may use columns"),
        ({"map": {"user": "read_text('/etc/hostname')"}}, "it may use columns"),
        ({"map": {"user": "1 + true"}}, "a condition where a number must stand"),
        ({"importer": "costs"}, "for importer 'costs', not 'events'"),
    ],
)
def test_wrong_mappings_say_what_is_wrong(run: Run, tmp_path: Path, options: dict[str, object], message: str) -> None:
    file = write(tmp_path / "a.csv", CSV)
    with pytest.raises(UsageError, match=message.replace("(", r"\(")) as caught:
        run("events", file, options=options)
    assert "\n" not in str(caught.value)


def test_fields_may_stand_beside_map() -> None:
    options = importer("events").options_from({"time": "at", "map": {"user": "mail"}, "name": "x"})
    assert options.map == {"time": "at", "user": "mail"}


def test_missing_columns_are_named(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no column for name and time; give --map name=COLUMN .*columns: a, b"):
        run("events", write(tmp_path / "a.csv", "a,b\n1,2\n"))


def test_nothing_usable(run: Run, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"every row is broken; line 2: time 'never' cannot be read"):
        run("events", write(tmp_path / "a.csv", "name,time\nx,never\n"))
    with pytest.raises(DataError, match="holds no rows"):
        run("events", write(tmp_path / "b.csv", "name,time\n"))
    with pytest.raises(DataError, match="all 1 rows are left out on purpose"):
        run("events", write(tmp_path / "c.csv", "name,time\nx,2024-01-01\n"), options={"where": "name = 'y'"})
    assert list((tmp_path / "spool").iterdir()) == []
