"""What a server does by itself for a workspace: load what came, let go of what is old, judge days, send reports."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assay.jobs import INTAKE_EVERY, load_intake, roll_up, run_alerts, send_reports
from assay.model.errors import AssayError
from assay.privacy import expire

if TYPE_CHECKING:
    from assay.web.asking import Asker
    from assay.workspace import Workspace

HOUR, DAY = 3_600.0, 86_400.0


@dataclass(frozen=True)
class Round:
    """Work that comes again every so many seconds. ``failed``: how its failure is said."""

    name: str
    every: float
    work: Callable[[Workspace], object]
    failed: str


LOADING = (Round("intake", INTAKE_EVERY, load_intake, "not loaded now"),)
OTHERS = (
    Round("expire", DAY, expire, "nothing has expired now"),
    Round("alerts", HOUR, run_alerts, "alerts could not be judged"),
    Round("rollups", 600.0, roll_up, "what dashboards are answered from is not as the events are"),
    Round("reports", 60.0, send_reports, "reports could not be sent"),
)


@dataclass(eq=False)
class Rounds:
    """Loading has a thread of its own, so that a report that takes long delays no events."""

    asker: Asker
    _told: dict[str, str] = field(default_factory=dict)  # why each round failed the last time, else empty
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begin."""
        for rounds in (LOADING, OTHERS):
            thread = threading.Thread(target=self._turn, args=(rounds,), name=rounds[0].name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, patience: float = 30.0) -> None:
        """End, and load once more what came until now."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(patience)
        self._run(LOADING[0])

    def _turn(self, rounds: tuple[Round, ...]) -> None:
        due = dict.fromkeys(rounds, 0.0)
        while not self._stopping.is_set():
            for one in rounds:
                if time.monotonic() >= due[one] and not self._stopping.is_set():
                    self._run(one)
                    due[one] = time.monotonic() + one.every
            self._stopping.wait(max(0.05, min(due.values()) - time.monotonic()))

    def _run(self, one: Round) -> None:
        told = ""
        try:
            with self.asker.workspace() as opened:
                one.work(opened)
        except AssayError as error:
            told = f"{one.failed}: {error}"
        except Exception:  # a mistake of ours in one round must not end the others
            told = f"{one.failed}: a mistake of assay itself\n{traceback.format_exc()}"
        if told and self._told.get(one.name) != told:  # the same trouble is said once
            print(told, file=sys.stderr, flush=True)
        self._told[one.name] = told
