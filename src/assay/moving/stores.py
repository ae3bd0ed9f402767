"""From store to store, segment by segment."""

from __future__ import annotations

import shutil
from collections import defaultdict
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from assay.model.errors import CheckFailed, MachineError, UsageError
from assay.moving.batches import LOCK, PATIENCE, SCRATCH, batches, scratch
from assay.moving.erasing import follow, new_stones
from assay.moving.settling import alike
from assay.moving.sums import Sums, ledger, sums
from assay.query import moving
from assay.store.engine import Past, Piece
from assay.store.locks import locked
from assay.workspace import unfinished

if TYPE_CHECKING:
    from assay.store.engine import Engine
    from assay.workspace import Workspace

TERMS = ("rows", "stored", "duplicates", "clashes", "quarantined", "erased", "expired")
_SHOWN = 5


@dataclass(frozen=True)
class Moved:
    """What a move did. ``segments``: moved now, ``anew`` of them since they had changed at the source; ``before``: had
    been moved already; ``stones``: tombstones of the source that the target did not have.
    """

    segments: int
    before: int
    sums: Sums
    anew: int = 0
    stones: int = 0


def move(source: Workspace, target: Workspace) -> Moved:
    """Copy what the source's store holds into the target's, and compare; the source stays as it is.

    Raises UsageError where the target holds other events or follows another plan, CheckFailed where the stores differ.
    """
    alike(source, target.folder)
    with locked(target.data / LOCK, PATIENCE):
        shutil.rmtree(target.data / SCRATCH, ignore_errors=True)  # what a killed move has left
        return _moved(source, target)


def _moved(source: Workspace, target: Workspace) -> Moved:
    read = source.engine  # open from here to the end, so that nothing changes under the move
    stones = new_stones(source, target)
    known = ledger(target.engine)
    found = _segments(read)
    strange = sorted(set(known) - {one.name for one in found})
    if strange:
        raise UsageError(
            f"{target.folder} holds events that are not from here (segment {strange[0]!r} and {len(strange) - 1} more);"
            " move into a new workspace"
        )
    changed = {one.name for one in found if one.kind == "events" and known.get(one.name, one.terms) != one.terms}
    left = [one for one in found if one.name not in known or one.name in changed]
    if left or not stones.nothing:
        unfinished.begin(target.data, str(source.folder.resolve()))
    _anew(source, target, left, changed)
    here, there = _compared(source, target)
    if here != there and known:
        # An event that had given way to a later one, which is gone since: the terms of its segment say nothing of it.
        displaced = _held(read).items() ^ _held(target.engine).items()
        odd = {name for name, _ in displaced} - changed
        if odd:
            _anew(source, target, [one for one in found if one.name in odd], odd)
            changed |= odd
            here, there = _compared(source, target)
    different = here.differences(there)
    if different:
        more = f" and {len(different) - _SHOWN} more" if len(different) > _SHOWN else ""
        raise CheckFailed(f"the two stores differ: {'; '.join(different[:_SHOWN])}{more}; the source is untouched")
    if not stones.nothing:
        with target.changing("leaving nothing of who was erased", alone=True) as engine:
            engine.taking().rewrite()
        follow(target, stones)
    unfinished.end(target.data)
    new = {one.name for one in left} | changed
    return Moved(len(new), len(found) - len(new), here, len(changed), len(stones.tombstones))


def _anew(source: Workspace, target: Workspace, left: list[_Segment], changed: set[str]) -> None:
    """Move segments, after taking those out that have changed: erased, expired or replayed since."""
    if changed:
        with target.changing("taking out what has changed") as engine:
            engine.taking().unload(sorted(changed), target.derivation)
    total, done = sum(one.rows for one in left), 0
    for batch in batches(left, lambda one: one.rows):
        source.progress(f"moving {total:,} events", done, total)
        with scratch(target.data / SCRATCH) as folder:
            target.load([_piece(source.engine, one, folder) for one in batch], whole=True)
        done += sum(one.rows for one in batch)


def _compared(source: Workspace, target: Workspace) -> tuple[Sums, Sums]:
    source.progress("comparing the two stores", 0, 1)
    return sums(source.engine), sums(target.engine)


def _held(engine: Engine) -> dict[str, int]:
    """Events that each segment still has."""
    return dict(engine.run(moving.held_by_segment()).rows)


@dataclass(frozen=True)
class _Segment:
    """A segment of a store. ``ranges``: numbers of its events; ``load_no``: of its costs, where they are its."""

    name: str
    kind: str
    rows: int
    past: Past
    ranges: tuple[tuple[int, int], ...] = ()
    load_no: int | None = None

    @property
    def terms(self) -> tuple[int, ...]:
        """Its line in the ledger."""
        return tuple(self.past.terms[name] for name in TERMS)


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


def _piece(engine: Engine, segment: _Segment, folder: Path) -> Piece:
    """A segment as files that can be loaded."""
    stem = sha256(segment.name.encode()).hexdigest()[:24]
    path, quarantine = folder / f"{stem}.parquet", folder / f"{stem}-quarantine.parquet"
    if segment.kind == "events":
        engine.write(moving.lines(segment.ranges), path)
    else:
        engine.write(moving.costs(-1 if segment.load_no is None else segment.load_no), path)
    engine.write(moving.quarantine(segment.name), quarantine)
    return Piece(segment.name, path, segment.kind, quarantine, past=segment.past)
