"""Frozen values of access: who is there, what a role holds, how long things last."""

from __future__ import annotations

from dataclasses import dataclass

VIEWER, ANALYST, ADMIN = "viewer", "analyst", "admin"
ROLES = (VIEWER, ANALYST, ADMIN)  # each may do what those before it may
SCOPES = {"read": VIEWER, "write": ANALYST, "admin": ADMIN}  # of API keys, and the role that each is worth
SECOND = 1_000_000
DAY = 86_400 * SECOND


@dataclass(frozen=True)
class Actor:
    """Who did something, and by which session, key or link."""

    who: str
    via: str = ""


CONSOLE = Actor("command line")


@dataclass(frozen=True)
class Principal:
    """Who asks. ``kind``: user, key, share or none. ``csrf``: what forms carry. ``no``: of the user, key or link."""

    kind: str = "none"
    name: str = ""
    role: str = ""
    scopes: tuple[str, ...] = ()
    csrf: str = ""
    no: int = 0
    email: str = ""
    via: str = ""

    def may(self, role: str) -> bool:
        """True where this role's rights are held; nobody's role holds none."""
        return self.role in ROLES and ROLES.index(self.role) >= ROLES.index(role)

    @property
    def actor(self) -> Actor:
        """For the audit log."""
        return Actor(self.email or self.name, self.via)


@dataclass(frozen=True)
class Lives:
    """How long things hold, in microseconds."""

    idle: int = DAY
    session: int = 14 * DAY
    first: int = DAY
    invite: int = 7 * DAY
    reset: int = DAY
    share: int = 30 * DAY
    key: int = 365 * DAY
