"""Write keys: public ones for browsers and apps, secret ones for servers; what each stands for."""

from __future__ import annotations

import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from assay.model.errors import MachineError

if TYPE_CHECKING:
    from assay.collect.http import Source

PUBLIC, SECRET = "pk_", "sk_"


def new_key(secret: bool) -> str:
    """A fresh key: 128 bits, and what it is by its first letters."""
    return (SECRET if secret else PUBLIC) + secrets.token_hex(16)


class Keys:
    """Known keys. ``source`` compares in constant time.

    ``again``: reads them anew, asked at most every ``every`` seconds: a key that was made or revoked meanwhile holds
    soon. Where that fails the known ones stay.
    """

    def __init__(
        self, known: Mapping[str, Source], again: Callable[[], Mapping[str, Source]] | None = None, every: float = 5.0
    ) -> None:
        self._known = {key.encode(): source for key, source in known.items()}
        self._again, self._every, self._read = again, every, time.monotonic()

    def _renew(self) -> None:
        if self._again is None or time.monotonic() - self._read < self._every:
            return
        self._read = time.monotonic()
        with suppress(MachineError):
            self._known = {key.encode(): source for key, source in self._again().items()}

    def source(self, key: str | None) -> Source | None:
        """What a key stands for; None for an unknown one."""
        self._renew()
        if not key:
            return None
        given, found = key.encode("utf-8", "replace"), None
        for known, source in self._known.items():
            if hmac.compare_digest(known, given):
                found = source
        return found


def sources(rows: Sequence[Mapping[str, Any]]) -> dict[str, Source]:
    """Keys in use and what they stand for, from the state's rows (origins as JSON)."""
    from assay.collect.http import Source

    return {
        row["key"]: Source(row["source"], row["environment"], tuple(json.loads(row["origins"])),
                           row["key"].startswith(SECRET))
        for row in rows if row["revoked_at"] is None
    }  # fmt: skip
