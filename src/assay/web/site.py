"""One workspace of a server: its pages and its API behind its own door."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from assay.model.errors import AssayError, UnknownName
from assay.report.view import headed
from assay.web import acting, keeping, live, machines, reports, settings, snippet, start
from assay.web.access import pages as doors
from assay.web.access.guard import Guard
from assay.web.access.rules import requires
from assay.web.api import api
from assay.web.building import pages as building
from assay.web.pages import BY_NAME, PAGES
from assay.web.rendering import framed
from assay.web.showing import answered, asker_of
from assay.workspace import DATA, unfinished

if TYPE_CHECKING:
    from assay.plan.values import Plan
    from assay.web.access.base import Access
    from assay.web.asking import Asker


@dataclass(eq=False)
class Site:
    """A workspace: ``slug`` names it in addresses. ``asker``: None while its folder has no plan yet."""

    slug: str
    folder: Path
    access: Access
    asker: Asker | None = None
    collector: str = ""  # the address that pages send to
    waiting: str = ""  # why the first plan cannot be used yet

    @property
    def plan(self) -> Plan | None:
        """The plan in use."""
        return self.asker.plan if self.asker is not None else None

    @property
    def problem(self) -> str | None:
        """Why the plan on disk cannot be used."""
        return self.asker.problem if self.asker is not None else None

    @property
    def doubt(self) -> str:
        """Why no number of this workspace holds now; empty: nothing of the kind."""
        moving = unfinished.finding(self.folder / DATA)
        return f"{headed(moving.text)}." if moving is not None else ""

    @cached_property
    def door(self) -> Guard:
        """The application behind its guard."""
        return Guard(application(), self.access)


@cache
def application() -> Starlette:
    """What a workspace answers, made once for all of them; ``request.state.site`` says which one is asked."""
    return Starlette(
        routes=[
            *doors.routes(),
            Mount("/api/v1", requires("viewer")(api(asker_of))),
            *machines.routes(asker_of),
            *more(),
            Route("/", home),
            Route("/{page}", page),
        ],
        exception_handlers={AssayError: problem, HTTPException: problem},
    )


def more() -> list[BaseRoute]:
    """Routes of what is not a list of questions: one more is a file and a line."""
    return [
        route
        for part in (acting, building, keeping, live, reports, settings, snippet, start)
        for route in part.routes()
    ]


@requires("viewer")
async def home(request: Request) -> Response:
    """The first page."""
    first = PAGES[0].name if request.state.site.asker is not None else "start"
    return RedirectResponse(f"{request.state.root}/{first}", 302)


@requires("viewer", share=True)
async def page(request: Request) -> Response:
    """A page of cards."""
    asker = await asker_of(request)
    found = BY_NAME.get(request.path_params["page"])
    if found is None:
        raise UnknownName("page", request.path_params["page"], BY_NAME, "assay")
    return await answered(request, asker, found)


async def problem(request: Request, error: Exception) -> Response:
    """What went wrong, and what to do, as a page."""
    known = isinstance(error, HTTPException)
    status = error.status_code if known else 404 if isinstance(error, UnknownName) else 422  # type: ignore[attr-defined]
    text = str(error.detail) if known else str(error)  # type: ignore[attr-defined]
    title = "Not found" if status == 404 else "Not possible"
    return framed(request, "problem.html", status, title=title, text=text)
