"""How a question's field is written in a query: a choice, days, numbers, words, lists of them, pairs as NAME=VALUE."""

from __future__ import annotations

import inspect
import types
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

from assay.model.errors import UsageError

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


def shape(field: FieldInfo) -> Any:
    """The annotation of a parameter for the field; None where nothing is given."""
    return _of(field.annotation) | None


def _of(annotation: Any) -> Any:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        found = [_of(part) for part in parts if part is not type(None)]
        return found[0] if len(set(map(str, found))) == 1 else next((one for one in found if one == list[str]), str)
    if origin is Literal:
        kinds = {type(part) for part in parts}
        return annotation if kinds == {str} else kinds.pop() if len(kinds) == 1 else str
    if origin in (list, tuple, set, frozenset):
        return list[str]
    if inspect.isclass(origin) and issubclass(origin, Mapping):
        return list[str]
    return annotation if annotation in (bool, int, float, date, datetime) else str


def read(field: FieldInfo, given: Any) -> Any:
    """What was given as the question wants it: lists by commas or repeated, pairs as a mapping. Raises UsageError."""
    if not isinstance(given, list):
        return given
    if not _is_pairs(field.annotation):
        return [part.strip() for one in given for part in one.split(",")]
    wrong = next((one for one in given if "=" not in one), None)
    if wrong is not None:
        raise UsageError(f"{wrong!r}: write it as NAME=VALUE")
    return dict(one.split("=", 1) for one in given)


def _is_pairs(annotation: Any) -> bool:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return any(_is_pairs(part) for part in parts)
    return inspect.isclass(origin) and issubclass(origin, Mapping)
