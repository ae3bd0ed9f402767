"""The first hour: a folder without a plan asks what it is for, and writes the first one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from zoneinfo import available_timezones

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from assay.model.errors import AssayError
from assay.plan.load import loads
from assay.plan.starting import DEFAULT, first, start
from assay.plan.templates import STARTERS
from assay.web.access.guard import record
from assay.web.access.pages import form_of
from assay.web.access.rules import requires
from assay.web.rendering import framed

_ASKED = ("template", "name", "timezone", "currency")


@dataclass(frozen=True)
class Offer:
    """A first plan in words: names of what it has."""

    name: str
    text: str
    kpis: tuple[str, ...]
    guardrails: tuple[str, ...]
    funnels: tuple[str, ...]
    tests: tuple[str, ...]


@cache
def offers() -> tuple[Offer, ...]:
    """The first plans, read as they would be written."""
    found = []
    for name, text in STARTERS.items():
        plan = loads(first("x", "UTC", "EUR", name))
        sides = {True: [], False: []}  # type: dict[bool, list[str]]
        for metric, kpi in plan.kpis.items():
            sides[kpi.guardrail].append(metric.replace("_", " "))
        words = [tuple(one.replace("_", " ") for one in part) for part in (plan.funnels, plan.experiments)]
        found.append(Offer(name, text, tuple(sides[False]), tuple(sides[True]), *words))
    return tuple(found)


def routes() -> list[BaseRoute]:
    """For the application of a workspace."""
    return [Route("/start", choose, methods=["GET"]), Route("/start", chosen, methods=["POST"])]


@requires("viewer", key=False)
async def choose(request: Request) -> Response:
    """What it is for; where there is a plan already, on to the numbers."""
    if request.state.site.asker is not None:
        return RedirectResponse(f"{request.state.root}/", 302)
    return _page(request, dict.fromkeys(_ASKED, ""))


@requires("admin", key=False)
async def chosen(request: Request) -> Response:
    """Write the first plan."""
    site, given = request.state.site, await form_of(request)
    words = {name: given.get(name, "").strip() for name in _ASKED}
    try:
        await run_in_threadpool(
            start, site.folder, words["template"] or DEFAULT, words["name"] or None, words["timezone"] or "UTC",
            words["currency"].upper() or "EUR",
        )  # fmt: skip
        await run_in_threadpool(request.state.server.look, site)
    except AssayError as error:
        return _page(request, words, str(error), 422)
    await record(request, "plan", words["template"], "the first one")
    return RedirectResponse(f"{request.state.root}/snippet", 303)


def _page(request: Request, given: dict[str, str], error: str = "", status: int = 200) -> Response:
    return framed(
        request, "start.html", status, title="What do you want to measure?", offered=offers(), given=given, error=error,
        zones=sorted(available_timezones()), waiting=request.state.site.waiting, default=DEFAULT,
        folder=request.state.site.folder.resolve().name,
    )  # fmt: skip
