"""Hostile requests against a real collector over a real socket: always an answer, never a defect, no growth; the ledger adds up."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostile import BROKEN, KEYS, PLAN, Hostile, Raw, Running, Sender
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import assay
from assay.jobs import load_intake

MOST_MEMORY = 150e6
SETTINGS = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None, "phases": [Phase.generate]}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path)
    yield made
    if made.process.poll() is None:
        made.stop()


json_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=30),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=20,
)
own_event = st.dictionaries(
    st.sampled_from(
        "name id time url visitor user revenue currency items props consent seq interactive bot order_id".split()
    ),
    json_value,
    max_size=9,
).map(lambda one: {"name": "x", **one})
made = st.builds(
    lambda events, shared: Raw(b"POST", b"/e", (), json.dumps({"key": "pk_test", "events": events, **shared}).encode()),
    st.lists(own_event, max_size=4), st.dictionaries(st.sampled_from(["visitor", "user", "sent_at", "consent"]), json_value, max_size=2),
)  # fmt: skip
anything = st.builds(
    lambda target, headers, body: Raw(b"POST", b"/" + target, tuple(headers.items()), body),
    st.sampled_from([b"e", b"batch/", b"e/", b"v1/batch", b"v1/t", b"mp/collect", b"api/event", b"api/send", b"api/batch", b"%00", b"i/v1/analytics/events"]),
    st.dictionaries(st.sampled_from([b"content-encoding", b"authorization", b"user-agent", b"origin"]), st.binary(max_size=40).map(lambda b: b.translate(None, b"\r\n\0 \t" + bytes(range(32)) + b"\x7f"))),
    st.binary(max_size=400) | json_value.map(lambda one: json.dumps(one).encode()),
)  # fmt: skip


class Tally:
    """What was answered; and of our own format, how many events were said to be on disk."""

    def __init__(self, running: Running) -> None:
        self.running, self.sender = running, Sender(running.port)
        self.statuses: Counter[int] = Counter()
        self.stored = self.refused = 0

    def send(self, raw: Raw) -> None:
        status, body = self.sender.send(raw)
        self.statuses[status] += 1
        assert status < 500, (status, body[:300], raw)
        if status == 202 and body.startswith(b'{"ok"'):
            answer = json.loads(body)
            self.stored += answer["ok"]
            self.refused += len(answer["refused"])

    def broken(self, data: bytes) -> None:
        status = self.sender.broken(data)
        assert status is None or status < 500, (status, data[:200])


def fuzzed(running: Running, mutated: int, drawn: int, warm: int, growth: float, seed: int) -> Tally:
    tally = Tally(running)
    hostile = Hostile(seed)
    before = 0
    for n in range(mutated):
        tally.send(next(hostile))
        if n % 40 == 0:
            tally.broken(BROKEN[(n // 40) % len(BROKEN)])
        if n == warm:
            before = running.memory()

    @settings(max_examples=drawn, **SETTINGS)
    @given(st.one_of(made, anything))
    def hypothetical(raw: Raw) -> None:
        tally.send(raw)

    hypothetical()
    after = running.memory()
    tally.send(Raw(b"GET", b"/healthz", (), b""))
    assert running.process.poll() is None
    assert after - before < growth, f"{before / 1e6:.0f} MB after the warm-up, {after / 1e6:.0f} MB at the end"
    assert after < MOST_MEMORY
    assert sum(tally.statuses.values()) > mutated + drawn * 0.9
    print(
        f"\n{sum(tally.statuses.values()):,} requests: {dict(tally.statuses)}; {before / 1e6:.0f} MB, then {after / 1e6:.0f} MB"
    )
    return tally


def adds_up(running: Running, tally: Tally) -> None:
    """Every line on disk is in one term, and as many of our own format as were acknowledged."""
    tally.sender.close()
    assert running.stop() in (0, -signal.SIGTERM)
    assert running.log.read_text() == ""  # no defect was noted, no traceback was written
    on_disk: list[dict[str, Any]] = [
        json.loads(line)
        for path in (running.folder / "assay-data" / "intake").rglob("*.own.ndjson")
        for line in path.read_bytes().splitlines()
    ]
    assert sum("refused" in line for line in on_disk) == tally.refused
    assert sum("refused" not in line for line in on_disk) == tally.stored
    with assay.open(running.folder) as ws:
        load_intake(ws)
        answer = ws.ask("ledger")
    rows = answer.records()
    assert [row["difference"] for row in rows] == [0] * len(rows)
    assert [one for one in answer.findings if one.code == "ledger_apart"] == []
    assert sum(row["received"] for row in rows if row["wire"] == "own") == len(on_disk)


def test_eight_hundred(running: Running) -> None:
    tally = fuzzed(running, 650, 150, 350, 40e6, 1)
    assert tally.statuses[202] > 50  # many get as far as the disk
    adds_up(running, tally)


@pytest.mark.soak
def test_a_hundred_thousand(running: Running) -> None:
    adds_up(running, fuzzed(running, 95_000, 5_000, 60_000, 20e6, 2))


def test_the_recorded_traffic_itself_is_taken(running: Running) -> None:
    """Else the mutations would only ever test the first line of defence."""
    tally = Tally(running)
    for raw in Hostile(0).seeds:
        tally.send(raw)
    assert set(tally.statuses) <= {200, 202, 204}
    assert PLAN
    assert KEYS[0] == "pk_test"
    adds_up(running, tally)
