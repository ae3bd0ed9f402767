"""Lines out of segment files: of a person, or older than they may be kept. A file is replaced whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.collect.spool import OPEN, named
from assay.store.disk import sync
from assay.store.naming import written

if TYPE_CHECKING:
    from assay.collect.wire import Line

Keep = Callable[["Line"], bool]


@dataclass(frozen=True)
class Person:
    """Whose lines go: all of ``users`` and ``visitors``, and of shared devices those of a span of time (µs UTC)."""

    users: frozenset[str]
    visitors: frozenset[str]
    spans: tuple[tuple[str, int, int], ...] = ()

    def owns(self, line: Line) -> bool:
        """Whether a line is of this person."""
        visitor, time = line.get("visitor"), line.get("time")
        if line.get("user") in self.users or visitor in self.visitors:
            return True
        return any(
            visitor == one and isinstance(time, int) and since <= time < until for one, since, until in self.spans
        )

    @property
    def names(self) -> tuple[str, ...]:
        """All ids."""
        return (*sorted(self.users), *sorted(self.visitors), *sorted({one for one, _, _ in self.spans}))


def segments(*folders: Path) -> list[Path]:
    """Segment files below the folders, also those that are being written, the oldest first."""
    found = [path for folder in folders for path in folder.rglob("*") if path.is_file() and named(path.name)]
    return sorted(found, key=lambda path: path.name)


def without(path: Path, keep: Keep, hint: Sequence[str] = ()) -> int:
    """Leave out the lines that are not to be kept; how many. ``hint``: texts of which such a line has one.

    A file of which nothing is left goes. Refused lines say nothing of anybody and stay.
    """
    data = path.read_bytes()
    needles = [text.encode() for one in hint for text in written(one)]
    if hint and not any(needle in data for needle in needles):
        return 0
    kept, gone = [], 0
    for raw in data.splitlines(keepends=True):
        if (not hint or any(needle in raw for needle in needles)) and not _kept(raw, keep):
            gone += 1
        else:
            kept.append(raw)
    if not gone:
        return 0
    if not kept:
        path.unlink()
    else:
        _replace(path, kept)
    sync(path.parent)
    return gone


def _kept(raw: bytes, keep: Keep) -> bool:
    try:
        line: Any = json.loads(raw)
    except ValueError:
        return True  # no line of ours; it stands in quarantine
    return not isinstance(line, dict) or "refused" in line or keep(line)


def _replace(path: Path, lines: Iterable[bytes]) -> None:
    fresh = path.with_name(f".{path.name}.fresh")
    with fresh.open("wb") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def is_open(path: Path) -> bool:
    """Whether a collector is writing it."""
    return path.name.endswith(OPEN)
