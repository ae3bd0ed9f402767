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

from assay.collect import faults
from assay.collect.cors import preflight, shared
from assay.collect.protocols import PROTOCOLS
from assay.collect.scripts import served
from assay.collect.spool import Full, Spool, Stream
from assay.collect.wire import BadRequest, Outcome, Protocol, Refusal, Request, Response

if TYPE_CHECKING:
    from assay.collect.keys import Keys
    from assay.collect.limits import Limits
    from assay.collect.wire import Decoded, Line

MOST_BODY = 6_000_000  # bytes as sent; each format says how many unpacked
MOST_READING = 48_000_000  # bytes of bodies that are read at the same time
MOST_OVER = 4 * MOST_BODY  # bytes of a body that is too large, read so that its sender gets to see the answer
RETRY_AFTER = 5  # seconds
OWN = ("/healthz", "/assay.js", "/openapi.json")

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Steps = Callable[["Line", Request, "Source"], Refusal | None]


class _Endless(BadRequest):
    """Of a body whose rest is not read: the connection ends with the answer."""


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
    limited: int = 0  # requests of a key or an address that sends too much
    faults: int = 0  # defects of assay's own
    seconds: dict[str, float] = field(default_factory=dict)


class Collector:
    """``keys``: key → source. ``steps``: what every line goes through, in place; a refusal ends its way.

    ``experiments``: those that run, as JSON, for the script.
    """

    def __init__(
        self, spool: Spool, keys: Keys, steps: Steps, protocols: Sequence[Protocol] = PROTOCOLS,
        most_body: int = MOST_BODY, clock: Callable[[], int] = lambda: time.time_ns() // 1000,
        experiments: Callable[[], str] = lambda: "null", limits: Limits | None = None,
    ) -> None:  # fmt: skip
        self.spool, self.keys, self.steps, self.clock, self.most_body = spool, keys, steps, clock, most_body
        self.counters, self.experiments, self.limits = Counters(), experiments, limits
        self._reading = 0
        self.protocols = protocols
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
            try:
                response = await self._answered(scope, receive)
            except Exception as error:  # nothing was acknowledged: it can be sent again
                self._fault("answering a request", error)
                response = self._busy("assay has a defect here; its log says where")
            await _send(send, response)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    self.spool.start()
                except OSError as error:
                    text = f"{self.spool.folder}: {error.strerror or error}; nothing can be collected there"
                    await send({"type": "lifespan.startup.failed", "message": text})
                    return
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.spool.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _answered(self, scope: Scope, receive: Receive) -> Response:
        self.counters.requests += 1
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        method, path = scope["method"], scope["path"]
        if method == "OPTIONS":
            return preflight(headers)
        method = "GET" if method == "HEAD" else method
        if method == "GET" and path.startswith("/assay"):
            script = served(path, headers, self.experiments)
            if script is not None:
                return script
        return shared(await self._of(scope, method, path, headers, receive), headers.get("origin"))

    async def _of(self, scope: Scope, method: str, path: str, headers: Mapping[str, str], receive: Receive) -> Response:
        if method == "GET" and (own := self._own(path)) is not None:
            return own
        protocol = self._protocol(method, path)
        if protocol is None:
            return self._unknown(method, path)
        client = scope.get("client")
        address = client[0] if client else None
        if self.limits is not None and (seconds := self.limits.of_address(address)):
            return self._limited(protocol.slower, "this address", seconds)
        try:
            body = await self._body(headers, receive)
            query = dict(
                parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True, max_num_fields=200)
            )
        except Full:
            return self._busy("too much is being read")
        except BadRequest as problem:
            close = {"connection": "close"} if isinstance(problem, _Endless) else None
            return self._failed(_problem(problem.status, problem.reason, problem.detail, close), address)
        except ValueError:
            return self._failed(_problem(400, "bad_query", "the query string cannot be read"), address)
        request = Request(
            method, path, query, headers, body, self.clock(), address, scope.get("scheme", "https")
        )  # fmt: skip
        return await self._taken(protocol, request)

    def _protocol(self, method: str, path: str) -> Protocol | None:
        found = self._exact.get((method, path)) or self._exact.get((method, path.rstrip("/") or "/"))
        if found is None:
            found = next((p for m, start, p in self._below if m == method and path.startswith(start)), None)
        return found

    def _own(self, path: str) -> Response | None:
        """What the collector answers beside the formats."""
        if path == "/healthz":
            return self._health()
        if path == "/openapi.json":
            from assay.collect.openapi import described

            return Response(200, described(self.protocols, self.most_body), {"content-type": "application/json"})
        return None

    def _unknown(self, method: str, path: str) -> Response:
        there = [one for one in ("GET", "POST") if one != method and self._protocol(one, path) is not None]
        if there or (method != "GET" and path in OWN):
            return _problem(405, "wrong_method", f"{path[:200]} takes {' and '.join(there) or 'GET'}",
                            {"allow": ", ".join([*(there or ["GET"]), "OPTIONS"])})  # fmt: skip
        return _problem(404, "unknown_path", f"nothing is collected at {path[:200]}")

    def _failed(self, response: Response, address: str | None) -> Response:
        """A request that could not be read: it counts for its address."""
        if self.limits is not None:
            self.limits.failed(address)
        return response

    def _limited(self, status: int, who: str, seconds: int) -> Response:
        self.counters.limited += 1
        text = f"{who} sends more than it may; send it again in {seconds} s (assay collect --limits sets the rates)"
        return _problem(status, "too_many_requests", text, {"retry-after": str(seconds)})

    def _busy(self, reason: str) -> Response:
        self.counters.busy += 1
        return _problem(503, "busy", f"{reason}: send it again", {"retry-after": str(RETRY_AFTER)})

    async def _body(self, headers: Mapping[str, str], receive: Receive) -> bytes:
        """The body. One that is too large is read to some length and let go: who is cut off sees no answer."""
        declared = headers.get("content-length", "")
        if len(declared) > 12 or (declared.isdecimal() and int(declared) > MOST_OVER):
            raise _Endless("too_large", f"a body has at most {self.most_body:,} bytes", 413)
        message = await receive()
        if not message.get("more_body") and message["type"] == "http.request":
            body: bytes = message.get("body", b"")
            if len(body) > self.most_body:
                raise BadRequest("too_large", f"a body has at most {self.most_body:,} bytes", 413)
            return body
        parts, size = [], 0
        try:
            while True:
                if message["type"] == "http.disconnect":
                    raise BadRequest("gone", "the sender has gone")
                part = message.get("body", b"")
                self._reading += len(part)
                size += len(part)
                if size <= self.most_body:
                    parts.append(part)
                if self._reading > MOST_READING:
                    raise Full
                if size > self.most_body and (size > MOST_OVER or not message.get("more_body")):
                    kind = _Endless if message.get("more_body") else BadRequest
                    raise kind("too_large", f"a body has at most {self.most_body:,} bytes", 413)
                if not message.get("more_body"):
                    return b"".join(parts)
                message = await receive()
        finally:
            self._reading -= size

    async def _taken(self, protocol: Protocol, request: Request) -> Response:
        """Decode, steps, disk, answer."""
        try:
            still = protocol.still(request)
            if still is not None:
                return still
            decoded = protocol.decode(request)
        except BadRequest as problem:
            self.counters.unsigned += problem.reason in ("bad_signature", "stale")
            return self._failed(_problem(problem.status, problem.reason, problem.detail), request.address)
        except Exception as error:  # whatever it is, the sender is told and the process lives
            return self._failed(self._fault(f"reading {protocol.name}", error), request.address)
        source = decoded.source or self.keys.source(decoded.key)
        if source is None:
            return self._failed(_problem(401, "unknown_key", "this write key is not known here"), request.address)
        if not _allowed(source, request.headers.get("origin")):
            return self._failed(_problem(403, "wrong_origin", "this key is not for this site"), request.address)
        if self.limits is not None:
            events = len(decoded.lines) + len(decoded.refusals)
            seconds = self.limits.of_key(decoded.key or source.name, source, request.address, max(1, events))
            if seconds:
                return self._limited(protocol.slower, "this key", seconds)
        stored, refusals, lines = self._stepped(decoded, request, source)
        lines += [_text(_refused(one, request)) for one in refusals]
        try:
            await self.spool.append(Stream(source.name, protocol.name), lines)
        except Full:
            return self._busy("too much waits to be written")
        except OSError:
            return self._busy("the disk does not take it now")
        self.counters.lines += len(stored)
        self.counters.refused += len(refusals)
        try:
            return protocol.answer(decoded, Outcome(stored, refusals))
        except Exception as error:  # all of it is on disk: sending it again would be wrong
            self._fault(f"answering {protocol.name}", error)
            return Response(202)

    def _fault(self, doing: str, error: Exception) -> Response:
        self.counters.faults += 1
        faults.noted(doing, error)
        return _problem(400, faults.REASON, faults.DETAIL)

    def _stepped(
        self, decoded: Decoded, request: Request, source: Source
    ) -> tuple[list[Line], list[Refusal], list[bytes]]:
        """Lines that are kept, refusals, and the kept lines as they are written."""
        stored: list[Line] = []
        texts: list[bytes] = []
        refusals = list(decoded.refusals)
        self.counters.faults += sum(one.reason == faults.REASON for one in refusals)
        for place, line in zip(decoded.places, decoded.lines, strict=True):
            line["source"], line["environment"] = source.name, source.environment
            line["received_at"] = request.received_at
            try:
                refusal = self.steps(line, request, source)
                if refusal is None:
                    texts.append(_text(line))
            except Exception as error:  # one event that brings out a defect does not take the others with it
                self._fault("taking an event through the steps", error)
                refusal = Refusal(0, faults.REASON, faults.DETAIL)
            if refusal is None:
                stored.append(line)
            else:
                refusals.append(Refusal(place, refusal.reason, refusal.detail, line.get("name"), line.get("id")))
        return stored, refusals, texts

    def _health(self) -> Response:
        failing = self.spool.failing
        body = {"ok": failing is None, "writing": failing or "ok", **{
            name: getattr(self.counters, name)
            for name in ("requests", "lines", "refused", "busy", "unsigned", "limited", "faults")
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


async def _send(send: Send, response: Response) -> None:
    headers = [(k.encode("latin-1"), v.encode("latin-1", "replace")) for k, v in response.headers.items()]
    headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
