"""The application: pages and API of one or several workspaces.

A page asks all its cards at once. What is not answered within a moment is left open: the page loads it by itself when
it is ready (htmx), and a link waits for it where there are no scripts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from assay.model.errors import AssayError, UnknownName
from assay.web.api import api
from assay.web.cards import Shape, broken, shape
from assay.web.pages import BY_NAME, PAGES
from assay.web.pages.base import Card, Page, View

if TYPE_CHECKING:
    from assay.web.asking import Asker

AT_ONCE = 0.8  # seconds that a page waits for its cards
STATIC = Path(str(files("assay").joinpath("web", "static")))


def create(sites: Mapping[str, Asker]) -> Starlette:
    """The application over workspaces by the name that they have in addresses."""
    pages = Pages(sites)

    async def asker_of(request: Any) -> Asker:
        return pages.site(request.path_params["site"])

    application = Starlette(
        routes=[
            Route("/", pages.root),
            Route("/healthz", _health),
            Mount("/static", StaticFiles(directory=STATIC, check_dir=False), name="static"),
            Mount("/{site}/api/v1", api(asker_of)),
            Route("/{site}", pages.home),
            Route("/{site}/", pages.home),
            Route("/{site}/{page}", pages.page),
            Route("/{site}/{page}/{card:int}", pages.card),
        ],
        exception_handlers={AssayError: pages.problem, HTTPException: pages.problem},
    )
    application.state.sites = sites
    return application


async def _health(_request: Request) -> Response:
    return JSONResponse({"ok": True})


class Pages:
    """The handlers of pages. ``sites``: name → workspace."""

    def __init__(self, sites: Mapping[str, Asker]) -> None:
        self.sites = sites
        self.templates = _templates()

    def site(self, name: str) -> Asker:
        """A workspace by its name; 404 with what there is."""
        if name not in self.sites:
            raise HTTPException(404, f"there is no site {name!r} here")
        return self.sites[name]

    async def root(self, _request: Request) -> Response:
        """The only site, or a list of all."""
        if len(self.sites) == 1:
            return RedirectResponse(f"/{next(iter(self.sites))}/{PAGES[0].name}", 302)
        named = {name: asker.plan.site.name for name, asker in self.sites.items()}
        return self._html("sites.html", {"sites": named, "title": "Sites"})

    async def home(self, request: Request) -> Response:
        """The first page of a site."""
        self.site(request.path_params["site"])
        return RedirectResponse(f"/{request.path_params['site']}/{PAGES[0].name}", 302)

    async def page(self, request: Request) -> Response:
        """A page with the cards that are answered by now."""
        asker, page, view, cards = self._asked(request)
        here = f"/{request.path_params['site']}"
        patience = None if "wait" in request.query_params else AT_ONCE
        shapes = await self._shapes(asker, cards, view, here, patience)
        plan = asker.plan
        context = {
            "site": request.path_params["site"], "plan": plan, "page": page, "pages": PAGES, "view": view, "here": here,
            "cards": list(zip(cards, shapes, strict=True)), "title": page.title, "problem": asker.problem,
            "choices": page.choices(plan), "chosen": page.chosen(plan, view),
        }  # fmt: skip
        return self._html("page.html", context)

    async def card(self, request: Request) -> Response:
        """One card, as soon as it is answered."""
        asker, page, view, cards = self._asked(request)
        number = request.path_params["card"]
        if number >= len(cards):
            raise HTTPException(404, "this page has no such card")
        here = f"/{request.path_params['site']}"
        (one,) = await self._shapes(asker, [cards[number]], view, here, None)
        return self._html("card.html", {"card": cards[number], "shape": one, "here": here, "page": page, "view": view})

    def _asked(self, request: Request) -> tuple[Asker, Page, View, Sequence[Card]]:
        asker = self.site(request.path_params["site"])
        name = request.path_params["page"]
        if name not in BY_NAME:
            raise UnknownName("page", name, BY_NAME, "assay")
        view = View.of({name: value for name, value in request.query_params.items() if name != "wait"})
        page = BY_NAME[name]
        return asker, page, view, page.cards(asker.plan, view)

    async def _shapes(
        self, asker: Asker, cards: Sequence[Card], view: View, here: str, patience: float | None
    ) -> list[Shape | None]:
        """Cards in their order; None for one that is not answered after ``patience`` seconds (None: wait for all)."""
        tasks = [asyncio.ensure_future(_shape(asker, card, view, f"{here}/api/v1")) for card in cards]
        if tasks:
            await asyncio.wait(tasks, timeout=patience)
        return [task.result() if task.done() else None for task in tasks]

    async def problem(self, _request: Request, error: Exception) -> Response:
        """What went wrong, and what to do, as a page."""
        known = isinstance(error, HTTPException)
        status = error.status_code if known else 404 if isinstance(error, UnknownName) else 422  # type: ignore[attr-defined]
        text = str(error.detail) if known else str(error)  # type: ignore[attr-defined]
        return self._html(
            "problem.html", {"title": "Not found" if status == 404 else "Not possible", "text": text}, status
        )

    def _html(self, name: str, context: Mapping[str, Any], status: int = 200) -> Response:
        text = self.templates.get_template(name).render(**context)
        return Response(
            text, status, media_type="text/html; charset=utf-8", headers={"cache-control": "private, no-cache"}
        )


async def _shape(asker: Asker, card: Card, view: View, api_: str) -> Shape:
    asked = card.asked(view)
    try:
        return shape(card, await asker.ask(card.question, asked), asked, api_)
    except AssayError as error:
        return broken(card, str(error))


def _templates() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("assay.web", "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    made.policies["json.dumps_kwargs"] = {"sort_keys": False, "ensure_ascii": False}
    return made
