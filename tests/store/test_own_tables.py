"""Events that are read from own tables, held against an import of the same: tables, questions, size, changes, errors."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import duckdb
import pytest

from assay import privacy
from assay.cli.run import run
from assay.model.errors import AssayError, UsageError
from assay.store.engine import Statement
from assay.workspace import Workspace
from engines import MARKS

PLAN = """
site: {timezone: Europe/Berlin, currency: EUR}
goals: {order: {event: purchase, kind: macro, journey: shop}}
metrics: {rpv: {type: simple, sum: revenue.net, per: visitor}, rate: {type: conversion, goal: order, per: session}}
funnels: {shop: {steps: [page_view, add_to_cart, purchase], window: 7d}}
events: {page_view: {properties: {banner: string}}}
"""
# The first 14 days of a small shop, in the shape of Segment's warehouse.
SHOP = """
CREATE TABLE visits AS
SELECT i, 'anon-' || i * 7919 % 60 AS anonymous_id, CASE WHEN i % 11 = 0 THEN 'user-' || i * 7919 % 60 % 9 END AS user_id,
    TIMESTAMPTZ '2024-03-01 00:00:00+00' + to_seconds(i * 13100 % 1209600) AS "timestamp" FROM range(400) t(i);
CREATE TABLE pages AS
SELECT 'p' || i AS id, anonymous_id, user_id, "timestamp", "timestamp" + INTERVAL 2 SECOND AS received_at, path, 'Page ' || path AS title,
    'https://shop.example' || path || CASE WHEN i % 13 = 0 THEN '?utm_source=news&utm_medium=email' ELSE '' END AS url,
    CASE WHEN i % 5 = 0 THEN 'https://www.google.com/' END AS referrer, 'Shop' AS name, 'ad-' || i % 3 AS banner,
    CASE WHEN i % 17 = 0 THEN 'google' END AS context_campaign_source, 'en-GB' AS context_locale, repeat('Mozilla ', 9) AS context_user_agent
FROM (SELECT *, ['/', '/p/1', '/p/2', '/checkout', '/pricing'][1 + CAST(i % 5 AS INTEGER)] AS path FROM visits);
CREATE TABLE identifies AS
SELECT 'i' || i AS id, anonymous_id, 'user-' || i * 7919 % 60 % 9 AS user_id, "timestamp" + INTERVAL 30 SECOND AS "timestamp", 'u' || i || '@mail.example' AS email
FROM visits WHERE i % 19 = 0;
CREATE TABLE product_added AS
SELECT 'a' || i AS id, anonymous_id, user_id, "timestamp" + INTERVAL 60 SECOND AS "timestamp", 'product_added' AS event, 'Product Added' AS event_text,
    'sku-' || i % 20 AS product_id, 'Thing' AS name, CAST(5 + i % 7 AS DECIMAL(9, 2)) AS price, 1 AS quantity
FROM visits WHERE i % 4 = 0;
CREATE TABLE order_completed AS
SELECT 'o' || i AS id, anonymous_id, user_id, "timestamp" + INTERVAL 90 SECOND AS "timestamp", 'order_completed' AS event, 'Order Completed' AS event_text,
    'N-' || i AS order_id, CAST(20 + i % 30 AS DECIMAL(9, 2)) + 0.99 AS revenue, 'EUR' AS currency,
    '[{"product_id": "sku-' || i % 20 || '", "name": "Thing", "price": 20.99, "quantity": 1}]' AS products
