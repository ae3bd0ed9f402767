"""A workspace's events from one store to another, or to a folder of Parquet and back.

Between stores, segments move: each keeps its name, its rows in quarantine and its place in the ledger, is loaded at the
target once ever (so that a move that broke off goes on where it was), and what a collector's archive holds is known
there too. Afterwards counts and checksums of every day, and what is derived from them, are compared.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from assay.model.errors import CheckFailed, DataError, MachineError, UsageError
from assay.plan.includes import gather
from assay.plan.load import FILE
from assay.plan.report import Report
from assay.query import moving
from assay.store.engine import Past, Piece

if TYPE_CHECKING:
    from assay.store.engine import Engine, Loaded, Statement
    from assay.workspace import Workspace

T = TypeVar("T")
BATCH = int(os.environ.get("ASSAY_MOVE_BATCH", "2000000"))  # events in one transaction of the target
COPIED = ("cohorts",)  # folders beside the plan that it reads
MANIFEST = "manifest.json"
FORM, VERSION = "assay-export", 1
TERMS = ("rows", "stored", "duplicates", "clashes", "quarantined", "erased", "expired")
_SHOWN = 5


@dataclass(frozen=True)
class Sums:
    """What two stores are compared by. ``days``: (events, checksum, checksum) of each; ``derived``: (sessions, their
    events, orders, net revenue) of each; ``ledger``: a segment's terms.
    """

    days: dict[date, tuple[Any, ...]]
    derived: dict[date, tuple[Any, ...]]
    costs: tuple[Any, ...]
    quarantined: int
    ledger: dict[str, tuple[Any, ...]]

    @property
    def events(self) -> int:
        """All events."""
        return sum(one[0] for one in self.days.values())

    def differences(self, other: Sums) -> list[str]:
        """Where another store has something else; empty where both hold the same."""
        found = [f"{day}: {_events(self.days.get(day))} here, {_events(other.days.get(day))} there"
                 for day in sorted({*self.days, *other.days}) if self.days.get(day) != other.days.get(day)]  # fmt: skip
        found += [f"{day}: sessions or orders are derived otherwise"
                  for day in sorted({*self.derived, *other.derived})
                  if self.derived.get(day) != other.derived.get(day)]  # fmt: skip
        if self.costs != other.costs:
            found.append(f"costs: {self.costs[0]:,} rows here, {other.costs[0]:,} there")
        if self.quarantined != other.quarantined:
            found.append(f"quarantine: {self.quarantined:,} rows here, {other.quarantined:,} there")
        names = [
            name for name in sorted({*self.ledger, *other.ledger}) if self.ledger.get(name) != other.ledger.get(name)
        ]
        return [*found, *(f"segment {name}: the ledger says otherwise" for name in names)]

    def plain(self) -> list[dict[str, Any]]:
        """The days as plain values."""
        return [
            {"day": str(day), "events": events, "checks": [int(first), int(second)]}
            for day, (events, first, second) in self.days.items()
        ]


@dataclass(frozen=True)
class Moved:
    """What a move did. ``segments``: moved now; ``before``: had been moved already."""

    segments: int
    before: int
    sums: Sums


def _events(sums: tuple[Any, ...] | None) -> str:
    return f"{sums[0]:,} events ({sums[1]}-{sums[2]})" if sums else "nothing"


def sums(engine: Engine) -> Sums:
    """Counts and checksums of a store."""
    ledger = {name: tuple(terms) for name, _, _, _, *terms in engine.run(moving.segments()).rows}
    return Sums(
        {row[0]: row[1:] for row in engine.run(moving.days()).rows},
        {row[0]: row[1:] for row in engine.run(moving.derived_days()).rows},
        engine.run(moving.costs_sums()).one(),
        engine.run(moving.held_back()).one()[0],
        ledger,
    )


# -- from store to store ----------------------------------------------------------------------------------------------


def move(source: Workspace, target: Workspace) -> Moved:
    """Copy what the source's store holds into the target's, and compare; the source stays as it is.

    Raises UsageError where the target holds other events or follows another plan, CheckFailed where the stores differ.
    """
    if source.plan.id != target.plan.id:
        raise UsageError(f"the plans differ: {target.folder} counts otherwise than {source.folder}; see assay diff")
    read = source.engine  # open from here to the end, so that nothing changes under the move
    known = {row[0] for row in target.engine.run(moving.segments()).rows}
    found = _segments(read)
    strange = sorted(known - {one.name for one in found})
    if strange:
        raise UsageError(
            f"{target.folder} holds events that are not from here (segment {strange[0]!r} and {len(strange) - 1} more);"
            " move into a new workspace"
        )
    left = [one for one in found if one.name not in known]
    total, done = sum(one.rows for one in left), 0
    for batch in _batches(left, lambda one: one.rows):
        source.progress(f"moving {total:,} events", done, total)
        with _scratch(target.data / "moving") as scratch:
            target.load([_piece(read, one, scratch) for one in batch], whole=True)
        done += sum(one.rows for one in batch)
    source.progress("comparing the two stores", 0, 1)
    here, there = sums(read), sums(target.engine)
    different = here.differences(there)
    if different:
        more = f" and {len(different) - _SHOWN} more" if len(different) > _SHOWN else ""
        raise CheckFailed(f"the two stores differ: {'; '.join(different[:_SHOWN])}{more}; the source is untouched")
    return Moved(len(left), len(found) - len(left), here)


@dataclass(frozen=True)
class _Segment:
    """A segment of a store. ``ranges``: numbers of its events; ``load_no``: of its costs, where they are its."""

    name: str
    kind: str
    rows: int
    past: Past
    ranges: tuple[tuple[int, int], ...] = ()
    load_no: int | None = None


def _segments(engine: Engine) -> list[_Segment]:
    """Every segment, in the order of loading, with where its lines are."""
    ranges: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for name, first, after in engine.run(moving.spans()).rows:
        ranges[name].append((first, after))
    refused: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for name, reason, lines in engine.run(moving.refusals()).rows:
        refused[name].append((reason, lines))
    rows = engine.run(moving.segments()).rows
    for load_no, _, first, after in engine.run(moving.unspanned()).rows:  # as erasing counts them
        of_load = [row for row in rows if row[2] == load_no and row[1] == "events" and row[0] not in ranges]
        if not of_load:
            raise MachineError(f"events of load {load_no} belong to no segment; run assay rebuild, then move again")
        ranges[max(of_load, key=lambda row: (row[5], row[0]))[0]].append((first, after))
    costs: set[int] = set()
    made = []
    for name, kind, load_no, loaded_at, *counts in rows:
        past = Past(loaded_at, dict(zip(TERMS, counts, strict=True)), tuple(refused[name]))
        own = kind == "costs" and load_no not in costs  # costs know their load only: its first segment takes them
        costs |= {load_no} if own else set()
        made.append(_Segment(name, kind, counts[1], past, tuple(ranges[name]), load_no if own else None))
    return made


def _batches(things: Iterable[T], rows: Callable[[T], int]) -> Iterator[list[T]]:
    """Things in their order, as many at a time as one transaction of the target takes."""
    batch: list[T] = []
    held = 0
    for one in things:
        batch.append(one)
        held += rows(one)
        if held >= BATCH:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def _piece(engine: Engine, segment: _Segment, scratch: Path) -> Piece:
    """A segment as files that can be loaded."""
    stem = sha256(segment.name.encode()).hexdigest()[:24]
    path, quarantine = scratch / f"{stem}.parquet", scratch / f"{stem}-quarantine.parquet"
    if segment.kind == "events":
        engine.write(moving.lines(segment.ranges), path)
    else:
        engine.write(moving.costs(-1 if segment.load_no is None else segment.load_no), path)
    engine.write(moving.quarantine(segment.name), quarantine)
    return Piece(segment.name, path, segment.kind, quarantine, past=segment.past)


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A folder for the time of a batch; what a broken move has left in it goes."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def settle(source: Workspace, folder: Path) -> None:
    """Make a folder a workspace like the source: plan with its includes, cohorts, state; each where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    _copy_plan(source, folder)
    from assay.store.state import FILE as STATE
    from assay.workspace import DATA

    state = folder / DATA / STATE
    if (source.data / STATE).exists() and not state.exists():
        state.parent.mkdir(parents=True, exist_ok=True)
        made = state.with_suffix(".new")
        made.unlink(missing_ok=True)
        with closing(sqlite3.connect(source.data / STATE)) as old, closing(sqlite3.connect(made)) as new:
            old.backup(new)
        made.replace(state)


