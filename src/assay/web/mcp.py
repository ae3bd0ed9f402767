"""The Model Context Protocol: a tool per question, made from its ``Params`` as the API is, reading only.

Over stdio (``stdio``) and, without sessions, over HTTP (``Endpoint``). Needs the extra ``mcp``.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from functools import cache
from typing import TYPE_CHECKING, Any, get_args

import assay
from assay.analyses import BY_NAME, QUESTIONS
from assay.model.errors import AssayError, UnknownName, UsageError
from assay.report import render
from assay.report.exporters.json import document
from assay.web.api import AskerOf, known, offered, remote
from assay.web.llms import ABOUT, READING, text
from assay.web.shapes import read, shape

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mcp.server.lowlevel import Server
    from mcp_types import CallToolResult, Resource, Tool
    from starlette.types import Message, Receive, Scope, Send

    from assay.analyses.base import Question
    from assay.model.answer import Answer
    from assay.web.asking import Asker

ROWS = 200  # of a table in Markdown; the structured content has all
LARGEST = 1_000_000  # bytes of a request
CATALOGUE, EXACTLY, GUIDE = "assay://catalogue", "assay://catalogue.json", "assay://llms.txt"
_log = logging.getLogger("assay.web")


def needed() -> None:
    """Raise UsageError where the extra is not installed."""
    try:
        import mcp.server.streamable_http_manager  # noqa: F401
    except ImportError:
        raise UsageError("the Model Context Protocol needs the extra mcp: pip install 'assay[mcp]'") from None


# -- what there is ---------------------------------------------------------------------------------------------------


@cache
def tools() -> tuple[Tool, ...]:
    """A tool for every question that can be asked from afar."""
    return tuple(_tool(question) for question in QUESTIONS if offered(question))


def _tool(question: Question) -> Tool:
    from mcp_types import Tool, ToolAnnotations

    about = " ".join((inspect.getdoc(question.answer) or "").split())
    return Tool(
        name=question.name,
        title=question.name.replace("-", " ").capitalize(),
        description=f"{question.summary} {about}".strip(),
        input_schema=_schema(question),
        annotations=ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
    )


def _schema(question: Question) -> dict[str, Any]:
    fields = remote(question.Params)
    made: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
    for name, field in fields.items():
        made["properties"][name] = {**_kind(shape(field)), **_said(field)}
    required = [name for name, field in fields.items() if field.is_required()]
    return {**made, "required": required} if required else made


def _kind(annotation: Any) -> dict[str, Any]:
    from pydantic import TypeAdapter

    (given,) = [one for one in get_args(annotation) if one is not type(None)]
    found: dict[str, Any] = TypeAdapter(given).json_schema()
    return found


def _said(field: Any) -> dict[str, Any]:
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    said = {"description": field.description} if field.description else {}
    return {**said, "default": default} if isinstance(default, bool | int | float | str) else said


def _resources() -> list[Resource]:
    from mcp_types import Resource

    return [
        Resource(
            uri=CATALOGUE, name="catalogue", mime_type="text/markdown",
            description="Every metric, funnel, goal, segment and cohort of the measurement plan, in words.",
        ),
        Resource(
            uri=EXACTLY, name="catalogue as JSON", mime_type="application/json",
            description="The same with ids, numerators, denominators, windows, time zones and rules.",
        ),
        Resource(
            uri=GUIDE, name="llms.txt", mime_type="text/plain",
            description="What assay is, what can be asked, how figures read, which names this workspace has.",
        ),
    ]  # fmt: skip


# -- asking ----------------------------------------------------------------------------------------------------------


def server(asker: Asker) -> Server[Any]:
    """A server of the protocol over one workspace; it may serve any number of clients."""
    from mcp.server.lowlevel import Server
    from mcp.shared.exceptions import MCPError
    from mcp_types import INVALID_PARAMS, ListResourcesResult, ListToolsResult, ReadResourceResult, TextResourceContents

    async def list_tools(_context: Any, _params: Any) -> ListToolsResult:
        return ListToolsResult(tools=list(tools()))

    async def call_tool(_context: Any, params: Any) -> CallToolResult:
        names = [one.name for one in tools()]
        if params.name not in names:
            raise MCPError(INVALID_PARAMS, str(UnknownName("tool", params.name, names, "assay")))
        return await _called(asker, BY_NAME[params.name], params.arguments or {})

    async def list_resources(_context: Any, _params: Any) -> ListResourcesResult:
        return ListResourcesResult(resources=_resources())

    async def read_resource(_context: Any, params: Any) -> ReadResourceResult:
        kinds = {one.uri: one.mime_type for one in _resources()}
        uri = str(params.uri)
        if uri not in kinds:
            raise MCPError(INVALID_PARAMS, str(UnknownName("resource", uri, kinds, "assay")))
        try:
            said = await _resource(asker, uri)
        except AssayError as error:
            raise MCPError(INVALID_PARAMS, str(error)) from error
        return ReadResourceResult(contents=[TextResourceContents(uri=uri, mime_type=kinds[uri], text=said)])

    return Server(
        "assay", version=assay.__version__, title=f"assay: {asker.plan.site.name}", instructions=_instructions(asker),
        on_list_tools=list_tools, on_call_tool=call_tool, on_list_resources=list_resources,
        on_read_resource=read_resource,
    )  # fmt: skip


def _instructions(asker: Asker) -> str:
    first = (
        f"This is the workspace of {asker.plan.site.name}. Call catalog first: it names metrics, funnels and segments."
    )
    return "\n".join((ABOUT, first, *READING))


async def _called(asker: Asker, question: Question, given: Mapping[str, Any]) -> CallToolResult:
    """An answer, or what is wrong in words that help: never a traceback."""
    try:
        answer = await asker.ask(question.name, values(question, given))
    except AssayError as error:
        return _failed(error.code, str(error))
    except Exception as error:
        _log.exception("the question %s failed", question.name)
        return _failed("defect", f"a defect in assay ({type(error).__name__}); the log of the server says where")
    return _answered(answer)


def values(question: Question, given: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as the question wants them. Raises UnknownName for one that may not come from afar, UsageError."""
    fields = remote(question.Params)
    known(given, fields, question.name)
    return {name: read(fields[name], one) for name, one in given.items() if one is not None}


