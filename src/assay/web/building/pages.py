"""The pages of building: all building blocks; one as a form; what it would have counted; the difference; keeping it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import yaml
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from assay.model.errors import AssayError, UnknownName
from assay.plan.load import raw
from assay.plan.templates import STAGES, template, templates
from assay.plan.templates.apply import application
from assay.web.access.guard import record
from assay.web.access.rules import requires
from assay.web.building import BY_NAME, KINDS, plans
from assay.web.building.base import Choices, Form, Kind
from assay.web.building.forms import after, form_of
from assay.web.cards import Shape, broken, shape
from assay.web.pages.base import Card
from assay.web.rendering import framed
from assay.web.showing import asker_of

if TYPE_CHECKING:
    from pathlib import Path

    from assay.web.asking import Asker
    from assay.web.building.plans import Change


@dataclass(frozen=True)
class Tried:
    """What somebody built: what would be written, and what it would have counted."""

    change: Change
    entry: str
    shape: Shape


def routes() -> list[BaseRoute]:
    """For the application of a workspace."""
    return [
        Route("/build", blocks, methods=["GET"]),
        Route("/build/ready/{name}", ready, methods=["GET"]),
        Route("/build/ready/{name}", keep_ready, methods=["POST"]),
        Route("/build/{kind}", form, methods=["GET"]),
        Route("/build/{kind}", built, methods=["POST"]),
        Route("/build/{kind}/{name}", form, methods=["GET"]),
        Route("/build/{kind}/{name}", built, methods=["POST"]),
    ]


def _kind(request: Request) -> Kind:
    name = request.path_params["kind"]
    if name not in BY_NAME:
        raise UnknownName("building block", name, BY_NAME, "assay")
    return BY_NAME[name]


@requires("analyst", key=False)
async def blocks(request: Request) -> Response:
    """Everything that can be built, and what there is."""
    asker = await asker_of(request)
    values = await run_in_threadpool(raw, asker.folder)
    there = {kind.name: list(values.get(kind.section) or {}) for kind in KINDS}
    taken = set(values.get("metrics") or {})
    offered = [(stage, [one for one in templates().values() if one.stage == stage]) for stage in STAGES]
    return framed(request, "build/blocks.html", title="Build", kinds=KINDS, there=there, offered=offered, taken=taken)


@requires("analyst", key=False)
async def form(request: Request) -> Response:
    """The form of one building block: empty, or as it stands in the plan."""
    asker, kind, name = await asker_of(request), _kind(request), request.path_params.get("name", "")
    values: Mapping[str, Any] = {}
    if name:
        entry = await run_in_threadpool(plans.entry_of, asker.folder, kind.section, name)
        if entry is None:
            raise UnknownName(kind.title.lower(), name, raw(asker.folder).get(kind.section) or {}, "assay")
        values = kind.shown(entry)
    return await _formed(request, kind, name, values)


async def _formed(
    request: Request, kind: Kind, name: str, values: Mapping[str, Any], status: int = 200, **more: Any
) -> Response:
    shown: dict[str, Any] = {"error": "", "tried": None, "rows": kind.length(values), "given": name, **more}
    asker = await asker_of(request)
    choices = Choices(asker.plan, await _seen(asker))
    old = request.path_params.get("name", "")
    title = f"{kind.title} {old}" if old else f"A new {kind.word}"
    return framed(
        request, "build/form.html", status, title=title, kind=kind, values=values, choices_of=choices, old=old, **shown
    )


async def _seen(asker: Asker) -> tuple[str, ...]:
    """Events that came, those that came most first."""
    try:
        answer = await asker.ask("tracking")
    except AssayError:
        return ()
    rows = [row for row in answer.records() if row.get("live")]
    return tuple(str(row["event"]) for row in sorted(rows, key=lambda row: -int(str(row["live"]))))


@requires("analyst", key=False)
async def built(request: Request) -> Response:
    """A form sent: more rows, a trial, keeping it, or taking it away."""
    kind, given = _kind(request), await form_of(request)
    old = request.path_params.get("name", "")
    name = old or "".join(given.get("name", [""])[:1]).strip()
    act = "".join(given.get("act", ["try"])[:1])
    values = kind.filled(given)
    if act == "more":
        return await _formed(request, kind, name, values, rows=kind.length(values, 1))
    try:
        if act == "remove" and old:
            return await _removing(request, kind, old, given)
        tried = await _tried(request, kind, name, bool(old), given)
        if act == "keep":
            await _kept(request, tried.change, given)
            await record(request, "plan", f"{kind.section}.{name}", "changed" if old else "added")
            return RedirectResponse(after(request, kind.page, name), 303)
    except AssayError as error:
        return await _formed(request, kind, name, values, 422, error=str(error))
    return await _formed(request, kind, name, values, tried=tried)


async def _tried(request: Request, kind: Kind, name: str, renewed: bool, given: Form) -> Tried:
    asker = await asker_of(request)
    before = await run_in_threadpool(plans.entry_of, asker.folder, kind.section, name) if renewed else None
    entry = kind.entry(given, before)
    change = await run_in_threadpool(plans.put, asker.folder, kind.section, name, entry, renewed)
    return Tried(change, _yaml({name: entry}), await _trial(asker, kind, name, entry))


async def _trial(asker: Asker, kind: Kind, name: str, entry: Any) -> Shape:
    """What the entry would have counted in the last four weeks of the data, as a card."""
    wanted = kind.trial(name, entry)
    card = Card("What it would have counted", wanted.question, wanted.values)
    try:
        plan = await run_in_threadpool(plans.trial, asker.folder, kind.section, name, entry, wanted.more)
        card = replace(card, plan=plan)
        return shape(card, await asker.tried(plan, wanted.question, wanted.values), wanted.values, "")
    except AssayError as error:
        return broken(card, str(error))


async def _kept(request: Request, change: Change, given: Form) -> None:
    await run_in_threadpool(plans.write, change, "".join(given.get("seen", [""])[:1]))
    (await asker_of(request)).look()


async def _removing(request: Request, kind: Kind, name: str, given: Form) -> Response:
    asker = await asker_of(request)
    change = await run_in_threadpool(plans.drop, asker.folder, kind.section, name)
    if "seen" in given:
        await _kept(request, change, given)
        await record(request, "plan", f"{kind.section}.{name}", "removed")
        return RedirectResponse(f"{request.state.root}/build", 303)
    return framed(request, "build/remove.html", title=f"Remove {name}", kind=kind, old=name, change=change)


@requires("analyst", key=False)
async def ready(request: Request) -> Response:
    """A ready metric: what it is, what it needs, what would be written."""
    return await _ready(request)


@requires("analyst", key=False)
async def keep_ready(request: Request) -> Response:
    """A ready metric into the plan."""
    given = await form_of(request)
    name = request.path_params["name"]
    try:
        change = await run_in_threadpool(_with_ready, (await asker_of(request)).folder, name)
        await _kept(request, change, given)
    except AssayError as error:
        return await _ready(request, str(error), 422)
    await record(request, "plan", f"metrics.{name}", "added")
    return RedirectResponse(f"{request.state.root}/kpi?metric={template(name).main}", 303)


async def _ready(request: Request, error: str = "", status: int = 200) -> Response:
    chosen = template(request.path_params["name"])
    folder, change = (await asker_of(request)).folder, None
    try:
        change = await run_in_threadpool(_with_ready, folder, chosen.name)
    except AssayError as problem:
        error = error or str(problem)
    return framed(
        request,
        "build/ready.html",
        status,
        title=chosen.name.replace("_", " "),
        ready=chosen,
        change=change,
        error=error,
    )


def _with_ready(folder: Path, name: str) -> Change:
    return plans.add(folder, application(template(name), raw(folder)).additions)


def _yaml(value: Any) -> str:
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)
    return text
