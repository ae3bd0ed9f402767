"""The pages of signing in: /login, /logout, /welcome/<token>, /account."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from assay.model.errors import AssayError
from assay.web.access import bodies, links, oidc, sessions, signing
from assay.web.access.asked import Asked
from assay.web.access.guard import record_of
from assay.web.access.passwords import LEAST
from assay.web.access.redirects import after
from assay.web.access.refusals import page
from assay.web.access.rules import public, requires
from assay.web.access.slow import slowly

WRONG = "The e-mail address or the password is not right."


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form that the guard has let through."""
    return bodies.fields(await request.body())


def _asked(request: Request) -> Asked:
    return Asked(dict(request.scope), record_of(request)[0])


def _root(request: Request) -> str:
    return str(request.state.root)


def _page(request: Request, template: str, /, status: int = 200, headers: Any = None, **values: Any) -> Response:
    return page(template, _root(request), status, headers, csrf=record_of(request)[1].csrf, **values)


def _entered(request: Request, token: str, to: str) -> Response:
    """Signed in: the session's cookie, and on."""
    response = RedirectResponse(to, 303)
    response.headers.append("set-cookie", _asked(request).set_cookie(token))
    return response


def _login_page(request: Request, wanted: str | None, status: int = 200, **values: Any) -> Response:
    provider = record_of(request)[0].provider
    shown: dict[str, Any] = {"email": "", "error": "", **values}
    headers = {"Retry-After": str(shown.pop("wait"))} if "wait" in shown else None
    to = after(wanted, _root(request))
    return _page(request, "login", status, headers, next=to, other=provider.client.name if provider else "", **shown)


@public(form=True)
async def login(request: Request) -> Response:
    """The form; somebody who is signed in goes on."""
    wanted = request.query_params.get("next")
    if record_of(request)[1].kind == "user":
        return RedirectResponse(after(wanted, _root(request)), 303)
    return _login_page(request, wanted)


@public(form=True)
async def sign_in(request: Request) -> Response:
    """The form sent."""
    (access, _), asked, form = record_of(request), _asked(request), await form_of(request)
    email, wanted = form.get("email", ""), form.get("next")
    done = await slowly(signing.sign_in, access, email, form.get("password", ""), asked.address, asked.cookie())
    if done.token:
        return _entered(request, done.token, after(wanted, _root(request)))
    if done.wait:
        error = f"Too many tries. Try again in {done.wait} seconds."
        return _login_page(request, wanted, 429, email=email[:254], error=error, wait=done.wait)
    return _login_page(request, wanted, 401, email=email[:254], error=WRONG)


@requires("viewer", key=False)
async def logout(request: Request) -> Response:
    """Sign out here."""
    (access, who), asked = record_of(request), _asked(request)
    await run_in_threadpool(sessions.end, access, asked.cookie(), who)
    response = RedirectResponse(f"{_root(request)}/login", 303)
    response.headers.append("set-cookie", asked.set_cookie(""))
    return response


def _gone(request: Request) -> Response:
    message = "It was used already, is too old or is not complete. Ask an admin of the workspace for a new one."
    return _page(request, "refused", 404, title="This link is no longer valid", message=message)


def _welcome_page(request: Request, link: links.Link, status: int = 200, **values: Any) -> Response:
    shown = {"email": link.email, "name": link.name, "error": "", **values}
    return _page(request, "welcome", status, kind=link.kind, least=LEAST, **shown)


@public(form=True)
async def welcome(request: Request) -> Response:
    """The form behind a one-time link; looking at it uses nothing up."""
    link = await run_in_threadpool(links.look, record_of(request)[0], request.path_params["token"])
    return _welcome_page(request, link) if link is not None else _gone(request)


@public(form=True)
async def enter(request: Request) -> Response:
    """The form sent: password set, signed in."""
    (access, _), token, form = record_of(request), request.path_params["token"], await form_of(request)
    link = await run_in_threadpool(links.look, access, token)
    if link is None:
        return _gone(request)
    name, email, old = form.get("name", ""), form.get("email", ""), _asked(request).cookie()
    given = {"name": name[:100], "email": link.email or email[:254]}
    password = form.get("password", "")
    if password != form.get("again", ""):
        return _welcome_page(request, link, 422, error="The two passwords are not the same.", **given)
    try:
        session = await slowly(links.use, access, token, password, name, email, old)
    except AssayError as error:
        return _welcome_page(request, link, 422, error=str(error), **given)
    return _entered(request, session, f"{_root(request)}/")


def _account_page(request: Request, here: Any, status: int = 200, error: str = "", done: str = "") -> Response:
    who = record_of(request)[1]
    return _page(request, "account", status, who=who, least=LEAST, sessions=here, error=error, done=done)


@requires("viewer", key=False)
async def account(request: Request) -> Response:
    """One's own password and sessions."""
    access, who = record_of(request)
    here = await run_in_threadpool(sessions.of, access, who.no, _asked(request).cookie())
    done = "The password is changed; all other browsers are signed out." if "changed" in request.query_params else ""
    return _account_page(request, here, done=done)


@requires("viewer", key=False)
async def password(request: Request) -> Response:
    """Another password."""
    (access, who), form = record_of(request), await form_of(request)
    try:
        if form.get("password", "") != form.get("again", ""):
            raise AssayError("The two passwords are not the same.")
        token = await slowly(signing.change_password, access, who, form.get("current", ""), form.get("password", ""))
    except AssayError as error:
        here = await run_in_threadpool(sessions.of, access, who.no, _asked(request).cookie())
        return _account_page(request, here, 422, str(error))
    return _entered(request, token, f"{_root(request)}/account?changed")


@requires("viewer", key=False)
async def sign_out_everywhere(request: Request) -> Response:
    """End all sessions, this one too."""
    access, who = record_of(request)
    await run_in_threadpool(sessions.end_all, access, who)
    response = RedirectResponse(f"{_root(request)}/login", 303)
    response.headers.append("set-cookie", _asked(request).set_cookie(""))
    return response


@public()
async def style(request: Request) -> Response:
    """The small stylesheet of these pages: signing in must work whatever else was built."""
    del request
    text = files("assay.web").joinpath("templates", "access", "access.css").read_text(encoding="utf-8")
    return Response(text, media_type="text/css", headers={"cache-control": "public, max-age=3600"})


def routes() -> list[Route]:
    """For the application of a workspace."""
    return [
        Route("/login", login, methods=["GET"]),
        Route("/login", sign_in, methods=["POST"]),
        Route("/logout", logout, methods=["POST"]),
        Route("/welcome/{token}", welcome, methods=["GET"]),
        Route("/welcome/{token}", enter, methods=["POST"]),
        Route("/account", account, methods=["GET"]),
        Route("/account/password", password, methods=["POST"]),
        Route("/account/sign-out", sign_out_everywhere, methods=["POST"]),
        Route("/access.css", style, methods=["GET"]),
        *oidc.routes(),
    ]
