"""Recurring work: what a timer runs over a workspace, once a day or as often as it likes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import assay
from assay.analyses.alert_log import logged, muted, mutes, put
from assay.analyses.alerts import findings, judge_days
from assay.analyses.hours import running
from assay.analyses.ledger import EPOCH, INTAKE
from assay.decide.incidents import follow
from assay.model.event import NAMES
from assay.model.finding import Finding
from assay.plan.build_measures import AUTOMATIC

if TYPE_CHECKING:
    from datetime import datetime

    from assay.analyses.base import Asking
    from assay.analyses.judging import Judged
    from assay.decide.incidents import Incident
    from assay.report.seal import Made
    from assay.workspace import Workspace

INTAKE_EVERY = 2.0  # seconds between two loads of a server
BACK = 28  # days that the first run judges
REPORTS = "reports"  # reports that were sent, below the workspace's data
ARCHIVE = "segments"  # raw lines as they came, below the workspace's data
LOCK = "loading.lock"  # whose process loads segments, or replays lines


@dataclass(frozen=True)
class Ran:
    """What a run of the alerts found. ``days``: complete days judged now. ``reason``: why none was.

    ``past``: what was already over when the first run came to it; it is in the list and not told as new.
    """

    days: tuple[date, ...]
    new: tuple[Finding, ...]
    recovered: tuple[Finding, ...]
    muted: int
    open: int
    reason: str = ""
    past: int = 0


def run_alerts(workspace: Workspace, as_of: datetime | None = None) -> Ran:
    """Judge the complete days since the last run and write what is new or recovered into the state.

    Each day is judged once. ``as_of``: as if it were then.
    """
    return _Run(workspace.asking("alerts", as_of)).run()


class _Run:
    def __init__(self, asking: Asking) -> None:
        assert asking.state is not None
        self.asking, self.state = asking, asking.state

    def run(self) -> Ran:
        asking = self.asking
        if asking.span is None:
            return Ran((), (), (), 0, 0, "there are no events yet")
        last = asking.complete_day()
        done = [date.fromisoformat(row["day"]) for row in self.state.read("alert_days")]
        first = max(done) + timedelta(1) if done else last - timedelta(BACK - 1)
        log = logged(self.state)
        known = tuple(e.incident for e in log if e.incident.recovered is None or (first - e.incident.last).days <= BACK)
        judged, _ = judge_days(asking, first, last, known) if first <= last else ([], None)
        incidents = self._running(list(judged[-1].incidents if judged else known))
        before = {one.key: one for one in known}
        new = [one for one in incidents if one.key not in before]
        over = [one for one in incidents if one.key in before and one.recovered and not before[one.key].recovered]
        self._write(judged, incidents)
        held = mutes(self.state)
        wanted = [one for one in new if done or one.recovered is None]  # a first run tells no old stories
        loud = [one for one in wanted if not muted(one, held, one.last)]
        return Ran(
            tuple(j.day.day for j in judged), tuple(findings(asking, loud)), tuple(findings(asking, over)),
            len(wanted) - len(loud), sum(one.recovered is None for one in incidents),
            "" if judged or new else self._reason(first, last), len(new) - len(wanted),
        )  # fmt: skip

    def _running(self, incidents: list[Incident]) -> list[Incident]:
        """The incidents with what the running day shows by its last complete hour."""
        found = running(self.asking)
        if found is None:
            return incidents
        day, verdicts = found
        new = follow(incidents, day, verdicts, dict.fromkeys(day.flagged, (AUTOMATIC,)))
        ended = {one.key: replace(one, recovered=None) for one in new if one.recovered == day.day}
        return [ended.get(one.key, one) for one in new]  # a day that runs ends nothing

    def _reason(self, first: date, last: date) -> str:
        from assay.stats.seasonal import LEAST

        assert self.asking.span is not None
        if first > last:
            return f"every complete day up to {last} has been judged"
        able = self.asking.span.first + timedelta(LEAST)
        return f"no alert possible before {able}: an expectation needs {LEAST} days"

    def _write(self, judged: list[Judged], incidents: list[Incident]) -> None:
        now = self.asking.now
        texts = [f.text for f in findings(self.asking, incidents)]
        with self.state.changing() as do:
            for one in judged:
                do("add_alert_day", day=str(one.day.day), series=one.judged, p=one.limit, now=now)
            for incident, text in zip(incidents, texts, strict=True):
                put(do, incident, text, now)


@dataclass(frozen=True)
class Taken:
    """What was loaded from the collectors' spools."""

    segments: int
    stored: int
    duplicates: int
    quarantined: int


