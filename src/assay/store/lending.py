"""A server that holds a store lends it: a command beside it gets the file for its work, and the server takes it back.

The server listens at the loopback address, on a port that it writes beside the store together with a secret, readable
by the same user only. A connection that shows the secret is a loan: it begins when the server has let go of the file
and ends with the connection, so also with the death of whoever borrowed.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from assay.model.errors import MachineError

if TYPE_CHECKING:
    from assay.store.held import Held

FILE = "lending.json"
PATIENCE = 120.0  # seconds that a borrower waits: questions of the server end first, a load too
HELLO = 5.0  # seconds in which a caller must have said who it is
YOURS = b"yours\n"


class Lender:
    """Lends the store that ``held`` holds. ``close`` ends it."""

    def __init__(self, held: Held) -> None:
        self.held, self.path = held, held.folder / FILE
        self._secret = secrets.token_hex(24)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._loans: set[socket.socket] = set()
        self._ending = False
        self._write()
        threading.Thread(target=self._listen, name="lending", daemon=True).start()

    def _write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        made = self.path.with_suffix(".new")
        with suppress(FileNotFoundError):
            made.unlink()
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump({"port": self._socket.getsockname()[1], "secret": self._secret, "pid": os.getpid()}, file)
        made.replace(self.path)

    def close(self) -> None:
        """Lend no more; a loan that is running ends."""
        self._ending = True
        self.path.unlink(missing_ok=True)
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for loan in list(self._loans):
            with suppress(OSError):
                loan.shutdown(socket.SHUT_RDWR)

    def _listen(self) -> None:
        while not self._ending:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(caller,), name="loan", daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        self._loans.add(caller)
        try:
            caller.settimeout(HELLO)
            if not hmac.compare_digest(_line(caller), self._secret.encode()):
                return
            with self.held.lent():
                caller.sendall(YOURS)
                caller.settimeout(None)
                caller.recv(1)  # nothing more is said: it returns when the other side is gone
        except OSError:
            return
        finally:
            self._loans.discard(caller)
            caller.close()


class Loan:
    """A store that was borrowed; ``close`` gives it back."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def close(self) -> None:
        """Give it back."""
        self._connection.close()


def borrow(folder: Path, patience: float = PATIENCE) -> Loan | None:
    """The store in ``folder`` from the server that holds it; None where no server does. Raises MachineError."""
    try:
        told = json.loads((folder / FILE).read_text(encoding="utf-8"))
        port, secret = int(told["port"]), str(told["secret"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    try:
        connection = socket.create_connection(("127.0.0.1", port), HELLO)
    except OSError:
        return None  # a server that was killed
    try:
        connection.sendall(secret.encode() + b"\n")
        connection.settimeout(patience)
        got = _line(connection)
    except TimeoutError as error:
        connection.close()
        raise MachineError("the server of this workspace is busy with its store; try again, or stop it") from error
    except OSError:
        got = b""
    if got + b"\n" != YOURS:
        connection.close()
        return None  # it is ending, or another program has that port now
    return Loan(connection)


def _line(connection: socket.socket) -> bytes:
    got = b""
    while not got.endswith(b"\n") and len(got) < 200:
        more = connection.recv(1)
        if not more:
            break
        got += more
    return got.removesuffix(b"\n")
