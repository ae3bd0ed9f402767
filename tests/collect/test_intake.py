"""The collector's answers: what is taken, what is refused and why, and what it says when the disk does not take more."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.collect.http import Collector, Source
from assay.collect.keys import Keys, new_key
from assay.collect.line import whole
from assay.collect.spool import Full, Spool, ended

KEYS = Keys({"pk_a": Source("web"), "pk_b": Source("shop", "staging", ("https://shop.example",))})
NOW = 1_760_000_000_000_000


def collector(folder: Path, **options: Any) -> Collector:
    return Collector(Spool(folder, gather=0.0), KEYS, lambda line, _r, _s: whole(line), clock=lambda: NOW, **options)


async def asked(
    app: Collector, body: bytes, path: str = "/e", method: str = "POST", query: bytes = b"", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    sent: list[dict[str, Any]] = []
    parts = [body[i : i + 1000] for i in range(0, len(body), 1000)] or [b""]
    messages = [{"type": "http.request", "body": p, "more_body": i < len(parts) - 1} for i, p in enumerate(parts)]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    given_ = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query,
        "headers": given_,
        "client": ("192.0.2.7", 1),
    }
    await app(scope, receive, send)
    return sent[0]["status"], {k.decode(): v.decode() for k, v in sent[0]["headers"]}, sent[1]["body"]


def take(folder: Path, *bodies: Any, **options: Any) -> list[tuple[int, dict[str, str], bytes]]:
    async def whole_() -> list[tuple[int, dict[str, str], bytes]]:
        app = collector(folder, **options.pop("made", {}))
        app.spool.start()
        found = [await asked(app, b if isinstance(b, bytes) else json.dumps(b).encode(), **options) for b in bodies]
        await app.spool.stop()
        return found

    return asyncio.run(whole_())


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in ended(folder) for line in path.read_bytes().splitlines()]


EVENT = {"id": "e1", "name": "page_view", "time": 1_760_000_000_000, "visitor": "v1", "url": "https://shop.example/a"}


def test_a_taken_event_is_a_line_with_its_source(tmp_path: Path) -> None:
    ((status, _, body),) = take(tmp_path, {"key": "pk_b", **EVENT}, origin="https://shop.example")
    assert (status, json.loads(body)["ok"]) == (202, 1)
    (line,) = lines(tmp_path)
    assert (line["id"], line["source"], line["environment"], line["received_at"]) == ("e1", "shop", "staging", NOW)
    assert "192.0.2.7" not in json.dumps(line)


def test_a_refused_event_leaves_its_reason_and_nothing_of_what_it_said(tmp_path: Path) -> None:
    bad = {**EVENT, "id": "e2", "time": 10**20, "props": {"secret": "s3cret"}}
    ((status, _, body),) = take(tmp_path, {"key": "pk_a", "events": [EVENT, bad]})
    answer = json.loads(body)
    assert (status, answer["ok"], answer["refused"][0]["index"]) == (202, 1, 1)
    kept, refused = lines(tmp_path)
    assert kept["id"] == "e1"
    assert set(refused) == {"refused", "name", "received_at"}
    assert "s3cret" not in json.dumps(refused)


@pytest.mark.parametrize(
    ("body", "options", "status", "code"),
    [
        ({"key": "pk_x", **EVENT}, {}, 401, "unknown_key"),
        (EVENT, {}, 401, "unknown_key"),
        ({"key": "pk_b", **EVENT}, {"origin": "https://evil.example"}, 403, "wrong_origin"),
        (b"{", {}, 400, "bad_json"),
        (b"x" * 3000, {"made": {"most_body": 2000}}, 413, "too_large"),
        ({"key": "pk_a", **EVENT}, {"path": "/nowhere"}, 404, "unknown_path"),
        ({"key": "pk_a", **EVENT}, {"method": "PUT"}, 405, "wrong_method"),
        ({"key": "pk_a", **EVENT}, {"query": b"&".join(b"a=1" for _ in range(300))}, 400, "bad_query"),
    ],
)
def test_what_is_not_taken_is_said(tmp_path: Path, body: Any, options: dict[str, Any], status: int, code: str) -> None:
    ((got, _, said),) = take(tmp_path, body, **options)
    assert (got, json.loads(said)["error"]["code"]) == (status, code)
    assert lines(tmp_path) == []


def test_a_declared_length_is_believed_before_anything_is_read(tmp_path: Path) -> None:
    ((status, _, _),) = take(tmp_path, b"", content_length="99999999999")
    assert status == 413


def test_browsers_of_other_sites_may_ask(tmp_path: Path) -> None:
    ((status, headers, _),) = take(tmp_path, b"", method="OPTIONS", origin="https://shop.example")
    assert (status, headers["access-control-allow-origin"]) == (204, "https://shop.example")


@pytest.mark.parametrize("problem", [Full(), OSError(28, "No space left on device")])
def test_a_disk_that_takes_no_more_is_said_and_survived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    append = Spool.append

    async def failing(*_: Any) -> None:
        raise problem

    monkeypatch.setattr(Spool, "append", failing)
    ((status, headers, _),) = take(tmp_path, {"key": "pk_a", **EVENT})
    assert (status, headers["retry-after"].isdigit()) == (503, True)
    monkeypatch.setattr(Spool, "append", append)
    ((status, _, _),) = take(tmp_path, {"key": "pk_a", **EVENT})
    assert status == 202


def test_health_says_how_it_is(tmp_path: Path) -> None:
    ((status, _, body),) = take(tmp_path, b"", path="/healthz", method="GET")
    assert (status, json.loads(body)["ok"]) == (200, True)


def test_keys_are_unlike_and_say_what_they_are() -> None:
    assert len({new_key(False) for _ in range(100)}) == 100
    assert new_key(True).startswith("sk_")
    assert KEYS.source("pk_a\udcff") is None
    assert KEYS.source(None) is None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=400) | st.from_regex(rb'\{"key":"pk_a","events":\[.{0,80}\]\}', fullmatch=True),
    path=st.sampled_from(["/e", "/batch/", "/v1/batch", "/e/", "/i/v0/e/", "/v1/track", "/flags/"]),
    query=st.binary(max_size=60),
    kind=st.sampled_from(["application/json", "text/plain", "application/x-www-form-urlencoded", "x"]),
)
def test_no_request_is_a_defect(
    tmp_path_factory: pytest.TempPathFactory, body: bytes, path: str, query: bytes, kind: str
) -> None:
    ((status, _, _),) = take(tmp_path_factory.mktemp("spool"), body, path=path, query=query, content_type=kind)
    assert status < 500