def _copy_plan(source: Workspace, folder: Path) -> None:
    if (folder / FILE).exists():
        return
    for name in COPIED:
        if (source.folder / name).is_dir():
            shutil.copytree(source.folder / name, folder / name, dirs_exist_ok=True)
    base = source.folder.resolve()
    for file in reversed(gather(source.folder / FILE, Report())[1]):  # the main file last: it makes the workspace
        path = Path(file).resolve().relative_to(base)
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(base / path, folder / path)


# -- to a folder of Parquet, and back ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Exported:
    """An exported folder. ``kept``: days whose file was there already and held the same."""

    folder: Path
    events: int
    days: int
    kept: int


def export(source: Workspace, folder: Path) -> Exported:
    """Everything that the store holds as Parquet: ``events/day=…/events.parquet``, costs, quarantine, plan, manifest.

    Each file is read again and compared with the store. An export that broke off goes on where it was.
    """
    if folder.exists() and any(folder.iterdir()) and not _ours(folder):
        raise UsageError(f"{folder} holds something else; name a new folder")
    read = source.engine
    there = sums(read)
    folder.mkdir(parents=True, exist_ok=True)
    head = {"form": FORM, "version": VERSION, "site": source.plan.site.name, "timezone": source.plan.site.timezone,
            "currency": source.plan.site.currency, "plan": source.plan.id}  # fmt: skip
    _write_manifest(folder, {**head, "complete": False})
    kept, wanted = 0, {f"day={day}" for day in there.days}
    for old in (folder / "events").glob("day=*"):
        if old.name not in wanted:
            shutil.rmtree(old)
    for number, (day, total) in enumerate(there.days.items()):
        source.progress(f"writing {there.events:,} events", number, len(there.days))
        path = folder / "events" / f"day={day}" / "events.parquet"
        kept += _fresh(read, moving.lines_of_day(day), path, total)
    _fresh(read, moving.costs(), folder / "costs.parquet", None)
    _fresh(read, moving.quarantine(), folder / "quarantine.parquet", None)
    _copy_plan(source, folder)
    _write_manifest(folder, {**head, "complete": True, "events": there.events, "costs": there.costs[0],
                             "quarantine": there.quarantined, "days": there.plain()})  # fmt: skip
    return Exported(folder, there.events, len(there.days), kept)


