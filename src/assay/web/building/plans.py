"""The plan's files while something is built: what would be written, whether it is right, and writing it."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.model.errors import PlanError, UsageError
from assay.plan import edit
from assay.plan.edit import Addition
from assay.plan.load import FILE, from_raw, load_with_lines, raw
from assay.plan.rewrite import removed, replaced

if TYPE_CHECKING:
    from assay.plan.values import Plan

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,59}")


@dataclass(frozen=True)
class Change:
    """A file's text as it is and as it would be. ``seen``: a mark of the text that was there."""

    path: Path
    old: str
    new: str
    plan: Plan

    @property
    def seen(self) -> str:
        """Names the text that the change was made from."""
        return hashlib.sha256(self.old.encode()).hexdigest()[:32]

    @property
    def diff(self) -> list[tuple[str, str]]:
        """Lines with what becomes of them: same, ins or del."""
        marks = {"+": "ins", "-": "del"}
        lines = list(difflib.unified_diff(self.old.splitlines(), self.new.splitlines(), lineterm="", n=2))[2:]
        return [("same", "…") if line.startswith("@@") else (marks.get(line[:1], "same"), line[1:]) for line in lines]


def entry_of(folder: Path, section: str, name: str) -> Any:
    """An entry as the files have it; None where there is none."""
    found = raw(folder).get(section)
    return found.get(name) if isinstance(found, dict) else None


def put(folder: Path, section: str, name: str, entry: Any, renewed: bool) -> Change:
    """An entry that is new, or that takes the place of the one of its name. Raises UsageError."""
    if not NAME.fullmatch(name):
        raise UsageError(f"{name[:60]!r} is no name: letters, digits and underscores, beginning with a letter")
    whole = raw(folder)
    there = (whole.get(section) or {}).get(name) is not None
    if there and not renewed:
        raise UsageError(f"{section}.{name} is already there; open it to change it, or choose another name")
    if not there and renewed:
        raise UsageError(f"{section}.{name} is not there any more")
    path = _file_of(folder, section, name)
    old = read(path)
    new = replaced(old, (section, name), entry) if there else edit.add(old, [Addition((section, name), entry)])
    whole[section] = {**(whole.get(section) or {}), name: entry}
    return Change(path, old, new, _planned(whole))


def add(folder: Path, additions: Sequence[Addition]) -> Change:
    """Several entries that are new. Raises UsageError."""
    path = folder / FILE
    old = read(path)
    new = edit.add(old, additions)
    return Change(path, old, new, edit.checked(path, new))


def drop(folder: Path, section: str, name: str) -> Change:
    """Without an entry. Raises UsageError, also where others still need it."""
    path = _file_of(folder, section, name)
    old = read(path)
    new = removed(old, (section, name))
    whole = raw(folder)
    whole[section] = {key: value for key, value in whole[section].items() if key != name}
    return Change(path, old, new, _planned(whole))


def trial(folder: Path, section: str, name: str, entry: Any, more: Sequence[Addition]) -> Plan:
    """The plan with an entry and what only its trial needs."""
    whole = raw(folder)
    for path, value in [((section, name), entry), *((one.path, one.value) for one in more)]:
        whole[path[0]] = {**(whole.get(path[0]) or {}), path[1]: value}
    return _planned(whole)


def _planned(values: dict[str, Any]) -> Plan:
    """The plan of these values. Raises UsageError with every mistake."""
    try:
        return from_raw(values)
    except PlanError as error:
        mistakes = "; ".join(dict.fromkeys(problem.text for problem in error.problems))
        raise UsageError(mistakes) from error


def write(change: Change, seen: str) -> None:
    """Keep a change that was made from the text that ``seen`` marks. Raises UsageError where it has changed since."""
    if change.seen != seen:
        raise UsageError(f"{change.path.name} was changed meanwhile; look at the difference again before you keep it")
    edit.written(change.path, change.new)


def read(path: Path) -> str:
    """A file's text, its line ends as they are."""
    return path.read_bytes().decode("utf-8")


def _file_of(folder: Path, section: str, name: str) -> Path:
    """The file that an entry stands in; the main one for what is new."""
    main = (folder / FILE).resolve()
    _, lines = load_with_lines(folder)
    place = lines.places.get((section, name))
    return main if place is None else Path(place[0]).resolve()
