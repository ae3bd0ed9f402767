"""The files of own tables: which there are, and what they look like from outside."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from assay.model.errors import UsageError, suggestion

if TYPE_CHECKING:
    from assay.plan.values import OwnTable, Plan

_VERSION = 1  # raise when tables are read otherwise: stores then read them again by themselves
_GLOB = frozenset("*?[")


@dataclass(frozen=True)
class Seen:
    """A file as it is now. ``mtime``: nanoseconds."""

    path: Path
    size: int
    mtime: int


def files_of(table: OwnTable, folder: Path) -> list[Seen]:
    """The files of a table, in the order of their names; a UsageError says what is there instead."""
    found: dict[Path, None] = {}
    for pattern in table.files:
        found |= dict.fromkeys(_matching(table.name, pattern, folder))
    seen = [_seen(path) for path in sorted(found)]
    if table.table is not None:  # what a writer has not yet put into the database itself
        wal = [path.with_name(path.name + ".wal") for path in found]
        seen += [_seen(path) for path in wal if path.exists()]
    return seen


def _seen(path: Path) -> Seen:
    stat = path.stat()
    return Seen(path, stat.st_size, stat.st_mtime_ns)


def _matching(name: str, pattern: str, folder: Path) -> list[Path]:
    whole = Path(os.path.normpath(folder.absolute() / Path(pattern).expanduser()))
    if whole.is_dir():
        raise UsageError(f"source.tables.{name}: {pattern} is a folder; name the files in it: {pattern}/*.parquet")
    if whole.exists():
        return [whole]
    if _GLOB & set(pattern):
        anchor = Path(whole.anchor)
        matching = [one for one in anchor.glob(str(whole.relative_to(anchor))) if one.is_file()]
        if matching:
            return matching
    parent = whole.parent
    while not parent.is_dir() and parent != parent.parent:
        parent = parent.parent
    missing = whole.relative_to(parent).parts[0]
    there = [one.name for one in parent.iterdir() if not one.name.startswith(".")]
    near = suggestion(missing, there) if there else " (it is empty)"
    raise UsageError(
        f"source.tables.{name}: there is no file {pattern!r}: {parent} has no {missing!r}{near}; "
        "put it there, or mend or take out the table in assay.yaml"
    )


def state(plan: Plan, folder: Path) -> Mapping[str, list[Seen]]:
    """Every table's files as they are now."""
    return {name: files_of(table, folder) for name, table in plan.source.items()}


def signature(plan: Plan, folder: Path) -> str:
    """What the own tables are now: their files from outside, and how they are read. Another text: read them again."""
    seen = {name: [[str(s.path), s.size, s.mtime] for s in listed] for name, listed in state(plan, folder).items()}
    tables = {name: asdict(table) for name, table in plan.source.items()}
    said = [_VERSION, _reading(), plan.site.currency, tables, seen]
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:32]


@cache
def _reading() -> str:
    """A hash of the importers' SQL, which the store's views are made of."""
    digest = hashlib.sha256()
    for file in sorted(files(__package__).iterdir(), key=lambda one: one.name):
        if file.name.endswith(".sql"):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
