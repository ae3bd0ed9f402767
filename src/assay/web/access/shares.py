"""Share links: one view, path and query, for whoever has the link; read only, with an end, and no way on from there."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from assay.model.errors import MachineError, UsageError
from assay.web.access import audit, tokens
from assay.web.access.base import Access
from assay.web.access.redirects import own
from assay.web.access.values import DAY, SECOND, VIEWER, Actor, Principal

PATH = "/s/"
SEEN = 60 * SECOND


@dataclass(frozen=True)
class View:
    """What a link shows, and as whom."""

    path: str
    query: str
    title: str
    principal: Principal


@dataclass(frozen=True)
class Share:
    """One link, ready for a page; the link itself was told once. ``state``: in use, over or revoked."""

    no: int
    path: str
    query: str
    title: str
    made_by: str
    made_at: int
    expires_at: int
    used_at: int | None
    state: str


def add(access: Access, view: str, by: Actor, days: int | None = None, title: str = "") -> str:
    """The path of a new link, ``/s/…``, to a view such as ``/funnels?segment=mobile``, told this once.

    ``view`` counts from the workspace's root. Raises UsageError. Whether it may be shared at all is asked whenever the
    link is opened: a share link holds what a viewer may read where the route lets links in.
    """
    path, _, query = view.partition("?")
    if own(view) is None or "%" in path:
        raise UsageError(f"{view[:60]!r} is no view of this workspace")
    if days is not None and not 1 <= days <= 365:
        raise UsageError(f"{days} days: a share link holds for 1 to 365 days")
    token, now = tokens.new(), access.now
    until = now + (days * DAY if days is not None else access.lives.share)
    shown = "".join(c for c in title if c.isprintable()).strip()[:200]
    with access.state.changing() as do:
        do(
            "add_share", hash=tokens.hashed(token), path=path, query=query, title=shown, made_by=by.who, now=now,
            expires_at=until,
        )  # fmt: skip
        audit.note(access.state, by, "share_added", now, view, do=do)
    return PATH + token


def find(access: Access, token: str) -> View | None:
    """What a link shows; None where it is over, revoked or never was one."""
    if not tokens.fits(token):
        return None
    found, now = access.state.read("share", hash=tokens.hashed(token), now=access.now), access.now
    if not found:
        return None
    row = found[0]
    if now - (row["used_at"] or 0) >= SEEN:
        with suppress(MachineError):
            access.state.write("see_share", no=row["no"], now=now)
    who = Principal("share", row["title"] or "share link", VIEWER, no=row["no"], via=f"share link {row['no']}")
    return View(row["path"], row["query"], row["title"], who)


def everyone(access: Access) -> tuple[Share, ...]:
    """All links, the newest first."""
    now = access.now

    def state(revoked: int | None, until: int) -> str:
        return "revoked" if revoked is not None else "over" if until <= now else "in use"

    return tuple(
        Share(
            row["no"], row["path"], row["query"], row["title"], row["made_by"], row["made_at"], row["expires_at"],
            row["used_at"], state(row["revoked_at"], row["expires_at"]),
        )
        for row in access.state.read("shares")
    )  # fmt: skip


def revoke(access: Access, no: int, by: Actor) -> None:
    """Take a link out of use at once. Raises UsageError."""
    with access.state.changing() as do:
        if not do("revoke_share", no=no, now=access.now):
            raise UsageError(f"there is no share link {no} in use")
        audit.note(access.state, by, "share_revoked", access.now, f"share link {no}", do=do)
