"""What ClickHouse sends to the shards of a cluster: two that write down what they are asked, and answer nothing.

They speak as much of its native protocol as it takes until a query comes: hello, and the end of the answer.
"""

from __future__ import annotations

import re
import socket
import threading

HELLO, QUERY, PING = 0, 1, 4  # packets of a client
PONG, END = b"\x04", b"\x05"
REVISION = 54200  # old enough that hello is all there is
_QUERY = re.compile(rb"(?:SELECT|WITH)[\x20-\x7e\n]+")


class Shard:
    """A server on a port of its own. ``asked``: texts of the queries."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            threading.Thread(target=self._answer, args=(self.socket.accept()[0],), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        client.recv(65536)
        client.sendall(
            bytes([HELLO]) + _text("ClickHouse") + _number(26) + _number(9) + _number(REVISION) + _text("UTC")
        )
        while said := client.recv(1 << 20):
            if said[0] == PING:
                client.sendall(PONG)
            elif said[0] == QUERY:
                self.asked += [found.decode() for found in _QUERY.findall(said)]
                client.sendall(END)


def _number(value: int) -> bytes:
    parts = b""
    while value >= 0x80:
        parts, value = parts + bytes([value & 0x7F | 0x80]), value >> 7
    return parts + bytes([value])


def _text(value: str) -> bytes:
    return _number(len(value)) + value.encode()


def config(shards: list[Shard]) -> str:
    """ClickHouse's configuration of a cluster ``far`` of these."""
    each = "".join(
        f"<shard><replica><host>127.0.0.1</host><port>{shard.port}</port></replica></shard>" for shard in shards
    )
    return f"<clickhouse><tcp_port>9000</tcp_port><remote_servers><far>{each}</far></remote_servers></clickhouse>"
