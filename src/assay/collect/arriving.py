"""Whether the tag works, told while a server runs: the first event from pages, or why theirs are refused."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MOST = 64_000  # bytes read of a segment: the first event says enough


@dataclass
class Arriving:
    """Looks at what collectors write below ``folder`` for a stream, ``web.own``, until an event was seen."""

    folder: Path
    stream: str
    seen: bool = False
    refused: str = ""

    def look(self) -> str | None:
        """What is new to say, one line; None where nothing is."""
        if self.seen:
            return None
        for path in sorted(self.folder.rglob(f"*.{self.stream}.ndjson*")):
            for line in _lines(path):
                if "refused" not in line:
                    self.seen = True
                    return f"the tag works: {line.get('name')} of {line.get('url') or 'no page'} is here\n"
                if line["refused"] != self.refused:
                    self.refused = str(line["refused"])
                    return f"an event came and was refused ({self.refused}); assay ledger counts them\n"
        return None


def _lines(path: Path) -> list[dict[str, Any]]:
    """Whole lines at the start of a segment; none where it is just being moved."""
    made = []
    with suppress(OSError), path.open("rb") as file:
        for text in file.read(_MOST).splitlines():
            with suppress(ValueError):
                value = json.loads(text)
                if isinstance(value, dict):
                    made.append(value)
    return made
