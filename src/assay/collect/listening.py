"""The server of the collector: uvicorn, with an end to requests that never end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
import time
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_SECONDS = 30.0  # from the first byte of a request, or from the connection, to the last byte of its body
MOST_FILES = 65_536
PARENT = "ASSAY_PARENT"  # the environment variable with the process that watches this one


class Patient(H11Protocol):
    """A connection that is closed when a request does not arrive whole in time.

    The timer is only set where the first bytes are not the whole request, so others do not pay for it.
    """

    seconds = REQUEST_SECONDS
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(self.seconds, self._late)

    def data_received(self, data: bytes) -> None:
        """Bytes; h11 refuses to answer what comes wrong after the answer."""
        try:
            super().data_received(data)
        except h11.LocalProtocolError:
            self.transport.close()
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            if self._deadline is None:
                self._deadline = self.loop.call_later(self.seconds, self._late)
        elif self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def connection_lost(self, exc: Exception | None) -> None:
        """No more to wait for."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        super().connection_lost(exc)

    def _late(self) -> None:
        self._deadline = None
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY) or self.transport.is_closing():
            return
        begun = self.conn.their_state is h11.SEND_BODY or bool(self.conn.trailing_data[0])
        if begun and self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.write(b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        self.transport.close()


def end_with_parent() -> None:
    """End as on Ctrl-C when the process that watches this one is gone, however that ended."""
    parent = os.environ.get(PARENT, "")
    if not parent.isdigit():
        return

    def watch() -> None:
        while os.getppid() == int(parent):
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def typed(host: str) -> str:
    """A host to listen at as it stands in addresses that people open."""
    return "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host


def listen(app: Any, host: str, port: int) -> None:
    """Run an ASGI application until it is told to end. Raises OSError where it cannot listen."""
    import uvicorn

    end_with_parent()
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
        if soft != resource.RLIM_INFINITY and soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    uvicorn.run(app, host=host, port=port, log_level="error", access_log=False, lifespan="on", ws="none",
                http=Patient, timeout_graceful_shutdown=5)  # fmt: skip
