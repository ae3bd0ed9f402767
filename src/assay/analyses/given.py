"""What was given to a question or an importer as its parameters, checked; mistakes in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ValidationError

from assay.analyses.base import FIRST_DAY, LAST_DAY, Question, is_argument
from assay.model.errors import UsageError, suggestion


def checked(question: Question, args: Sequence[Any], params: Mapping[str, Any]) -> BaseModel:
    """The parameters of a question; UsageError with a suggestion for an unknown one."""
    fields = question.Params.model_fields
    places = [name for name, field in fields.items() if is_argument(field)]
    values: dict[str, Any] = {}
    for name, value in params.items():
        values[name.rstrip("_") if name.rstrip("_") == "from" else name] = value
    if args:
        many = [p for p in places if "list" in str(fields[p].annotation)]
        if many and len(places) == 1:
            values[places[0]] = [v for a in args for v in ([a] if isinstance(a, str) else a)]
        elif len(args) > len(places):
            raise UsageError(
                f"{question.name} takes {len(places)} value{'s' if len(places) != 1 else ''}, got {len(args)}"
            )
        else:
            values |= dict(zip(places, args, strict=False))
    for name, value in list(values.items()):
        field = fields.get(name)
        if field is not None and isinstance(value, str) and "list" in str(field.annotation):
            values[name] = [part.strip() for part in value.split(",")]
    model: BaseModel = valid(question.Params, values, question.name)
    return model


def valid(model: type[BaseModel], values: Mapping[str, Any], what: str) -> Any:
    """A pydantic model, its errors as one UsageError in plain words."""
    try:
        made = model.model_validate(dict(values))
        _within(made, what)
        return made
    except ValidationError as error:
        known = [field.alias or name for name, field in model.model_fields.items()]
        parts = []
        for one in error.errors():
            name = ".".join(str(p) for p in one["loc"])
            if one["type"] == "extra_forbidden":
                parts.append(f"unknown parameter {name!r}{suggestion(name, known)}")
            elif one["type"] == "missing":
                parts.append(f"{name} is missing")
            elif one["type"] == "string_pattern_mismatch" and (examples := _examples(model, name)):
                parts.append(f"{name} {one['input']!r} cannot be meant; write {examples}")
            else:
                parts.append(f"{name}: {one['msg'][0].lower()}{one['msg'][1:]}, not {one['input']!r}")
        raise UsageError(f"{what}: {'; '.join(parts)}") from error


def _within(made: BaseModel, what: str) -> None:
    """A moment far from any that a site has seen is a slip, and further on no calendar reaches; days have bounds."""
    for name, field in type(made).model_fields.items():
        value = getattr(made, name)
        if isinstance(value, datetime) and not FIRST_DAY < value.date() < LAST_DAY:
            raise UsageError(f"{what}: {field.alias or name} {value} does not lie between {FIRST_DAY} and {LAST_DAY}")


def _examples(model: type[BaseModel], name: str) -> str:
    """What a field could be, in words."""
    found = next((f.examples for n, f in model.model_fields.items() if name in (n, f.alias)), None)
    return " or ".join(map(str, found or ()))
