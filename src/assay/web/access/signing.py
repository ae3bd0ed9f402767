"""Signing in, and changing one's password: limited by account and address, the same answer whatever failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from assay.collect.limits import grouped
from assay.model.errors import UsageError
from assay.web.access import audit, sessions, tokens, users
from assay.web.access.base import Access
from assay.web.access.passwords import objection
from assay.web.access.values import Actor, Principal

STRANGER = "an unknown address"


@dataclass(frozen=True)
class Outcome:
    """``token`` of the new session; or ``wait``: seconds until the next try; or neither: wrong."""

    token: str = ""
    wait: int = 0


def sign_in(access: Access, email: str, password: str, address: str = "", old: str = "") -> Outcome:
    """Try to sign in. What fails costs one run of argon2 and one entry of the log, whether the user exists or not."""
    account = users.folded(email)
    wait = tried(access, account, address)
    if wait:
        return Outcome(wait=wait)
    found = access.state.read("user", email=account)
    user: dict[str, Any] = found[0] if found else {"no": 0, "email": "", "password": None}
    if not access.passwords.fits(user["password"], password):
        audit.note(access.state, Actor(user["email"]), "login_failed", access.now, user["email"] or STRANGER)
        return Outcome()
    if access.passwords.stale(user["password"]):
        renewed = access.passwords.hash(password)
        access.state.write("renew_password", no=user["no"], password=renewed, old=user["password"])
    access.pairs.forget(f"{grouped(address)} {account}")
    return Outcome(opened(access, user, old))


def tried(access: Access, account: str, address: str) -> int:
    """A try counts for the address, for the account from there, and for the account; seconds to wait, 0: none."""
    wait = from_there(access, address)
    wait = wait or access.pairs.take(f"{grouped(address)} {account}", access.now)
    return wait or access.accounts.take(account, access.now)


def from_there(access: Access, address: str) -> int:
    """A try counts for the address alone."""
    return access.addresses.take(grouped(address), access.now) if address else 0


def opened(access: Access, user: dict[str, Any], old: str = "", detail: str = "") -> str:
    """A session for a user who has proved to be one; its token."""
    with access.state.changing() as do:
        token = sessions.start(access, user["no"], old, do)
        via = f"session {tokens.hashed(token)[:8]}"
        audit.note(access.state, Actor(user["email"], via), "login", access.now, detail=detail, do=do)
    return token


def change_password(access: Access, who: Principal, current: str, new: str) -> str:
    """A new password; all sessions end, and the token of a new one is given. Raises UsageError."""
    wait = tried(access, who.email, "")
    if wait:
        raise UsageError(f"Too many tries. Try again in {wait} seconds.")
    found = access.state.read("user_by_no", no=who.no)
    if not access.passwords.fits(found[0]["password"] if found else None, current):
        raise UsageError("The current password is not right.")
    problem = objection(new, who.email)
    if problem:
        raise UsageError(problem)
    kept = access.passwords.hash(new)
    with access.state.changing() as do:
        do("set_password", no=who.no, password=kept, now=access.now)
        do("end_sessions", user=who.no)
        audit.note(access.state, who.actor, "password", access.now, do=do)
        return sessions.start(access, who.no, do=do)
