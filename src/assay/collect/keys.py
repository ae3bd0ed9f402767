"""Write keys: public ones for browsers and apps, secret ones for servers; what each stands for."""

from __future__ import annotations

import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from assay.model.errors import MachineError, UsageError

if TYPE_CHECKING:
    from assay.collect.http import Source
    from assay.store.state import State

PUBLIC, SECRET = "pk_", "sk_"


def new_key(secret: bool) -> str:
    """A fresh key: 128 bits, and what it is by its first letters."""
    return (SECRET if secret else PUBLIC) + secrets.token_hex(16)


def make(
    state: State, now: int, source: str, secret: bool = False, environment: str = "live", origins: Sequence[str] = (),
    own: str | None = None,
) -> str:  # fmt: skip
    """A new key, noted in the state. ``own``: a public name that clients send already. Raises UsageError."""
    if not source.strip():
        raise UsageError("a key needs the name of a source, such as web")
    for one in origins:
        if not one.startswith(("http://", "https://")) or one.rstrip("/").count("/") != 2:
            raise UsageError(f"--origin {one!r}: an origin is such as https://shop.example, without a path")
    if own is not None and (secret or len(own.strip()) < 3 or own.startswith((PUBLIC, SECRET))):
        raise UsageError(f"--key {own!r}: an own key is the public name that clients send, three characters or more")
    key = own.strip() if own is not None else new_key(secret)
    if any(row["key"] == key for row in state.read("keys")):
        raise UsageError(f"{key} is a key already; assay key list shows what it stands for")
    plain = json.dumps([one.rstrip("/").lower() for one in origins])
    state.write("add_key", key=key, source=source.strip(), environment=environment, origins=plain, now=now)
    return key


def public(state: State, now: int) -> str:
    """The first public key in use, made for source web where there is none."""
    known = [row["key"] for row in state.read("keys") if row["revoked_at"] is None and row["key"].startswith(PUBLIC)]
    return str(known[0]) if known else make(state, now, "web")


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
