"""Rollups: what is answered from them is what the events say; a lake keeps them by day and notices what has changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay import privacy
from assay.store.engine import Result, Statement
from assay.store.engines.duckdb import DuckDB
from assay.store.engines.warehouse_store import WarehouseStore
from assay.store.lake import Table
from assay.store.rollups import EVENT_DAYS, KEY_EVENTS, reading, rollups
from assay.workspace import Workspace
from properties.test_engines import ASKED, PLAN, differences, said
from query.world import world
from store.test_warehouses import Both, loads
from support import at, bought, view, workspace

KEY = ("purchase", "view_item", "refund")
MADE = rollups(KEY)
# A query, the rollups that it is answered from, and whether it reads the events too.
QUERIES: list[tuple[str, set[str], bool]] = [
    ("SELECT count(*), min(day), max(day) FROM events WHERE NOT bot", {EVENT_DAYS}, False),
    ("SELECT name, count(*) FILTER (WHERE bot), count(*) FROM events GROUP BY name ORDER BY count(*) DESC, name", {EVENT_DAYS}, False),
    ("SELECT name, min(t), max(t) FROM events e WHERE e.name = $one OR e.bot GROUP BY name HAVING count(*) > 3 ORDER BY 1", {EVENT_DAYS}, False),
    ("SELECT count(*) FROM events WHERE name = 'nothing such'", {EVENT_DAYS}, False),
    ("SELECT count(*) + 1 AS n FROM events", {EVENT_DAYS}, False),
    ("SELECT count(DISTINCT visitor_key) FROM events WHERE name = $one", {KEY_EVENTS}, False),
    ("SELECT count(*) FROM events WHERE name = $one AND device = 'mobile'", {KEY_EVENTS}, False),
    ("SELECT e.event_no FROM events e WHERE (e.name = $one OR e.name IN ('refund', $two)) AND NOT e.bot ORDER BY 1", {KEY_EVENTS}, False),
    ("SELECT e.event_no FROM events e WHERE e.name IN ($one, 'page_view') AND e.name <> 'page_view' ORDER BY 1", set(), True),
    ("SELECT e.event_no FROM events e WHERE e.name = $one OR e.device = 'mobile' ORDER BY 1", set(), True),
    ("SELECT e.event_no FROM events e WHERE NOT (e.name = $one) ORDER BY 1", set(), True),
    ("SELECT count(DISTINCT name) FROM events", set(), True),
    ("SELECT count(session_key) FROM events", set(), True),
    ("SELECT name, count(*) OVER () FROM events ORDER BY name LIMIT 3", set(), True),
    ("SELECT max(t) - min(t) FROM events WHERE path = '/a'", set(), True),
    ("SELECT s.session_key, e.event_no FROM sessions s LEFT JOIN events e ON e.session_key = s.session_key AND e.name = $one ORDER BY 1, 2", set(), True),
    ("SELECT s.session_key, e.event_no FROM sessions s JOIN events e ON e.session_key = s.session_key WHERE e.name = $one ORDER BY 1, 2", {KEY_EVENTS}, False),
    ("SELECT o.order_id, n.name FROM orders o JOIN events e ON e.event_no = o.event_no JOIN events n ON n.session_key = e.session_key WHERE e.name = $one ORDER BY 1, 2", {KEY_EVENTS}, True),
    ("WITH a AS (SELECT name, count(*) AS n FROM events GROUP BY name) SELECT a.n, (SELECT count(*) FROM events e WHERE e.name = a.name AND e.name = $two) FROM a ORDER BY a.name", {EVENT_DAYS, KEY_EVENTS}, False),
    ("WITH events AS (SELECT 'purchase' AS name) SELECT count(*) FROM events WHERE name = $one", set(), True),
]  # fmt: skip
PARAMS = {"one": "purchase", "two": "view_item"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, DuckDB]]:
    """A store of DuckDB with the rollups as tables of one connection."""
    with workspace(tmp_path_factory.mktemp("rolled"), PLAN, world(5, visitors=30)) as ws:
        assert isinstance(ws.engine, DuckDB)
        for name, query in MADE.items():
            ws.engine.connection.execute(f"CREATE TEMP TABLE {name} AS {query}")
        yield ws, ws.engine


@pytest.mark.parametrize(("sql", "used", "whole"), QUERIES)
def test_a_query_over_rollups_says_the_same(
    shop: tuple[Workspace, DuckDB], sql: str, used: set[str], whole: bool
) -> None:
    _, engine = shop
    params = {name: value for name, value in PARAMS.items() if f"${name}" in sql}
    said_so, reads = reading(sql, params, MADE)
    assert {name for name in MADE if name in said_so} == used
    assert reads is whole
    plain, rolled = (engine.run(Statement(one, params)).rows for one in (sql, said_so))
    assert rolled == plain
    assert plain


def test_every_question_says_the_same(shop: tuple[Workspace, DuckDB], monkeypatch: pytest.MonkeyPatch) -> None:
    ws, engine = shop
    real, on, used = DuckDB.run, [False], []

    def run(store: DuckDB, statement: Statement) -> Result:
        if not on[0] or store is not engine:
            return real(store, statement)
        sql, _ = reading(statement.sql, statement.params or {}, MADE)
        used.append(sql != statement.sql)
        return real(store, replace(statement, sql=sql))

    monkeypatch.setattr(DuckDB, "run", run)
    for question, given, params in ASKED:
        answers = []
        for on[0] in (False, True):
            answers.append(said(ws, question, given, params))
        assert differences(*answers) == [], (question, given, params)
    assert sum(used) > 20


ASKED_OF_THE_LAKE = [
    ("overview", (), {}),
    ("metric", (["net", "bought_per_visitor", "sessions"],), {"by": ["channel"]}),
    ("funnel", ("ordered",), {}),
    ("quality", (), {}),
]


@pytest.mark.soak
def test_a_lake_keeps_them(tmp_path: Path, spark: str) -> None:
    del spark
    both = Both(tmp_path, "lake")

    def same() -> None:
        for question, given, params in ASKED_OF_THE_LAKE:
            one, two = both.does(lambda ws, q=question, g=given, p=params: said(ws, q, g, p))
            assert differences(one, two) == []

    def rolled() -> int:
        with Workspace(both.folder / "lake", now=at("2025-01-01 00:00"), engine="lake") as ws:
            return ws.roll_up()

    def kept(ws: Workspace) -> tuple[Table, dict[str, int]]:
        assert isinstance(ws.engine, WarehouseStore)
        tables = ws.engine.warehouse.manifest().tables
        return tables["events"], {name: len(tables[name].parts) for name in (KEY_EVENTS, EVENT_DAYS)}

    def days() -> tuple[int, int, int]:
        with Workspace(both.folder / "lake", engine="lake") as ws:
            events, parts = kept(ws)
            return len(events.parts), parts[KEY_EVENTS], parts[EVENT_DAYS]

    events = world(5, visitors=12)
    both.does(loads("first", events[:-40]))
    assert rolled() > 10
    assert len({*days()}) == 1
    assert rolled() == 0
    same()
    both.does(
        loads("second", [*events[-40:], bought("v1", "2024-03-29 10:00", "o900", "5"), view("v1", "2024-03-29 09:00")])
    )
    whole, key, counted = days()
    assert key == counted < whole  # days that the load has changed hold no more: they are read from the events
    same()
    assert 0 < rolled() <= 2 * (whole - key) + 2
    assert len({*days()}) == 1
    same()
    both.does(lambda ws: privacy.erase(ws, "visitor", "v1").events)
    same()
    with Workspace(both.folder / "lake", engine="lake") as ws:
        assert isinstance(ws.engine, WarehouseStore)
        place: Any = ws.engine.warehouse.lake.place  # type: ignore[attr-defined]
        files = [Path(place.where(one)).read_bytes() for one in place.files(f"{KEY_EVENTS}/**/*.parquet")]
        assert files
        assert not any(b"o900" in one for one in files)
    both.plan(PLAN.replace("plan: string, seats: integer", "plan: string, seats: number, extra: string"))
    same()
    assert rolled() > 10
    same()
