"""ClickHouse's HTTP interface in front of its in-process engine: what the client sends is really run, in this process.

It stands in for a server where none can be had: requests, bound values, settings and formats are those of the real
client; what happens inside a server (users, replicas) is not there.
"""

from __future__ import annotations

import gzip
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from assay.store.engines.clickhouse_transport import SETTINGS, Local

_INSERT = re.compile(r"\s*INSERT\s+INTO\s+(.+?)\s+FORMAT\s+Parquet\s*$", re.IGNORECASE | re.DOTALL)
_FORMAT = re.compile(r"\s+FORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)
_lock = threading.Lock()  # one connection, one query at a time


@contextmanager
def http() -> Iterator[str]:
    """The interface on a free port; its ``host:port``."""
    Local().run("SELECT 1", {}, "beginning")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        chunked = self.headers.get("Transfer-Encoding") == "chunked"
        body = self._chunks() if chunked else self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)

    def _chunks(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, body: bytes) -> None:
        given = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        try:
            status, said = 200, _run(given, body)
        except RuntimeError as error:
            status, said = 404, str(error).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(said)))
        self.send_header("Content-Type", "text/plain; charset=UTF-8")
        if status != 200:
            code = re.search(rb"Code: (\d+)", said)
            self.send_header("X-ClickHouse-Exception-Code", code[1].decode() if code else "0")
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: Any) -> None:
        """Nothing on stderr."""


def _run(given: dict[str, str], body: bytes) -> bytes:
    query = given.pop("query", "")
    inserted = _INSERT.match(query)
    if body.startswith(b"KILL QUERY"):  # while another query runs
        Local().aside(body.decode(), "breaking off")
        return b""
    with _lock:
        if inserted:
            return _inserted(inserted[1], body)
        query = query or body.decode()
        missing = given.get("database", "default")
        known = _chdb(f"SELECT count() FROM system.databases WHERE name = '{missing}'", "TSV").strip()
        if known == b"0":
            raise RuntimeError(f"Code: 81. DB::Exception: Database {missing} does not exist. (UNKNOWN_DATABASE)")
        if '"' in query:  # names our tables: it must not come without what null means
            assert {name: given.get(name) for name in SETTINGS} == {n: str(v) for n, v in SETTINGS.items()}, query
        said = _FORMAT.search(query)
        form = said[1] if said else given.get("default_format", "TSV")
        params = {name.removeprefix("param_"): value for name, value in given.items() if name.startswith("param_")}
        return _chdb(query[: said.start()] if said else query, form, params)


def _inserted(table: str, body: bytes) -> bytes:
    with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
        Path(file.name).write_bytes(body)
        return _chdb(f"INSERT INTO {table} SELECT * FROM file('{file.name}', 'Parquet')", "TSV")


def _chdb(query: str, form: str, params: dict[str, str] | None = None) -> bytes:
    return bytes(Local._connection.query(query, form, params=params or {}).bytes() or b"")
