"""Requests that never end, over a real socket: they are let go, and others are served meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from test_intake import KEYS

from assay.collect.http import Collector
from assay.collect.line import whole
from assay.collect.listening import Patient
from assay.collect.spool import Spool

HEAD = b"POST /e HTTP/1.1\r\nhost: a\r\n"
EVENT = b'{"key":"pk_a","name":"x","id":"1"}'
WHOLE = HEAD + b"content-length: %d\r\n\r\n" % len(EVENT) + EVENT


class Quick(Patient):
    seconds = 0.6


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    app = Collector(Spool(tmp_path, gather=0.0), KEYS, lambda line, _r, _s: whole(line), most_body=20_000)
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        log_level="error",
        access_log=False,
        lifespan="on",
        ws="none",
        http=Quick,
        timeout_keep_alive=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(10)


def heard(connection: socket.socket, seconds: float = 60) -> bytes:
    """All that comes until the connection is closed."""
    connection.settimeout(seconds)
    found = b""
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65_536):
            found += part
    return found


@pytest.mark.parametrize(
    ("sent", "drip", "answer"),
    [
        (b"", b"", b""), (HEAD, b"", b"408"), (HEAD, b"x: y\r\n", b"408"), (b"PO", b"", b"408"),
        (HEAD + b"content-length: 1000\r\n\r\n{", b"", b"408"), (HEAD + b"content-length: 1000\r\n\r\n{", b" ", b"408"),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n", b"1\r\n{\r\n", b"408"), (WHOLE + HEAD, b"", b"202"),
        (WHOLE + HEAD + b"content-length: 9\r\n\r\n", b" ", b"202"),
    ],
)  # fmt: skip
def test_what_never_ends_is_let_go(port: int, sent: bytes, drip: bytes, answer: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        began = time.monotonic()
        connection.sendall(sent)
        stop = threading.Event()

        def dripping() -> None:
            while drip and not stop.wait(0.1):
                with contextlib.suppress(OSError):
                    connection.sendall(drip)

        thread = threading.Thread(target=dripping)
        thread.start()
        found = heard(connection)
        took = time.monotonic() - began
        stop.set()
        thread.join()
    assert found[9:12] == answer
    assert took > 0.4  # not at once, and however often a byte comes


def test_others_are_served_while_hundreds_hang(port: int) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(socket.create_connection(("127.0.0.1", port))).sendall(HEAD)
        connection = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        connection.sendall(WHOLE)
        connection.settimeout(60)
        assert connection.recv(100).startswith(b"HTTP/1.1 202")


def test_a_quiet_connection_that_is_kept_alive_is_used_again(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(60)
        for _ in range(4):
            connection.sendall(WHOLE)
            found = b""
            while not found.endswith(b"[]}"):
                found += connection.recv(2_000)
            assert b" 202 " in found
            time.sleep(0.3)  # altogether longer than a request may take


@pytest.mark.parametrize("size", [30_000, 70_000])
def test_who_sends_too_much_sees_why(port: int, size: int) -> None:
    """It is read to the end first: a connection cut off would look like a fault of the network, to be tried again."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(HEAD + b"content-length: %d\r\n\r\n" % size + b" " * size)
        connection.settimeout(60)
        assert b" 413 " in connection.recv(2_000)


def test_a_body_without_end_is_cut_off(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        connection.settimeout(10)
        sent = 0
        with pytest.raises(OSError):  # noqa: PT012 - the connection ends somewhere in it
            while sent < 200_000_000:
                connection.sendall(b"10000\r\n" + b" " * 65_536 + b"\r\n")
                sent += 65_536
        assert sent < 200_000_000
