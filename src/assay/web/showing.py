"""A page of cards: all are asked at once, what is not answered within a moment comes by itself when it is ready."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from assay.model.errors import AssayError
from assay.web.cards import Shape, broken, shape
from assay.web.pages.base import Card, Page, View
from assay.web.rendering import framed

if TYPE_CHECKING:
    from assay.web.asking import Asker

TOLD = "told-"  # before the number of a card: how far its question is
AT_ONCE = 0.8  # seconds that a page waits for its cards


async def asker_of(request: Any) -> Asker:
    """What answers the questions of a request; 409 while there is no plan."""
    asker: Asker | None = request.state.site.asker
    if asker is None:
        raise HTTPException(409, "this workspace has no plan yet")
    return asker


async def answered(request: Request, asker: Asker, found: Page, **more: Any) -> Response:
    """A page with the cards that are answered by now; with ``part`` only that card, as soon as it is answered.

    ``part=told-N``: how far the question of that card is.
    """
    view = View.of({name: value for name, value in request.query_params.items() if name not in ("wait", "part")})
    cards = found.cards(asker.plan, view)
    part = request.query_params.get("part")
    if part is not None and part.startswith(TOLD):
        return _told(asker, view, _chosen(part.removeprefix(TOLD), cards))
    if part is not None:
        return await _part(request, asker, found, view, cards, **more)
    patience = None if "wait" in request.query_params else AT_ONCE
    shapes = await _shapes(asker, cards, view, _api(request), patience)
    return framed(
        request, "page.html", page=found, view=view, cards=list(zip(cards, shapes, strict=True)), title=found.title,
        choices=found.choices(asker.plan), chosen=found.chosen(asker.plan, view),
        **more,
    )  # fmt: skip


def _chosen(number: str, cards: Sequence[Card]) -> Card:
    if not (number.isascii() and number.isdigit() and int(number) < len(cards)):
        raise HTTPException(404, "this page has no such card")
    return cards[int(number)]


def _told(asker: Asker, view: View, card: Card) -> Response:
    """What is being done for a card, and how far, in one line; nothing where nothing is known."""
    told = asker.told(card.question, card.asked(view))
    return HTMLResponse(escape(told)) if told else Response(status_code=204)


async def _part(
    request: Request, asker: Asker, found: Page, view: View, cards: Sequence[Card], **more: Any
) -> Response:
    card = _chosen(request.query_params["part"], cards)
    (one,) = await _shapes(asker, [card], view, _api(request), None)
    return framed(request, "card.html", card=card, shape=one, page=found, view=view, **more)


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
