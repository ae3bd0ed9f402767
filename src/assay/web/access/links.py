"""Links that work once: for the first admin, for who is invited, for a new password. No mail server is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.model.errors import UsageError
from assay.web.access import audit, sessions, tokens, users
from assay.web.access.base import Access, clock
from assay.web.access.passwords import objection
from assay.web.access.values import ADMIN, CONSOLE, Actor, Lives

if TYPE_CHECKING:
    from assay.store.state import State

PATH = "/welcome/"


@dataclass(frozen=True)
class Link:
    """A link that still works. ``kind``: first, invite or reset; the first one is for nobody yet."""

    kind: str
    user: int | None
    email: str
    name: str


def first_link(state: State, now: int | None = None, lives: Lives | None = None) -> str | None:
    """The path of a one-time link for the first admin, ``/welcome/…``; None where an admin can sign in.

    A new one takes the place of those that were printed before.
    """
    if users.has_admin(state):
        return None
    token, now, lives = tokens.new(), clock() if now is None else now, lives or Lives()
    with state.changing() as do:
        do("void_first_links")
        do("add_entry_link", hash=tokens.hashed(token), kind="first", user=None, now=now, expires_at=now + lives.first)
        audit.note(state, CONSOLE, "first_link", now, do=do)
    return PATH + token


def make(access: Access, email: str, by: Actor) -> str:
    """The path of a link for a user: an invitation, or for a new password where there is one. Raises UnknownName."""
    token, now = tokens.new(), access.now
    with access.state.changing() as do:
        user = users.find(access, email)
        kind = "invite" if user["password"] is None else "reset"
        until = now + (access.lives.invite if kind == "invite" else access.lives.reset)
        do("void_entry_links", user=user["no"])
        do("add_entry_link", hash=tokens.hashed(token), kind=kind, user=user["no"], now=now, expires_at=until)
        audit.note(access.state, by, "invite" if kind == "invite" else "reset_link", now, user["email"], do=do)
    return PATH + token


def look(access: Access, token: str) -> Link | None:
    """What a link is for, without using it up; None where it was used, is too old or never was."""
    if not tokens.fits(token):
        return None
    found = access.state.read("entry_link", hash=tokens.hashed(token), now=access.now)
    if not found or (found[0]["kind"] == "first" and users.has_admin(access.state)):
        return None
    row = found[0]
    return Link(row["kind"], row["user"], row["email"] or "", row["name"] or "")


def use(access: Access, token: str, password: str, name: str = "", email: str = "", old: str = "") -> str:
    """Set the password by a link, which ends it; the token of a session. Raises UsageError, then nothing is used up."""
    link = look(access, token)
    if link is None:
        raise UsageError("This link is no longer valid.")
    mail = link.email or users.address(email)
    problem = objection(password, mail)
    if problem:
        raise UsageError(problem)
    kept = access.passwords.hash(password)
    with access.state.changing() as do:
        if look(access, token) is None or not do("use_entry_link", hash=tokens.hashed(token), now=access.now):
            raise UsageError("This link is no longer valid.")
        if link.kind == "first":
            if not access.state.read("user", email=mail):
                do("add_user", email=mail, name=users.shown(name, mail), role=ADMIN, now=access.now)
            do("set_role", no=users.find(access, mail)["no"], role=ADMIN)
        user = users.find(access, mail)
        if link.kind != "reset":
            do("set_name", no=user["no"], name=users.shown(name, mail))
        do("set_password", no=user["no"], password=kept, now=access.now)
        do("void_entry_links", user=user["no"])
        do("end_sessions", user=user["no"])
        what = {"first": "first_admin", "invite": "joined", "reset": "reset"}[link.kind]
        audit.note(access.state, Actor(mail, "link"), what, access.now, do=do)
        access.accounts.forget(mail)
        return sessions.start(access, user["no"], old, do)
