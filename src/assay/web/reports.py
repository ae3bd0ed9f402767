"""The report for executives, to take away: PDF, HTML, Markdown, or the sealed JSON."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from assay.jobs import made_report
from assay.model.errors import UsageError
from assay.report.making import writer
from assay.web.access.guard import record
from assay.web.access.rules import requires
from assay.web.showing import asker_of

if TYPE_CHECKING:
    from assay.workspace import Workspace

TYPES = {
    "pdf": "application/pdf", "html": "text/html; charset=utf-8", "md": "text/markdown; charset=utf-8",
    "json": "application/json",
}  # fmt: skip


def routes() -> list[BaseRoute]:
    """For the application of a workspace."""
    return [Route("/report.{form}", report, methods=["GET"])]


@requires("viewer")
async def report(request: Request) -> Response:
    """The report of the picked days, or of one experiment, as a file."""
    form, given = request.path_params["form"], request.query_params
    writes = writer(f".{form}")  # a mistake is told before the work
    asker = await asker_of(request)
    first, last, experiment = _day(given.get("from")), _day(given.get("to")), given.get("experiment") or None

    def made(workspace: Workspace) -> bytes:
        return writes.write(made_report(workspace, first, last, experiment))

    content: Any = await asker.act(made)
    await record(request, "export", f"report.{form}")
    name = f'attachment; filename="report.{form}"'
    return Response(content, headers={"content-type": TYPES[form], "content-disposition": name})


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError(f"{(text or '')[:30]!r} is no day; write it as 2026-09-30") from None
