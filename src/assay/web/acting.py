"""What analysts do by clicking: note a change, start, stop and decide a test, keep and rate ideas.

One more act is one entry of ``ACTS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from assay.analyses.experimenting.runs import DECISIONS
from assay.model.errors import AssayError, UnknownName
from assay.model.period import day_of
from assay.plan.values import ChangeKind
from assay.web.access.guard import record
from assay.web.access.rules import requires
from assay.web.building.base import Choices, Field, demand
from assay.web.building.forms import after, form_of
from assay.web.rendering import framed
from assay.web.showing import asker_of

if TYPE_CHECKING:
    from assay.workspace import Workspace

_TEST = Field("name", "Test", "one", required=True, of=lambda choices: tuple(choices.plan.experiments))


@dataclass(frozen=True)
class Act:
    """``run`` does it, with what the form says; ``page``: where it is seen afterwards."""

    name: str
    title: str
    about: str
    fields: tuple[Field, ...]
    run: Callable[[Workspace, Mapping[str, Any]], object]
    page: str
    word: str = "Note it"


def _change(ws: Workspace, said: Mapping[str, Any]) -> object:
    return ws.add_change(
        said["what"], said["kind"] or "deploy", said["date"] or day_of(ws.now, ws.plan.site.timezone), said["link"]
    )


def _start(ws: Workspace, said: Mapping[str, Any]) -> object:
    return ws.start_experiment(said["name"], force=bool(said["force"]))


def _decide(ws: Workspace, said: Mapping[str, Any]) -> object:
    return ws.decide_experiment(said["name"], said["decision"], said["note"] or "")


def _idea(ws: Workspace, said: Mapping[str, Any]) -> object:
    return ws.add_idea(said["title"], said["step"], said["metric"] or "", said["worth"])


def _rate(ws: Workspace, said: Mapping[str, Any]) -> None:
    ws.rate_idea(**said)  # the form's fields are its parameters


ACTS: tuple[Act, ...] = (
    Act(
        "change", "Note a change", "A release, a price, a campaign: every trend is marked with it.",
        (
            Field("what", "What changed", required=True),
            Field("kind", "Kind", "one", of=lambda _c: get_args(ChangeKind), default="deploy"),
            Field("date", "Day", hint="Such as 2027-03-31; today where nothing is said."),
            Field("link", "Link"),
        ),
        _change, "overview",
    ),
    Act(
        "start", "Start a test", "Its plan is locked: what is changed later stands in the read-out.",
        (_TEST, Field("force", "Start although checks have failed", "flag")),
        _start, "experiments?experiment=", "Start it",
    ),
    Act(
        "stop", "Stop a test", "Later exposures do not count.", (_TEST, Field("reason", "Why")),
        lambda ws, said: ws.stop_experiment(said["name"], said["reason"] or ""), "experiments?experiment=", "Stop it",
    ),
    Act(
        "decide", "Decide a test", "What was decided is written down with the reading that it stands on.",
        (_TEST, Field("decision", "Decision", "one", required=True, of=lambda _c: DECISIONS),
         Field("note", "What was learnt")),
        _decide, "experiments?experiment=", "Write it down",
    ),
    Act(
        "learnt", "Note what was learnt", "It is found again by search, before the same is tested twice.",
        (_TEST, Field("text", "What was learnt", required=True)),
        lambda ws, said: ws.note_experiment(said["name"], said["text"]), "experiments?experiment=",
    ),
    Act(
        "idea", "Keep an idea", "Ideas are ordered by what they are worth, how sure and how hard they are.",
        (
            Field("title", "The idea", required=True),
            Field("metric", "Moves", "one", of=lambda choices: tuple(choices.plan.metrics)),
            Field("step", "Where", hint="A step of a funnel or a page."),
            Field("worth", "Worth a year", "number"),
        ),
        _idea, "experiments",
    ),
    Act(
        "rate", "Rate an idea", "",
        (
            Field("no", "Number of the idea", "number", required=True),
            Field("confidence", "How sure, 1 to 10", "number"),
            Field("effort", "How hard, 1 to 10", "number"),
            Field("evidence", "What it stands on"),
            Field("experiment", "Tested by", "one", of=lambda choices: tuple(choices.plan.experiments)),
            Field("status", "Status"),
        ),
        _rate, "experiments",
    ),
)  # fmt: skip
BY_NAME = {one.name: one for one in ACTS}


def routes() -> list[BaseRoute]:
    """For the application of a workspace."""
    return [Route("/act/{act}", form, methods=["GET"]), Route("/act/{act}", done, methods=["POST"])]


def _act(request: Request) -> Act:
    name = request.path_params["act"]
    if name not in BY_NAME:
        raise UnknownName("act", name, BY_NAME, "assay")
    return BY_NAME[name]


@requires("analyst", key=False)
async def form(request: Request) -> Response:
    """The form of an act."""
    return await _formed(request, _act(request), dict(request.query_params))


async def _formed(
    request: Request, act: Act, values: Mapping[str, Any], error: str = "", status: int = 200
) -> Response:
    choices = Choices((await asker_of(request)).plan)
    return framed(request, "act.html", status, title=act.title, act=act, values=values, choices_of=choices, error=error)


@requires("analyst", key=False)
async def done(request: Request) -> Response:
    """Do it."""
    act, asker = _act(request), await asker_of(request)
    given = await form_of(request)
    try:
        said = {one.name: one.read(given) for one in act.fields}
        demand(act.fields, said)
        await asker.act(lambda ws: act.run(ws, said))
    except AssayError as error:
        return await _formed(request, act, {name: "".join(of[:1]) for name, of in given.items()}, str(error), 422)
    name = str(said.get("name") or "")
    await record(request, "noted", act.title, name or str(next(iter(said.values()))))
    return RedirectResponse(after(request, act.page, name), 303)
