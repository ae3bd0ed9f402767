"""What people keep: views by a name, and boards, which are pages of their own cards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from assay.analyses import BY_NAME
from assay.analyses.given import checked
from assay.model.errors import UsageError
from assay.web.access import audit
from assay.web.access.guard import record_of
from assay.web.access.pages import form_of
from assay.web.access.redirects import own
from assay.web.access.rules import requires
from assay.web.pages.base import Card, Page, View
from assay.web.rendering import framed
from assay.web.showing import answered, asker_of

if TYPE_CHECKING:
    from assay.store.state import State

FIRST = "Ours"  # the board that a card goes to where none is named
SHOWN = ("answer", "table", "tiles", "told", "funnel", "verdict")
LONGEST = 60  # characters of a board's name, and a hundred more of a title


def routes() -> list[BaseRoute]:
    """For the application of a workspace."""
    return [
        Route("/kept", kept, methods=["GET"]),
        Route("/kept", act, methods=["POST"]),
        Route("/boards/{board}", board, methods=["GET"]),
    ]


@requires("viewer")
async def kept(request: Request) -> Response:
    """All views and boards."""
    return await _page(request)


async def _page(request: Request, error: str = "", status: int = 200) -> Response:
    state: State = request.state.doors.state
    views, boards = await run_in_threadpool(lambda: (state.read("views"), state.read("boards")))
    picked = dict(request.query_params)
    return framed(
        request, "kept.html", status, title="Kept views and boards", views=views, boards=boards, error=error,
        view=View(), wanted=picked.get("view", ""), title_wanted=picked.get("title", ""),
    )  # fmt: skip


@requires("viewer")
async def board(request: Request) -> Response:
    """A board: its cards, under the picks of all pages."""
    asker = await asker_of(request)
    name = request.path_params["board"]
    rows = await run_in_threadpool(request.state.doors.state.read, "board", board=name)
    if not rows:
        raise HTTPException(404, f"there is no board {name[:60]!r}; cards come onto one by their menu")

    made = {row["no"]: _card(row) for row in rows if row["question"] in BY_NAME}
    page = Page(f"boards/{name}", name, "", lambda _plan, _view: list(made.values()), about="A board of kept cards.")
    return await answered(request, asker, page, take_away={card.anchor: no for no, card in made.items()})


def _card(row: dict[str, Any]) -> Card:
    return Card(row["title"], row["question"], json.loads(row["params"]), row["shown"], 6, about="what was kept")


@requires("analyst", key=False)
async def act(request: Request) -> Response:
    """Keep or take away a view or a card."""
    (access, who), given = record_of(request), await form_of(request)
    acts = {"view": _view, "view-away": _away, "card": _put_card, "card-away": _away}
    try:
        if given.get("act") not in acts:
            raise UsageError("there is no such act")
        to, about = await run_in_threadpool(acts[given["act"]], access.state, given, who.actor.who, access.now)
    except UsageError as error:
        return await _page(request, str(error), 422)
    await run_in_threadpool(audit.note, access.state, who.actor, "kept", access.now, about)
    return RedirectResponse(f"{request.state.root}{to}", 303)


def _view(state: State, given: dict[str, str], who: str, now: int) -> tuple[str, str]:
    title, view = _words(given, "title", LONGEST + 100), given.get("view", "").strip()[:2000]
    if own(view) is None:
        raise UsageError(f"{view[:60]!r} is no view of this workspace")
    state.write("add_view", title=title, view=view, made_by=who, now=now)
    return view, f"view {title}"


def _put_card(state: State, given: dict[str, str], who: str, now: int) -> tuple[str, str]:
    name, title = _words({"board": FIRST, **given}, "board", LONGEST), _words(given, "title", LONGEST + 100)
    question, shown = given.get("question", ""), given.get("shown", "answer")
    try:
        params = json.loads(given.get("params", "{}"))
    except ValueError:
        params = None
    if question not in BY_NAME or shown not in SHOWN or not isinstance(params, dict) or "/" in name:
        raise UsageError("that is no card")
    checked(BY_NAME[question], (), params)
    state.write(
        "add_board_card", board=name, title=title, question=question, params=json.dumps(params), shown=shown,
        made_by=who, now=now,
    )  # fmt: skip
    return f"/boards/{quote(name, safe='')}", f"card {title} on {name}"


def _away(state: State, given: dict[str, str], _who: str, _now: int) -> tuple[str, str]:
    number = given.get("no", "")
    if not (number.isascii() and number.isdigit()) or len(number) > 15:
        raise UsageError("which one?")
    what = "view" if given["act"] == "view-away" else "board_card"
    if not state.write(f"remove_{what}", no=int(number)):
        raise UsageError("it is not there any more")
    return "/kept", f"{what.replace('_', ' ')} {number}"


def _words(given: dict[str, str], name: str, most: int) -> str:
    text = "".join(one for one in given.get(name, "") if one.isprintable()).strip()[:most]
    if not text:
        raise UsageError(f"it needs a {name}")
    return text
