"""What is answered instead of a page: JSON of one shape to programs, a page that says what to do to people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from assay.web.access.asked import Asked
from assay.web.access.redirects import own
from assay.web.rendering import templates


def page(
    template: str, root: str, /, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
) -> Response:
    """A page of access."""
    text = templates().get_template(f"access/{template}.html").render(root=root, **values)
    return HTMLResponse(text, status, headers=dict(headers or {}))


def problem(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """``{"error": {"code", "message"}}``."""
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers=dict(headers or {}))


def refusal(
    asked: Asked, status: int, code: str, title: str, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    """In the form that whoever asks can read."""
    if asked.api or asked.bearer is not None:
        return problem(status, code, message, headers)
    return page("refused", asked.root, status, headers, title=title, message=message)


def sign_in_first(asked: Asked) -> Response:
    """Nobody is signed in: to the page for it, and back afterwards."""
    if asked.api or asked.bearer is not None:
        message = "Sign in, or send an API key that is in use as Authorization: Bearer ak_…"
        return problem(401, "unauthenticated", message, {"WWW-Authenticate": "Bearer"})
    login = f"{asked.root}/login"
    if asked.header("hx-request"):  # a part of a page whose session is over: the whole page goes
        back = own(_path(asked.header("hx-current-url")))
        return Response(status_code=401, headers={"HX-Redirect": login + (f"?next={quote(back)}" if back else "")})
    if not asked.safe:
        return RedirectResponse(login, 303)
    query = asked.scope.get("query_string", b"").decode("latin-1")
    back = own(asked.root + asked.path + (f"?{query}" if query else ""))
    wanted = f"?next={quote(back, safe='/')}" if back and back not in ("/", asked.root + "/") else ""
    return RedirectResponse(login + wanted, 303)


def _path(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return parts.path + (f"?{parts.query}" if parts.query else "")