def load_intake(workspace: Workspace) -> Taken:
    """Load every ended segment once, then move it to the archive by its day: ``assay-data/segments/YYYY-MM-DD/``.

    A crash between the two repeats the move only: a segment's name is recorded with its rows. One process at a time.
    """
    from assay.store.locks import locked

    workspace.close()  # whoever waits for the lock must not keep the store from who has it
    with locked(workspace.data / LOCK):
        return _loaded(workspace)


def _loaded(workspace: Workspace) -> Taken:
    from assay.collect.spool import ended, moved, named
    from assay.store.disk import sync
    from assay.store.engine import Piece

    found = ended(workspace.data / INTAKE)
    if not found:
        return Taken(0, 0, 0, 0)
    loaded = workspace.load([Piece(path.name, path) for path in found])
    for path in found:
        known = named(path.name)
        assert known is not None
        folder = workspace.data / ARCHIVE / (EPOCH + timedelta(known.day)).isoformat()
        folder.mkdir(parents=True, exist_ok=True)
        moved(path, folder / path.name)
    sync(workspace.data / ARCHIVE)
    return Taken(
        sum(not one.again for one in loaded), sum(one.stored for one in loaded),
        sum(one.duplicates + one.clashes for one in loaded), sum(one.quarantined for one in loaded),
    )  # fmt: skip


@dataclass(frozen=True)
class Replayed:
    """What a replay did: events stored, duplicates, lines of erased people or too old, and those that wait on."""

    stored: int
    duplicates: int
    gone: int
    waiting: int


def held(workspace: Workspace) -> tuple[dict[str, list[dict[str, Any]]], int]:
    """Segment → lines in quarantine that the plan knows by now (with their number), and how many wait on."""
    from assay.collect.planned import unplanned
    from assay.collect.spool import named
    from assay.query.ledger import quarantined

    plan = workspace.plan
    ready: dict[str, list[dict[str, Any]]] = {}
    waiting = 0
    for segment, _, number, _, raw in workspace.engine.run(quarantined()).rows:
        line = _line(raw) if named(segment) else None  # rows of imports come in with the file again
        strict = plan.collect.mode == "strict"
        if line is None or (strict and unplanned(line, plan.events) is not None):
            waiting += 1
        else:
            ready.setdefault(segment, []).append({**line, "line": number})
    return ready, waiting


def _line(raw: str | None) -> dict[str, Any] | None:
    """The event line in a quarantined row, if it is one that the store can take."""
    from assay.collect.line import whole

    try:
        found = json.loads(raw or "")
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    line = {name: found[name] for name in NAMES if found.get(name) is not None}
    for name in ("props", "items"):
        if isinstance(line.get(name), str):
            line[name] = json.loads(line[name])
    return line if whole(line) is None and _is_amount(line.get("amount")) else None


def _is_amount(value: Any) -> bool:
    try:
        return value is None or Decimal(str(value)).is_finite()
    except InvalidOperation:
        return False


def replay(workspace: Workspace) -> Replayed:
    """Bring in what the plan knows by now. A line leaves the quarantine in the transaction that stores it.

    One process at a time: two would count a line twice in the ledger.
    """
    from assay.store.locks import locked

    workspace.close()  # whoever waits for the lock must not keep the store from who has it
    with locked(workspace.data / LOCK):
        return _replayed(workspace)


