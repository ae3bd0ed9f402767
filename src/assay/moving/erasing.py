"""Who was erased at the source between two runs of a move: erased and kept out at the target too.

A tombstone names nobody, so the ids that the target holds are hashed and compared. Tombstones are written down last:
what breaks off before is found again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from assay.analyses.kept import SALT, keeping, salt, stone
from assay.collect.erase import Person
from assay.model.errors import UsageError
from assay.plan.cohort_files import FOLDER as COHORTS
from assay.privacy import beside_the_store
from assay.query import moving

if TYPE_CHECKING:
    from assay.store.engine import Keeping, Tombstone
    from assay.workspace import Workspace

_WORD = re.compile(r"[A-Za-z0-9_.@-]+")


def follow(source: Workspace, target: Workspace) -> tuple[int, int]:
    """Erase at the target who was erased at the source: tombstones that it did not have, events that went."""
    new = _new(source, target)
    if not new.tombstones:
        return 0, 0
    events = _erase(target, new)
    with target.state.changing() as do:
        for one in new.tombstones:
            do("add_tombstone", kind=one.kind, hash=one.hash, since=one.since, until=one.until)
    return len(new.tombstones), events


def _new(source: Workspace, target: Workspace) -> Keeping:
    """Tombstones that the target lacks, or that hold only until an earlier moment there."""
    theirs, ours = (keeping(one.state, one.plan, one.now) for one in (source, target))
    there = {(one.kind, one.hash, one.since): one.until for one in ours.tombstones}
    new = [one for one in theirs.tombstones if there.get((one.kind, one.hash, one.since), one.until - 1) < one.until]
    return replace(theirs, tombstones=tuple(new), salt=_salt(source, target) if new else "")


def _salt(source: Workspace, target: Workspace) -> str:
    """The salt of both. Raises UsageError where each has its own: then no hash of one is known to the other."""
    key = salt(source.state)
    target.state.write("add_fact", key=SALT, value=key)
    if salt(target.state) != key:
        raise UsageError(
            f"people were erased in {source.folder} and, apart from that, in {target.folder}: who they are cannot be"
            " brought together; move into a new workspace"
        )
    return key


def _erase(target: Workspace, new: Keeping) -> int:
    """Erase whom the tombstones are of, as ``assay erase`` does; how many events."""
    found = target.engine.taking().hashed(new)
    whole = {(kind, id) for kind, id, since, _ in found if since < 0}
    whole.update(_named_beside(target, new.tombstones, new.salt))
    person = Person(
        frozenset(id for kind, id in whole if kind == "user"),
        frozenset(id for kind, id in whole if kind == "visitor"),
        tuple((id, since, until + 1) for _, id, since, until in found if since >= 0),
    )
    if not found and not whole:
        return 0
    names = tuple(sorted(person.users | person.visitors))
    with target.changing("erasing who was erased at the source", alone=True) as engine:
        events, quarantined = engine.taking().erase_hashed(new, names, target.derivation)
        engine.taking().rewrite()
    lines, _ = beside_the_store(target, person, names, target.now)
    target.state.write(
        "log_erasure", now=target.now, kind="as at the source", events=events, lines=lines, quarantined=quarantined
    )  # fmt: skip
    return events


def _named_beside(target: Workspace, stones: tuple[Tombstone, ...], key: str) -> Iterator[tuple[str, str]]:
    """Who of them is named in quarantine, in cohorts or in the state: kind and id."""
    wanted = {(one.kind, one.hash) for one in stones if one.since < 0}
    for word in set(_words(target)):
        yield from ((kind, word) for kind in ("visitor", "user") if (kind, stone(key, kind, word)) in wanted)


def _words(target: Workspace) -> Iterator[str]:
    """What may be an id there: ids of letters, digits and ``_.@-``, others as a line or as a text of JSON."""
    texts = [str(raw) for (raw,) in target.engine.run(moving.held_texts()).rows]
    texts += [path.read_text(encoding="utf-8") for path in sorted((target.folder / COHORTS).glob("*.csv"))]
    for text in [*texts, *target.state.texts()]:
        yield from _WORD.findall(text)
        for piece in text.split('"'):
            yield piece
            if "\\" in piece:
                yield _unescaped(piece)
        yield from (line.strip() for line in text.splitlines())


def _unescaped(piece: str) -> str:
    """What a text within JSON says."""
    try:
        return str(json.loads(f'"{piece}"'))
    except ValueError:
        return piece
