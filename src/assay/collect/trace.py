"""What each step does with each event, told while somebody watches (``assay tail``), and to nobody else.

Whoever watches keeps a flag file fresh; the collector looks at it once a second. A refused event is told by name and
reason only, and no address or user agent is ever told.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.collect.protocols.batches import ADDRESS, AGENT

if TYPE_CHECKING:
    from assay.collect.wire import Line, Refusal

FLAG, FILE = "watched", "trace.json-lines"
FRESH = 15.0  # seconds after which a flag that nobody renews holds no more
MOST = 4_000_000  # bytes of a trace; then it begins anew
_UNTOLD = (AGENT, ADDRESS, "received_at", "sent_at")

Note = Callable[[str, "Line"], None]


@dataclass
class Trace:
    """Of one collector. ``folder``: of all collectors, where the flag is; ``path``: where this one writes."""

    folder: Path
    path: Path
    _looked: float = -1.0
    _wanted: bool = False
    _before: dict[str, Any] = field(default_factory=dict)
    _steps: list[dict[str, Any]] = field(default_factory=list)

    def wanted(self) -> bool:
        """Whether somebody watches."""
        now = time.monotonic()
        if now - self._looked >= 1.0:
            self._looked, self._wanted = now, watched(self.folder)
            if not self._wanted:
                self.path.unlink(missing_ok=True)
        return self._wanted

    def of(self, line: Line) -> Note:
        """Begin with a line; what is returned is told of every step that has run."""
        self._before, self._steps = dict(line), []
        return self._note

    def _note(self, step: str, line: Line) -> None:
        changed = {
            name: value for name, value in line.items() if name not in _UNTOLD and self._before.get(name) != value
        }
        if changed:
            self._steps.append({"step": step, "put": changed})
            self._before = dict(line)

    def end(self, line: Line, refusal: Refusal | None) -> None:
        """Write what became of the line."""
        told: dict[str, Any] = {
            "at": line.get("received_at"), "source": line.get("source"), "name": str(line.get("name"))[:200],
        }  # fmt: skip
        if refusal is not None:
            told |= {"refused": refusal.reason, "detail": refusal.detail}
        else:
            kept = {name: value for name, value in line.items() if value is not None and name not in _UNTOLD}
            told |= {"line": kept, "steps": self._steps}
        with suppress(OSError, ValueError):  # watching never stands in the way of collecting
            full = self.path.exists() and self.path.stat().st_size > MOST
            with self.path.open("w" if full else "a", encoding="utf-8", errors="replace") as file:
                file.write(json.dumps(told, ensure_ascii=False, default=str) + "\n")


def watched(folder: Path) -> bool:
    """Whether the flag is fresh."""
    try:
        return time.time() - (folder / FLAG).stat().st_mtime < FRESH
    except OSError:
        return False


def watch(folder: Path) -> None:
    """Say that somebody watches, for the next seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FLAG).touch()


def latest(folder: Path, most: int = 40) -> list[dict[str, Any]]:
    """What all collectors have told last, the newest first."""
    found: list[dict[str, Any]] = []
    for path in folder.rglob(FILE):
        with suppress(OSError), path.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - 4_000 * most))
            for line in file.read().splitlines()[-most:]:
                with suppress(ValueError):
                    found.append(json.loads(line))
    return sorted(found, key=lambda told: told.get("at") or 0, reverse=True)[:most]
