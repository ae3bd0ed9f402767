"""Answers on stdout; colour only on a terminal, ``NO_COLOR`` and ``FORCE_COLOR`` obeyed."""

from __future__ import annotations

import os
import sys
from shutil import get_terminal_size
from typing import TYPE_CHECKING, TextIO

from assay.report.layout import WIDTH, Layout

if TYPE_CHECKING:
    from assay.model.answer import Answer

_LEAST = 40


def coloured(stream: TextIO) -> bool:
    """True where colours are shown and wanted (no-color.org)."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def layout(stream: TextIO) -> Layout:
    """At most 100 characters; less on a narrow terminal."""
    columns = get_terminal_size((WIDTH, 24)).columns if stream.isatty() else WIDTH
    return Layout(max(_LEAST, min(WIDTH, columns)), coloured(stream))


def emit(answer: Answer, format: str) -> None:  # noqa: A002
    """Write an answer. What CSV cannot say, why there is nothing, goes to stderr."""
    from assay.report import render

    write(render(answer, format, layout(sys.stdout)))
    if format == "csv" and answer.empty:
        print(f"assay: {answer.empty}", file=sys.stderr)


def write(text: str) -> None:
    """Write text as it is."""
    sys.stdout.write(text)
    sys.stdout.flush()
