"""Sessions: a random token in a cookie, kept as its hash; over when idle, over at the latest after some days."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from assay.model.errors import MachineError
from assay.web.access import audit, tokens
from assay.web.access.base import Access
from assay.web.access.values import SECOND, Principal

MOST = 20  # of one user; an older one ends
SEEN = 60 * SECOND  # how exactly the last use is known
CSRF = "csrf"


@dataclass(frozen=True)
class Session:
    """One session of a user, ready for a page. ``here``: the one that asks."""

    name: str
    made_at: int
    seen_at: int
    here: bool


def start(access: Access, user: int, old: str = "", do: Any = None) -> str:
    """A new session; the token that the browser had before ends, whoever's it was."""
    if do is None:
        with access.state.changing() as do:
            return start(access, user, old, do)
    token, now = tokens.new(), access.now
    if tokens.fits(old):
        do("end_session", hash=tokens.hashed(old))
    do("add_session", hash=tokens.hashed(token), user=user, now=now, expires_at=now + access.lives.session)
    do("end_old_sessions", user=user, now=now, idle=now - access.lives.idle, most=MOST)
    do("see_user", no=user, now=now)
    return token


def find(access: Access, token: str) -> Principal | None:
    """Whose session it is; None where it is over or was never one."""
    if not tokens.fits(token):
        return None
    found, now = access.state.read("session", hash=tokens.hashed(token)), access.now
    if not found or found[0]["expires_at"] <= now or found[0]["seen_at"] + access.lives.idle <= now:
        return None
    row = found[0]
    if now - row["seen_at"] >= SEEN:
        with suppress(MachineError):  # the state is being changed elsewhere: seen next time
            access.state.write("see_session", hash=row["hash"], now=now)
            access.state.write("see_user", no=row["no"], now=now)
    return Principal(
        "user", row["name"], row["role"], csrf=tokens.derived(token, CSRF), no=row["no"], email=row["email"],
        via=f"session {row['hash'][:8]}",
    )  # fmt: skip


def end(access: Access, token: str, who: Principal) -> None:
    """Sign out here."""
    with access.state.changing() as do:
        if tokens.fits(token) and do("end_session", hash=tokens.hashed(token)):
            audit.note(access.state, who.actor, "logout", access.now, do=do)


def end_all(access: Access, who: Principal) -> None:
    """Sign out everywhere."""
    with access.state.changing() as do:
        do("end_sessions", user=who.no)
        audit.note(access.state, who.actor, "logout_everywhere", access.now, do=do)


def of(access: Access, user: int, token: str = "") -> tuple[Session, ...]:
    """Where a user is signed in, the last used first."""
    here, now = tokens.hashed(token), access.now
    return tuple(
        Session(row["hash"][:8], row["made_at"], row["seen_at"], row["hash"] == here)
        for row in access.state.read("sessions", user=user)
        if row["expires_at"] > now and row["seen_at"] + access.lives.idle > now
    )
