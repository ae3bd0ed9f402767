"""People and periods: erase somebody, hand out what is stored of somebody, let go of what is older than may be kept.

Erasing goes over everything that assay keeps of a workspace: the store's tables and its file, the segments of the
archive and of the collectors, quarantine, state, saved cohorts. A tombstone (a salted hash) keeps replays, rebuilds and
imports from bringing the person back. Backups and exports that were made before are not reached.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.analyses.kept import keeping, salt, stone
from assay.analyses.ledger import INTAKE
from assay.collect.erase import Person, is_open, segments, without
from assay.collect.trace import FILE as TRACE
from assay.jobs import ARCHIVE, load_intake
from assay.model.errors import UsageError
from assay.plan.cohort_files import FOLDER as COHORTS
from assay.store.engine import Subject
from assay.store.naming import naming
from assay.workspace import unfinished

if TYPE_CHECKING:
    from assay.collect.wire import Line
    from assay.store.engine import Keeping
    from assay.workspace import Workspace

MARK = "[erased]"
PATIENCE = 20.0  # seconds for which a collector's open segment is waited for
KINDS = ("user", "visitor")
# Asked by SQL instead, or written by assay about no person.
_UNREAD = (".duckdb", ".wal", ".sqlite", ".sqlite-wal", ".sqlite-shm", ".schema.json")


@dataclass(frozen=True)
class Known:
    """Somebody, and how much is stored. ``names``: all ids; ``shared``: devices that others used too."""

    subject: Subject
    person: Person
    events: int
    shared: tuple[str, ...]


@dataclass(frozen=True)
class Erased:
    """What went. ``left``: where an id still stands, with the number of rows or files; empty: nowhere."""

    known: Known
    events: int
    lines: int
    quarantined: int
    texts: int
    left: dict[str, int] = field(default_factory=dict)


def know(workspace: Workspace, kind: str, id: str) -> Known:
    """Who somebody is: all ids, and the number of stored events. Waiting segments are loaded first."""
    if kind not in KINDS or not id.strip():
        raise UsageError("say who: a user or a visitor, by id")
    _settle(workspace)
    taking = workspace.engine.taking()
    spans = taking.spans_of(id) if kind == "user" else []
    alone = frozenset(visitor for visitor, _, _, only in spans if only)
    shared = tuple((visitor, since, until) for visitor, since, until, only in spans if not only)
    whole = frozenset({id})
    person = Person(frozenset(), whole) if kind == "visitor" else Person(whole, alone, shared)
    # The id of a shared device is somebody else's too: it may go on standing.
    names = (id, *sorted(alone - {id}))
    subject = Subject(kind, id, names)
    return Known(subject, person, taking.found(subject), tuple(sorted({one for one, _, _ in shared})))


def _settle(workspace: Workspace) -> None:
    """Load what had come by now: a collector ends its segments every few seconds."""
    moment, until = workspace.now, time.monotonic() + PATIENCE
    while not unfinished.coming(workspace.data):  # nothing is loaded while a move comes in
        load_intake(workspace)
        if not _written(workspace, moment) or time.monotonic() > until:
            return
        time.sleep(0.5)


def _written(workspace: Workspace, moment: int) -> list[Path]:
    """Segments from before a moment that collectors are still writing."""
    found = (path for path in segments(workspace.data / INTAKE) if is_open(path))
    return [path for path in found if int(path.name.split("-")[0]) <= moment]


def export(workspace: Workspace, kind: str, id: str) -> dict[str, Any]:
    """Everything that is stored of somebody, as plain JSON: moments in UTC as ISO text, money as decimal text."""
    known = know(workspace, kind, id)
    stored = workspace.engine.taking().stored(known.subject)
    return {
        "subject": {"kind": kind, "id": id, "ids": list(known.subject.names), "shared_devices": list(known.shared)},
        "site": workspace.plan.site.name, "made_at": _moment(workspace.now),
        **{table: [_plain(row) for row in rows] for table, rows in stored.items()},
    }  # fmt: skip


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in row.items():
        if value is None or name.endswith("_key") or name.startswith("p_"):
            continue  # typed copies of properties and inner numbers say nothing more
        if name == "t" or name.endswith(("_t", "_at")):
            made["time" if name == "t" else name.removesuffix("_t")] = _moment(value)
        elif name in ("props", "items", "raw"):
            made[name] = _json(value)
        else:
            made[name] = value if isinstance(value, bool | int | float) else str(value)
    return made


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _moment(micros: int) -> str:
    return datetime.fromtimestamp(micros / 1e6, UTC).isoformat()


def erase(workspace: Workspace, kind: str, id: str) -> Erased:
    """Erase somebody up to now, and look whether it is done."""
    unfinished.refuse(workspace.data, "erase there, then run it again")
    known = know(workspace, kind, id)
    moment = workspace.now
    _bury(workspace, known, moment)
    with workspace.changing("erasing in the store", alone=True) as engine:
        events, quarantined = engine.taking().erase(known.subject, workspace.derivation)
        engine.taking().rewrite()
    lines, texts = beside_the_store(workspace, known.person.owns, known.person.names, known.subject.names, moment)
    workspace.state.write(
        "log_erasure", now=moment, kind=kind, events=events, lines=lines, quarantined=quarantined
    )  # fmt: skip
    there = left(workspace, known.subject.names)
    if workspace.state.lingers:
        there[f"{workspace.state.path.relative_to(workspace.folder)}-wal, which another process reads: erase again"] = 1
    return Erased(known, events, lines, quarantined, texts, there)


def beside_the_store(
    workspace: Workspace, owns: Callable[[Line], bool], hint: tuple[str, ...], names: tuple[str, ...], moment: int
) -> tuple[int, int]:
    """Take somebody out of segments, state, saved cohorts and traces: lines and other texts that went.

    ``owns``: whether a line is of them; ``hint``: texts of which such a line has one, none: any; ``names``: their ids.
    """
    lines = _from_segments(workspace, owns, hint, moment)
    texts = workspace.state.scrub(names, MARK)
    texts += _from_cohorts(workspace.folder / COHORTS, names)
    for trace in (workspace.data / INTAKE).rglob(TRACE):
        trace.unlink(missing_ok=True)
    return lines, texts


def _bury(workspace: Workspace, known: Known, moment: int) -> None:
    """Tombstones, before anything goes: what is interrupted can be repeated, and nothing comes back meanwhile."""
    state, person = workspace.state, known.person
    key, ever = salt(state), -(1 << 62)
    with state.changing() as do:
        for kind, ids in (("user", person.users), ("visitor", person.visitors)):
            for one in sorted(ids):
                do("add_tombstone", kind=kind, hash=stone(key, kind, one), since=ever, until=moment)
        for visitor, since, until in person.spans:
            since, until = max(since, 0), min(until - 1, moment)
            do("add_tombstone", kind="visitor", hash=stone(key, "visitor", visitor), since=since, until=until)


def _from_segments(workspace: Workspace, owns: Callable[[Line], bool], hint: tuple[str, ...], moment: int) -> int:
    """Lines of the person out of archived and waiting segments; those being written are waited for."""
    folders = (workspace.data / ARCHIVE, workspace.data / INTAKE)
    gone, done, until = 0, set[str](), time.monotonic() + PATIENCE
    while True:
        waiting = _written(workspace, moment)
        for path in segments(*folders):
            if not is_open(path) and str(path) not in done:
                try:
                    gone += without(path, lambda line: not owns(line), hint)
                except FileNotFoundError:  # loaded and moved meanwhile: met again in the archive
                    waiting.append(path)
                else:
                    done.add(str(path))
        if not waiting or time.monotonic() > until:
            return gone
        time.sleep(0.5)


def _from_cohorts(folder: Path, names: tuple[str, ...]) -> int:
    """Ids out of saved lists."""
    gone = 0
    for path in sorted(folder.glob("*.csv")):
        rows = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines(keepends=True)
        kept = [row for row in rows if row.strip().strip('"') not in names]
        if len(kept) < len(rows):
            gone += len(rows) - len(kept)
            path.write_text("".join(kept), encoding="utf-8", errors="surrogateescape")
    return gone


def left(workspace: Workspace, names: tuple[str, ...]) -> dict[str, int]:
    """Where one of the ids still stands: table and column → rows, file → 1. Events of others may name somebody."""
    found = workspace.engine.taking().places(names)
    pattern = re.compile(naming(names).encode())
    for path in _texts(workspace):
        try:
            if pattern.search(path.read_bytes()):
                found[str(path.relative_to(workspace.folder))] = 1
        except FileNotFoundError:
            continue
    return found


def _texts(workspace: Workspace) -> Iterator[Path]:
    """Files of the workspace that hold text: segments, state, saved cohorts."""
    for folder in (workspace.data, workspace.folder / COHORTS):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.name.endswith(_UNREAD):
                yield path


@dataclass(frozen=True)
class Expired:
    """What went since it was older than it may be kept."""

    events: int
    lines: int


def expire(workspace: Workspace) -> Expired:
    """Let go of events whose period is over: from the store, its file and the archived segments."""
    rule = keeping(workspace.state, workspace.plan, workspace.now)
    if not workspace.plan.retention or unfinished.coming(workspace.data):
        return Expired(0, 0)
    with workspace.changing("letting go of what is too old", alone=True) as engine:
        events = engine.taking().expire(rule, workspace.derivation)
        if events:
            engine.taking().rewrite()
    lines = sum(
        without(path, lambda line: not _over(line, rule)) for path in segments(workspace.data / ARCHIVE)
    )  # fmt: skip
    return Expired(events, lines)


def _over(line: dict[str, object], rule: Keeping) -> bool:
    moment, cut = line.get("time"), rule.cuts.get(str(line.get("name")), rule.default_cut)
    return isinstance(moment, int) and cut is not None and moment < cut
