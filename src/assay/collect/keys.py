"""Write keys: public ones for browsers and apps, secret ones for servers; what each stands for."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.collect.http import Source

PUBLIC, SECRET = "pk_", "sk_"


def new_key(secret: bool) -> str:
    """A fresh key: 128 bits, and what it is by its first letters."""
    return (SECRET if secret else PUBLIC) + secrets.token_hex(16)


class Keys:
    """Known keys. ``source`` compares in constant time."""

    def __init__(self, known: Mapping[str, Source]) -> None:
        self._known = {key.encode(): source for key, source in known.items()}

    def source(self, key: str | None) -> Source | None:
        """What a key stands for; None for an unknown one."""
        if not key:
            return None
        given, found = key.encode("utf-8", "replace"), None
        for known, source in self._known.items():
            if hmac.compare_digest(known, given):
                found = source
        return found

    @classmethod
    def of_rows(cls, rows: Sequence[Mapping[str, Any]]) -> Keys:
        """From the state's rows (key, source, environment, origins as JSON, revoked_at)."""
        from assay.collect.http import Source

        return cls({
            row["key"]: Source(row["source"], row["environment"], tuple(json.loads(row["origins"])),
                               row["key"].startswith(SECRET))
            for row in rows if row["revoked_at"] is None
        })  # fmt: skip
