"""Who was erased at the source since a move began: taken out of what the target has beside its store, and kept out.

The events of such people go with their segments, which are moved anew. A tombstone names nobody, so what may be an id
in texts of the target is hashed and compared. Tombstones are written down last: what breaks off before is found again.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from assay.analyses.kept import SALT, keeping, stone
from assay.model.errors import MachineError, UsageError
from assay.plan.cohort_files import FOLDER as COHORTS
from assay.privacy import beside_the_store
from assay.store.engine import ALL, Keeping
from assay.store.naming import EDGE

if TYPE_CHECKING:
    from assay.collect.wire import Line
    from assay.store.engine import Tombstone
    from assay.workspace import Workspace

_EDGES = (re.compile(EDGE), re.compile(r"[^\w.@-]"))
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
    gone = _Gone(new)
    names = tuple(sorted(word for word in set(_words(target)) if gone.whole(word)))
    lines, _ = beside_the_store(target, gone.owns, (), names, target.now)
    if target.state.lingers:
        raise MachineError(f"{target.state.path} is being read: who was erased still stands in it; run the move again")
    target.state.write("log_erasure", now=target.now, kind="as at the source", events=0, lines=lines, quarantined=0)
    with target.state.changing() as do:
        do("add_fact", key=SALT, value=new.salt)
        for one in new.tombstones:
            do("add_tombstone", kind=one.kind, hash=one.hash, since=one.since, until=one.until)


class _Gone:
    """Who was erased, by id."""

    def __init__(self, new: Keeping) -> None:
        self._salt = new.salt
        self._stones: dict[tuple[str, str], list[Tombstone]] = defaultdict(list)
        for one in new.tombstones:
            self._stones[one.kind, one.hash].append(one)
        self._known: dict[tuple[str, str], list[Tombstone]] = {}

    def _of(self, kind: str, id: str) -> list[Tombstone]:
        return self._stones.get((kind, stone(self._salt, kind, id)), [])

    def whole(self, id: str) -> bool:
        """Whether an id is somebody's who was erased, not only a device that others used too."""
        return any(one.since < 0 for kind in ("visitor", "user") for one in self._of(kind, id))

    def owns(self, line: Line) -> bool:
        """Whether a line must not come in: the loader's rule (piece_kept.sql)."""
        for kind in ("visitor", "user"):
            id = line.get(kind)
            if not isinstance(id, str):
                continue
            if (kind, id) not in self._known:
                self._known[kind, id] = self._of(kind, id)
            if any(_within(one, line) for one in self._known[kind, id]):
                return True
        return False


def _within(one: Tombstone, line: Line) -> bool:
    time, received = line.get("time"), line.get("received_at")
    if not isinstance(time, int) or time < one.since:
        return False
    return time <= one.until or (one.since < 0 and isinstance(received, int) and received <= one.until)


def _words(target: Workspace) -> Iterator[str]:
    """What may be an id in saved cohorts and in the state."""
    for path in sorted((target.folder / COHORTS).glob("*.csv")):
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
        yield from (line.strip().strip('"') for line in text.splitlines())
    for text in target.state.texts():
        yield from _between_edges(text)
        for piece in text.split('"'):
            yield piece
            if "\\" in piece:
                yield _unescaped(piece)
                yield from _between_edges(_unescaped(piece))


def _between_edges(text: str) -> Iterator[str]:
    """Every part of a text that may be an id by ``naming``: from an edge to one of the next edges.

    Letters of other alphabets are edges there, and no edges of words as people write them.
    """
    yield text
    for edge in _EDGES:
        edges = [found.start() for found in edge.finditer(text)]
        ends = [*edges, len(text)]
        for n, start in enumerate([0, *(edge + 1 for edge in edges)]):
            yield from (text[start:end] for end in ends[n : n + _WORDS] if start < end <= start + _LETTERS)


def _unescaped(piece: str) -> str:
    """What a text within JSON says."""
    try:
        return str(json.loads(f'"{piece}"'))
    except ValueError:
        return piece
