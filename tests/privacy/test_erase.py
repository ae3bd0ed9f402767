"""Somebody is erased: by SQL in every table, in the bytes of every file, and for good."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from assay import privacy
from assay.jobs import load_intake
from assay.plan.load import FILE
from assay.workspace import Workspace
from support import at, bought, event, ndjson, view

PLAN = """
site: {name: Shop, timezone: UTC, currency: EUR}
events: {sign_up: {properties: {method: string, invited_by: string}}}
metrics: {rpv: {type: simple, sum: revenue.net, per: visitor}}
"""
START = at("2024-03-01 10:00")
SECOND = 1_000_000
ANN, DEVICE, SHARED = "ann-7731@shop", "dev-ann-4455", "dev-shared-9001"


def history() -> list[dict[str, Any]]:
    """Ann on her own device and, for a while, on one that Bob uses too; Cid alone."""
    return [
        view(DEVICE, START, "/a"),
        event(DEVICE, "identify", START + SECOND, user=ANN, interactive=False),
        bought(DEVICE, START + 2 * SECOND, "o-ann", "20.5", user=ANN, currency="EUR"),
        view(SHARED, START + 3 * SECOND, "/b", user="bob"),
        view(SHARED, START + 9 * SECOND, "/c", user=ANN),
        view(SHARED, START + 10 * SECOND, "/d"),
        view(SHARED, START + 20 * SECOND, "/e", user="bob"),
        event(None, "sign_up", START + 5 * SECOND, user=ANN, id="server-1"),
        view("dev-cid", START + 4 * SECOND, "/f", user="cid"),
        bought("dev-cid", START + 6 * SECOND, "o-cid", "10", user="cid", currency="EUR"),
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / FILE).write_text(PLAN, encoding="utf-8")
    for n, part in enumerate((history()[:6], history()[6:])):
        name = f"{START + n}-c0-{n + 1}.web.own.ndjson"
        lines = [{**one, "received_at": one["time"]} for one in part]
        lines.append({"refused": "consent", "name": "page_view", "received_at": START})
        ndjson(tmp_path / "assay-data" / "intake" / "c0" / name, lines)
    with Workspace(tmp_path, now=START + 3_600 * SECOND) as ws:
        assert load_intake(ws).stored == 10
    return tmp_path


def opened(folder: Path, later: int = 3_600) -> Workspace:
    return Workspace(folder, now=START + later * SECOND)


def texts_of(folder: Path) -> dict[str, str]:
    """Every table as CSV, every other file unpacked, by name."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.name == FILE:
            continue
        if path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as store:
                for (table,) in store.execute("SELECT table_name FROM duckdb_tables() WHERE NOT internal").fetchall():
                    found[f"{path.name}:{table}"] = str(store.execute(f'SELECT * FROM "{table}"').fetchall())
        data = path.read_bytes()
        found[str(path.relative_to(folder))] = (gzip.decompress(data) if path.suffix == ".gz" else data).decode(
            "latin-1"
        )
    return found


def ledger(ws: Workspace) -> tuple[int, dict[str, int]]:
    answer = ws.ask("ledger")
    names = [column.name for column in answer.columns]
    terms = (
        "received",
        "stored",
        "duplicate",
        "rejected",
        "quarantined",
        "consent",
        "erased",
        "expired",
        "spool",
        "difference",
    )
    sums = {term: sum(row[names.index(term)] for row in answer.rows) for term in terms}
    return sum(finding.code == "ledger_apart" for finding in answer.findings), sums


def test_a_user_is_gone_from_every_table_and_file(folder: Path) -> None:
    assert any(ANN in text for text in texts_of(folder).values())
    with opened(folder) as ws:
        done = privacy.erase(ws, "user", ANN)
        assert (done.events, done.lines, done.left) == (6, 6, {})
        assert done.known.shared == (SHARED,)
        assert ws.ask("user", "bob").rows[0] is not None
        apart, sums = ledger(ws)
        rows = ws.engine.run(statement("SELECT count(*), count(DISTINCT visitor_key) FROM events")).one()
        orders = ws.engine.run(statement("SELECT order_id FROM orders")).rows
    assert (apart, sums["difference"], sums["received"], sums["stored"], sums["erased"]) == (0, 0, 12, 4, 6)
    assert rows == (4, 2)
    assert orders == [("o-cid",)]
    naming = {name for name, text in texts_of(folder).items() if ANN in text or DEVICE in text or "o-ann" in text}
    assert naming == set()


def statement(sql: str) -> Any:
    from assay.store.engine import Statement

    return Statement(sql)


def test_the_others_on_a_shared_device_keep_their_events(folder: Path) -> None:
    with opened(folder) as ws:
        privacy.erase(ws, "user", ANN)
        paths = ws.engine.run(statement(f"SELECT path FROM events WHERE visitor = '{SHARED}' ORDER BY t")).rows
    assert paths == [("/b",), ("/e",)]


def test_a_visitor_is_gone_and_the_user_elsewhere_stays(folder: Path) -> None:
    with opened(folder) as ws:
        done = privacy.erase(ws, "visitor", DEVICE)
        left = ws.engine.run(statement(f"SELECT name FROM events WHERE user_id = '{ANN}' ORDER BY t")).rows
    assert (done.events, done.lines, done.left) == (3, 3, {})
    assert left == [("sign_up",), ("page_view",)]
    assert not any(DEVICE in text for text in texts_of(folder).values())


