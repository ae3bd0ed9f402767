"""Hostile requests: recorded traffic of real clients, mutated; and a collector in a process of its own to send them to."""

from __future__ import annotations

import base64
import gzip
import json
import random
import socket
import subprocess
import sys
import time
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from assay.collect.protocols import PROTOCOLS
from serving import free_port

WIRE = Path(__file__).parent.parent / "data" / "wire"
KEYS = ("pk_test", "shop.example", "11111111-2222-4333-8444-555555555555")
PLAN = "site: {name: Fuzz, timezone: UTC, currency: EUR}\n"
PROGRAM = """
import sys
from pathlib import Path
from assay.cli.collecting import prepared, serve
from assay.collect.http import Source
from assay.collect.keys import Keys
app, _ = prepared(Path(sys.argv[1]), "c0", "address=0,key=0")
app.keys = Keys({key: Source("web") for key in sys.argv[3:]} | {"sk_test": Source("server", secret=True)})
serve(app, "127.0.0.1", int(sys.argv[2]))
"""
ROUTES = tuple((method, path.replace("*", "pk_test/config")) for p in PROTOCOLS for method, path in p.routes)
LEAVES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, -0.0, 10**18, 10**30, 2**63, 1.5, "", " ", "\0", "a\0b", "\ud800", "x" * 5_000, "é" * 300, "null",
    "undefined", [], {}, [[]], {"": ""}, [None] * 300, {"a": {"a": {"a": {}}}}, "1e400", "NaN", "2024-02-30T25:61:61Z", "9999-12-31", 0.1,
    "https://shop.example/p?utm_source=%ff%00&gclid=1", "http://[::1", "javascript:alert(1)", "//", "data:text/html,x", "EUR", "€", "19,90",
    "-5", "purchase", "$pageview", "$identify", "$snapshot", "Order Completed", "Experiment Viewed", "$feature_flag_called", "a@b.example",
    "+49 170 1234567", "__proto__", "'; DROP TABLE events; --", "../../etc/passwd", "\u202e\u0000\uffff", "😀" * 200, {"$set": []},
)  # fmt: skip
NAMES = (
    "name event id uuid time timestamp url props properties revenue currency items order_id visitor user userId distinct_id sent_at "
    "sentAt context traits payload data website type batch events params $groups $session_id offset value products price"
).split()
TEXTS: tuple[bytes, ...] = (
    b"", b" ", b"\xff\xfe", b"\xc3\xa9", b"x" * 8_000, b"gzip", b"br", b"deflate", b"gzip, gzip", b"Basic !!", b"Basic cGtfdGVzdDo=",
    b"Bearer pk_test", b"null", b"https://evil.example", b"1", b"?1", b'"Not;A=Brand";v="99"', b"::1", b"203.0.113.9, x, \xff", b"-1", b"%00",
    b"text/plain", b"multipart/form-data; boundary=x", b"application/json; charset=utf-16", b"Mozilla/5.0 (" + b"(" * 300, b"\t;,=",
)  # fmt: skip
HEADERS = (
    b"user-agent content-encoding authorization content-type origin x-forwarded-for x-forwarded-proto x-forwarded-host sec-gpc dnt "
    b"sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform sec-ch-ua-form-factors referer cookie x-umami-cache posthog-request-timestamp posthog-sdk-info "
    b"expect accept-encoding access-control-request-headers access-control-request-private-network te upgrade range"
).split()
DEEP, BOMB = gzip.compress(b"[" * 100_000), gzip.compress(bytes(10_000_000))
METHODS = (b"GET", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"HEAD", b"PATCH", b"TRACE", b"BREW", b"x" * 100)
# Bytes that are no HTTP, or only the beginning of it: closed or answered, never a defect.
BROKEN: tuple[bytes, ...] = (
    b"\r\n\r\n", b"\0" * 100, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"POST /e HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"POST /e HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"POST /e HTTP/1.1\r\nhost: a\r\ncontent-length: -5\r\n\r\n", b"POST /e HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999999999999999\r\n\r\n",
    b"POST /e HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", b"POST /e HTTP/1.1\r\nhost: a\r\ntransfer-encoding: x\r\n\r\n",
    b"POST /e HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n", b"GET /" + b"a" * 90_000,
    b"GET /healthz HTTP/1.1\r\nhost: a\r\nx: a\0b\r\n\r\n", b"GET /healthz HTTP/1.1\r\nhost: a\r\n bad: x\r\n\r\n", b"GET /\xff HTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nhost: a\r\nx: " + b"y" * 90_000 + b"\r\n\r\n", b"GET http://x/e HTTP/1.1\r\nhost: a\r\n\r\n", b"CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET /e HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n", b"POST /e HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n" * 50, b"POST /e HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n",
)  # fmt: skip


