"""Events as they come in: the last ones, looked at again every two seconds while the page is open."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from assay.analyses.ledger import INTAKE
from assay.collect import trace
from assay.web.access.rules import requires
from assay.web.rendering import framed, html
from assay.workspace import DATA

_SHOWN = ("path", "visitor", "user", "order_id", "amount")


def routes() -> list[BaseRoute]:
    """For the application of a workspace."""
    return [Route("/live", live, methods=["GET"]), Route("/live/events", events, methods=["GET"])]


@requires("analyst", key=False)
async def live(request: Request) -> Response:
    """The page."""
    told = await run_in_threadpool(_told, request)
    return framed(
        request, "live.html", title="Events as they come in", told=told, steps="steps" in request.query_params
    )


@requires("analyst", key=False)
async def events(request: Request) -> Response:
    """The list alone."""
    told = await run_in_threadpool(_told, request)
    return html("live_events.html", 200, told=told, here=request.state.root, steps="steps" in request.query_params)


def _told(request: Request) -> list[dict[str, Any]]:
    site = request.state.site
    folder = site.folder / DATA / INTAKE
    trace.watch(folder)
    zone = ZoneInfo(site.plan.site.timezone if site.plan else "UTC")
    return [_row(one, zone) for one in trace.latest(folder)]


def _row(told: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    line: dict[str, Any] = told.get("line") or {}
    became = (
        f"refused: {told['refused']}"
        if "refused" in told
        else f"in quarantine: {line['held']}"
        if line.get("held")
        else ""
    )
    marks = [line["environment"]] if line.get("environment", "live") != "live" else []
    return {
        "at": datetime.fromtimestamp((told.get("at") or 0) / 1e6, zone).strftime("%H:%M:%S"),
        "name": str(told.get("name")), "source": str(told.get("source") or ""), "became": became,
        "marks": [*marks, *(["bot"] if line.get("bot") else [])],
        "about": [(name, str(line[name])[:80]) for name in _SHOWN if line.get(name)],
        "steps": [(step["step"], _put(step["put"])) for step in told.get("steps", ())],
    }  # fmt: skip


def _put(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)[:80]}" for name, value in values.items())
