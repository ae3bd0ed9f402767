"""The audit log: who did what when, by which session, key or link. No secret and no unknown address stands in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.web.access.values import Actor

if TYPE_CHECKING:
    from assay.store.state import State

KEPT = 10_000  # of what strangers can cause: their entries never push others out
BY_STRANGERS = ("login_failed", "refused")
WORDS = {
    "login": "signed in",
    "login_failed": "failed to sign in",
    "logout": "signed out",
    "logout_everywhere": "signed out everywhere",
    "first_link": "made the first admin's link",
    "first_admin": "became the first admin",
    "invite": "made an invitation",
    "joined": "accepted an invitation",
    "reset_link": "made a link for a new password",
    "reset": "set a new password by a link",
    "password": "changed the password",
    "user_added": "added a user",
    "user_removed": "removed a user",
    "role": "changed a role",
    "key_added": "made an API key",
    "key_revoked": "revoked an API key",
    "share_added": "made a share link",
    "share_revoked": "revoked a share link",
    "refused": "was refused",
    "export": "exported",
    "erase": "erased somebody",
    "settings": "changed settings",
    "plan": "changed the plan",
    "kept": "kept or took away a view or card",
    "noted": "noted",
}


@dataclass(frozen=True)
class Entry:
    """One line of the log, ready for a page."""

    no: int
    at: int  # microseconds UTC
    who: str
    via: str
    what: str
    text: str  # what was done, in words
    about: str
    detail: str


@dataclass(frozen=True)
class Page:
    """Newest first. ``older``: what to pass as ``before`` for the next page; None at the end."""

    entries: tuple[Entry, ...]
    older: int | None


def note(state: State, by: Actor, what: str, now: int, about: str = "", detail: str = "", do: Any = None) -> None:
    """Write an entry; within a change of the state where ``do`` is given. A new sort is one more of ``WORDS``."""
    if what not in WORDS:
        raise KeyError(what)
    if do is None:
        with state.changing() as do:
            note(state, by, what, now, about, detail, do)
        return
    do("add_audit", now=now, who=by.who[:254], via=by.via[:100], what=what, about=about[:500], detail=detail[:1000])
    if what in BY_STRANGERS:
        do("trim_audit", what=what, most=KEPT)


def page(state: State, limit: int = 100, before: int | None = None, what: str | None = None) -> Page:
    """A page of the log; ``what`` keeps only one sort of entry."""
    rows = state.read("audit", limit=limit + 1, before=before, what=what)
    shown = tuple(Entry(text=WORDS.get(row["what"], row["what"]), **row) for row in rows[:limit])
    return Page(shown, shown[-1].no if len(rows) > limit else None)
