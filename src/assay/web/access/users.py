"""Users of a workspace: added, listed, given a role, removed. There is always an admin left."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from assay.model.errors import UnknownName, UsageError, suggestion
from assay.web.access import audit
from assay.web.access.base import Access
from assay.web.access.values import ADMIN, ROLES, Actor

_EMAIL = re.compile(r"[^\s@<>\"'(),:;\\\[\]`]{1,64}@[^\s@<>\"'(),:;\\\[\]`/?#]+\.[^\s@<>\"'(),:;\\\[\]`/?#.]{2,}")


@dataclass(frozen=True)
class User:
    """One user, ready for a page. ``ready``: has set a password. Moments in microseconds UTC."""

    no: int
    email: str
    name: str
    role: str
    ready: bool
    made_at: int
    password_at: int | None
    seen_at: int | None


def folded(email: str) -> str:
    """An address as it is kept and looked up: without spaces around, in small letters."""
    return unicodedata.normalize("NFC", email.strip())[:254].lower()


def address(email: str) -> str:
    """A checked address. Raises UsageError."""
    found = folded(email)
    if len(email.strip()) > 254 or not _EMAIL.fullmatch(found) or not found.isprintable():
        raise UsageError(f"{email.strip()[:60]!r} is no e-mail address")
    return found


def shown(name: str, email: str) -> str:
    """A name as people may have it: no control characters, 100 at most; without one the address's first part."""
    kept = "".join(c for c in unicodedata.normalize("NFC", name[:500]) if c.isprintable())
    return " ".join(kept.split())[:100] or email.partition("@")[0]


def everybody(access: Access) -> tuple[User, ...]:
    """All users, by e-mail."""
    return tuple(User(**{**row, "ready": bool(row["ready"])}) for row in access.state.read("users"))


def find(access: Access, email: str) -> dict[str, Any]:
    """The row of a user. Raises UnknownName."""
    found = access.state.read("user", email=folded(email))
    if not found:
        raise UnknownName("user", email[:60], [one.email for one in everybody(access)], "this workspace")
    return found[0]


def add(access: Access, email: str, role: str, by: Actor, name: str = "") -> str:
    """A new user without a password; the address as it is kept. Raises UsageError where there is one already."""
    found = address(email)
    _role(role)
    with access.state.changing() as do:
        if access.state.read("user", email=found):
            raise UsageError(f"{found} is a user already; assay users list shows who there is")
        do("add_user", email=found, name=shown(name, found), role=role, now=access.now)
        audit.note(access.state, by, "user_added", access.now, found, role, do)
    return found


def set_role(access: Access, email: str, role: str, by: Actor) -> None:
    """Another role, from the next request on. Raises UnknownName, UsageError for the last admin."""
    _role(role)
    with access.state.changing() as do:
        user = find(access, email)
        if role != ADMIN:
            _not_the_last(access, user)
        do("set_role", no=user["no"], role=role)
        audit.note(access.state, by, "role", access.now, user["email"], f"{user['role']} → {role}", do)


def remove(access: Access, email: str, by: Actor) -> None:
    """Take a user away with sessions and open links. Raises UnknownName, UsageError for the last admin."""
    with access.state.changing() as do:
        user = find(access, email)
        _not_the_last(access, user)
        do("remove_user", no=user["no"])
        audit.note(access.state, by, "user_removed", access.now, user["email"], user["role"], do)


def has_admin(access_state: Any) -> bool:
    """True where an admin can sign in."""
    return bool(access_state.read("admins"))


def _role(role: str) -> None:
    if role not in ROLES:
        raise UsageError(f"there is no role {role[:60]!r}{suggestion(role, ROLES)}")


def _not_the_last(access: Access, user: dict[str, Any]) -> None:
    if [row["no"] for row in access.state.read("admins")] == [user["no"]]:
        raise UsageError(f"{user['email']} is the only admin; make another one first")
