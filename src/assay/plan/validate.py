"""One entry of the plan against its form: pydantic's errors in the plan's own words, each at its key's line."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from assay.model.errors import suggestion
from assay.plan.report import Path, Report, dotted
from assay.plan.tree import kind

F = TypeVar("F", bound=BaseModel)

_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping (name: value)",
    "model_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)",
}


def check(form: type[F], value: Any, path: Path, report: Report) -> F | None:
    """``value`` (nothing = no keys) as ``form``; None, with every mistake reported, where it is not one."""
    try:
        return form.model_validate({} if value is None else value)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        unknown = [one["loc"] for one in errors if one["type"] == "extra_forbidden"]
        for one in errors:
            if one["type"] == "missing" and _meant(one["loc"], unknown):
                continue
            text, code = _words(form, one, path)
            report.add((*path, *one["loc"]), text, code)
        return None


def _meant(missing: Sequence[str | int], unknown: Sequence[Sequence[str | int]]) -> bool:
    """Whether the missing key is there, misspelt: then it is told once."""
    beside = [str(loc[-1]) for loc in unknown if loc[:-1] == missing[:-1]]
    return any(difflib.get_close_matches(str(missing[-1]), beside, cutoff=0.6))


def _words(form: type[BaseModel], error: Mapping[str, Any], path: Path) -> tuple[str, str]:
    loc: Sequence[str | int] = error["loc"]
    where = dotted((*path, *loc))
    type_, context, value = error["type"], error.get("ctx", {}), error["input"]
    if type_ == "extra_forbidden":
        known = keys(_model_at(form, loc[:-1]))
        return f"{dotted((*path, *loc[:-1]))} has no key {loc[-1]!r}{suggestion(str(loc[-1]), known)}", "unknown_key"
    if type_ == "missing":
        return f"{dotted((*path, *loc[:-1]))} needs the key {loc[-1]!r}", "missing_key"
    if type_ == "literal_error":
        allowed = [part.strip().strip("'") for part in context["expected"].replace(" or ", ", ").split(", ")]
        if isinstance(value, str):
            return f"{where} cannot be {value[:40]!r}{suggestion(value, allowed)}", "value"
        return f"{where} must be one of {', '.join(allowed)}, not {kind(value)}", "value"
    if type_ in _WANTED:
        hint = "; put it in quotes" if type_ == "string_type" and isinstance(value, int | float) else ""
        return f"{where} must be {_WANTED[type_]}, not {kind(value)}{hint}", "value"
    if type_ == "value_error":
        return f"{where}: {context['error']}", "value"
    if type_ in ("string_too_short", "too_short"):
        return f"{where} must not be empty", "value"
    bounds = {"greater_than": "more than {gt}", "greater_than_equal": "at least {ge}", "less_than": "less than {lt}"}
    if type_ in bounds:
        return f"{where} must be {bounds[type_].format(**context)}, not {kind(value)}", "value"
    return f"{where}: {error['msg']}", "value"


def keys(form: type[BaseModel] | None) -> list[str]:
    """The keys of a form, as they are written in YAML."""
    return [field.alias or name for name, field in form.model_fields.items()] if form else []


def _model_at(form: type[BaseModel], loc: Sequence[str | int]) -> type[BaseModel] | None:
    annotation: Any = form
    for part in loc:
        model = _model_in(annotation)
        if model is not None:
            fields = {field.alias or name: field for name, field in model.model_fields.items()}
            annotation = fields[part].annotation if part in fields else None
        else:
            inner = [a for a in typing.get_args(annotation) if typing.get_args(a) or _model_in(a)]
            annotation = inner[-1] if inner else None
    return _model_in(annotation)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation stands for itself: through Annotated and ``| None``, not through list and dict."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if typing.get_origin(annotation) in (list, dict, tuple):
        return None
    found = [_model_in(a) for a in typing.get_args(annotation)]
    return next((model for model in found if model), None)