def _answered(answer: Answer) -> CallToolResult:
    from dataclasses import replace

    from mcp_types import CallToolResult, TextContent

    left = len(answer.rows) - ROWS
    shown = answer
    if left > 0:
        more = f"{left:,} more rows are not shown in this text; the structured content has them all"
        shown = replace(answer, rows=answer.rows[:ROWS], notes=(*answer.notes, more))
    return CallToolResult(content=[TextContent(text=render(shown, "md"))], structured_content=document(answer))


def _failed(code: str, message: str) -> CallToolResult:
    from mcp_types import CallToolResult, TextContent

    said = {"error": {"code": code, "message": message}}
    return CallToolResult(content=[TextContent(text=message)], structured_content=said, is_error=True)


async def _resource(asker: Asker, uri: str) -> str:
    if uri == GUIDE:
        return text(asker.plan)
    return render(await asker.ask("catalog"), "md" if uri == CATALOGUE else "json")


# -- transports ------------------------------------------------------------------------------------------------------


async def stdio(folder: Path) -> None:
    """Serve a workspace over stdin and stdout until stdin ends. Raises AssayError before anything is served."""
    import signal

    from mcp.server.stdio import stdio_server

    from assay.web.asking import Asker

    asker = Asker(folder)
    try:
        made = server(asker)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a thread that waits for stdin would hold Ctrl-C up
        async with stdio_server() as (incoming, outgoing):
            await made.run(incoming, outgoing, made.create_initialization_options())
    finally:
        asker.close()


class Endpoint:
    """``/mcp``: each request stands for itself and is answered with JSON, so nothing is kept or has to be ended.

    Who may come in, and under which host's name, is for the guard before it to say.
    """

    def __init__(self, asker_of: AskerOf) -> None:
        self._asker_of = asker_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        from starlette.exceptions import HTTPException
        from starlette.responses import JSONResponse

        try:
            made = await self._server(scope)
        except HTTPException as error:
            said = {"error": {"code": "not_possible", "message": error.detail}}
            await JSONResponse(said, error.status_code, error.headers)(scope, receive, send)
            return
        await _while_connected(made, scope, receive, send)

    async def _server(self, scope: Scope) -> Server[Any]:
        from starlette.concurrency import run_in_threadpool
        from starlette.exceptions import HTTPException
        from starlette.requests import Request

        if scope["method"] != "POST":  # no stream of the server's own, no session to end
            raise HTTPException(405, "send requests with POST", {"allow": "POST"})
        try:
            await run_in_threadpool(needed)  # the first time it takes a moment
        except UsageError as error:
            raise HTTPException(501, str(error)) from error
        return server(await self._asker_of(Request(scope)))


async def _while_connected(made: Server[Any], scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request. Who has gone is not answered, and what they asked is broken off."""
    import anyio
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    heard: asyncio.Queue[Message] = asyncio.Queue(16)
    manager = StreamableHTTPSessionManager(made, json_response=True, stateless=True, max_request_body_size=LARGEST)
    async with anyio.create_task_group() as group:

        async def listen() -> None:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    group.cancel_scope.cancel()
                    return
                await heard.put(message)

        group.start_soon(listen)
        async with manager.run():
            await manager.handle_request(scope, heard.get, send)
        group.cancel_scope.cancel()
