"""``/api/v1/<question>``: every question over HTTP by its own ``Params``; ``.csv`` and ``.md`` beside JSON.

Made from the questions: nothing here is written for one of them. Reading only: parameters that write, or that name a
file of the server, are left out.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from assay.analyses import QUESTIONS
from assay.model.errors import AssayError, MachineError, UnknownName
from assay.report import render
from assay.report.exporters import BY_NAME
from assay.web.shapes import read, shape

if TYPE_CHECKING:
    from fastapi import FastAPI
    from pydantic.fields import FieldInfo

    from assay.analyses.base import Params, Question
    from assay.web.asking import Asker

FORMATS = ("json", "csv", "md")
_WRITES = frozenset({"to_backlog", "keep"})  # what a question may note in the state
AskerOf = Callable[[Any], Awaitable["Asker"]]


def api(asker_of: AskerOf) -> FastAPI:
    """The application below ``/api/v1``. ``asker_of`` finds the workspace of a request, or raises an HTTP error."""
    from fastapi import FastAPI
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException

    import assay

    made = FastAPI(
        title="assay", version=assay.__version__, docs_url=None, redoc_url=None, openapi_url="/openapi.json",
        description="Every question. Figures are unrounded: counts whole, money decimal text, rates fractions.",
    )  # fmt: skip
    for question in QUESTIONS:
        if offered(question):
            _add(made, question, asker_of)
    made.add_exception_handler(AssayError, _problem)
    made.add_exception_handler(RequestValidationError, _invalid)
    made.add_exception_handler(HTTPException, _refused)
    return made


def offered(question: Question) -> bool:
    """Whether a question can be asked over HTTP: not where it needs a file."""
    return not any(_is_path(one) and one.is_required() for one in question.Params.model_fields.values())


def _is_path(field: FieldInfo) -> bool:
    return field.annotation is Path or Path in get_args(field.annotation)


def remote(params: type[Params]) -> dict[str, FieldInfo]:
    """The parameters of a question that may come over HTTP, by the name that they have there."""
    return {
        field.alias or name: field
        for name, field in params.model_fields.items()
        if not _is_path(field) and name not in _WRITES
    }


def _add(made: FastAPI, question: Question, asker_of: AskerOf) -> None:
    for form in FORMATS:
        path = f"/{question.name}" if form == "json" else f"/{question.name}.{form}"
        made.add_api_route(
            path, _endpoint(question, form, asker_of), methods=["GET"], name=f"{question.name} as {form}",
            summary=question.summary, response_model=None, include_in_schema=True,
            operation_id=f"{question.name.replace('-', '_')}_{form}",
            responses={200: {"content": {_type(form): {}}}, 422: {"description": "wrong parameters"}},
        )  # fmt: skip


def _type(form: str) -> str:
    return "text/csv" if form == "csv" else "text/markdown" if form == "md" else "application/json"


def _endpoint(question: Question, form: str, asker_of: AskerOf) -> Callable[..., Awaitable[Any]]:
    from fastapi import Request
    from starlette.responses import Response

    fields = remote(question.Params)
    safe = {name.replace("-", "_").rstrip("_") + "_": name for name in fields}

    async def answered(request: Request, **given: Any) -> Response:
        known(request.query_params, fields, question.name)
        values = {safe[name]: read(fields[safe[name]], one) for name, one in given.items() if one is not None}
        asker = await asker_of(request)
        answer = await asker.ask(question.name, values)
        text = render(answer, form)
        headers = {"cache-control": "private, no-cache"}
        if form == "csv":
            headers["content-disposition"] = f'attachment; filename="{question.name}.csv"'
        return Response(text, media_type=f"{_type(form)}; charset=utf-8", headers=headers)

    parameters = [inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request)]
    parameters += [_parameter(own, name, fields[name]) for own, name in safe.items()]
    answered.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return answered


def known(names: Iterable[str], fields: Mapping[str, FieldInfo], question: str) -> None:
    """Raise UnknownName, with a suggestion, for what is no parameter that may come over HTTP."""
    for name in names:
        if name not in fields:
            raise UnknownName("parameter", name, fields, question)


def _parameter(own: str, name: str, field: FieldInfo) -> inspect.Parameter:
    """A field as a parameter of the query; checked by the question's own model, so here only its shape is said."""
    from fastapi import Query

    annotation = shape(field)
    default = Query(None, alias=name, description=field.description or "")
    return inspect.Parameter(own, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


async def _problem(_request: Any, error: Exception) -> Any:
    """One shape for all errors; the status follows from what kind of mistake it is."""
    from starlette.responses import JSONResponse

    known = isinstance(error, AssayError)
    status = 503 if isinstance(error, MachineError) else 404 if isinstance(error, UnknownName) else 422
    code = getattr(error, "code", "error") if known else "error"
    headers = {"retry-after": "5"} if status == 503 else None
    return JSONResponse({"error": {"code": code, "message": str(error)}}, status, headers)


async def _invalid(_request: Any, error: Any) -> Any:
    from starlette.responses import JSONResponse

    told = "; ".join(f"{'.'.join(str(p) for p in one['loc'][1:])}: {one['msg']}" for one in error.errors())
    return JSONResponse({"error": {"code": "usage", "message": told}}, 422)


async def _refused(request: Any, error: Any) -> Any:
    """What FastAPI and Starlette refuse by themselves: no such path, another method."""
    from starlette.responses import JSONResponse

    code, message = "not_possible", str(error.detail)
    if error.status_code == 404:
        name = request.url.path.rpartition("/")[2].partition(".")[0]
        code = "unknown_name"
        message = str(UnknownName("question", name, [one.name for one in QUESTIONS if offered(one)], "the API"))
    return JSONResponse({"error": {"code": code, "message": message}}, error.status_code, error.headers)


assert set(FORMATS) <= set(BY_NAME)
