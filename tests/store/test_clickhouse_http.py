"""A database of ClickHouse over HTTP, by the real client: the same tables as DuckDB's after every load."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.model.errors import MachineError
from assay.store.engine import Statement
from assay.store.engines import choose
from assay.workspace import Workspace
from clickhouse_http import http
from properties.test_engines import breaks_off, differences, said
from store.test_warehouses import Both, loaded_twice
from support import event, load, workspace

pytest.importorskip("clickhouse_connect")
ODD = [
    "",
    "it's",
    'a "b"',
    "back\\slash",
    "\\n",
    "new\nline",
    "tab\there",
    "{x:String}",
    "%(x)s",
    "ä € 😀",
    "\x00",
    "NULL",
    "\\N",
]


@pytest.mark.soak
def test_loads_and_questions(tmp_path: Path) -> None:
    with http() as place:
        choose(tmp_path / "clickhouse" / "assay-data", "clickhouse", f"clickhouse://assay@{place}/shop_http")
        both = Both(tmp_path, "clickhouse")
        loaded_twice(both)
        for question, given, params in (
            ("metric", (["net", "bought_per_visitor"],), {"by": ["channel"]}),
            ("funnel", ("ordered",), {}),
        ):
            one, two = both.does(lambda ws, q=question, g=given, p=params: said(ws, q, g, p))
            assert differences(one, two) == []


def test_odd_texts_come_back_as_they_were(tmp_path: Path) -> None:
    with http() as place:
        choose(tmp_path / "assay-data", "clickhouse", f"clickhouse://assay@{place}/odd_http")
        events = [event("v1", "click", f"2024-03-01 10:{n:02}", title=text) for n, text in enumerate(ODD)]
        with workspace(tmp_path, "site: {timezone: UTC}\n", events, engine="clickhouse") as ws:
            for text in filter(None, ODD):
                found = ws.engine.run(Statement("SELECT title FROM events WHERE title = $text", {"text": text}))
                assert found.rows == [(text,)]


def test_a_query_is_broken_off(tmp_path: Path) -> None:
    with http() as place:
        choose(tmp_path / "assay-data", "clickhouse", f"clickhouse://assay@{place}/endless_http")
        breaks_off(tmp_path, "clickhouse")


def test_mistakes_of_a_server_are_said_in_a_line(tmp_path: Path) -> None:
    with http() as place:
        choose(tmp_path / "assay-data", "clickhouse", f"clickhouse://assay@{place}/wrong_http")
        with workspace(
            tmp_path, "site: {timezone: UTC}\n", [event("v1", "click", "2024-03-01 10:00")], engine="clickhouse"
        ) as ws:
            with pytest.raises(MachineError, match=r"query: ClickHouse says: .*nothing_such") as caught:
                ws.engine.run(Statement("SELECT nothing_such FROM events"))
            assert "\n" not in str(caught.value)
    choose(tmp_path / "assay-data", "clickhouse", "clickhouse://assay@127.0.0.1:1/nobody")
    with (
        pytest.raises(MachineError, match="no ClickHouse answers there"),
        Workspace(tmp_path, engine="clickhouse") as ws,
    ):
        load(ws, [event("v1", "click", "2024-03-01 11:00")], "gone")
