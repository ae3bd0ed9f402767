"""API keys: ``ak_…``, shown once, kept as a hash, with scopes and an end."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from assay.model.errors import MachineError, UsageError, suggestion
from assay.web.access import audit, tokens
from assay.web.access.base import Access
from assay.web.access.values import DAY, ROLES, SCOPES, SECOND, Actor, Principal

SEEN = 60 * SECOND


@dataclass(frozen=True)
class Key:
    """One key, ready for a page. ``state``: in use, over or revoked."""

    no: int
    start: str
    name: str
    scopes: tuple[str, ...]
    made_by: str
    made_at: int
    expires_at: int
    used_at: int | None
    state: str


def add(access: Access, name: str, scopes: Iterable[str], by: Actor, days: int | None = None) -> str:
    """A new key, told this once. Raises UsageError."""
    wanted = sorted(set(scopes), key=list(SCOPES).index) if set(scopes) <= set(SCOPES) else _unknown(scopes)
    shown = "".join(c for c in name if c.isprintable()).strip()[:100]
    if not shown or not wanted:
        raise UsageError("a key needs a name and a scope: read, write or admin")
    if days is not None and not 1 <= days <= 3650:
        raise UsageError(f"{days} days: a key holds for 1 to 3650 days")
    key, now = tokens.KEY + tokens.new(), access.now
    until = now + (days * DAY if days is not None else access.lives.key)
    with access.state.changing() as do:
        do(
            "add_api_key", hash=tokens.hashed(key), start=key[:8], name=shown, scopes=" ".join(wanted), made_by=by.who,
            now=now, expires_at=until,
        )  # fmt: skip
        audit.note(access.state, by, "key_added", now, f"{key[:8]}… {shown}", " ".join(wanted), do)
    return key


def find(access: Access, key: str) -> Principal | None:
    """What a key may do: the role that its widest scope is worth; None where it is over, revoked or never was one."""
    if not key.startswith(tokens.KEY) or not tokens.fits(key.removeprefix(tokens.KEY)):
        return None
    found, now = access.state.read("api_key", hash=tokens.hashed(key)), access.now
    if not found or found[0]["revoked_at"] is not None or found[0]["expires_at"] <= now:
        return None
    row = found[0]
    if now - (row["used_at"] or 0) >= SEEN:
        with suppress(MachineError):
            access.state.write("see_api_key", no=row["no"], now=now)
    scopes = tuple(row["scopes"].split())
    role = max((SCOPES[one] for one in scopes), key=ROLES.index)
    return Principal("key", row["name"], role, scopes, no=row["no"], via=f"key {row['no']}")


def everyone(access: Access) -> tuple[Key, ...]:
    """All keys, the newest first; revoked ones stay, so that the log can be read."""
    now = access.now

    def state(revoked: int | None, until: int) -> str:
        return "revoked" if revoked is not None else "over" if until <= now else "in use"

    return tuple(
        Key(
            row["no"], row["start"], row["name"], tuple(row["scopes"].split()), row["made_by"], row["made_at"],
            row["expires_at"], row["used_at"], state(row["revoked_at"], row["expires_at"]),
        )
        for row in access.state.read("api_keys")
    )  # fmt: skip


def revoke(access: Access, no: int, by: Actor) -> None:
    """Take a key out of use at once. Raises UsageError."""
    with access.state.changing() as do:
        if not do("revoke_api_key", no=no, now=access.now):
            raise UsageError(f"there is no API key {no} in use; assay api-key list shows them")
        audit.note(access.state, by, "key_revoked", access.now, f"key {no}", do=do)


def _unknown(scopes: Iterable[str]) -> list[str]:
    wrong = next(one for one in scopes if one not in SCOPES)
    raise UsageError(f"there is no scope {wrong[:60]!r}{suggestion(wrong, SCOPES)}")