FROM visits WHERE i % 16 = 0;
CREATE TABLE tracks AS
SELECT id, anonymous_id, user_id, "timestamp", event, event_text FROM product_added
UNION ALL SELECT id, anonymous_id, user_id, "timestamp", event, event_text FROM order_completed
UNION ALL SELECT 's' || i, anonymous_id, user_id, "timestamp" + INTERVAL 5 SECOND, 'size_guide_opened', 'Size Guide Opened' FROM visits WHERE i % 6 = 0;
DROP TABLE visits;
"""
TABLES = ("identifies", "order_completed", "pages", "product_added", "tracks")
TWO = ("order_completed", "pages")  # where the number of tables makes no difference
# The same by hand, without the form: what assay import reads.
BY_HAND = {
    "pages": {"name": "page_view", "map": {"visitor": "anonymous_id", "user": "user_id", "received_at": "received_at", "utm_source": "context_campaign_source",
              "language": "context_locale", "props.banner": "banner"}},
    "identifies": {"name": "identify", "map": {"visitor": "anonymous_id", "interactive": "'false'", "props.email": "email"}},
    "product_added": {"name": "add_to_cart", "map": {"visitor": "anonymous_id"},
                      "items": {"item_id": "product_id", "item_name": "name", "price": "price", "quantity": "quantity"}},
    "order_completed": {"name": "purchase", "map": {"visitor": "anonymous_id", "amount": "revenue", "items": """
        '[{"item_id":"' || replace(split_part(products, '"', 4), ' ', '') || '","item_name":"Thing","price":20.99,"quantity":1}]'"""}},
    "tracks": {"where": "event = 'size_guide_opened'", "map": {"visitor": "anonymous_id", "name": "event_text"}},
}  # fmt: skip
_NAMED = "(SELECT visitor_key AS visitor_no, visitor AS named FROM visitors) v ON v.visitor_no"
DERIVED = {
    "events": f"SELECT * EXCLUDE (event_no, load_no, visitor_key, session_key, visitor_no), session_key - visitor_key * 16777216 FROM events e LEFT JOIN {_NAMED} = e.visitor_key",
    "visitors": "SELECT visitor, user_id, account FROM visitors",
    "persons": "SELECT * EXCLUDE (visitor_key, person_key), CASE WHEN user_id IS NOT NULL THEN person_key END FROM persons",
    "sessions": f"SELECT * EXCLUDE (session_key, visitor_key, visitor_no) FROM sessions s JOIN {_NAMED} = s.visitor_key",
    "orders": f"SELECT * EXCLUDE (event_no, money_event_no, visitor_key, session_key, person_key, visitor_no) FROM orders o LEFT JOIN {_NAMED} = o.visitor_key",
    "refunds": "SELECT * EXCLUDE (event_no) FROM refunds",
}  # fmt: skip
NOW = 1_735_689_600_000_000  # 2025-01-01


def shop(folder: Path) -> Path:
    """Segment's tables in a DuckDB file, and each as Parquet."""
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(SHOP)
        for table in TABLES:
            (folder / table).mkdir()
            connection.execute(f"COPY {table} TO '{folder}/{table}/1.parquet' (FORMAT parquet)")
    return folder


def opened(folder: Path, source: str = "", plan: str = PLAN) -> Workspace:
    folder.mkdir(exist_ok=True)
    (folder / "assay.yaml").write_text(plan + (f"source: {{tables: {{{source}}}}}\n" if source else ""), "utf-8")
    return Workspace(folder, now=NOW)


def parquet_tables(folder: Path, tables: Iterable[str] = TABLES) -> str:
    return ", ".join(f"{table}: {{from: '{folder}/{table}/*.parquet', form: segment}}" for table in tables)


def rows(workspace: Workspace, table: str, more: str = "") -> list[tuple[object, ...]]:
    return workspace.engine.run(Statement(f"SELECT * FROM ({DERIVED[table]}) {more} ORDER BY ALL")).rows


def quarantine(workspace: Workspace) -> list[tuple[object, ...]]:
    said = "SELECT regexp_replace(segment, '-[0-9a-f]+$', ''), reason FROM quarantine ORDER BY ALL"
    return workspace.engine.run(Statement(said)).rows


