"""A lock between processes: whoever has the file locked is alone with what it stands for. It ends with the process."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assay.model.errors import MachineError

PATIENCE = 600.0  # seconds; a load of millions of events takes minutes


@contextmanager
def locked(path: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the lock of this name. Raises MachineError where somebody else has it for too long."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        until = time.monotonic() + patience
        while not _taken(file.fileno()):
            if time.monotonic() > until:
                raise MachineError(f"{path.name}: another assay process has held it for {patience:g} seconds")
            time.sleep(0.05)
        yield  # closing the file gives it back


def _taken(descriptor: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
