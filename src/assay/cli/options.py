"""Parameters of a pydantic model as arguments and options of a command, and back."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from assay.analyses.base import is_argument
from assay.cli.params import Folder, Format
from assay.model.errors import UsageError, suggestion

CONTEXT, FORMAT, FOLDER = "ctx", "form", "workspace"
_METAVARS = {
    "day": "YYYY-MM-DD",
    "integer": "N",
    "number": "NUMBER",
    "pairs": "NAME=VALUE",
    "text": "TEXT",
    "path": "FILE",
}
_PAIR = re.compile(r"([A-Z]+=[A-Z]+): +")  # how a description says what its pairs are


@dataclass(frozen=True)
class Shape:
    """How a field is written on a command line. ``many``: a list, given by commas or by repeating the option."""

    kind: str  # flag, choice, day, integer, number, pairs, path, text, model (has no flag)
    many: bool = False
    choices: tuple[str, ...] = ()


def shape(annotation: Any) -> Shape:
    """The shape of a field's type."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        found = [shape(part) for part in parts if part is not type(None)]
        return max(found, key=lambda one: (one.kind == "pairs", one.many, one.kind == "text"))
    if origin is Literal:
        return Shape("choice", choices=tuple(str(part) for part in parts))
    if origin in (list, tuple, set, frozenset):
        inner = shape(parts[0]) if parts else Shape("text")
        return Shape(inner.kind, True, inner.choices)
    if inspect.isclass(origin) and issubclass(origin, Mapping):
        return Shape("pairs", True)
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return Shape("model")
    kinds = {bool: "flag", date: "day", int: "integer", float: "number", Path: "path"}
    return Shape(kinds.get(annotation, "text"))


def flag(name: str, field: FieldInfo) -> str:
    """``from_`` with the alias ``from`` is ``--from``."""
    return "--" + (field.alias or name).replace("_", "-")


def parameters(model: type[BaseModel]) -> list[inspect.Parameter]:
    """The model's fields as parameters of a Typer function: arguments first. What is not given is None."""
    fields = [(name, field) for name, field in model.model_fields.items() if shape(field.annotation).kind != "model"]
    fields.sort(key=lambda item: not is_argument(item[1]))
    return [_parameter(name, field) for name, field in fields]


def _parameter(name: str, field: FieldInfo) -> inspect.Parameter:
    form = shape(field.annotation)
    text = _help(field)
    annotation: Any = list[str] | None if form.many else bool | None if form.kind == "flag" else str | None
    if is_argument(field):
        default = typer.Argument(
            None, metavar=f"{name.upper()}{'...' if form.many else ''}", help=text, show_default=False
        )
    elif form.kind == "flag":
        on = flag(name, field)
        default = typer.Option(
            None, on if field.default is False else f"{on}/--no-{on[2:]}", help=text, show_default=False
        )
    else:
        pair = _PAIR.match(text)
        metavar, text = (pair[1], text[pair.end() :]) if pair else (_metavar(form), text)
        default = typer.Option(None, flag(name, field), metavar=metavar, help=text, show_default=False)
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _metavar(form: Shape) -> str:
    return "|".join(form.choices) if form.choices else _METAVARS.get(form.kind, "TEXT")


def _help(field: FieldInfo) -> str:
    text = (field.description or "").strip()
    text = text[:1].upper() + text[1:]
    default = field.get_default(call_default_factory=True) if not field.is_required() else None
    said = "default:" in text or default is None or default in ([], (), {}, False)
    end = "" if text.endswith(".") or not text else "."
    return f"{text}{end}" if said else f"{text}{end} [default: {default}]"


def common(format: bool = True) -> list[inspect.Parameter]:  # noqa: A002
    """``-w`` and ``--format``, which stand before the verb as well as after it."""
    kind = inspect.Parameter.KEYWORD_ONLY
    found = [inspect.Parameter(FOLDER, kind, default=None, annotation=Folder)]
    return [*found, inspect.Parameter(FORMAT, kind, default=None, annotation=Format)] if format else found


def function(run: Callable[..., Any], given: list[inspect.Parameter]) -> Callable[..., Any]:
    """A function for Typer with these parameters; it calls ``run(ctx, values)``."""
    context = inspect.Parameter(CONTEXT, inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)

    def called(**values: Any) -> Any:
        return run(values.pop(CONTEXT), values)

    made = [context, *given]
    called.__signature__ = inspect.Signature(made)  # type: ignore[attr-defined]
    called.__annotations__ = {one.name: one.annotation for one in made}
    return called


def values_of(model: type[BaseModel], given: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Given values under the model's names, lists parted, pairs read, choices checked. Raises UsageError."""
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        value = given.get(name)
        if value is None or value == []:
            if is_argument(field) and field.is_required():
                raise UsageError(f"{name.upper()} is missing: {field.description}; see {what} --help")
            continue
        form = shape(field.annotation)
        if form.kind == "pairs":
            value = _pairs(value, flag(name, field))
        elif form.many:
            value = [part for one in value for part in (piece.strip() for piece in str(one).split(",")) if part]
        if form.kind == "day":
            _check_day(str(value), flag(name, field))
        for one in value if form.many else (value,):
            if form.choices and one not in form.choices:
                raise UsageError(f"{flag(name, field)} has no value {one!r}{suggestion(str(one), form.choices)}")
        found[name] = value
    return found


def _check_day(text: str, option: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is no day; write it as 2026-09-30") from None


def _pairs(texts: list[str], option: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name.strip() or not value.strip():
            raise UsageError(f"{option} {text!r}: write it as NAME=VALUE")
        if name.strip() in found:
            raise UsageError(f"{option} {name.strip()!r} is given twice")
        found[name.strip()] = value.strip()
    return found
