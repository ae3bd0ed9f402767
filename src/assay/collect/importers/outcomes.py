"""The columns of a test's file as properties of its exposure: ``[NAME=]COLUMN[:KIND]``, read without the file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from assay.model.errors import UsageError, suggestion
from assay.model.event import STANDARD_EVENTS
from assay.plan.dimensions import DIMENSIONS

KINDS = ("rate", "number", "money")
OUTCOME, COVARIATE, SEGMENT = "outcome", "covariate", "segment"
_SPEC = re.compile(r"(?:(?P<name>[^\W\d]\w*)=)?(?P<column>.+?)", re.DOTALL)
# Names that mean something else already, wherever they are written.
_TAKEN = frozenset({*DIMENSIONS, "amount", *(name for event in STANDARD_EVENTS.values() for name in event)})


@dataclass(frozen=True)
class Figure:
    """A column and what it is: ``role`` outcome, covariate or segment. ``kind`` None: told by the values."""

    role: str
    column: str
    property: str
    kind: str | None = None


def figures(
    outcomes: Iterable[str], covariates: Iterable[str], segments: Iterable[str], own: Iterable[str] = ()
) -> list[Figure]:
    """What the options name, outcomes first; a covariate may be a segment too. ``own``: the exposure's properties.

    Raises UsageError for a kind that there is not, a column with two parts, or a name that is taken.
    """
    made = [_figure(OUTCOME, text, own) for text in outcomes]
    made += [_figure(COVARIATE, text, own) for text in covariates]
    made += [_figure(SEGMENT, text, own) for text in segments]
    found: dict[str, Figure] = {}
    for one in made:
        before = found.setdefault(one.property, one)
        if before is one:
            continue
        if before.column.lower() != one.column.lower():
            text = f"{before.column!r} and {one.column!r} would both be the property {one.property}"
            raise UsageError(f"{text}; name one of them otherwise: --{one.role} NAME={one.column}")
        if (before.role, one.role) != (COVARIATE, SEGMENT):
            what = "is given twice" if before.role == one.role else f"is an {before.role} and no {one.role} as well"
            raise UsageError(f"--{one.role} {one.column}: the column {what}; leave one out")
    return list(found.values())


def _figure(role: str, text: str, own: Iterable[str]) -> Figure:
    """One option as it was written."""
    body, kind = text.strip(), None
    if role == OUTCOME and ":" in body:
        body, _, kind = (part.strip() for part in body.rpartition(":"))
        if kind not in KINDS:
            raise UsageError(
                f"--outcome {text}: there is no kind {kind!r}{suggestion(kind, KINDS)}; "
                f"write COLUMN:KIND with {', '.join(KINDS[:-1])} or {KINDS[-1]}"
            )
    found = _SPEC.fullmatch(body)
    if found is None:
        raise UsageError(f"--{role} {text!r} names no column; write it as COLUMN")
    name, column = found["name"], found["column"].strip()
    if name is None:
        return Figure(role, column, property_name(column, own), kind)
    if _is_taken(name, own):
        raise UsageError(f"--{role} {text}: the name {name} means something else already; choose another")
    return Figure(role, column, name, kind)


def property_name(column: str, own: Iterable[str] = ()) -> str:
    """A column's name as a property: lower case, words joined by _; ``unit_`` before what means something else."""
    name = re.sub(r"\W+", "_", column.strip().lower()).strip("_")
    return f"unit_{name}" if _is_taken(name, own) else name


def _is_taken(name: str, own: Iterable[str]) -> bool:
    """Whether expressions of the plan could not mean a property by that name."""
    from assay.plan.expressions import ExpressionError, parse

    if name in _TAKEN or name in set(own) or not name.isidentifier():
        return True
    try:
        return parse(f"{name} = 1", {name: "number"}).names != (name,)
    except ExpressionError:
        return True
