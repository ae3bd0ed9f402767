"""The one door of a workspace: who asks, may they, was it meant. What has no rule is closed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assay.web.access import audit, bodies, keys, rules, sessions, shares, tokens
from assay.web.access.asked import Asked
from assay.web.access.base import Access
from assay.web.access.refusals import refusal, sign_in_first
from assay.web.access.rules import Found, Rule
from assay.web.access.values import Principal

FORM = "-form"  # the cookie of a browser that nobody has signed in at
FIELD, HEADER = "csrf", "x-csrf-token"
PART = re.compile(r"[a-z0-9_-]{1,64}")  # one card of a shared view, asked for on its own


class Guard:
    """Before the application of one workspace; ``request.state.access`` behind it is a ``Principal``.

    ``routes``: the application's, where ``app`` itself has none. ``paths``: rules for routes that cannot say their own,
    by path. ``missing``: answers paths that no route has.
    """

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        routes: Sequence[BaseRoute] | None = None,
        paths: Mapping[str, Rule] | None = None,
        missing: ASGIApp | None = None,
    ) -> None:
        self.app, self.access, self.missing = app, access, missing
        self.routes: Sequence[BaseRoute] = app.routes if routes is None else routes  # type: ignore[attr-defined]
        self.paths = dict(paths or {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        asked = Asked(dict(scope), self.access)
        who: Principal | None = None
        if asked.path.startswith(shares.PATH):
            view = await run_in_threadpool(shares.find, self.access, asked.path.removeprefix(shares.PATH))
            if view is None or asked.method not in ("GET", "HEAD"):
                await _answer(_gone(asked), asked, receive, send)
                return
            who, asked = view.principal, _viewing(asked, view)
        if who is None:
            who = await run_in_threadpool(identify, asked)
        found = self._found(asked)
        fresh = tokens.new() if _wants_token(found, who, asked) else ""
        if fresh:
            who = replace(who, csrf=tokens.derived(fresh, sessions.CSRF))
        refused = await self._refused(asked, found, who)
        if refused is None and found.rule is not None and not asked.safe and found.rule.csrf and who.kind != "key":
            refused, receive = await _meant(asked, who, receive)
        if refused is not None:
            await _answer(refused, asked, receive, send)
            return
        asked.scope["state"] = {**scope.get("state", {}), "access": who, "doors": self.access, "root": asked.root}
        private = found.rule is None or found.rule.role is not None or found.rule.form
        await self._on(found)(asked.scope, receive, _sending(send, private, asked, fresh))

    def _found(self, asked: Asked) -> Found:
        rule = self.paths.get(asked.path)
        return Found(True, rule) if rule is not None else rules.find(self.routes, asked.scope)

    def _on(self, found: Found) -> ASGIApp:
        return self.app if found.there or self.missing is None else self.missing

    async def _refused(self, asked: Asked, found: Found, who: Principal) -> Response | None:
        if asked.bearer is not None and who.kind == "none" and (found.rule is None or found.rule.role is not None):
            return sign_in_first(asked)
        if who.kind == "share" and (found.rule is None or found.rule.role is None or not found.rule.lets(who)):
            return _gone(asked)
        if not found.there:
            if who.kind == "none":
                return sign_in_first(asked)
            return None if self.missing is not None else _missing(asked)
        if found.rule is not None and found.rule.lets(who):
            return None
        if who.kind == "none" and found.rule is not None:
            return sign_in_first(asked)
        if who.kind != "none":
            what = f"{asked.method} {asked.path}"
            await run_in_threadpool(audit.note, self.access.state, who.actor, "refused", self.access.now, what)
        return _forbidden(asked, found.rule, who)

    def uncovered(self) -> list[str]:
        """Paths of routes without a rule: a test asserts that there are none."""
        return list(rules.uncovered(self.routes, self.paths))


def identify(asked: Asked) -> Principal:
    """Who asks: by a key, else by a session. A key that does not hold is nobody, whatever cookie comes with it."""
    if asked.bearer is not None:
        return keys.find(asked.access, asked.bearer) or Principal()
    token = asked.cookie()
    found = sessions.find(asked.access, token) if token else None
    return found or Principal(csrf=tokens.derived(form, sessions.CSRF) if (form := asked.cookie(FORM)) else "")


def everywhere(scope: Scope, workspaces: Sequence[Access]) -> list[Principal]:
    """Who asks, in each of several workspaces of a server: for pages over all of them. Looks into each state."""
    return [identify(Asked(dict(scope), one)) for one in workspaces]


def _wants_token(found: Found, who: Principal, asked: Asked) -> bool:
    return found.rule is not None and found.rule.form and who.kind == "none" and not who.csrf and asked.safe


def _viewing(asked: Asked, view: shares.View) -> Asked:
    """The request for the shared view itself; of the link's own query only the name of a part gets through."""
    query = view.query
    part = dict(parse_qsl(asked.scope.get("query_string", b"").decode("latin-1"), max_num_fields=None)).get("part", "")
    if PART.fullmatch(part):
        query += ("&" if query else "") + urlencode({"part": part})
    path = asked.root + view.path
    inner = {**asked.scope, "path": path, "raw_path": path.encode(), "query_string": query.encode()}
    return Asked(inner, asked.access)