def same(own: Workspace, copied: Workspace) -> None:
    """Every table, and a handful of questions."""
    for table in DERIVED:
        assert rows(own, table) == rows(copied, table), table
    for question, given in (
        ("metric", {"metrics": ["rpv", "rate"], "by": ["channel"]}), ("funnel", {"name": "shop", "by": "customer"}), ("pages", {}), ("channels", {}),
        ("journey", {}), ("retention", {}), ("quality", {}), ("sessions", {"limit": 0}), ("products", {}),
    ):  # fmt: skip
        positional = [given.pop(key) for key in ("metrics", "name") if key in given]
        one, other = (ws.ask(question, *positional, **given) for ws in (own, copied))
        assert one.rows, question
        assert (one.columns, one.sentence, near(one.rows)) == (other.columns, other.sentence, near(other.rows)), (
            question
        )
        assert any("read from own tables, last changed" in note for note in one.notes)


def near(found: Iterable[Iterable[object]]) -> list[list[object]]:
    """Rows with their floats as far as two orders of adding give the same; counts and money stay exact."""
    return [[float(f"{one:.12g}") if isinstance(one, float) else one for one in row] for row in found]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shop(tmp_path_factory.mktemp("own") / "w")


def copied(folder: Path, warehouse: Path) -> Workspace:
    """The same imported by hand-written mappings, with the ids of the form's source."""
    made = opened(folder)
    for table, options in BY_HAND.items():
        made.import_files("events", [warehouse / table / "1.parquet"], {"rest": False, "source": "segment", **options})
    return made


def test_segments_tables_are_read_as_they_would_be_imported(tmp_path: Path, warehouse: Path) -> None:
    with opened(tmp_path / "own", parquet_tables(warehouse)) as own, copied(tmp_path / "copied", warehouse) as other:
        same(own, other)
        at = 1_709_700_000_000_000
        then = own.ask("metric", "rpv", as_of=_moment(at)).rows
        assert then == other.ask("metric", "rpv", as_of=_moment(at)).rows


def test_a_query_sees_of_each_column_what_a_star_sees(tmp_path: Path, warehouse: Path) -> None:
    """A query is planned for the columns that it names: one alone, or all."""
    with opened(tmp_path / "own", parquet_tables(warehouse, TWO)) as own:
        run = own.engine.run
        every = run(Statement("SELECT * FROM events ORDER BY event_no"))
        assert "p_banner" in every.columns
        for place, column in enumerate(every.columns):
            alone = run(Statement(f'SELECT "{column}" FROM events ORDER BY event_no'))
            assert [row[0] for row in alone.rows] == [row[place] for row in every.rows], column
        assert run(Statement("SELECT * FROM events ORDER BY event_no")) == every
        both = run(
            Statement(
                "SELECT a.path, b.order_id FROM events a JOIN events b USING (visitor_key) WHERE b.name = 'purchase'"
            )
        )
        assert both.columns == ("path", "order_id")
        assert len(both.rows) > 0


def test_the_plans_of_the_guide_load() -> None:
    from assay.plan.load import loads

    guide = Path(__file__).parents[2] / "docs" / "guide" / "own-tables.md"
    plans = re.findall(r"```yaml\n(.*?)```", guide.read_text("utf-8"), re.S)
    assert [len(loads(one).source) for one in plans] == [4, 1, 2]


def _moment(micros: int) -> object:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(micros / 1e6, UTC)