def _ours(folder: Path) -> bool:
    return (folder / MANIFEST).exists() and _manifest(folder)["form"] == FORM


def _fresh(engine: Engine, statement: Statement, path: Path, expected: tuple[Any, ...] | None) -> bool:
    """Write a file unless it holds the same already (True); with what is expected, read it again and compare."""
    if expected is not None and path.exists() and _holds(path, expected):
        return True
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_suffix(".new")
    engine.write(statement, made)
    if expected is not None and not _holds(made, expected):
        raise MachineError(f"{made}: what was written is not what is stored; is the disk full or broken?")
    made.replace(path)
    return False


def _holds(path: Path, expected: tuple[Any, ...]) -> bool:
    """Whether a file says what is expected, as the DuckDB of this process reads it."""
    from assay.store.engines.duckdb_file import rows_of

    try:
        return rows_of(moving.sums_of_file(str(path))) == [tuple(expected)]
    except (DataError, MachineError):
        return False


def _write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    made = folder / f"{MANIFEST}.new"
    made.write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    made.replace(folder / MANIFEST)


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}); is {folder} what assay export --to has written?") from None
    if not isinstance(found, dict) or found.get("form") != FORM:
        raise DataError(f"{path} is no manifest of assay export --to")
    return found


@dataclass(frozen=True)
class Brought:
    """What an exported folder brought. ``again``: days that had come in before."""

    days: int
    again: int
    stored: int
    duplicates: int


def bring(target: Workspace, folder: Path) -> Brought:
    """Load an exported folder, each day once ever. Raises DataError where a file is not what was exported."""
    found = _manifest(folder)
    if not found.get("complete"):
        raise DataError(f"{folder}: the export broke off; run assay export --to {folder} again where it was made")
    pieces = _pieces(target, folder, found)
    loaded: list[Loaded] = []
    for batch in _batches(pieces, lambda one: one[1]):
        target.progress(f"loading {found['events']:,} events", len(loaded), len(pieces))
        loaded += target.load([piece for piece, _ in batch])
    days = [one for one in loaded if one.kind == "events" and not one.again]
    return Brought(
        len(days), sum(one.again and one.kind == "events" for one in loaded), sum(one.stored for one in days),
        sum(one.duplicates + one.clashes for one in days),
    )  # fmt: skip


def _pieces(target: Workspace, folder: Path, found: dict[str, Any]) -> list[tuple[Piece, int]]:
    """The files of an export, each held against its manifest, with their events."""
    named = sha256(json.dumps(found["days"]).encode()).hexdigest()[:12]
    made = []
    for number, one in enumerate(found["days"]):
        target.progress("checking the files", number, len(found["days"]))
        path = folder / "events" / f"day={one['day']}" / "events.parquet"
        if not path.exists() or not _holds(path, (one["events"], *one["checks"])):
            raise DataError(f"{path} is missing or is not what was exported; nothing was loaded")
        made.append((Piece(f"export-{named}-{one['day']}", path), one["events"]))
    if made and found["quarantine"]:
        first, n = made[0]
        made[0] = (replace(first, quarantine=folder / "quarantine.parquet"), n)
    if found["costs"]:
        made.append((Piece(f"export-{named}-costs", folder / "costs.parquet", "costs"), 0))
    return made
