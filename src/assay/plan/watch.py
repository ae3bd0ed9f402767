"""A plan that is read again when its files change, for processes that run for long."""

from __future__ import annotations

import time
from pathlib import Path

from assay.model.errors import AssayError
from assay.plan.load import load
from assay.plan.values import Plan


class Watched:
    """``changed`` gives the plan once after each change; while it has mistakes, the one before goes on."""

    def __init__(self, folder: Path, plan: Plan, every: float = 2.0) -> None:
        self.folder, self.every = folder, every
        self.problem: str | None = None  # why the plan on disk cannot be used
        self._files, self._looked = plan.files, time.monotonic()
        self._seen = self._stamps()

    def changed(self) -> Plan | None:
        """The plan, where its files are others than before; looked at every few seconds only."""
        now = time.monotonic()
        if now - self._looked < self.every:
            return None
        self._looked = now
        stamps = self._stamps()
        if stamps == self._seen:
            return None
        self._seen = stamps
        try:
            plan = load(self.folder)
        except (AssayError, OSError) as error:
            self.problem = str(error)
            return None
        self.problem, self._files = None, plan.files
        self._seen = self._stamps()
        return plan

    def soon(self) -> None:
        """Look at the next call, whenever that is."""
        self._looked = -self.every

    def _stamps(self) -> tuple[tuple[str, int, int], ...]:
        found = []
        for name in self._files:
            path = Path(name) if Path(name).exists() else self.folder / name
            try:
                known = path.stat()
                found.append((name, known.st_mtime_ns, known.st_size))
            except OSError:
                found.append((name, 0, 0))
        return tuple(found)
