"""What a workspace has for programs beside its API: ``/mcp``, ``/llms.txt`` and ``/metrics``."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from assay.web import llms, metrics
from assay.web.access.asked import Asked
from assay.web.access.guard import record_of
from assay.web.access.rules import requires
from assay.web.api import AskerOf
from assay.web.mcp import Endpoint


def routes(asker_of: AskerOf) -> list[BaseRoute]:
    """For the application of one workspace; a key of scope read is enough for all of them."""

    @requires("viewer")
    async def guide(request: Request) -> Response:
        access, _ = record_of(request)
        asked = Asked(dict(request.scope), access)
        try:
            plan = (await asker_of(request)).plan
        except HTTPException:  # no plan yet: what can be asked is the same
            plan = None
        return PlainTextResponse(llms.text(plan, asked.origin + asked.root))

    @requires("viewer")
    async def measured(request: Request) -> Response:
        access, _ = record_of(request)
        asker = await asker_of(request)
        found = await metrics.measure(access.slug, asker, access.state, access.now)
        body, media = metrics.exposition([found], request.headers.get("accept", ""))
        return Response(body, headers={"content-type": media})

    return [
        Route("/mcp", requires("viewer")(Endpoint(asker_of))),
        Route("/llms.txt", guide),
        Route("/metrics", measured),
    ]
