"""What an exporter may know of the place where its text is shown."""

from __future__ import annotations

from dataclasses import dataclass

WIDTH = 100


@dataclass(frozen=True)
class Layout:
    """``width`` in characters; ``colour``: the place shows ANSI colours."""

    width: int = WIDTH
    colour: bool = False
