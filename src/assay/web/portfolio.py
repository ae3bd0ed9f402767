"""Several workspaces at once: the headline and the KPIs of each that somebody may see."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from assay.model.errors import AssayError
from assay.web.access.guard import everywhere
from assay.web.access.values import VIEWER
from assay.web.cards import Shape, broken, shape
from assay.web.pages.base import Card, View
from assay.web.rendering import html

if TYPE_CHECKING:
    from assay.web.site import Site


@dataclass(frozen=True)
class Part:
    """One workspace. ``shape`` None: whoever asks is not signed in there, or it has no plan yet.

    ``doubt``: why its numbers do not hold now.
    """

    slug: str
    title: str
    entered: bool
    shape: Shape | None
    doubt: str = ""


async def portfolio(request: Request, sites: Sequence[Site]) -> Response:
    """All workspaces of the server; figures only of those that whoever asks may see."""
    who = await run_in_threadpool(everywhere, request.scope, [site.access for site in sites])
    parts = await asyncio.gather(*(_part(site, one.may(VIEWER)) for site, one in zip(sites, who, strict=True)))
    return html("portfolio.html", 200, parts=parts, title="All sites", no_view=View())


async def _part(site: Site, entered: bool) -> Part:
    if not entered or site.asker is None:
        return Part(site.slug, site.slug, entered, None)
    card = Card(
        f"Scorecard of {site.slug}", "overview", {"daily": "true"}, "tiles", plan=site.asker.plan, about="its KPIs"
    )
    try:
        made = shape(card, await site.asker.ask(card.question, card.values), card.values, "")
    except AssayError as error:
        made = broken(card, str(error))
    return Part(site.slug, site.asker.plan.site.name, entered, made, site.doubt)
