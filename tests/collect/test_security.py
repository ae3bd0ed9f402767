"""What a hostile or a broken sender may try: each is answered, nothing is lost, and the process lives."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import time
import zlib
from pathlib import Path
from typing import Any

import pytest
from test_intake import EVENT, KEYS, NOW, asked, lines, take

from assay.collect import bodies, faults, http
from assay.collect.http import Collector
from assay.collect.line import whole
from assay.collect.protocols import PROTOCOLS
from assay.collect.spool import Spool
from assay.collect.wire import BadRequest, Decoded, Outcome, Protocol, Request, Response


def code(answer: tuple[int, dict[str, str], bytes]) -> tuple[int, str]:
    return answer[0], json.loads(answer[2])["error"]["code"]


def request(body: bytes, **headers: str) -> Request:
    return Request("POST", "/e", {}, headers, body, NOW)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (gzip.compress(b"[" + b"0," * 50_000_000 + b"0]"), "too_large"),  # 100 MB in 100 kB
        (gzip.compress(b" ") * 40_000, "bad_gzip"),  # 40,000 members: each would copy what follows
        (zlib.compress(b"0" * 50_000_000), "too_large"),
    ],
)
def test_packed_bombs(body: bytes, reason: str) -> None:
    started = time.perf_counter()
    with pytest.raises(BadRequest) as problem:
        bodies.decoded(request(body, **({"content-encoding": "deflate"} if body[:1] == b"x" else {})), 2_000_000)
    assert problem.value.reason == reason
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    "body", [b"[" + b"[]," * 200_000 + b"[]]", b"[" + b"{}," * 200_000 + b"{}]", b"[" + b"0," * 700_000 + b"0]"]
)
def test_many_small_values_are_not_unfolded(tmp_path: Path, body: bytes) -> None:
    assert code(take(tmp_path, body)[0]) == (413, "too_large")


def test_far_too_many_events_do_not_leave_as_many_lines(tmp_path: Path) -> None:
    some = {"key": "pk_a", "events": [{**EVENT, "id": str(n)} for n in range(1_002)]}
    many = {"key": "pk_a", "events": [1] * 50_000}
    first, second = take(tmp_path, some, many)
    assert [one["reason"] for one in json.loads(first[2])["refused"]] == ["too_many_events"] * 2
    assert code(second) == (413, "too_many_events")
    assert len(lines(tmp_path)) == 1_002


@pytest.mark.parametrize("length", ["99999999999", "9" * 5_000, "²", "-1", "x", "1e9"])
def test_odd_lengths(tmp_path: Path, length: str) -> None:
    ((status, _, _),) = take(tmp_path, {"key": "pk_a", **EVENT}, content_length=length)
    assert status in (202, 413)


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("PUT", "/e", 405, "POST, OPTIONS"), ("GET", "/e", 405, "POST, OPTIONS"), ("DELETE", "/e/", 405, "GET, POST, OPTIONS"),
        ("POST", "/healthz", 405, "GET, OPTIONS"), ("BREW", "/x", 404, None), ("GET", "/" + "a" * 50_000, 404, None),
        ("GET", "/\0\x7f\ud800/../../etc/passwd", 404, None), ("HEAD", "/healthz", 200, None), ("OPTIONS", "/x", 204, None),
        ("POST", "", 404, None), ("POST", "//////", 404, None), ("GET", "/array/../../x/config", 404, None),
    ],
)  # fmt: skip
def test_methods_and_paths(tmp_path: Path, method: str, path: str, status: int, allow: str | None) -> None:
    ((got, headers, _),) = take(tmp_path, b"", method=method, path=path)
    assert (got, headers.get("allow")) == (status, allow)


def test_browsers_may_send_whatever_headers_a_client_has(tmp_path: Path) -> None:
    ((status, headers, _),) = take(
        tmp_path, b"", method="OPTIONS", origin="https://shop.example", access_control_request_headers="authorization,x-umami-cache",
        access_control_request_private_network="true",
    )  # fmt: skip
    assert (status, headers["access-control-allow-headers"]) == (204, "authorization,x-umami-cache")
    assert headers["access-control-allow-private-network"] == "true"
    assert headers["access-control-allow-credentials"] == "true"  # beacons are sent with credentials
    assert headers["vary"] == "Origin"


@pytest.mark.parametrize("origin", ["", "https://a\r\nset-cookie: x=1", "é" * 10, "x" * 500])
def test_an_origin_that_is_none_is_not_repeated(tmp_path: Path, origin: str) -> None:
    ((_, headers, _),) = take(tmp_path, {"key": "pk_a", **EVENT}, origin=origin)
    assert "access-control-allow-origin" not in headers
    assert headers["vary"] == "Origin"


def test_settings_that_name_a_host_are_kept_by_no_shared_cache(tmp_path: Path) -> None:
    ((status, headers, body),) = take(tmp_path, b"", method="GET", path="/v1/projects/pk_a/settings", host="collect.example",
                                      x_forwarded_host="evil.example")  # fmt: skip
    assert (status, headers["cache-control"]) == (200, "private, max-age=300")
    assert json.loads(body)["integrations"]["Segment.io"]["apiHost"] == "evil.example/v1"


class Broken:
    """A format with a defect that some events bring out."""

    @staticmethod
    def decode(one: Request) -> Decoded:
        if one.body == b"decode":
            raise ZeroDivisionError("secret of the event")
        made = tuple(
            {"id": n, "name": n, "time": NOW, **({"bad": object()} if n == "write" else {})}
            for n in one.body.decode().split()
        )
        return Decoded("pk_a", made, tuple(range(len(made))))

    @staticmethod
    def answer(decoded: Decoded, outcome: Outcome) -> Response:
        if decoded.lines[0]["name"] == "answer":
            raise KeyError("secret of the event")
        return Response(200, json.dumps([[r.index, r.reason] for r in outcome.refusals]).encode())


def steps(line: dict[str, Any], *_: Any) -> Any:
    if line["name"] == "step":
        raise IndexError("secret of the event")
    return whole(line)


def test_a_defect_takes_one_event_is_counted_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "_seen", set())

    async def go() -> list[tuple[int, dict[str, str], bytes]]:
        app = Collector(
            Spool(tmp_path, gather=0.0),
            KEYS,
            steps,
            [Protocol("broken", (("POST", "/x"),), Broken.decode, Broken.answer)],
        )
        app.spool.start()
        made = [await asked(app, body, "/x") for body in (b"a step b write c", b"step a", b"decode", b"answer", b"d")]
        assert (app.counters.faults, app.counters.lines, app.counters.refused) == (5, 6, 3)
        await app.spool.stop()
        return made

    with caplog.at_level(logging.ERROR, "assay.collect"):
        first, second, third, fourth, fifth = asyncio.run(go())
    assert json.loads(first[2]) == [[1, "internal_error"], [3, "internal_error"]]
    assert (second[0], code(third), fourth[0], fifth[0]) == (200, (400, "internal_error"), 202, 200)
    found = [line.get("refused") or line["id"] for line in lines(tmp_path)]
    assert found == ["a", "b", "c", *["internal_error"] * 2, "a", "internal_error", "answer", "d"]
    assert len(caplog.messages) == 4  # step, write, decode, answer: each once
    assert "secret" not in caplog.text


def test_what_breaks_the_conversion_of_one_event_spares_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assay.collect.protocols import own

    def line_of(event: dict[str, Any]) -> dict[str, Any]:
        if event["name"] == "odd":
            raise AttributeError("x")
        return {"id": event["name"], "name": event["name"], "time": NOW}

    monkeypatch.setattr(own, "line_of", line_of)
    ((status, _, body),) = take(tmp_path, {"key": "pk_a", "events": [{"name": "a"}, {"name": "odd"}, {"name": "b"}]})
    answer = json.loads(body)
    assert (status, answer["ok"], [(one["index"], one["reason"]) for one in answer["refused"]]) == (
        202,
        2,
        [(1, "internal_error")],
    )


def test_bodies_that_are_read_at_once_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MOST_READING", 5_000)
    found = take(tmp_path, b" " * 10_000, {"key": "pk_a", **EVENT})  # asked() sends parts of 1,000 bytes
    assert [one[0] for one in found] == [503, 202]
    assert found[0][1]["retry-after"] == "5"


def test_a_folder_that_takes_nothing_is_said_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    app, said = Collector(Spool(tmp_path / "file" / "spool"), KEYS, steps), []

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.startup"}

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    asyncio.run(app({"type": "lifespan"}, receive, send))
    assert (said[0]["type"], "Not a directory" in said[0]["message"]) == ("lifespan.startup.failed", True)


def test_the_document_describes_every_route(tmp_path: Path) -> None:
    ((status, _, body),) = take(tmp_path, b"", method="GET", path="/openapi.json")
    document = json.loads(body)
    assert (status, document["openapi"]) == (200, "3.1.0")
    for protocol in PROTOCOLS:
        for method, path in protocol.routes:
            assert method.lower() in document["paths"][path.replace("*", "{rest}")]
    ids = [one["operationId"] for path in document["paths"].values() for one in path.values()]
    assert len(ids) == len(set(ids))
