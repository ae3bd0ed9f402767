"""Processes of assay beside a test: a free port, the command line, waiting until something has come about."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

# A script or a browser without a head that says what it is, is a bot, and rightly.
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"
ASSAY = (sys.executable, "-m", "assay.cli")


# Below the ports that the system lends to outgoing connections: one of those may be lent again before ours is used.
_PORTS = random.Random(os.getpid()).sample(range(20000, 32000), 12000)


def free_port() -> int:
    """One that nobody listens on, another one at each call."""
    while True:
        port = _PORTS.pop()
        with socket.socket() as found, suppress(OSError):
            found.bind(("127.0.0.1", port))
            return port


def listening(port: int) -> bool:
    socket.create_connection(("127.0.0.1", port), 0.2).close()
    return True


def ran(folder: Path, *words: str) -> str:
    """What a verb says; CalledProcessError where it ends with another code than 0."""
    done = subprocess.run([*ASSAY, *words, "-w", str(folder)], capture_output=True, text=True, check=True)
    return done.stdout


def wait_for(ready: Callable[[], object], seconds: float = 40, told: Callable[[], object] = lambda: "") -> None:
    """Until it is true; AssertionError, with what ``told`` says, after so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if ready():
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"it did not come about {told()}")