@pytest.mark.parametrize("kind", ["user", "visitor"])
def test_neither_a_replay_nor_a_rebuild_brings_them_back(folder: Path, kind: str) -> None:
    id = {"user": ANN, "visitor": DEVICE}[kind]
    with opened(folder) as ws:
        before = privacy.erase(ws, kind, id).events
        again = [{**one, "received_at": one["time"], "id": f"again-{n}"} for n, one in enumerate(history())]
        name = f"{START + 7_200 * SECOND}-c0-9.web.own.ndjson"
        ndjson(folder / "assay-data" / "intake" / "c0" / name, again)
        taken = load_intake(ws)
        ws.rebuild()
        apart, sums = ledger(ws)
    assert taken.stored == 10 - before
    assert (apart, sums["difference"], sums["erased"]) == (0, 0, 2 * before)


def test_who_comes_back_later_is_counted_again(folder: Path) -> None:
    with opened(folder) as ws:
        privacy.erase(ws, "user", ANN)
    moment = START + 7_200 * SECOND
    line = {**view(DEVICE, moment, "/new", user=ANN), "received_at": moment}
    ndjson(folder / "assay-data" / "intake" / "c0" / f"{moment}-c0-9.web.own.ndjson", [line])
    with opened(folder, 9_000) as ws:
        assert load_intake(ws).stored == 1


def test_quarantine_state_and_saved_cohorts_are_cleaned(folder: Path) -> None:
    moment = START + 30 * SECOND
    lines = [
        {**view(DEVICE, moment, "/q", user=ANN), "amount": "no number", "received_at": moment},
        {**view("dev-cid", moment, "/q", user="cid"), "amount": "no number", "received_at": moment},
        {**view(DEVICE, moment, "/held", user=ANN, id="h1"), "held": "unknown_event", "received_at": moment},
    ]
    ndjson(folder / "assay-data" / "intake" / "c0" / f"{moment}-c0-5.web.own.ndjson", lines)
    (folder / "cohorts").mkdir()
    (folder / "cohorts" / "seen.csv").write_text(f"user\ncid\n{ANN}\n", encoding="utf-8")
    with opened(folder) as ws:
        load_intake(ws)
        ws.add_change(f"{ANN} could not pay", "fix", "2024-03-01")
        done = privacy.erase(ws, "user", ANN)
        apart, sums = ledger(ws)
    assert (done.quarantined, done.texts, done.left) == (2, 2, {})
    assert (apart, sums["difference"], sums["quarantined"]) == (0, 0, 1)
    assert (folder / "cohorts" / "seen.csv").read_text(encoding="utf-8") == "user\ncid\n"
    assert not any(ANN in text for text in texts_of(folder).values())


def test_another_persons_event_that_names_them_is_told(folder: Path) -> None:
    moment = START + 40 * SECOND
    line = {**event("dev-cid", "sign_up", moment, user="cid"), "props": {"invited_by": ANN}, "received_at": moment}
    ndjson(folder / "assay-data" / "intake" / "c0" / f"{moment}-c0-5.web.own.ndjson", [line])
    with opened(folder) as ws:
        done = privacy.erase(ws, "user", ANN)
    assert {place for place in done.left if ":" not in place and "." in place} >= {"events.props"}


def test_an_id_within_another_is_no_mention(folder: Path) -> None:
    moment = START + 40 * SECOND
    line = {**view(f"{DEVICE}-2", moment, "/x"), "received_at": moment}
    ndjson(folder / "assay-data" / "intake" / "c0" / f"{moment}-c0-5.web.own.ndjson", [line])
    with opened(folder) as ws:
        done = privacy.erase(ws, "visitor", DEVICE)
        kept = ws.engine.run(statement(f"SELECT count(*) FROM events WHERE visitor = '{DEVICE}-2'")).one()
    assert (done.left, kept) == ({}, (1,))


def test_erasing_twice_changes_nothing(folder: Path) -> None:
    with opened(folder) as ws:
        privacy.erase(ws, "user", ANN)
        again = privacy.erase(ws, "user", ANN)
        assert (again.events, again.lines, again.quarantined) == (0, 0, 0)
        assert ledger(ws)[1]["difference"] == 0


@pytest.mark.parametrize("id", ["o'brien", 'a"b', "ünï-1", "back\\slash", "a+b(c)[d]*"])
def test_odd_ids(tmp_path: Path, id: str) -> None:
    (tmp_path / FILE).write_text(PLAN, encoding="utf-8")
    lines = [
        {**view(id, START, "/a"), "id": "x1", "received_at": START},
        {**view("other", START, "/b"), "received_at": START},
    ]
    ndjson(tmp_path / "assay-data" / "intake" / "c0" / f"{START}-c0-1.web.own.ndjson", lines)
    with opened(tmp_path) as ws:
        done = privacy.erase(ws, "visitor", id)
    assert (done.events, done.lines, done.left) == (1, 1, {})
    assert not any(json.dumps(id)[1:-1] in text for name, text in texts_of(tmp_path).items() if name.endswith("ndjson"))