def test_tables_of_a_database_are_read_as_its_files(tmp_path: Path, warehouse: Path) -> None:
    listed = ", ".join(f"{t}: {{from: ../w.duckdb, table: {t}, form: segment}}" for t in TWO)
    shutil.copy(warehouse / "warehouse.duckdb", tmp_path / "w.duckdb")
    with opened(tmp_path / "own", listed) as own, opened(tmp_path / "files", parquet_tables(warehouse, TWO)) as other:
        for table in DERIVED:
            assert rows(own, table) == rows(other, table), table
    with duckdb.connect(str(tmp_path / "w.duckdb")) as connection:
        connection.execute("DELETE FROM pages WHERE id = 'p0'")
    with opened(tmp_path / "own", listed) as own:
        assert len(rows(own, "events")) == len(rows(other, "events")) - 1
    with duckdb.connect(str(tmp_path / "w.duckdb")) as connection:
        connection.execute("CREATE VIEW seen AS SELECT * FROM pages")
    with pytest.raises(UsageError, match=r"seen is a view of .*name a table"):
        opened(tmp_path / "own", "s: {from: ../w.duckdb, table: seen, form: segment}").ask("pages")
    with pytest.raises(UsageError, match=r"has no table 'page'; did you mean 'pages'"):
        opened(tmp_path / "own", "s: {from: ../w.duckdb, table: page, form: segment}").ask("pages")


@pytest.mark.soak
def test_ga4s_sample_is_read_as_it_would_be_imported(tmp_path: Path, data_file: Callable[[str], Path]) -> None:
    file = data_file("ga4_events_sampled.parquet")
    with opened(tmp_path / "own", f"ga: {{from: {file}, form: ga4}}") as own, opened(tmp_path / "copied") as other:
        other.import_files("ga4", [file])
        same(own, other)
        sizes = [(ws.data / "store.duckdb").stat().st_size for ws in (own, other)]
    assert sizes[0] < 0.6 * sizes[1]


def ga4(name: str, at: int, **params: object) -> str:
    kinds = {str: "string_value", int: "int_value"}
    listed = [{"key": key, "value": {kinds[type(value)]: value}} for key, value in params.items()]
    row = {
        "event_name": name,
        "event_timestamp": at,
        "user_pseudo_id": f"v{at % 3}",
        "event_params": listed,
        "platform": "WEB",
    }
    if name == "purchase":
        row["ecommerce"] = {"transaction_id": f"T{at}", "purchase_revenue": 12.5}
        row["items"] = [{"item_id": "sku", "price": 12.5, "quantity": 1}]
    return json.dumps(row)


def test_ga4s_export_is_read_as_it_would_be_imported(tmp_path: Path) -> None:
    """Parquet and NDJSON; a line that is given twice and one that cannot be read."""
    start = 1_709_287_200_000_000
    page = {"page_location": "https://shop.example/p/1?x=1", "ga_session_id": 7, "source": "news", "medium": "email"}
    lines = [ga4("page_view", start + n * 60_000_000, **page) for n in range(30)]
    lines += [
        lines[0],
        ga4("purchase", start + 90_000_000, **page, value=12, currency="USD"),
        "{",
        ga4("x", 0, page_title="a"),
    ]
    (tmp_path / "e.ndjson").write_text("\n".join(lines) + "\n", "utf-8")
    with duckdb.connect() as connection:
        said = f"read_json('{tmp_path}/e.ndjson', format = 'newline_delimited', ignore_errors = true)"
        connection.execute(f"COPY (FROM {said}) TO '{tmp_path}/e.parquet' (FORMAT parquet)")
    for file in ("e.ndjson", "e.parquet"):
        with (
            opened(tmp_path / f"own-{file}", f"ga: {{from: ../{file}, form: ga4}}") as own,
            opened(tmp_path / f"copied-{file}") as other,
        ):
            other.import_files("ga4", [tmp_path / file])
            for table in DERIVED:
                assert rows(own, table) == rows(other, table), table
            assert (len(rows(own, "events")), len(rows(own, "orders"))) == (32, 1)
            assert len(quarantine(own)) == len(quarantine(other)) == 2


LINES = """id,time,who,event,amount
1,2024-03-01 10:00,a,purchase,5.00
2,2024-03-01 11:00,b,purchase,none
3,,b,page_view,
4,2024-03-01 12:00,b,,
1,2024-03-01 10:00,a,purchase,5.00
6,2024-03-01 12:00,,page_view,
"""
MAPPED = "map: {visitor: who, order_id: id}"


