"""The server: what it serves for everybody, and its workspaces, each behind its own door."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from assay.web.access.headers import SecurityHeaders
from assay.web.portfolio import portfolio
from assay.web.rendering import html
from assay.web.site import Site

STATIC = Path(str(files("assay").joinpath("web", "static")))


def create(
    sites: Sequence[Site], https: bool | None = None, look: Callable[[Site], None] = lambda _site: None
) -> SecurityHeaders:
    """The application over workspaces. ``https``: whether browsers are told to stay with it; None: as they came.

    ``look``: begins with a workspace whose first plan was just written.
    """
    server = Server(sites, look)
    application = Starlette(
        routes=[
            Route("/", server.root),
            Route("/healthz", _health),
            Mount("/static", StaticFiles(directory=STATIC, check_dir=False), name="static"),
            Mount("/{site}", server.site),
        ],
        exception_handlers={HTTPException: _problem},
        lifespan=server.lifespan,
    )
    return SecurityHeaders(application, https)


class Server:
    """The workspaces of a server, by the name that they have in addresses."""

    def __init__(self, sites: Sequence[Site], look: Callable[[Site], None]) -> None:
        self.look = look
        self.sites = {site.slug: site for site in sites}

    async def root(self, request: Request) -> Response:
        """The only workspace, or all of them."""
        if len(self.sites) == 1:
            return RedirectResponse(f"/{next(iter(self.sites))}/", 302)
        return await portfolio(request, tuple(self.sites.values()))

    async def site(self, scope: Scope, receive: Receive, send: Send) -> None:
        """To the workspace that the address names."""
        slug = scope["path_params"]["site"]
        if slug not in self.sites:
            raise HTTPException(404, f"there is no site {slug!r} here")
        site = self.sites[slug]
        scope["state"] = {**scope.get("state", {}), "site": site, "server": self}
        await site.door(scope, receive, send)

    @asynccontextmanager
    async def lifespan(self, _application: Any) -> AsyncIterator[None]:
        """Nothing at the start; at the end questions that run are waited for."""
        yield
        for site in self.sites.values():
            if site.asker is not None:
                site.asker.close()


async def _health(_request: Request) -> Response:
    return JSONResponse({"ok": True})


async def _problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    title = "Not found" if error.status_code == 404 else "Not possible"
    return html("problem.html", error.status_code, title=title, text=str(error.detail))
