"""A progress bar on stderr for work that takes longer than a second; none when stderr is no terminal."""

from __future__ import annotations

import os
import sys
from threading import Timer
from typing import Any

PATIENCE = 1.0


class Progress:
    """Called with a text, how much is done and of how much (0 = unknown); the workspace and importers call it."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._task: Any = None
        self._text: str | None = None
        self._timer: Timer | None = None
        self._visible = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, text: str, done: int, total: int) -> None:
        """Show where the work is."""
        if not self._visible:
            return
        if self._bar is None:
            self._start()
        size = total if total > 1 else None  # one step says nothing about how far it is
        if text != self._text:
            for task in self._bar.task_ids:
                self._bar.remove_task(task)
            self._task, self._text = self._bar.add_task(text, total=size), text
        self._bar.update(self._task, completed=min(done, total), total=size)

    def _start(self) -> None:
        from rich import progress as parts
        from rich.console import Console

        self._bar = parts.Progress(
            parts.TextColumn("{task.description}", markup=False),
            parts.BarColumn(),
            parts.TaskProgressColumn(),
            parts.TimeElapsedColumn(),
            console=Console(stderr=True, no_color=bool(os.environ.get("NO_COLOR"))),
            transient=True,
        )
        self._timer = Timer(PATIENCE, self._bar.start)
        self._timer.daemon = True
        self._timer.start()