def test_bad_rows_are_counted_and_rows_that_are_alike_stay_apart(tmp_path: Path) -> None:
    """Each is an event of its own without an id in the file; what cannot be read waits in quarantine, with the reason."""
    (tmp_path / "x.csv").write_text(LINES, "utf-8")
    (tmp_path / "x.ndjson").write_text(
        '{"id": "9", "time": 1709287200, "event": "a", "who": "z"}\n\n{"id": "9", "time": 1709287200, "event": "a", "who": "z"}\n{"id\n[1]\n', "utf-8"
    )  # fmt: skip
    listed = (
        f"x: {{from: ../x.csv, {MAPPED.replace('}', ', id: null}')}}}, n: {{from: ../*.ndjson, map: {{visitor: who}}}}"
    )
    with opened(tmp_path / "own", listed) as own, opened(tmp_path / "copied") as other:
        other.import_files("events", [tmp_path / "x.csv"], {"map": {"visitor": "who", "order_id": "id", "id": None}})
        other.import_files("events", [tmp_path / "x.ndjson"], {"map": {"visitor": "who"}})
        assert [row[1] for row in quarantine(own)] == [
            "the line is no JSON object", "the line is not valid JSON", "amount 'none' is not a decimal number",
            "the event has no name", "the event has no time",
        ]  # fmt: skip
        assert sorted(row[1] for row in quarantine(own)) == sorted(row[1] for row in quarantine(other))
        assert rows(own, "events") == rows(other, "events")
        assert own.engine.run(Statement("SELECT count(*), count(DISTINCT id) FROM events")).rows == [(4, 4)]
        terms = "SELECT sum(stored), sum(duplicates), sum(quarantined) FROM segments"
        assert own.engine.run(Statement(terms)).rows == [(4, 1, 5)]


def test_tables_of_which_no_row_can_be_used_are_no_empty_workspace(tmp_path: Path) -> None:
    (tmp_path / "calls.csv").write_text("began,device\n,a\nsoon,b\n")
    source = "calls: {from: calls.csv, name: call, map: {time: began, visitor: device}}"
    with opened(tmp_path, source) as ws:
        none = ws.ask("overview")
        assert none.sentence == "There are no events in this workspace yet: 2 lines came and wait in quarantine."
        assert none.empty == "no usable events yet"
        assert none.next == ("assay waiting", "assay check")
        assert ws.ask("waiting").next == ("assay check",)
    (tmp_path / "calls.csv").write_text("began,device\n")
    with opened(tmp_path, source) as ws:
        none = ws.ask("overview")
        assert (none.empty, none.sentence) == ("no events yet", "There are no events in the own tables yet.")


def test_a_new_file_is_added_and_a_changed_one_read_again(tmp_path: Path, warehouse: Path) -> None:
    folder = tmp_path / "w"
    shutil.copytree(warehouse, folder)
    listed = parquet_tables(folder, TWO)
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE pages AS SELECT * FROM '{folder}/pages/1.parquet'")
        for number, half in enumerate(("id < 'p2'", "id >= 'p2'"), 1):
            connection.execute(f"COPY (FROM pages WHERE {half}) TO '{folder}/pages/{number}.parquet' (FORMAT parquet)")
        shutil.move(folder / "pages" / "2.parquet", tmp_path / "later.parquet")
        with opened(tmp_path / "own", listed) as own:
            before = len(rows(own, "events"))
            shutil.move(tmp_path / "later.parquet", folder / "pages" / "2.parquet")
            assert own.ask("pages").rows  # still open, it sees the file
            loads = "SELECT count(DISTINCT load_no), count(*) FROM segments"
            assert own.engine.run(Statement(loads)).rows == [(2, 3)]
            with opened(tmp_path / "copied", parquet_tables(warehouse, TWO)) as other:
                for table in DERIVED:
                    assert rows(own, table) == rows(other, table), table
            connection.execute(f"COPY (FROM pages WHERE id < 'p2') TO '{folder}/pages/2.parquet' (FORMAT parquet)")
            assert own.own_tables()[1][1].endswith("the tables changed since: the next question reads them")
            own.ask("pages")
            assert len(rows(own, "events")) == before  # the same lines twice are duplicates
            assert own.own_tables()[1][1].endswith("the store has read it")
            assert own.engine.run(Statement(loads)).rows == [(1, 3)]


