"""One workspace of a server: its pages and its API behind its own door.

A page asks all its cards at once. What is not answered within a moment is left open: the page loads it by itself when
it is ready (htmx), and a link waits for it where there are no scripts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from assay.model.errors import AssayError, UnknownName
from assay.web import machines, settings, snippet, start
from assay.web.access import pages as doors
from assay.web.access.guard import Guard
from assay.web.access.rules import requires
from assay.web.api import api
from assay.web.building import pages as building
from assay.web.cards import Shape, broken, shape
from assay.web.pages import BY_NAME, PAGES
from assay.web.pages.base import Card, Page, View
from assay.web.rendering import framed

if TYPE_CHECKING:
    from assay.plan.values import Plan
    from assay.web.access.base import Access
    from assay.web.asking import Asker
    from assay.web.rounds import Rounds

AT_ONCE = 0.8  # seconds that a page waits for its cards


@dataclass(eq=False)
class Site:
    """A workspace: ``slug`` names it in addresses. ``asker``: None while its folder has no plan yet."""

    slug: str
    folder: Path
    access: Access
    asker: Asker | None = None
    rounds: Rounds | None = None
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

    @cached_property
    def door(self) -> Guard:
        """The application behind its guard."""
        return Guard(application(), self.access)


def application() -> Starlette:
    """What a workspace answers; ``request.state.site`` says which one is asked."""
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
    return [*building.routes(), *start.routes(), *snippet.routes(), *settings.routes()]


async def asker_of(request: Any) -> Asker:
    """What answers the questions of a request; 409 while there is no plan."""
    asker: Asker | None = request.state.site.asker
    if asker is None:
        raise HTTPException(409, "this workspace has no plan yet")
    return asker


@requires("viewer")
async def home(request: Request) -> Response:
    """The first page."""
    first = PAGES[0].name if request.state.site.asker is not None else "start"
    return RedirectResponse(f"{request.state.root}/{first}", 302)


@requires("viewer", share=True)
async def page(request: Request) -> Response:
    """A page with the cards that are answered by now; with ``part`` only that card, as soon as it is answered."""
    asker = await asker_of(request)
    found = BY_NAME.get(request.path_params["page"])
    if found is None:
        raise UnknownName("page", request.path_params["page"], BY_NAME, "assay")
    view = View.of({name: value for name, value in request.query_params.items() if name not in ("wait", "part")})
    cards = found.cards(asker.plan, view)
    if "part" in request.query_params:
        return await _part(request, asker, found, view, cards)
    patience = None if "wait" in request.query_params else AT_ONCE
    shapes = await _shapes(asker, cards, view, _api(request), patience)
    return framed(
        request, "page.html", page=found, view=view, cards=list(zip(cards, shapes, strict=True)), title=found.title,
        choices=found.choices(asker.plan), chosen=found.chosen(asker.plan, view),
    )  # fmt: skip


async def _part(request: Request, asker: Asker, found: Page, view: View, cards: Sequence[Card]) -> Response:
    number = request.query_params["part"]
    if not (number.isascii() and number.isdigit() and int(number) < len(cards)):
        raise HTTPException(404, "this page has no such card")
    card = cards[int(number)]
    (one,) = await _shapes(asker, [card], view, _api(request), None)
    return framed(request, "card.html", card=card, shape=one, page=found, view=view)


def _api(request: Request) -> str:
    """Where the API begins; a share link has none: it shows one view."""
    return "" if request.state.access.kind == "share" else f"{request.state.root}/api/v1"


async def _shapes(
    asker: Asker, cards: Sequence[Card], view: View, api_: str, patience: float | None
) -> list[Shape | None]:
    """Cards in their order; None for one that is not answered after ``patience`` seconds (None: wait for all)."""
    tasks = [asyncio.ensure_future(_shape(asker, card, view, api_)) for card in cards]
    if tasks:
        await asyncio.wait(tasks, timeout=patience)
    return [task.result() if task.done() else None for task in tasks]


async def _shape(asker: Asker, card: Card, view: View, api_: str) -> Shape:
    asked = card.asked(view)
    try:
        return shape(card, await asker.ask(card.question, asked), asked, api_)
    except AssayError as error:
        return broken(card, str(error))


async def problem(request: Request, error: Exception) -> Response:
    """What went wrong, and what to do, as a page."""
    known = isinstance(error, HTTPException)
    status = error.status_code if known else 404 if isinstance(error, UnknownName) else 422  # type: ignore[attr-defined]
    text = str(error.detail) if known else str(error)  # type: ignore[attr-defined]
    title = "Not found" if status == 404 else "Not possible"
    return framed(request, "problem.html", status, title=title, text=text)
