"""Settings: who may come in, keys, share links, reports by schedule, and what was done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from assay.collect import keys as write_keys
from assay.model.errors import AssayError, UsageError
from assay.report import outbox
from assay.web.access import audit, keys, links, shares, users
from assay.web.access.base import Access
from assay.web.access.guard import record_of
from assay.web.access.pages import form_of
from assay.web.access.rules import requires
from assay.web.access.values import ROLES, SCOPES, Actor
from assay.web.rendering import framed

LOG = 100  # entries of the log on a page


@dataclass(frozen=True)
class Told:
    """What came of an act. ``once``: a link or key that is never shown again."""

    text: str
    once: str = ""


Given = dict[str, str]
Act = Callable[[Request, Access, Actor, Given], Told]


def routes() -> list[BaseRoute]:
    """For the application of a workspace."""
    return [
        Route("/settings", settings, methods=["GET"]),
        Route("/settings", acted, methods=["POST"]),
        Route("/settings/log", log, methods=["GET"]),
    ]


@requires("admin", key=False)
async def settings(request: Request) -> Response:
    """Everything that can be set."""
    return await _page(request)


@requires("admin", key=False)
async def acted(request: Request) -> Response:
    """One act, such as a new user. What is told once is told on this page only."""
    (access, who), given = record_of(request), await form_of(request)
    act = ACTS.get(given.get("act", ""))
    try:
        if act is None:
            raise UsageError("there is no such act")
        told = await run_in_threadpool(act, request, access, who.actor, given)
    except AssayError as error:
        return await _page(request, error=str(error), status=422)
    return await _page(request, told=told)


async def _page(request: Request, told: Told | None = None, error: str = "", status: int = 200) -> Response:
    values = await run_in_threadpool(_shown, request)
    return framed(request, "settings.html", status, title="Settings", told=told, error=error, **values)


def _shown(request: Request) -> dict[str, Any]:
    access, site = request.state.doors, request.state.site
    plan = site.plan
    return {
        "people": users.everybody(access), "roles": ROLES, "api_keys": keys.everyone(access), "scopes": tuple(SCOPES),
        "shares": shares.everyone(access), "write_keys": _write_keys(access), "me": request.state.access.email,
        "schedules": plan.report.schedules if plan else (), "share": request.query_params.get("share", ""),
        "sendings": [outbox.said(row, plan.site.timezone) for row in access.state.read("outbox")[:20]] if plan else [],
    }  # fmt: skip


def _write_keys(access: Access) -> list[dict[str, Any]]:
    """Those in use first; secret ones only by their beginning, and all by a mark that stands for them in forms."""
    rows = sorted(access.state.read("keys"), key=lambda row: row["revoked_at"] is not None)
    return [
        {
            **row,
            "shown": f"{row['key'][:7]}…" if row["key"].startswith(write_keys.SECRET) else row["key"],
            "mark": _mark(row["key"]),
        }
        for row in rows
    ]


def _mark(key: str) -> str:
    return sha256(key.encode()).hexdigest()[:24]


@requires("admin", key=False)
async def log(request: Request) -> Response:
    """Who did what when."""
    given = request.query_params.get("before", "")
    before = int(given) if given.isascii() and given.isdigit() and len(given) < 16 else None
    what = request.query_params.get("what", "")
    found = await run_in_threadpool(
        audit.page, request.state.doors.state, LOG, before, what if what in audit.WORDS else None
    )
    return framed(request, "settings_log.html", title="What was done", found=found, words=audit.WORDS, what=what)


def _address(request: Request, path: str) -> str:
    base: str = request.state.doors.url or str(request.base_url).removesuffix(f"{request.state.root}/").rstrip("/")
    return f"{base}{request.state.root}{path}"


def _days(given: Given) -> int | None:
    text = given.get("days", "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise UsageError(f"{text[:20]!r} is no number of days")
    return int(text[:9])


def _number(given: Given) -> int:
    text = given.get("no", "")
    if not (text.isascii() and text.isdigit()):
        raise UsageError("which one?")
    return int(text[:15])


def _user_added(request: Request, access: Access, by: Actor, given: Given) -> Told:
    email = users.add(access, given.get("email", ""), given.get("role", ""), by, given.get("name", ""))
    return Told(
        f"{email} is a user now. No mail is sent: hand this link on; it works once, for seven days.",
        _address(request, links.make(access, email, by)),
    )


def _user_link(request: Request, access: Access, by: Actor, given: Given) -> Told:
    email = given.get("email", "")
    return Told(
        f"A link for {email[:254]} to set a password; it works once.", _address(request, links.make(access, email, by))
    )


def _user_role(_request: Request, access: Access, by: Actor, given: Given) -> Told:
    users.set_role(access, given.get("email", ""), given.get("role", ""), by)
    return Told(f"{given['email'][:254]} has the role {given['role']} from the next click on.")


def _user_removed(_request: Request, access: Access, by: Actor, given: Given) -> Told:
    users.remove(access, given.get("email", ""), by)
    return Told(f"{given['email'][:254]} is signed out and no longer a user.")


def _key_added(_request: Request, access: Access, by: Actor, given: Given) -> Told:
    key = keys.add(access, given.get("name", ""), [given.get("scope", "")], by, _days(given))
    return Told("The key is shown this once: copy it now.", key)


def _key_revoked(_request: Request, access: Access, by: Actor, given: Given) -> Told:
    keys.revoke(access, _number(given), by)
    return Told("The key is out of use.")


def _share_added(request: Request, access: Access, by: Actor, given: Given) -> Told:
    view = given.get("view", "").strip()
    path = shares.add(access, view.removeprefix(request.state.root), by, _days(given), given.get("title", ""))
    return Told("Whoever has this link sees this one view; it is shown this once.", _address(request, path))


def _share_revoked(_request: Request, access: Access, by: Actor, given: Given) -> Told:
    shares.revoke(access, _number(given), by)
    return Told("The link shows nothing any more.")


def _write_key_added(_request: Request, access: Access, by: Actor, given: Given) -> Told:
    secret, staging = given.get("kind") == "secret", bool(given.get("staging"))
    origins = [one.strip() for one in given.get("origins", "").split(",") if one.strip()]
    key = write_keys.make(
        access.state, access.now, given.get("source", ""), secret, "staging" if staging else "live", origins
    )
    audit.note(access.state, by, "settings", access.now, f"write key {key[:8]}…", "made")
    return Told("Clients send with it:", key)


def _write_key_revoked(_request: Request, access: Access, by: Actor, given: Given) -> Told:
    rows = access.state.read("keys")
    key = next((row["key"] for row in rows if _mark(row["key"]) == given.get("mark")), "")
    if not access.state.write("revoke_key", key=key, now=access.now):
        raise UsageError("there is no such key in use")
    audit.note(access.state, by, "settings", access.now, f"write key {key[:8]}…", "revoked")
    return Told("Requests with that key are refused within seconds.")


def _again(_request: Request, access: Access, by: Actor, given: Given) -> Told:
    outbox.again(access.state, _number(given), access.now)
    audit.note(access.state, by, "settings", access.now, f"sending {given['no']}", "again")
    return Told("It is sent again within a minute.")


ACTS: dict[str, Act] = {
    "user-add": _user_added,
    "user-link": _user_link,
    "user-role": _user_role,
    "user-remove": _user_removed,
    "key-add": _key_added,
    "key-revoke": _key_revoked,
    "share-add": _share_added,
    "share-revoke": _share_revoked,
    "write-key-add": _write_key_added,
    "write-key-revoke": _write_key_revoked,
    "send-again": _again,
}
