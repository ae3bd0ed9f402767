"""From store to store, segment by segment."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from assay.model.errors import CheckFailed, MachineError, UsageError
from assay.moving.batches import batches, scratch
from assay.moving.erasing import follow, new_stones
from assay.moving.settling import alike
from assay.moving.sums import Sums, sums
from assay.query import moving
from assay.store.engine import Past, Piece
from assay.store.locks import locked
from assay.workspace import unfinished

if TYPE_CHECKING:
    from assay.store.engine import Engine
    from assay.workspace import Workspace

TERMS = ("rows", "stored", "duplicates", "clashes", "quarantined", "erased", "expired")
_SHOWN = 5
_PATIENCE = 2.0  # seconds for which another move into the same place is waited for


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
    unfinished.refuse(source.data, "finish that first, then move on")
    alike(source, target.folder)
    with locked(target.data / "moving.lock", _PATIENCE):
        return _moved(source, target)


def _moved(source: Workspace, target: Workspace) -> Moved:
    stones = new_stones(source, target)
    read = source.engine  # open from here to the end, so that nothing changes under the move
    known = {name: tuple(terms) for name, _, _, _, *terms in target.engine.run(moving.segments()).rows}
    found = _segments(read)
    strange = sorted(set(known) - {one.name for one in found})
    if strange:
        raise UsageError(
            f"{target.folder} holds events that are not from here (segment {strange[0]!r} and {len(strange) - 1} more);"
            " move into a new workspace"
        )
    changed = [one.name for one in found if one.kind == "events" and known.get(one.name, one.terms) != one.terms]
    left = [one for one in found if one.name not in known or one.name in set(changed)]
    erased = not stones.nothing
    if left or erased:
        unfinished.begin(target.data, str(source.folder.resolve()))
    if changed:  # erased, expired or replayed since: they come anew
        with target.changing("taking out what has changed", alone=erased) as engine:
            engine.taking().unload(changed, target.derivation)
            if erased:
                engine.taking().rewrite()
    whole = sum(one.rows for one in found)
    done = whole - sum(one.rows for one in left)
    for batch in batches(left, lambda one: one.rows):
        source.progress(f"moving {whole:,} events", done, whole)
        with scratch(target.data / "moving") as folder:
            target.load([_piece(read, one, folder) for one in batch], whole=True)
        done += sum(one.rows for one in batch)
    if erased:
        follow(target, stones)
    source.progress("comparing the two stores", 0, 1)
    here, there = sums(read), sums(target.engine)
    different = here.differences(there)
    if different:
        more = f" and {len(different) - _SHOWN} more" if len(different) > _SHOWN else ""
        raise CheckFailed(f"the two stores differ: {'; '.join(different[:_SHOWN])}{more}; the source is untouched")
    unfinished.end(target.data)
    return Moved(len(left), len(found) - len(left), here, len(changed), len(stones.tombstones))


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
