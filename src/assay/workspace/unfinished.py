"""A move into a workspace that has not come to its end: answers say so, and nothing else is loaded meanwhile."""

from __future__ import annotations

import json
from pathlib import Path

from assay.model.errors import UsageError
from assay.model.finding import HALF_MOVED, Finding

FILE = "moving.json"


def begin(data: Path, origin: str) -> None:
    """Say that events are on their way from ``origin`` (a folder)."""
    data.mkdir(parents=True, exist_ok=True)
    (data / FILE).write_text(json.dumps({"from": origin}, ensure_ascii=False) + "\n", encoding="utf-8")


def end(data: Path) -> None:
    """All of them have come."""
    (data / FILE).unlink(missing_ok=True)


def finding(data: Path) -> Finding | None:
    """What every answer says while they come; None when none do."""
    if not coming(data):
        return None
    text = "events may be missing: they are being moved here, and the move has not come to its end"
    return Finding(HALF_MOVED, "bad", text, action="run the move again; assay doctor says from where")


def refuse(data: Path, what: str = "run it again, then load anything else") -> None:
    """Raise UsageError while they come; ``what``: what to do in place of what was asked for."""
    if origin := coming(data):
        raise UsageError(
            f"the move from {origin} to {data.parent} has not come to its end: {what}"
            f" (to give the move up, delete {data / FILE})"
        )


def coming(data: Path) -> str:
    """Where events are on their way from; empty: from nowhere."""
    try:
        return str(json.loads((data / FILE).read_text(encoding="utf-8"))["from"])
    except FileNotFoundError:
        return ""
    except (OSError, ValueError, KeyError, TypeError):
        return "another workspace"