@dataclass(frozen=True)
class Raw:
    """A request as bytes; ``framed``: it is whole, so there must be an answer."""

    method: bytes
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def wire(self) -> bytes:
        named = [*self.headers, (b"host", b"localhost"), (b"content-length", str(len(self.body)).encode())]
        return b"".join(
            [
                self.method,
                b" ",
                self.target,
                b" HTTP/1.1\r\n",
                *(b"%b: %b\r\n" % one for one in named),
                b"\r\n",
                self.body,
            ]
        )


def recorded() -> list[Raw]:
    """What real clients sent."""
    found = []
    for path in sorted(WIRE.glob("*.json")):
        for one in json.loads(path.read_text(encoding="utf-8"))["requests"]:
            body = one["text"].encode() if "text" in one else base64.b64decode(one["base64"])
            headers = tuple(
                (k.encode(), v.encode("latin-1")) for k, v in one["headers"].items() if k != "transfer-encoding"
            )
            target = one["path"] + (f"?{urlencode(one['query'])}" if one["query"] else "")
            found.append(Raw(one["method"].encode(), target.encode(), headers, body))
    return found


class Hostile:
    """Mutated requests without end, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.seeds = recorded()

    def __iter__(self) -> Hostile:
        return self

    def __next__(self) -> Raw:
        raw = self.random.choice(self.seeds)
        for _ in range(self.random.choice((1, 1, 2, 3, 6))):
            raw = self.random.choice(
                (self._json, self._json, self._json, self._bytes, self._header, self._target, self._packed, self._whole)
            )(raw)
        return raw

    def _value(self, body: bytes) -> Any:
        try:
            return json.loads(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
        except (ValueError, OSError, EOFError, zlib.error, RecursionError):
            return {"key": "pk_test", "events": [{"name": "x"}]}

    def _json(self, raw: Raw) -> Raw:
        value = self._value(raw.body)
        for _ in range(self.random.choice((1, 1, 2, 8))):
            value = self._changed(value)
        body = json.dumps(value, ensure_ascii=self.random.random() < 0.7).encode("utf-8", "surrogatepass")
        return replace(raw, body=gzip.compress(body, 1) if self.random.random() < 0.2 else body)

    def _changed(self, value: Any, depth: int = 0) -> Any:
        """One place of a value changed."""
        drawn = self.random
        if not isinstance(value, dict | list) or not value or depth > 8 or drawn.random() < 0.08:
            return drawn.choice((*LEAVES, *KEYS))
        if isinstance(value, dict):
            made, key = dict(value), drawn.choice(list(value))
            way = drawn.random()
            if way < 0.1:
                del made[key]
            elif way < 0.25:
                made[drawn.choice(NAMES)] = drawn.choice(LEAVES)
            elif way < 0.35:
                made[drawn.choice(NAMES)] = made.pop(key)
            else:
                made[key] = self._changed(value[key], depth + 1)
            return made
        items, at = list(value), drawn.randrange(len(value))
        if drawn.random() < 0.2:
            return items * drawn.choice((0, 2, 40)) if len(items) < 50 else items[:at]
        items[at] = self._changed(items[at], depth + 1)
        return items

    def _bytes(self, raw: Raw) -> Raw:
        body, drawn = bytearray(raw.body or b"{}"), self.random
        for _ in range(drawn.choice((1, 2, 10))):
            at = drawn.randrange(len(body)) if body else 0
            way = drawn.random()
            if way < 0.4 and body:
                body[at] ^= 1 << drawn.randrange(8)
            elif way < 0.6:
                del body[at:]
            elif way < 0.8:
                body[at:at] = drawn.randbytes(drawn.choice((1, 4, 64)))
            else:
                body[at:at] = body[at : at + drawn.choice((10, 1_000))] * drawn.choice((2, 20))
        return replace(raw, body=bytes(body))

    def _header(self, raw: Raw) -> Raw:
        name, text = self.random.choice(HEADERS), self.random.choice(TEXTS)
        kept = raw.headers if self.random.random() < 0.3 else tuple(one for one in raw.headers if one[0] != name)
        if name == b"expect":  # an answer before the body, which these senders do not wait for
            text = b"nothing"
        return replace(raw, headers=(*kept, (name, text.strip(b" \t"))))

    def _target(self, raw: Raw) -> Raw:
        drawn = self.random
        path, _, query = raw.target.partition(b"?")
        way = drawn.random()
        if way < 0.4:
            method, other = drawn.choice(ROUTES)
            return replace(raw, method=method.encode(), target=other.encode() + b"?" + query)
        if way < 0.5:
            return replace(raw, method=drawn.choice(METHODS))
        if way < 0.75:
            text = quote(
                str(drawn.choice(LEAVES))[:3_000].encode("utf-8", "surrogatepass"), safe=drawn.choice(("", "/"))
            )
            return replace(
                raw,
                target=path
                + drawn.choice((b"", b"/", b"/../", b"%00", b"%ff%fe", b"%2f"))
                + text.encode()
                + b"?"
                + query,
            )
        names = drawn.choices(
            ("data", "_", "token", "key", "api_secret", "compression", "beacon", "measurement_id", "x"),
            k=drawn.choice((1, 3, 300)),
        )
        made = "&".join(
            f"{name}={quote(str(drawn.choice((*LEAVES, *KEYS)))[:200].encode('utf-8', 'surrogatepass'))}"
            for name in names
        )
        return replace(raw, target=path + b"?" + query[:200] + b"&" + made.encode())

    def _packed(self, raw: Raw) -> Raw:
        drawn = self.random
        body, encoding = drawn.choice((
            (gzip.compress(raw.body, 1), b"gzip"), (gzip.compress(raw.body, 1)[:-5], b""), (gzip.compress(raw.body, 1) * 3, b"x-gzip"),
            (zlib.compress(raw.body), b"deflate"), (zlib.compress(raw.body)[2:], b"deflate"), (b"data=" + base64.b64encode(raw.body), b""),
            (b"data=" + quote(raw.body).encode(), b""), (raw.body, drawn.choice(TEXTS)), (DEEP, b""),
            (BOMB, b""),
        ))  # fmt: skip
        headers = tuple(one for one in raw.headers if one[0] != b"content-encoding")
        return replace(
            raw, body=body, headers=(*headers, (b"content-encoding", encoding.strip(b" \t"))) if encoding else headers
        )

    def _whole(self, raw: Raw) -> Raw:
        body = self.random.choice((
            b"", b"null", b"[]", b"{}", b'""', b"0", b"[" * 50_000, b'{"a":' * 500 + b"1" + b"}" * 500, b"\xef\xbb\xbf{}", b"\xff\xfe{\0}\0",
            b'{"events":' + b"[]" * 2 + b"}", b'{"key":"pk_test","events":[' + b"{}," * 2_000 + b"{}]}", b'{"key":"pk_test","name":"x","name":"y"}',
            b'{"api_key":"pk_test","batch":[' + b"null," * 5_000 + b"null]}", b"[1e999]", b"[" + b"9" * 5_000 + b"]", b" " * 100_000, b'"' + b"a" * 200_000 + b'"',
        ))  # fmt: skip
        return replace(raw, body=body)


class Running:
    """A collector in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "assay.yaml").write_text(PLAN, encoding="utf-8")
        self.port = free_port()
        self.log = folder / "collector.log"
        with self.log.open("wb") as log:
            command = [sys.executable, "-c", PROGRAM, str(folder), str(self.port), *KEYS]
            self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)
        for _ in range(400):
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the collector does not listen")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def memory(self) -> int:
        """Resident bytes; 0 where the system does not say."""
        try:
            lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        except OSError:
            return 0
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(20)