DAYS = (
    "time,who,event\n2024-03-01 10:00,a,page_view\n2024-03-01 10:05,b,page_view\n",
    "time,who,event\n2024-03-02 10:00,c,page_view\n",
)


@pytest.fixture
def two_files(tmp_path: Path) -> Path:
    """A workspace that has read a table of two files: two events, and one."""
    folder = tmp_path / "own"
    (folder / "t").mkdir(parents=True)
    for name, text in zip("ab", DAYS, strict=True):
        (folder / "t" / f"{name}.csv").write_text(text, "utf-8")
    with opened(folder, "t: {from: t/*.csv, map: {visitor: who}}") as own:
        assert count(own) == 3
    return folder


def count(workspace: Workspace) -> int:
    return int(workspace.engine.run(Statement("SELECT count(*) FROM events")).one()[0])


def said(capfd: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    """What a command line ends with, and all that it says, in one line."""
    capfd.readouterr()
    code = run([str(word) for word in words])
    return code, " ".join("".join(capfd.readouterr()).split())


def test_a_file_is_gone_or_has_another_name(two_files: Path) -> None:
    (two_files / "t" / "a.csv").rename(two_files / "t" / "z.csv")
    with Workspace(two_files, now=NOW) as own:
        assert count(own) == 3
        (two_files / "t" / "z.csv").unlink()
        assert own.ask("sessions").rows  # still open
        assert count(own) == 1
    (two_files / "t" / "b.csv").rename(two_files / "t" / "a.csv")
    with opened(two_files, "t: {from: t/*.csv, map: {visitor: who}}", PLAN.replace("Berlin", "London")) as own:
        assert own.engine.run(Statement("SELECT count(*), count(DISTINCT session_key) FROM events")).one() == (1, 1)
        assert own.engine.derivation() == own.derivation.id  # the plan's rules changed with the files


def test_the_section_is_taken_out_when_a_file_is_gone(two_files: Path) -> None:
    (two_files / "t" / "a.csv").unlink()
    with opened(two_files) as plain:
        assert count(plain) == 0
        plain.import_files("events", [two_files / "t" / "b.csv"], {"map": {"visitor": "who"}})
        assert count(plain) == 1


def test_commands_after_a_file_has_gone(two_files: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for verb, left, shown in (
        ("rebuild", "b", "from 1 events"),
        ("doctor", "a", "2 events"),
        ("overview", "b", "read from own tables"),
    ):
        for name, text in zip("ab", DAYS, strict=True):
            (two_files / "t" / f"{name}.csv").write_text(text, "utf-8")
        assert said(capfd, "rebuild", "-w", two_files)[0] == 0
        (two_files / "t" / ("a.csv" if left == "b" else "b.csv")).unlink()
        code, text = said(capfd, verb, "-w", two_files)
        assert code == 0, text
        assert shown in text
    (two_files / "t" / "b.csv").unlink()
    missing = "source.tables.t: there is no file 't/*.csv': "
    for verb, exit_code in (("rebuild", 2), ("doctor", 1), ("overview", 2), ("check", 1)):
        code, text = said(capfd, verb, "-w", two_files)
        assert (code, missing in text) == (exit_code, True), text
        assert "put it there, or mend or take out the table in assay.yaml" in text


def test_a_person_is_left_out_and_the_owner_told_where_they_stand(tmp_path: Path, warehouse: Path) -> None:
    with opened(tmp_path / "own", parquet_tables(warehouse, TWO)) as own:
        theirs = own.engine.run(Statement("SELECT count(*) FROM events WHERE visitor = 'anon-7'")).one()[0]
        done = privacy.erase(own, "visitor", "anon-7")
        assert done.events == theirs > 0
        assert set(done.left) <= {"source.tables.order_completed.visitor", "source.tables.pages.visitor"}
        assert done.left["source.tables.pages.visitor"] > 0
        own.rebuild()
        assert own.engine.run(Statement("SELECT count(*) FROM events WHERE visitor = 'anon-7'")).rows == [(0,)]
        erased = own.engine.run(Statement("SELECT sum(erased) FROM segments")).one()[0]
        assert erased == theirs
    kept = PLAN + "retention: {default: 300d}\n"
    with opened(tmp_path / "own", parquet_tables(warehouse, TWO), kept) as own:
        assert privacy.expire(own).events > 0
        assert own.engine.run(Statement("SELECT min(day) >= DATE '2024-03-06' FROM events")).one() == (True,)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("p: {from: '../pgaes/*.parquet', form: segment}", r"there is no file '\.\./pgaes/\*\.parquet': .* has no 'pgaes'; did you mean 'pages'"),
        ("p: {from: ../pages, form: segment}", r"pages is a folder; name the files in it: \.\./pages/\*\.parquet"),
        ("p: {from: ../pages/1.parquet, name: x, map: {visitor: anonymus_id}}", "has no column 'anonymus_id'; did you mean 'anonymous_id'"),
        ("p: {from: ../pages/1.parquet, form: ga4}", r"is no GA4 export: column event_name is missing \(columns: id, anonymous_id"),
        ("p: {from: ../pages/1.parquet, form: segment, type: track}", r"has no column event or event_text .*\(columns: id, anonymous_id"),
        ("p: {from: ../pages/1.parquet, mapp: {}}", "importer 'events' has no option 'mapp'; did you mean 'map'"),
        ("p: {from: ../odd.csv, name: x}", r"odd\.csv: CSV Error on Line: 3 .*mend the row, or import the file"),
        ("p: {from: ../pages/1.parquet, name: x, group_by: [id]}", "rows cannot be grouped where they lie"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_what_there_is(tmp_path: Path, warehouse: Path, source: str, said: str) -> None:
    (tmp_path / "odd.csv").write_text("time,visitor\n2024-03-01 10:00,a\n2024-03-01 11:00,b,c\n", "utf-8")
    (tmp_path / "pages").symlink_to(warehouse / "pages")
    with pytest.raises(UsageError, match=said) as error, opened(tmp_path / "own", source) as own:
        own.ask("pages")
    assert str(error.value).startswith("source.tables.p: ")


def test_events_of_others_stay_out(tmp_path: Path, warehouse: Path) -> None:
    file = warehouse / "pages" / "1.parquet"
    page = f"pages: {{from: {file}, form: segment}}"
    with opened(tmp_path / "own", page) as own:
        with pytest.raises(UsageError, match="assay import events needs a workspace of its own"):
            own.import_files("events", [file], {"name": "x"})
        assert len(rows(own, "events")) == 400
    with opened(tmp_path / "own") as plain:  # the section is gone: a store like any other
        assert plain.engine.run(Statement("SELECT count(*) FROM events")).rows == [(0,)]
        plain.import_files("segment", [file], {"type": "page"})
    with pytest.raises(AssayError, match="holds 400 events of its own"), opened(tmp_path / "own", page) as again:
        again.ask("pages")


@pytest.mark.parametrize("other", [engine for area, engine in MARKS if area == "own tables"])
def test_other_engines_say_that_they_do_not_read_own_tables(tmp_path: Path, warehouse: Path, other: str) -> None:
    page = f"pages: {{from: {warehouse / 'pages' / '1.parquet'}, form: segment}}"
    opened(tmp_path / "own", page).close()
    with pytest.raises(UsageError, match=f"read with the engine duckdb, not with {other}; import them instead"):
        Workspace(tmp_path / "own", engine=other).ask("pages")
