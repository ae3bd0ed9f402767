"""A small application behind the real guard: one workspace, a clock that tests move, users of every role."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.testclient import TestClient

from assay.store.state import State
from assay.web.access import keys, links, pages, users
from assay.web.access.base import Access
from assay.web.access.guard import Guard, record
from assay.web.access.headers import SecurityHeaders
from assay.web.access.passwords import Passwords
from assay.web.access.rules import public, requires
from assay.web.access.values import CONSOLE, ROLES, SECOND

START = 1_780_000_000 * SECOND
PASSWORD = "four words in a row"
HOST = "https://numbers.example"


class Counted(PasswordHasher):
    """The real argon2 at its least cost; it counts its runs."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified = self.hashed = 0

    def verify(self, *given: Any) -> Any:
        self.verified += str(given[0]).startswith("$argon2id$v=19$m=8,t=1,p=1$")  # anything else is no run
        return super().verify(*given)

    def hash(self, *given: Any, **more: Any) -> str:
        self.hashed += 1
        return super().hash(*given, **more)


@dataclass
class Clock:
    now: int = START

    def __call__(self) -> int:
        return self.now


def told(request: Request) -> Response:
    """Who asks, as JSON."""
    who = request.state.access
    return JSONResponse(
        {"kind": who.kind, "name": who.name, "role": who.role, "path": request.url.path, "query": request.url.query}
    )


def page(rule: Any) -> Any:
    """A fresh endpoint under a rule."""

    async def endpoint(request: Request) -> Response:
        return told(request)

    return rule(endpoint)


async def unruled(request: Request) -> Response:
    raise AssertionError("a route without a rule was reached")


@requires("viewer")
async def exported(request: Request) -> Response:
    await record(request, "export", request.url.path, "csv")
    return PlainTextResponse("a,b\n1,2\n", media_type="text/csv")


@requires("analyst")
async def note(request: Request) -> Response:
    form = await pages.form_of(request)
    return JSONResponse({"said": form.get("said", "")})


def routes() -> list[BaseRoute]:
    viewer, shared, analyst, admin = (
        requires("viewer"),
        requires("viewer", share=True),
        requires("analyst"),
        requires("admin"),
    )
    return [
        Route("/", page(shared)),
        Route("/funnels", page(shared)),
        Route("/people/{id}", page(viewer)),
        Route("/funnels.csv", exported),
        Route("/plan", page(analyst), methods=["GET"]),
        Route("/notes", note, methods=["POST"]),
        Route("/plan", page(analyst), methods=["PUT", "DELETE"]),
        Route("/settings", page(admin), methods=["GET", "POST"]),
        Route("/help", page(public())),
        Route("/forgotten", unruled, methods=["GET", "POST"]),
        Mount("/folder", routes=[Route("/forgotten", unruled), Route("/known", page(viewer))]),
        Mount("/raw", app=PlainTextResponse("a whole application without a rule")),
        Mount("/open", app=public()(PlainTextResponse("an application for anybody"))),
        *pages.routes(),
    ]


def api() -> Any:
    """FastAPI as it is mounted at /api/v1."""
    from fastapi import APIRouter, FastAPI

    app = FastAPI(openapi_url=None)

    async def overview(request: Request) -> dict[str, str]:
        return {"role": request.state.access.role}

    async def idea() -> dict[str, str]:
        return {"noted": "yes"}

    async def forgotten() -> dict[str, str]:
        raise AssertionError("a route without a rule was reached")

    app.add_api_route("/overview", requires("viewer")(overview), methods=["GET"])
    app.add_api_route("/backlog", requires("analyst")(idea), methods=["POST"])
    app.add_api_route("/erase", requires("admin")(page(requires("admin"))), methods=["POST"], response_model=None)
    app.add_api_route("/forgotten", forgotten, methods=["GET"])
    router = APIRouter()
    router.add_api_route("/inner", forgotten, methods=["GET"])
    app.include_router(router, prefix="/included")
    return app


@dataclass
class Doors:
    """A workspace's access and an application behind it."""

    access: Access
    clock: Clock
    hasher: Counted
    app: Any = None
    guard: Any = None
    emails: dict[str, str] = field(default_factory=lambda: {role: f"{role}@example.org" for role in ROLES})

    def client(self, host: str = HOST, **given: Any) -> TestClient:
        return TestClient(self.app, host, follow_redirects=False, **given)

    def signed_in(self, role: str, host: str = HOST) -> TestClient:
        client = self.client(host)
        assert sign_in(client, self.emails[role]).status_code == 303
        return client

    def key(self, *scopes: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {keys.add(self.access, 'a program', scopes, CONSOLE)}"}

    def audit(self) -> list[tuple[str, str, str]]:
        rows = self.access.state.read("audit", limit=10_000, before=None, what=None)
        return [(row["who"], row["what"], row["about"]) for row in reversed(rows)]


def made(folder: Path, roles: Iterable[str] = ROLES, slug: str = "main", **given: Any) -> Doors:
    """A workspace with a user of each role who has set a password."""
    clock, hasher = Clock(), Counted()
    access = Access(State(folder / f"{slug}.sqlite"), clock, slug, passwords=Passwords(hasher), **given)
    doors = Doors(access, clock, hasher)
    for role in roles:
        users.add(access, doors.emails[role], role, CONSOLE, role.title())
        links.use(
            access, links.make(access, doors.emails[role], CONSOLE).removeprefix(links.PATH), PASSWORD, role.title()
        )
    inner = Starlette(routes=[*routes(), Mount("/api/v1", app=api())])
    doors.guard = Guard(inner, access)
    doors.app = SecurityHeaders(doors.guard)
    return doors


def csrf(text: str) -> str:
    """The token in a page's form."""
    found = re.search(r'name="csrf" value="([^"]*)"', text)
    assert found, text
    return unescape(found.group(1))


def sign_in(
    client: TestClient, email: str, password: str = PASSWORD, wanted: str = "", under: str = "", **headers: str
) -> Any:
    """The form, filled in and sent as a browser does. ``under``: where the workspace stands."""
    got = client.get(f"{under}/login", params={"next": wanted} if wanted else None)
    form = {"csrf": csrf(got.text), "email": email, "password": password, "next": wanted}
    return client.post(f"{under}/login", data=form, headers={"Origin": str(client.base_url).rstrip("/"), **headers})


def token_of(client: TestClient) -> str:
    """The token of a signed-in browser's forms."""
    return csrf(client.get("/account").text)
