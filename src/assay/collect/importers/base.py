"""What every importer takes and gives: options and context in, finished segments out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assay.model.errors import UsageError, suggestion

if TYPE_CHECKING:
    from assay.plan.values import Plan

COST_COLUMNS: tuple[tuple[str, str], ...] = (
    ("id", "VARCHAR"),
    ("day", "DATE"),
    ("source", "VARCHAR"),
    ("medium", "VARCHAR"),
    ("channel", "VARCHAR"),
    ("campaign", "VARCHAR"),
    ("amount", "VARCHAR"),
    ("currency", "VARCHAR"),
    ("impressions", "BIGINT"),
    ("clicks", "BIGINT"),
    ("claimed_conversions", "DOUBLE"),
    ("claimed_value", "VARCHAR"),
)


@dataclass(frozen=True)
class Segment:
    """A file ready to load, exactly once, by ``name`` (the same file with the same options has the same name).

    ``path`` is Parquet with the event line's columns (``events``) or COST_COLUMNS (``costs``). ``moved``: a temporary
    file that the loader may move; else the user's own, to be read only. ``quarantine``: Parquet of file, line, reason,
    raw. Over the segments of one file ``read`` = rows of the file, ``skipped`` = rows left out on purpose (a filter).
    """

    name: str
    kind: str
    path: Path
    rows: int
    moved: bool
    quarantine: Path | None = None
    quarantined: int = 0
    read: int = 0
    skipped: int = 0


def _silent(text: str, done: int, total: int) -> None:
    """No progress is shown."""


@dataclass(frozen=True)
class Context:
    """Where and when an import runs: folder for files, the site's currency and zone, now in µs UTC, the plan."""

    spool: Path
    currency: str
    timezone: str
    now: int
    progress: Callable[[str, int, int], None] = _silent
    plan: Plan | None = None


class Options(BaseModel):
    """Options that every importer has. A subclass adds its own; the command line makes flags of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str | None = Field(None, min_length=1, description="Name of this source; default: the importer's name.")


class EventOptions(Options):
    """Options of importers that bring events."""

    environment: Literal["live", "staging"] = Field("live", description="live, or staging for test data.")
    currency: str | None = Field(
        None, pattern="^[A-Za-z]{3}$", description="Currency of amounts that name none; default: the site's currency."
    )


AnyOptions = TypeVar("AnyOptions", bound=Options)


def options_from(
    model: type[AnyOptions], keys: Mapping[str, Any], importer: str, fields: Sequence[str] = ()
) -> AnyOptions:
    """Options from a mapping of the plan or from flags. ``fields`` may stand beside ``map`` as well as in it."""
    given = dict(keys)
    named = given.pop("importer", importer)
    if named != importer:
        raise UsageError(f"this mapping is for importer {named!r}, not {importer!r}; use `assay import {named}`")
    known = set(model.model_fields)
    if fields:
        beside = {key: given.pop(key) for key in list(given) if key in fields and key not in known}
        given["map"] = {**beside, **(given.get("map") or {})}
    for key in given:
        if key not in known:
            raise UsageError(f"importer {importer!r} has no option {key!r}{suggestion(str(key), {*known, *fields})}")
    try:
        return model(**given)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"option {place!r} of importer {importer!r}: {first['msg']}") from None


def canonical(options: Options, **more: Any) -> str:
    """Options as text that is the same whenever they mean the same; part of a segment's name."""
    return json.dumps({**options.model_dump(mode="json", exclude_defaults=True), **more}, sort_keys=True)