class Sender:
    """Requests over one connection, made anew where the collector closes it."""

    def __init__(self, port: int, seconds: float = 10) -> None:
        self.port, self.seconds = port, seconds
        self.connection: socket.socket | None = None

    def send(self, raw: Raw) -> tuple[int, bytes]:
        """Status and body. Raises TimeoutError where there is no answer in time."""
        for _ in range(2):
            fresh = self.connection is None
            if self.connection is None:
                self.connection = socket.create_connection(("127.0.0.1", self.port), self.seconds)
            try:
                self.connection.sendall(raw.wire())
                return self._answer(raw.method)
            except (ConnectionError, EOFError):  # a connection that had been closed meanwhile
                self.close()
                if fresh:
                    raise
        raise AssertionError

    def _answer(self, method: bytes) -> tuple[int, bytes]:
        assert self.connection is not None
        head = b""
        while b"\r\n\r\n" not in head:
            part = self.connection.recv(65_536)
            if not part:
                raise EOFError
            head += part
        head, _, body = head.partition(b"\r\n\r\n")
        low = head.lower()
        size = int(low.partition(b"content-length:")[2].split(b"\r\n")[0] or 0) if b"content-length:" in low else -1
        while method != b"HEAD" and (len(body) < size or size < 0):
            part = self.connection.recv(65_536)
            if not part:
                break
            body += part
        if b"connection: close" in low or size < 0:
            self.close()
        return int(head.split(b" ", 2)[1]), body

    def broken(self, data: bytes) -> int | None:
        """What is no HTTP: the status of the answer, or None where the connection was closed or is still waiting."""
        with socket.create_connection(("127.0.0.1", self.port), 0.3) as connection:
            try:
                connection.sendall(data)
                first = connection.recv(1000)
            except OSError:  # also a timeout
                return None
        return int(first.split(b" ", 2)[1]) if first.startswith(b"HTTP/") else None

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None
