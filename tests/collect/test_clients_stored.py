"""What real clients sent, through the collector and the loader into the store: sent again, out of order, by a wrong clock."""

from __future__ import annotations

import asyncio
import base64
import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import duckdb
import pytest

import assay
from assay.collect.http import Collector, Source
from assay.collect.keys import Keys
from assay.collect.line import whole
from assay.collect.spool import Spool
from assay.collect.steps import Context, run
from assay.collect.wire import Refusal
from assay.jobs import load_intake

pytestmark = pytest.mark.soak

WIRE = Path(__file__).parent.parent / "data" / "wire"
KEYS = {key: Source("web") for key in ("pk_test", "shop.example", "11111111-2222-4333-8444-555555555555")}
HOUR = 3_600_000_000
# Client → requests, events in them, events that are known again when all is sent twice, and whether its clock is corrected.
# Plausible's and Umami's say neither an id nor when: two that are alike are two. Of ga4mp's one request in three says when.
CLIENTS = {
    "posthog": (3, 21, 21, True), "posthog-node": (1, 4, 4, True), "segment": (2, 14, 14, True), "segment-node": (1, 4, 4, True),
    "ga4mp": (6, 6, 2, False), "plausible": (2, 2, 0, False), "plausible-tracker": (2, 2, 0, False), "umami": (3, 3, 0, False), "umami-node": (3, 3, 0, False),
}  # fmt: skip


def recorded(client: str) -> list[dict[str, Any]]:
    return json.loads((WIRE / f"{client}.json").read_text(encoding="utf-8"))["requests"]


def sent(folder: Path, requests: list[tuple[dict[str, Any], int]]) -> dict[str, int]:
    """Requests with the moment of their receipt, through steps, disk and loader; the ledger's terms."""
    (folder / "assay.yaml").write_text("site: {name: Clients, timezone: UTC, currency: EUR}\n", encoding="utf-8")
    now = 0

    def step(line: dict[str, Any], request: Any, source: Source) -> Refusal | None:
        dropped = run(line, Context(source=source.name).of(request, b"salt"))
        return Refusal(0, dropped.reason) if dropped else whole(line)

    async def go() -> None:
        nonlocal now
        app = Collector(Spool(folder / "assay-data" / "intake" / "c0", gather=0.0), Keys(KEYS), step, clock=lambda: now)
        app.spool.start()
        for one, now in requests:  # noqa: B007 - the collector's clock
            answers: list[dict[str, Any]] = []
            body = one["text"].encode() if "text" in one else base64.b64decode(one["base64"])

            async def receive(body: bytes = body) -> dict[str, Any]:
                return {"type": "http.request", "body": body, "more_body": False}

            async def send(message: dict[str, Any], answers: list[dict[str, Any]] = answers) -> None:
                answers.append(message)

            scope = {
                "type": "http", "method": one["method"], "path": one["path"], "query_string": urlencode(one["query"]).encode(),
                "headers": [(k.encode(), v.encode()) for k, v in one["headers"].items()], "client": ("127.0.0.1", 1), "scheme": "http",
            }  # fmt: skip
            await app(scope, receive, send)
            assert answers[0]["status"] in (200, 202, 204)
        await app.spool.stop()

    asyncio.run(go())
    with assay.open(folder) as ws:
        load_intake(ws)
        rows = ws.ask("ledger").records()
    assert [row["difference"] for row in rows] == [0] * len(rows)
    return {name: sum(row[name] for row in rows) for name in ("received", "stored", "duplicate", "rejected")}


def stored(folder: Path, what: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(folder / "assay-data" / "store.duckdb"), read_only=True) as store:
        return store.execute(what).fetchall()


def test_every_recording_is_in_the_table() -> None:
    assert sorted(CLIENTS) == sorted(path.stem for path in WIRE.glob("*.json"))


@pytest.mark.parametrize("client", CLIENTS)
def test_sent_again_and_out_of_order(tmp_path: Path, client: str) -> None:
    requests, events, again, _ = CLIENTS[client]
    found = recorded(client)
    assert len(found) == requests
    twice = [(one, one["received_at"] + later) for later in (30_000_000, 0) for one in reversed(found)]
    assert sent(tmp_path, twice) == {
        "received": 2 * events,
        "stored": 2 * events - again,
        "duplicate": again,
        "rejected": 0,
    }


@pytest.mark.parametrize("client", CLIENTS)
def test_a_clock_that_is_an_hour_behind(tmp_path: Path, client: str) -> None:
    """The same bytes received an hour later: a sender that says when it sent is put right, the others' times stay."""
    right, late = tmp_path / "right", tmp_path / "late"
    for folder, behind in ((right, 0), (late, HOUR)):
        folder.mkdir()
        sent(folder, [(one, one["received_at"] + behind) for one in recorded(client)])
    times = "SELECT id, t FROM events ORDER BY t, id"
    if CLIENTS[client][3]:
        before, after = dict(stored(right, times)), dict(stored(late, times))
        assert before.keys() == after.keys()
        assert {abs(after[id] - before[id] - HOUR) <= 1_000_000 for id in before} == {True}
    else:
        first = min(one["received_at"] for one in recorded(client))
        said = [time for _, time in stored(late, times) if time < first + HOUR]
        assert len(said) == CLIENTS[client][2]  # only those that say when it happened keep it


def test_revenue_and_identities_as_sent(tmp_path: Path) -> None:
    for client in ("posthog", "segment", "ga4mp"):
        (tmp_path / client).mkdir()
        sent(tmp_path / client, [(one, one["received_at"]) for one in recorded(client)])
    orders = "SELECT order_id, count(*), sum(amount) FROM events WHERE name = 'purchase' GROUP BY ALL"
    assert stored(tmp_path / "posthog", orders) == [("o1", 3, Decimal("89.7"))]
    assert stored(tmp_path / "segment", orders) == [("o1", 2, Decimal("59.8"))]
    assert stored(tmp_path / "ga4mp", orders) == [("o1", 2, Decimal("59.8"))]
    who = "SELECT DISTINCT visitor, user_id FROM events WHERE name IN ('identify', 'alias') ORDER BY ALL"
    assert stored(tmp_path / "segment", who) == [("anon1", "u1")]
    assert stored(tmp_path / "posthog", who) == [("anon1", "u1")]
