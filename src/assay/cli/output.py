"""Answers on stdout; colour only on a terminal, ``NO_COLOR`` and ``FORCE_COLOR`` obeyed."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any, TextIO

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


def emit(answer: Answer, form: str, folder: Path | None = None) -> None:
    """Write an answer. What CSV cannot say, why there is nothing, goes to stderr.

    ``folder``: the workspace was named, so the commands to go on with name it too.
    """
    from assay.report import render

    if folder is not None and form in ("table", "md"):
        answer = replace(answer, next=tuple(_there(one, folder) for one in answer.next))
    write(render(answer, form, layout(sys.stdout)))
    if form == "csv" and answer.empty:
        print(f"assay: {answer.empty}", file=sys.stderr)


def _there(command: str, folder: Path) -> str:
    verb, _, rest = command.removeprefix("assay ").partition(" ")
    if not command.startswith("assay ") or verb in ("demo", "init"):
        return command
    return " ".join(["assay", "-w", shlex.quote(str(folder)), verb, *([rest] if rest else [])])


def write(text: str) -> None:
    """Write text as it is."""
    sys.stdout.write(text)
    sys.stdout.flush()


def told(form: str, values: Mapping[str, Any], text: str) -> None:
    """What a command did: as JSON, else in words."""
    write(json.dumps(values, ensure_ascii=False, indent=1) + "\n" if form == "json" else text)
