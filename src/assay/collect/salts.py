"""The salt of the day, for visitors without an id: shared by all collectors below one folder, gone after two days.

Without it nobody, assay included, can tell again who a hash was.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

DAY = 86_400_000_000
_PREFIX = "salt-"


class Salts:
    """Salts in files of ``folder``, one per UTC day, readable by their owner only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._day, self._salt = -1, b""

    def of(self, moment: int) -> bytes:
        """The salt of a moment's day (µs UTC), made by whoever asks first; empty where the disk does not let it."""
        day = moment // DAY
        if day != self._day:
            try:
                self._salt, self._day = self._read_or_make(day), day
                self._forget(day)
            except OSError:
                return b""
        return self._salt

    def _read_or_make(self, day: int) -> bytes:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{_PREFIX}{day}"
        if not path.exists():
            # Whole before it has its name: two collectors may begin the day at once, and both must read the same.
            made = self.folder / f".{_PREFIX}{day}-{os.getpid()}-{secrets.token_hex(4)}"
            handle = os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            try:
                os.write(handle, secrets.token_bytes(32))
                os.fsync(handle)
            finally:
                os.close(handle)
            try:
                os.link(made, path)
            except FileExistsError:
                pass
            finally:
                made.unlink(missing_ok=True)
        return path.read_bytes()

    def _forget(self, day: int) -> None:
        for path in self.folder.glob(f"{_PREFIX}*"):
            number = path.name.removeprefix(_PREFIX)
            if number.isdigit() and int(number) < day - 1:
                path.unlink(missing_ok=True)
