"""A strict plan: what it does not know waits in quarantine, and comes in when the plan has been mended."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from assay import jobs
from assay.cli.quarantine import waiting
from assay.collect.http import Source
from assay.collect.line import Stepper
from assay.collect.planned import unplanned
from assay.collect.wire import Request
from assay.jobs import held, load_intake, replay
from assay.plan.load import FILE, loads
from assay.plan.watch import Watched
from assay.store.locks import locked
from assay.workspace import Workspace
from support import at, ndjson

NOW = at("2024-05-01")
EVENTS = """
events:
  start_trial: {properties: {plan: string, seats: integer, price: money, paid: boolean, from_day: timestamp, list: items}, required: [plan]}
"""
STRICT = "site: {timezone: UTC, currency: EUR}\ncollect: {mode: strict}\n"
PLAN = loads(EVENTS)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"name": "page_view"}, None),
        ({"name": "identify"}, None),
        ({"name": "strat_trial"}, "unknown_event"),
        ({"name": "start_trial", "props": {"plan": "pro"}}, None),
        ({"name": "start_trial"}, "missing_property plan"),
        ({"name": "start_trial", "props": {"plan": ""}}, "missing_property plan"),
        ({"name": "start_trial", "props": {"plan": {"a": 1}}}, "wrong_type plan"),
        ({"name": "start_trial", "props": {"plan": "p", "seats": 3}}, None),
        ({"name": "start_trial", "props": {"plan": "p", "seats": "3"}}, None),  # the loader reads it as 3
        ({"name": "start_trial", "props": {"plan": "p", "seats": 3.5}}, "wrong_type seats"),
        ({"name": "start_trial", "props": {"plan": "p", "seats": True}}, "wrong_type seats"),
        ({"name": "start_trial", "props": {"plan": "p", "price": "9.90"}}, None),
        ({"name": "start_trial", "props": {"plan": "p", "price": "nine"}}, "wrong_type price"),
        ({"name": "start_trial", "props": {"plan": "p", "price": float("inf")}}, "wrong_type price"),
        ({"name": "start_trial", "props": {"plan": "p", "paid": "true"}}, None),
        ({"name": "start_trial", "props": {"plan": "p", "paid": 1}}, "wrong_type paid"),
        ({"name": "start_trial", "props": {"plan": "p", "from_day": "2024-05-01"}}, None),
        ({"name": "start_trial", "props": {"plan": "p", "from_day": "May"}}, "wrong_type from_day"),
        ({"name": "start_trial", "props": {"plan": "p", "list": "x"}}, "wrong_type list"),
        ({"name": "start_trial", "props": {"plan": "p", "more": [1]}}, None),
    ],
)  # fmt: skip
def test_what_a_strict_plan_knows(line: dict[str, Any], reason: str | None) -> None:
    assert unplanned(line, PLAN.events) == reason


def test_required_fields_of_the_line_count() -> None:
    events = loads("events: {purchase: {required: [order_id, revenue]}}").events
    assert unplanned({"name": "purchase", "order_id": "A", "amount": "1"}, events) is None
    assert unplanned({"name": "purchase", "order_id": "A"}, events) == "missing_property revenue"


REQUEST = Request("POST", "/e", {}, {"user-agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/140"}, b"", NOW, "192.0.2.1")


def taken(step: Stepper, *lines: dict[str, Any]) -> list[dict[str, Any]]:
    for n, line in enumerate(lines):
        line.setdefault("id", f"e{n}")
        line.setdefault("time", NOW - n)
        line |= {"source": "web", "received_at": NOW}
        assert step(line, REQUEST, Source("web")) is None
    return list(lines)


def test_quarantine_and_replay_after_mending_the_plan(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(STRICT, encoding="utf-8")
    lines = taken(
        Stepper(Workspace(tmp_path).plan, tmp_path / "salts"),
        {"name": "page_view", "visitor": "v1", "path": "/"},
        {"name": "start_trial", "visitor": "v1", "props": {"plan": "pro", "seats": 2}},
        {"name": "start_trial", "visitor": "v2", "props": {"seats": "many", "plan": "pro"}},
        {"name": "odd", "visitor": "v3"},
    )
    ndjson(tmp_path / "assay-data" / "intake" / "c0" / f"{NOW}-c0-1.web.own.ndjson", lines)
    with Workspace(tmp_path, now=NOW) as ws:
        taken_in = load_intake(ws)
        assert (taken_in.stored, taken_in.quarantined) == (1, 3)
        assert [row[:4] for row in waiting(ws).rows] == [
            ("unknown_event", "start_trial", "web", 2), ("unknown_event", "odd", "web", 1)
        ]  # fmt: skip
        assert replay(ws).waiting == 3
    (tmp_path / FILE).write_text(STRICT + EVENTS, encoding="utf-8")
    with Workspace(tmp_path, now=NOW) as ws:
        assert sum(len(one) for one in held(ws)[0].values()) == 1
        done = replay(ws)
        assert (done.stored, done.duplicates, done.waiting) == (1, 0, 2)
        assert replay(ws).stored == 0
        ledger = ws.ask("ledger").records()[0]
        assert {k: ledger[k] for k in ("received", "stored", "quarantined", "difference")} == {
            "received": 4, "stored": 2, "quarantined": 2, "difference": 0
        }  # fmt: skip
        rows = ws.engine.run(_statement("SELECT name, p_seats, props FROM events WHERE name = 'start_trial'")).rows
        assert [(name, seats) for name, seats, _ in rows] == [("start_trial", 2)]
        assert '"plan":"pro"' in rows[0][2].replace(" ", "")


def test_two_replays_at_once_count_a_line_once(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(STRICT, encoding="utf-8")
    lines = taken(
        Stepper(Workspace(tmp_path).plan, tmp_path / "salts"),
        {"name": "start_trial", "visitor": "v1", "props": {"plan": "pro"}},
    )
    ndjson(tmp_path / "assay-data" / "intake" / "c0" / f"{NOW}-c0-1.web.own.ndjson", lines)
    with Workspace(tmp_path, now=NOW) as ws:
        load_intake(ws)
    (tmp_path / FILE).write_text(STRICT + EVENTS, encoding="utf-8")
    with ThreadPoolExecutor(1) as pool:
        with locked(tmp_path / "assay-data" / jobs.LOCK):
            other = pool.submit(lambda: replay(Workspace(tmp_path, now=NOW)))
            time.sleep(0.3)  # it has come as far as it can
            assert not other.done()
            with Workspace(tmp_path, now=NOW) as ws:
                assert jobs._replayed(ws).stored == 1  # what the one who has the lock does
        assert other.result() == jobs.Replayed(0, 0, 0, 0)
    with Workspace(tmp_path, now=NOW) as ws:
        ledger = ws.ask("ledger").records()[0]
        assert (ledger["stored"], ledger["quarantined"], ledger["difference"]) == (1, 0, 0)


def _statement(sql: str) -> Any:
    from assay.store.engine import Statement

    return Statement(sql)


def test_event_numbers_are_unique_over_segments_with_refused_lines(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("site: {timezone: UTC}\n", encoding="utf-8")
    for n in range(3):
        lines = [{"refused": "consent", "name": "x", "received_at": NOW}] * 2 + [
            {"id": f"{n}-{k}", "name": "page_view", "visitor": "v", "time": NOW + k, "received_at": NOW}
            for k in range(2)
        ]
        ndjson(tmp_path / "assay-data" / "intake" / "c0" / f"{NOW + n}-c0-{n}.web.own.ndjson", lines)
    with Workspace(tmp_path, now=NOW) as ws:
        load_intake(ws)
        assert ws.engine.run(_statement("SELECT count(*), count(DISTINCT event_no) FROM events")).one() == (6, 6)


def test_a_collector_follows_the_plan_as_it_changes(tmp_path: Path) -> None:
    file = tmp_path / FILE
    file.write_text(STRICT, encoding="utf-8")
    watched = Watched(tmp_path, Workspace(tmp_path).plan, every=0)
    step = Stepper(Workspace(tmp_path).plan, tmp_path / "salts", watched.changed)
    assert taken(step, {"name": "start_trial", "props": {"plan": "p"}})[0]["held"] == "unknown_event"
    file.write_text("collect: {mode: strikt}", encoding="utf-8")  # a mistake: the plan before goes on
    again = Request(**{**REQUEST.__dict__, "received_at": NOW + 1})
    line = {"id": "a", "name": "start_trial", "time": NOW, "props": {"plan": "p"}}
    assert step(line, again, Source("web")) is None
    assert (line["held"], "strict" in (watched.problem or "")) == ("unknown_event", True)
    file.write_text(STRICT + EVENTS, encoding="utf-8")
    line = {"id": "b", "name": "start_trial", "time": NOW, "props": {"plan": "p"}}
    assert step(line, Request(**{**REQUEST.__dict__, "received_at": NOW + 2}), Source("web")) is None
    assert ("held" in line, watched.problem) == (False, None)
