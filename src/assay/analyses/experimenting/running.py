"""The experiments that run now, as pages need them: nothing of what the business thinks or measures."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.analyses.experimenting.runs import Entry, log
from assay.assign import config
from assay.model.errors import AssayError
from assay.model.period import day_of

if TYPE_CHECKING:
    from assay.plan.experiments import Experiment
    from assay.plan.values import Plan
    from assay.store.state import State


def running(plan: Plan, entries: dict[str, list[Entry]], now: int) -> dict[str, Any]:
    """``assay.assign.config`` of what runs; ``run`` of each tells one run of an experiment from the next.

    What was started by command runs until it is stopped or decided, or its last day is over; what never was, by the
    days of the plan.
    """
    today = day_of(now, plan.site.timezone)
    since = {name: _since(one, entries.get(name, ()), now, today) for name, one in plan.experiments.items()}
    made = config(plan, today, [name for name, at in since.items() if at is not None])
    for one in made["experiments"]:
        one["run"] = since[one["name"]]
    return made


def _since(experiment: Experiment, entries: Sequence[Entry], now: int, today: date) -> int | None:
    """Moment since which it runs, 0 where only the plan says so; None where it does not run."""
    if experiment.end is not None and today > experiment.end:
        return None
    acts = [one for one in entries if one.at <= now and one.action in ("start", "stop", "decide")]
    if acts:
        return acts[-1].at if acts[-1].action == "start" else None
    return 0 if experiment.start is not None and experiment.start <= today else None


class Running:
    """The same as JSON, for a collector: read anew every few seconds, the plan only where one of its files changed.

    While the plan or the state cannot be read, what was known stays.
    """

    def __init__(self, plan: Plan, folder: Path, state: State, clock: Callable[[], int], every: float = 5.0) -> None:
        self._plan, self._folder, self._state, self._clock, self._every = plan, folder, state, clock, every
        self._stamps = self._stamped()
        self._read = -every
        self._text = "null"

    def __call__(self) -> str:
        """JSON that may stand in a script."""
        if time.monotonic() - self._read >= self._every or self._text == "null":
            self._read = time.monotonic()
            with suppress(AssayError, OSError):
                self._renew_plan()
            with suppress(AssayError):
                made = running(self._plan, log(self._state), self._clock())
                self._text = json.dumps(made, separators=(",", ":")).replace("<", "\\u003c")
        return self._text

    def _renew_plan(self) -> None:
        stamps = self._stamped()
        if stamps != self._stamps:
            from assay.plan.load import load

            self._stamps = stamps
            self._plan = load(self._folder)

    def _stamped(self) -> list[int]:
        return [Path(one).stat().st_mtime_ns for one in self._plan.files]
