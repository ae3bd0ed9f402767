"""Secrets that are handed out: 256 bits each, kept as SHA-256 only; a thief of the state file has none of them."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

_FORM = re.compile(r"[A-Za-z0-9_-]{43}")
KEY = "ak_"


def new() -> str:
    """A fresh token: 43 characters that may stand in a URL."""
    return secrets.token_urlsafe(32)


def fits(text: str) -> bool:
    """True for what may be a token at all; nothing else is looked up."""
    return _FORM.fullmatch(text) is not None


def hashed(token: str) -> str:
    """What is kept of a token. Tokens are random, so a fast hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def derived(token: str, use: str) -> str:
    """Another secret out of a token, for one use; it does not lead back."""
    return hmac.new(token.encode(), use.encode(), hashlib.sha256).hexdigest()


def same(known: str, given: str) -> bool:
    """Equal, in constant time; an empty secret equals nothing."""
    return bool(known) and hmac.compare_digest(known.encode(), given.encode("utf-8", "replace"))