async def _meant(asked: Asked, who: Principal, receive: Receive) -> tuple[Response | None, Receive]:
    """None where a page of ours sent it, with its session's token; and the body, which may have been read for that."""
    stale = refusal(
        asked, 403, "csrf", "Please try again",
        "The page that sent this was not ours or was open for too long, or the browser keeps no cookies. "
        "Nothing was changed: load the page again and repeat.",
    )  # fmt: skip
    if not asked.from_here:
        return stale, receive
    if asked.scope["type"] == "websocket":  # a script cannot send a header with it: the origin decides
        return None, receive
    given = asked.header(HEADER)
    if not given and asked.header("content-type").partition(";")[0].strip().lower() == bodies.FORM:
        try:
            body = await bodies.read(receive, asked.header("content-length"))
            form = bodies.fields(body)
        except bodies.TooLarge:
            return refusal(asked, 413, "too_large", "Too large", "A form may have 1 MiB; nothing was changed."), receive
        given, receive = form.get(FIELD, ""), bodies.again(body, receive)
    return (None if tokens.same(who.csrf, given) else stale), receive


def _sending(send: Send, private: bool, asked: Asked, fresh: str) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if private and not headers.get("cache-control", "").startswith("private"):
                headers["cache-control"] = "private, no-store"
            if fresh:
                headers.append("set-cookie", asked.set_cookie(fresh, FORM))
        await send(message)

    return with_headers


async def _answer(response: Response, asked: Asked, receive: Receive, send: Send) -> None:
    if asked.scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    response.headers["cache-control"] = "private, no-store"
    await response(asked.scope, receive, send)


def _gone(asked: Asked) -> Response:
    return refusal(
        asked, 404, "gone", "This link shows nothing any more",
        "It has ended or was taken back, or what it showed is not for sharing. Ask whoever sent it for a new one.",
    )  # fmt: skip


def _missing(asked: Asked) -> Response:
    return refusal(asked, 404, "not_found", "There is no such page", "Look whether the address is complete.")


def _forbidden(asked: Asked, rule: Rule | None, who: Principal) -> Response:
    need = f"This needs the role {rule.role}" if rule is not None else "This is closed"
    held = f"; yours is {who.role}. An admin of this workspace can change that." if who.role else "."
    if rule is not None and who.role and who.may(rule.role or ""):
        need, held = "This is for people who sign in, not for keys", "."
    return refusal(asked, 403, "forbidden", "This is not open to you", need + held)


def record_of(request: Any) -> tuple[Access, Principal]:
    """The workspace's access and who asks, of a request behind the guard."""
    return request.state.doors, request.state.access


async def record(request: Any, what: str, about: str = "", detail: str = "") -> None:
    """Note in the audit log what a page or an API call did: export, erase, settings, plan."""
    access, who = record_of(request)
    await run_in_threadpool(audit.note, access.state, who.actor, what, access.now, about, detail)
