"""Passwords: argon2id by argon2-cffi's defaults (RFC 9106, low memory). A check is one run of it, whatever fails."""

from __future__ import annotations

import secrets
import threading
import unicodedata
from typing import Any

LEAST, MOST = 12, 1024  # characters
_AT_ONCE = 2  # runs of argon2: each takes 64 MiB and a core


class Passwords:
    """Hashes and checks. ``hasher``: a ``PasswordHasher`` of argon2-cffi."""

    def __init__(self, hasher: Any = None) -> None:
        if hasher is None:
            from argon2 import PasswordHasher

            hasher = PasswordHasher()
        self._hasher = hasher
        self._slots = threading.BoundedSemaphore(_AT_ONCE)
        self._nobody = hasher.hash(secrets.token_urlsafe(16))  # checked where there is no user or no password

    def hash(self, password: str) -> str:
        """What is kept of a password."""
        with self._slots:
            return str(self._hasher.hash(_plain(password)))

    def fits(self, kept: str | None, password: str) -> bool:
        """One run of argon2: True where the password is the one that is kept."""
        from argon2.exceptions import InvalidHashError, VerificationError

        given = _plain(password)
        with self._slots:
            try:
                right = bool(self._hasher.verify(kept or self._nobody, given if len(given) <= MOST else ""))
            except (VerificationError, InvalidHashError):
                return False
        return right and kept is not None and len(given) <= MOST

    def stale(self, kept: str) -> bool:
        """True where a hash was made with other costs than today's."""
        return bool(self._hasher.check_needs_rehash(kept))


def objection(password: str, email: str) -> str | None:
    """What is wrong with a new password, in words; None: nothing."""
    plain = _plain(password)
    if len(plain) < LEAST:
        return f"The password needs {LEAST} characters or more; a few words in a row are easiest to remember."
    if len(plain) > MOST:
        return f"The password has more than {MOST} characters."
    if len(set(plain)) < 5:
        return "The password repeats too few characters; a few words in a row are better."
    if plain.lower() in (email.lower(), email.partition("@")[0].lower()):
        return "The password is the e-mail address; choose another."
    return None


def _plain(password: str) -> str:
    return unicodedata.normalize("NFC", password[: 2 * MOST]).encode("utf-8", "replace").decode()
