"""Who was erased at the source since a move began: taken out of what the target has beside its store, and kept out.

The events of such people go with their segments, which are moved anew. A tombstone names nobody, so what may be an id
in texts of the target is hashed and compared. Tombstones are written down last: what breaks off before is found again.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from assay.analyses.kept import SALT, keeping, stone
from assay.analyses.ledger import INTAKE
from assay.collect.erase import Person, segments
from assay.jobs import ARCHIVE
from assay.model.errors import MachineError, UsageError
from assay.plan.cohort_files import FOLDER as COHORTS
from assay.privacy import beside_the_store
from assay.store.engine import ALL, Keeping
from assay.store.naming import EDGE

if TYPE_CHECKING:
    from assay.store.engine import Tombstone
    from assay.workspace import Workspace

_EDGE = re.compile(EDGE)
_WORDS, _LETTERS = 8, 300  # most words and letters of an id that stands within a text


def new_stones(source: Workspace, target: Workspace) -> Keeping:
    """Tombstones that the target lacks, or that hold only until an earlier moment there, with their salt.

    Raises UsageError where the target has erased somebody whom the source may still have.
    """
    theirs, ours = (
        {(one.kind, one.hash, one.since): one for one in keeping(ws.state, ws.plan, ws.now).tombstones}
        for ws in (source, target)
    )
    salts = [str(row["value"]) for ws in (source, target) for row in ws.state.read("fact", key=SALT)]
    lacking = [one for key, one in ours.items() if key not in theirs or theirs[key].until < one.until]
    if lacking or (theirs and len(set(salts)) > 1):
        raise UsageError(
            f"people were erased in {target.folder} whom {source.folder} may still have; move into a new workspace"
        )
    new = [one for key, one in theirs.items() if key not in ours or ours[key].until < one.until]
    return Keeping(tuple(new), salts[0]) if new else ALL


def follow(target: Workspace, new: Keeping) -> None:
    """Take whom new tombstones are of out of files and texts of the target, and keep them out from now on.

    Raises MachineError where a reader keeps what was taken out in the state's file.
    """
    person = _person(target, new)
    if person.names:
        names = tuple(sorted(person.users | person.visitors))
        lines, _ = beside_the_store(target, person, names, target.now)
        target.state.write("log_erasure", now=target.now, kind="as at the source", events=0, lines=lines, quarantined=0)
    if target.state.lingers:
        raise MachineError(f"{target.state.path} is being read: who was erased still stands in it; run the move again")
    with target.state.changing() as do:
        do("add_fact", key=SALT, value=new.salt)
        for one in new.tombstones:
            do("add_tombstone", kind=one.kind, hash=one.hash, since=one.since, until=one.until)


def _person(target: Workspace, new: Keeping) -> Person:
    """Whom of those that the target's files and texts name the tombstones are of."""
    stones: dict[tuple[str, str], list[Tombstone]] = defaultdict(list)
    for one in new.tombstones:
        stones[one.kind, one.hash].append(one)
    whole: dict[str, set[str]] = {"visitor": set(), "user": set()}
    spans: set[tuple[str, int, int]] = set()
    words = {(kind, word) for word in _words(target) for kind in whole}
    for kind, id in words | set(_in_lines(target)):
        for one in stones.get((kind, stone(new.salt, kind, id)), ()):
            if one.since < 0:
                whole[kind].add(id)
            else:
                spans.add((id, one.since, one.until + 1))
    return Person(frozenset(whole["user"]), frozenset(whole["visitor"]), tuple(sorted(spans)))


def _in_lines(target: Workspace) -> Iterator[tuple[str, str]]:
    """Kind and id of whom lines are that wait to be loaded, or were."""
    for path in segments(target.data / ARCHIVE, target.data / INTAKE):
        for raw in path.read_bytes().splitlines():
            try:
                line: Any = json.loads(raw)
            except ValueError:
                continue
            for kind in ("visitor", "user"):
                if isinstance(line, dict) and isinstance(line.get(kind), str):
                    yield kind, line[kind]


def _words(target: Workspace) -> Iterator[str]:
    """What may be an id in saved cohorts and in the state."""
    for path in sorted((target.folder / COHORTS).glob("*.csv")):
        yield from (line.strip().strip('"') for line in path.read_text(encoding="utf-8").splitlines())
    for text in target.state.texts():
        yield from _between_edges(text)
        for piece in text.split('"'):
            if "\\" in piece:
                yield from _between_edges(_unescaped(piece))


def _between_edges(text: str) -> Iterator[str]:
    """Every part of a text that may be an id by ``naming``: from an edge to one of the next edges."""
    edges = [found.start() for found in _EDGE.finditer(text)]
    ends = [*edges, len(text)]
    for n, start in enumerate([0, *(edge + 1 for edge in edges)]):
        yield from (text[start:end] for end in ends[n : n + _WORDS] if start < end <= start + _LETTERS)


def _unescaped(piece: str) -> str:
    """What a text within JSON says."""
    try:
        return str(json.loads(f'"{piece}"'))
    except ValueError:
        return piece
