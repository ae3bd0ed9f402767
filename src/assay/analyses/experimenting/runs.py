"""What was done to an experiment: started under a locked plan, stopped, decided. A log that only grows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from assay.model.errors import Refused, UnknownName, UsageError
from assay.model.period import day_of, day_start
from assay.plan.values import Plan

if TYPE_CHECKING:
    from assay.analyses.base import Asking
    from assay.plan.experiments import Experiment
    from assay.store.state import State

DECISIONS = ("ship", "do_not_ship", "iterate", "abandon")
FOREVER = 4_102_444_800_000_000


@dataclass(frozen=True)
class Entry:
    """One line of the log. Moments are µs UTC; ``at`` is when it holds from, ``noted_at`` when it was written."""

    no: int
    name: str
    action: str
    at: int
    noted_at: int
    hash: str | None
    detail: Mapping[str, Any]

    def known(self, now: int) -> bool:
        """Written down by then, or holding from then on though written down later."""
        return min(self.noted_at, self.at) <= now


@dataclass(frozen=True)
class Run:
    """An experiment as it stands: its log read from the start. ``start`` None: never started, nothing is locked."""

    name: str
    entries: tuple[Entry, ...] = ()
    start: int | None = None
    end: int | None = None
    hash: str | None = None
    locked: Mapping[str, Any] = field(default_factory=dict)
    caps: Mapping[str, float] = field(default_factory=dict)
    planned: int | None = None  # units of all arms, by the design at the lock
    decision: Entry | None = None

    @property
    def state(self) -> str:
        """draft, running, ended or decided."""
        if self.decision is not None:
            return "decided"
        if self.start is None:
            return "draft"
        return "running" if self.end is None else "ended"


def log(state: State | None) -> dict[str, list[Entry]]:
    """Experiment → its entries, in order."""
    found: dict[str, list[Entry]] = {}
    for row in state.read("experiment_log") if state else []:
        entry = Entry(row["no"], row["name"], row["action"], row["at"], row["noted_at"], row["hash"],
                      json.loads(row["detail"]))  # fmt: skip
        found.setdefault(entry.name, []).append(entry)
    return found


def run_of(asking: Asking, name: str, entries: list[Entry] | None = None) -> Run:
    """The run of an experiment, as it was known by the asking's moment."""
    known = log(asking.state).get(name, []) if entries is None else entries
    made = Run(name)
    values: dict[str, Any] = {}
    for entry in (e for e in known if e.known(asking.now)):
        if entry.action == "start":
            values = {
                "start": entry.at, "hash": entry.hash, "locked": entry.detail["plan"],
                "caps": entry.detail.get("caps") or {}, "planned": entry.detail.get("planned"),
            }  # fmt: skip
        elif entry.action == "stop":
            values["end"] = entry.at
        elif entry.action == "decide":
            values["decision"] = entry
    return Run(made.name, tuple(known), **values)


def experiment_of(plan: Plan, name: str) -> Experiment:
    """An experiment of the plan."""
    if name not in plan.experiments:
        raise UnknownName("experiment", name, plan.experiments)
    return plan.experiments[name]


def comparable(experiment: Experiment) -> None:
    """Refused where only the control takes anybody in."""
    if not any(one.weight > 0 for one in experiment.variants if one.name != experiment.control):
        raise Refused(
            f"{experiment.name} takes in nobody but {experiment.control}: give another variant a weight above 0"
        )


def bounds(asking: Asking, experiment: Experiment, run: Run) -> tuple[int, int]:
    """First and last moment (excluded) of the exposures that count: of the run, else as planned, else all data."""
    zone = asking.plan.site.timezone
    start, end = run.start, run.end
    if start is None and experiment.start is not None:
        start = day_start(experiment.start, zone)
    if start is None:
        start = day_start(asking.span.first, zone) if asking.span else 0
    if experiment.end is not None:
        planned = day_start(experiment.end + timedelta(1), zone)
        if planned > start:  # else the plan was written for another time
            end = planned if end is None else min(end, planned)
    return start, min(end if end is not None else FOREVER, asking.now)


def put(
    state: State, name: str, action: str, now: int, detail: Mapping[str, Any], at: int | None = None,
    hash: str | None = None,  # noqa: A002
) -> None:  # fmt: skip
    """Write one entry."""
    state.write("log_experiment", name=name, action=action, at=now if at is None else at, now=now, hash=hash,
                detail=json.dumps(detail, ensure_ascii=False, default=str))  # fmt: skip


def begin(
    asking: Asking, experiment: Experiment, raw: Mapping[str, Any], caps: Mapping[str, float], planned: int | None,
    at: int | None = None,
) -> str:  # fmt: skip
    """Lock an experiment and start it; its hash. ``at``: the moment it holds from, default now."""
    from assay.plan.lock import lock_hash, locked_raw

    assert asking.state is not None
    run = run_of(asking, experiment.name)
    if run.state == "running":
        since = day_of(run.start or 0, asking.plan.site.timezone)
        raise UsageError(f"{experiment.name} runs since {since}; assay experiment stop {experiment.name} ends it")
    if run.state in ("ended", "decided"):
        raise UsageError(
            f"{experiment.name} has run before: a second run is an experiment of its own; give it another name"
        )
    made = lock_hash(asking.plan, experiment.name)
    detail = {"plan": locked_raw(raw, experiment.name), "caps": dict(caps), "planned": planned}
    put(asking.state, experiment.name, "start", asking.now, detail, at, made)
    return made


def halt(asking: Asking, experiment: Experiment, reason: str = "", at: int | None = None) -> None:
    """Stop an experiment: later exposures do not count, windows that are open may still close."""
    assert asking.state is not None
    run = run_of(asking, experiment.name)
    if run.state != "running":
        raise UsageError(f"{experiment.name} does not run: it is {'not started' if run.start is None else run.state}")
    put(asking.state, experiment.name, "stop", asking.now, {"reason": reason}, at, run.hash)
