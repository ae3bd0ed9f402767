"""What the collectors have written and no load has taken yet, seen from the files alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assay.collect.spool import named


@dataclass(frozen=True)
class Waiting:
    """``segments``: files, those included that are still written to; ``oldest``: when the first began, µs UTC."""

    segments: int = 0
    size: int = 0
    oldest: int | None = None


def waiting(folder: Path) -> Waiting:
    """Segments below the collectors' folder. A file that is moved away in the meantime is not counted."""
    sizes: dict[int, int] = {}
    count = 0
    for path in folder.rglob("*.ndjson*"):
        known = named(path.name)
        if known is None:
            continue
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            continue
        count += 1
        sizes[known.start] = sizes.get(known.start, 0) + size
    return Waiting(count, sum(sizes.values()), min(sizes, default=None))
