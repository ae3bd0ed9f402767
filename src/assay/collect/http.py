"""The collector: a request is read, decoded, put through the steps, written and synced; then it is answered.

An ASGI application without a framework: what is acknowledged is on disk. When the disk or the queue does not take more,
the sender is told when to come back; the process lives.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from assay.collect.protocols import PROTOCOLS
from assay.collect.scripts import served
from assay.collect.spool import Full, Spool, Stream
from assay.collect.wire import BadRequest, Outcome, Protocol, Refusal, Request, Response

if TYPE_CHECKING:
    from assay.collect.keys import Keys
    from assay.collect.wire import Decoded, Line

MOST_BODY = 1_000_000  # bytes as sent
RETRY_AFTER = 5  # seconds
_CORS = {
    "access-control-allow-methods": "GET, POST, OPTIONS",
    "access-control-allow-headers": "*",
    "access-control-max-age": "86400",
}

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Steps = Callable[["Line", Request, "Source"], Refusal | None]


@dataclass(frozen=True)
class Source:
    """What a write key stands for. ``origins``: allowed Origin headers; empty: any."""

    name: str
    environment: str = "live"
    origins: tuple[str, ...] = ()
    secret: bool = False


@dataclass
class Counters:
    """Since the start: for the health page and the tests."""

    requests: int = 0
    lines: int = 0
    refused: int = 0
    busy: int = 0
    unsigned: int = 0  # deliveries of webhooks that nobody known has signed
    seconds: dict[str, float] = field(default_factory=dict)


class Collector:
    """``keys``: key → source. ``steps``: what every line goes through, in place; a refusal ends its way.

    ``experiments``: those that run, as JSON, for the script.
    """

    def __init__(
        self, spool: Spool, keys: Keys, steps: Steps, protocols: Sequence[Protocol] = PROTOCOLS,
        most_body: int = MOST_BODY, clock: Callable[[], int] = lambda: time.time_ns() // 1000,
        experiments: Callable[[], str] = lambda: "null",
    ) -> None:  # fmt: skip
        self.spool, self.keys, self.steps, self.clock, self.most_body = spool, keys, steps, clock, most_body
        self.counters, self.experiments = Counters(), experiments
        self._exact: dict[tuple[str, str], Protocol] = {}
        self._below: list[tuple[str, str, Protocol]] = []
        for protocol in protocols:
            for method, path in protocol.routes:
                if path.endswith("*"):
                    self._below.append((method, path[:-1], protocol))
                else:
                    self._exact[method, path] = protocol

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            response = await self._answered(scope, receive)
            await _send(send, response)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.spool.start()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.spool.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _answered(self, scope: Scope, receive: Receive) -> Response:
        self.counters.requests += 1
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        origin = headers.get("origin")
        if scope["method"] == "OPTIONS":
            return _shared(Response(204), origin)
        path = scope["path"]
        if path == "/healthz":
            return self._health()
        if path.startswith("/assay") and scope["method"] == "GET":
            script = served(path, headers, self.experiments)
            if script is not None:
                return script
        protocol = self._protocol(scope["method"], path)
        if protocol is None:
            return _shared(_problem(404, "unknown_path", f"nothing is collected at {path[:200]}"), origin)
        try:
            body = await self._body(headers, receive)
            query = dict(
                parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True, max_num_fields=200)
            )
        except BadRequest as problem:
            return _shared(_problem(problem.status, problem.reason, problem.detail), origin)
        except ValueError:
            return _shared(_problem(400, "bad_query", "the query string cannot be read"), origin)
        client = scope.get("client")
        request = Request(scope["method"], path, query, headers, body, self.clock(), client[0] if client else None)
        return _shared(await self._taken(protocol, request), origin)

    def _protocol(self, method: str, path: str) -> Protocol | None:
        found = self._exact.get((method, path)) or self._exact.get((method, path.rstrip("/") or "/"))
        if found is None:
            found = next((p for m, start, p in self._below if m == method and path.startswith(start)), None)
        return found

    async def _body(self, headers: Mapping[str, str], receive: Receive) -> bytes:
        declared = headers.get("content-length", "")
        if declared.isdigit() and int(declared) > self.most_body:
            raise BadRequest("too_large", f"a body has at most {self.most_body:,} bytes", 413)
        parts, size = [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise BadRequest("gone", "the sender has gone")
            part = message.get("body", b"")
            size += len(part)
            if size > self.most_body:
                raise BadRequest("too_large", f"a body has at most {self.most_body:,} bytes", 413)
            parts.append(part)
            if not message.get("more_body"):
                return b"".join(parts)

    async def _taken(self, protocol: Protocol, request: Request) -> Response:
        """Decode, steps, disk, answer."""
        try:
            still = protocol.still(request)
            if still is not None:
                return still
            decoded = protocol.decode(request)
        except BadRequest as problem:
            self.counters.unsigned += problem.reason in ("bad_signature", "stale")
            return _problem(problem.status, problem.reason, problem.detail)
        source = decoded.source or self.keys.source(decoded.key)
        if source is None:
            return _problem(401, "unknown_key", "this write key is not known here")
        if not _allowed(source, request.headers.get("origin")):
            return _problem(403, "wrong_origin", "this key is not for this site")
        stored, refusals = self._stepped(decoded, request, source)
        lines = [_text(line) for line in stored]
        lines += [_text(_refused(one, request)) for one in refusals]
        try:
            await self.spool.append(Stream(source.name, protocol.name), lines)
        except (Full, OSError) as problem:
            self.counters.busy += 1
            reason = "too much waits to be written" if isinstance(problem, Full) else "the disk does not take it now"
            return _problem(503, "busy", f"{reason}: send it again", {"retry-after": str(RETRY_AFTER)})
        self.counters.lines += len(stored)
        self.counters.refused += len(refusals)
        return protocol.answer(decoded, Outcome(stored, refusals))

    def _stepped(self, decoded: Decoded, request: Request, source: Source) -> tuple[list[Line], list[Refusal]]:
        stored: list[Line] = []
        refusals = list(decoded.refusals)
        for place, line in zip(decoded.places, decoded.lines, strict=True):
            line["source"], line["environment"] = source.name, source.environment
            line["received_at"] = request.received_at
            refusal = self.steps(line, request, source)
            if refusal is None:
                stored.append(line)
            else:
                refusals.append(Refusal(place, refusal.reason, refusal.detail, line.get("name"), line.get("id")))
        return stored, refusals

    def _health(self) -> Response:
        failing = self.spool.failing
        body = {"ok": failing is None, "writing": failing or "ok", **{
            name: getattr(self.counters, name) for name in ("requests", "lines", "refused", "busy", "unsigned")
        }}  # fmt: skip
        return Response(
            200 if failing is None else 503, json.dumps(body).encode(), {"content-type": "application/json"}
        )


def _refused(one: Refusal, request: Request) -> Line:
    """A refused event as it stands in the segment: that it was, and why; nothing of what it said."""
    return {
        "refused": one.reason,
        "name": str(one.name)[:200] if one.name else None,
        "received_at": request.received_at,
    }


def _text(line: Line) -> bytes:
    return json.dumps(line, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8", "replace")


def _allowed(source: Source, origin: str | None) -> bool:
    return not source.origins or origin is None or origin in source.origins


def _problem(status: int, reason: str, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    body = json.dumps({"error": {"code": reason, "message": detail}}).encode()
    return Response(status, body, {"content-type": "application/json", **(headers or {})})


def _shared(response: Response, origin: str | None) -> Response:
    """With CORS headers: browsers of any site may send; keys say which may be taken."""
    if origin is None:
        return response
    headers = {**response.headers, **_CORS, "access-control-allow-origin": origin, "vary": "Origin",
               "access-control-allow-credentials": "true"}  # fmt: skip
    return Response(response.status, response.body, headers)


async def _send(send: Send, response: Response) -> None:
    headers = [(k.encode("latin-1"), v.encode("latin-1", "replace")) for k, v in response.headers.items()]
    headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
