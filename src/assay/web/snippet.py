"""The tag for the pages, and whether it works: looked at again until the first event is here."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from assay.analyses.ledger import INTAKE
from assay.collect.arriving import Arriving
from assay.collect.keys import public, sources
from assay.collect.scripts import MODULES
from assay.collect.snippet import Tag
from assay.collect.spool import Stream
from assay.web.access.rules import requires
from assay.web.rendering import framed, html
from assay.workspace import DATA


def routes() -> list[BaseRoute]:
    """For the application of a workspace."""
    return [Route("/snippet", snippet, methods=["GET"]), Route("/snippet/check", check, methods=["GET"])]


@requires("viewer", key=False)
async def snippet(request: Request) -> Response:
    """The tag, with the modules that are chosen, and the live check."""
    site = request.state.site
    chosen = tuple(name for name in MODULES if name in request.query_params)
    key = await run_in_threadpool(public, site.access.state, site.access.now)
    domains = ",".join(site.plan.site.domains[1:]) if site.plan else ""
    tag = Tag(site.collector, key, chosen, domains=domains)
    said = await run_in_threadpool(_said, request)
    return framed(
        request, "snippet.html", title="Bring in events", tag=tag.html, modules=tuple(MODULES), chosen=chosen,
        said=said, seen="is here" in said,
    )  # fmt: skip


@requires("viewer", key=False)
async def check(request: Request) -> Response:
    """What has come of it by now."""
    said = await run_in_threadpool(_said, request)
    return html("snippet_check.html", 200, said=said, seen="is here" in said, here=request.state.root)


def _said(request: Request) -> str:
    site = request.state.site
    known = sources(site.access.state.read("keys"))
    found = ""
    for source in dict.fromkeys(one.name for one in known.values()):
        label = Stream(source, "own").label
        for folder in (site.folder / DATA / INTAKE, site.folder / DATA / "segments"):
            told = Arriving(folder, label).look() or ""
            if "is here" in told:
                return told
            found = told or found
    return found