def _replayed(workspace: Workspace) -> Replayed:
    from assay.store.engine import Piece

    ready, waiting = held(workspace)
    if not ready:
        return Replayed(0, 0, 0, waiting)
    folder = workspace.data / "spool"
    folder.mkdir(parents=True, exist_ok=True)
    pieces = []
    try:
        for segment, lines in ready.items():
            path = folder / f"replay-{segment}"
            pieces.append(Piece(path.name, path, replays=segment))
            path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in lines), encoding="utf-8")
        loaded = workspace.load(pieces)
    finally:
        for piece in pieces:
            piece.path.unlink(missing_ok=True)
    return Replayed(
        sum(one.stored for one in loaded), sum(one.duplicates + one.clashes for one in loaded),
        sum(one.erased + one.expired for one in loaded), waiting + sum(one.quarantined for one in loaded),
    )  # fmt: skip


@dataclass(frozen=True)
class Sent:
    """What a run of the sending did. ``failed`` are tried again where that is sure not to deliver twice."""

    sent: int
    failed: int
    waiting: int


def made_report(
    workspace: Workspace, first: date | None = None, last: date | None = None, experiment: str | None = None
) -> Made:
    """The report of a workspace."""
    from assay.report.making import data_version, report

    span = workspace.span
    data = data_version(span.events, span.through, workspace.derivation.id) if span else ""
    return report(
        workspace.ask, workspace.plan, workspace.folder, first, last, experiment, data, assay.__version__,
        span.first if span else None,
        workspace.progress,
    )  # fmt: skip


def send_reports(workspace: Workspace) -> Sent:
    """Make and send what is due by the plan's schedules, and what failed before and may be tried again."""
    from assay.report.outbox import SENT, WAITING, claim, settle

    _put_due(workspace)
    outcomes = []
    for row in claim(workspace.state, workspace.now):
        outcome, why = _delivered(workspace, row)
        outcomes.append(settle(workspace.state, row, outcome, why, workspace.now))
    waiting = sum(row["state"] == WAITING for row in workspace.state.read("outbox"))
    return Sent(outcomes.count(SENT), len(outcomes) - outcomes.count(SENT), waiting)


def _put_due(workspace: Workspace) -> None:
    """Make the report of every slot that has come, once, and note to whom it is to go."""
    from assay.report import outbox
    from assay.report.making import write
    from assay.report.writers.text import covering

    made = None
    for slot in outbox.due(workspace.plan.report.schedules, workspace.plan.site.timezone, workspace.now):
        receivers = outbox.missing(workspace.state, slot)
        if not receivers:
            continue
        made = made or made_report(workspace)
        name = f"report-{slot.at[:16].replace(':', '')}.{slot.schedule.format}"
        write(made, workspace.data / REPORTS / name)
        outbox.put(workspace.state, slot, receivers, name, covering(made), workspace.now)


def _delivered(workspace: Workspace, row: dict[str, Any]) -> tuple[str, str]:
    import hashlib

    from assay.report.sending import Parcel, deliver

    settings = workspace.plan.report
    path = workspace.data / REPORTS / row["file"]
    try:
        content = path.read_bytes()
    except OSError as error:
        return "waiting", f"{path.name}: {error.strerror or error}"
    title = settings.title or f"{workspace.plan.site.name}: how it is going"
    key = hashlib.sha256(f"{row['slot']} {row['schedule']} {row['receiver']} {row['format']}".encode()).hexdigest()[:32]
    link = f"{settings.link.rstrip('/')}/{path.name}" if settings.link else None
    parcel = Parcel(title, row["text"], path.name, row["format"], content, key, link)
    return deliver(parcel, row["receiver"], settings, workspace.folder)


def roll_up(workspace: Workspace) -> int:
    """Keep what dashboards are answered from, where the store is one that keeps it; days made anew."""
    from assay.store.engines import rolls

    return workspace.roll_up() if rolls(workspace.engine_name) else 0


JOBS: dict[str, Callable[[Workspace], object]] = {
    "alerts": run_alerts,
    "intake": load_intake,
    "reports": send_reports,
    "rollups": roll_up,
}
