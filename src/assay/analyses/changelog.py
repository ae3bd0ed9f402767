"""The change log as other questions use it: the plan's entries, noted ones and public holidays, merged.

``known_changes`` is what to ask; ``marks`` is what a chart over time shows of them. ``note`` and ``read_file`` put
entries into the state file.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from assay.model.errors import DataError, UnknownName, UsageError, suggestion
from assay.plan.values import Change, ChangeKind

if TYPE_CHECKING:
    from assay.analyses.base import Asking
    from assay.model.finding import Finding
    from assay.model.period import Period
    from assay.store.state import State

ORIGINS = ("plan", "noted", "calendar")
_COLUMNS = ("date", "kind", "what", "link")


@dataclass(frozen=True)
class Entry:
    """A change and where it is written: plan, noted (in the state file, by command; then with its ``no``), calendar."""

    change: Change
    origin: str
    no: int | None = None


@dataclass(frozen=True)
class Marks:
    """What a trend says of the changes in its range; ``chart`` are the thin lines with a label."""

    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    chart: tuple[dict[str, str], ...] = ()


def known_changes(asking: Asking, first: date, last: date) -> list[Change]:
    """Everything that is known to have changed from ``first`` to ``last``, both included; by day, each once."""
    return [entry.change for entry in entries(asking, first, last)]


def entries(asking: Asking, first: date, last: date) -> list[Entry]:
    """The same with its origin. What plan and state file both say stands once, with the link of either."""
    found: dict[tuple[date, str, str], Entry] = {}
    for entry in _all(asking, first, last):
        change = entry.change
        key = (change.date, change.kind, change.what.casefold())
        held = found.setdefault(key, entry)
        if held is not entry:
            link = held.change.link or change.link
            merged = Change(change.date, change.kind, held.change.what, link)
            found[key] = Entry(merged, held.origin, held.no if held.no is not None else entry.no)
    return sorted(found.values(), key=lambda one: (one.change.date, one.change.kind, one.change.what))


def _all(asking: Asking, first: date, last: date) -> Iterable[Entry]:
    from assay.plan.holidays import between

    for change in asking.plan.changes:
        if first <= change.date <= last:
            yield Entry(change, "plan")
    for row in noted(asking.state):
        change = change_of(row)
        if first <= change.date <= last:
            yield Entry(change, "noted", row["no"])
    for change in between(asking.plan.site.holidays, first, last):
        yield Entry(change, "calendar")


def noted(state: State | None) -> list[dict[str, Any]]:
    """The rows of the state file, by day."""
    return state.read("changes") if state is not None else []


def change_of(row: Mapping[str, Any]) -> Change:
    """A row of the state file as a change."""
    return Change(date.fromisoformat(row["date"]), row["kind"], row["what"], row["link"])


def marks(asking: Asking, period: Period, other: Period | None = None, metrics: Iterable[str] = ()) -> Marks:
    """What a trend shows: a finding per change, a note of the holidays, a mark in the chart for each.

    ``other``: the period that is compared with; its changes count too. ``metrics``: those whose definitions changed
    in the period are marked as well.
    """
    from assay.decide.checks.changes import holidays
    from assay.decide.checks.changes import known_changes as said

    found = [c for one in (other, period) if one for c in known_changes(asking, one.first, one.last)]
    changes = list(dict.fromkeys(found))
    chart = tuple({"date": str(one.date), "kind": one.kind, "what": one.what} for one in changes)
    return Marks(said(changes), holidays(changes), (*chart, *_redefined(asking, period, metrics)))


def _redefined(asking: Asking, period: Period, metrics: Iterable[str]) -> Iterable[dict[str, str]]:
    """A mark where a metric took on another meaning."""
    from assay.analyses.noted import noted

    known = noted(asking.state, asking.plan)
    for name in metrics:
        for before, one in pairwise(known.get(name, [])):
            if period.first <= one.since <= period.last:
                how = "; ".join(str(change) for change in (one.changes(before) or ())[:2])
                what = f"definition of {name} changed" + (f": {how}" if how else "")
                yield {"date": str(one.since), "kind": "definition", "what": what}


# -- writing ----------------------------------------------------------------------------------------------------------


def kinds() -> tuple[str, ...]:
    """The kinds of change."""
    return get_args(ChangeKind)


def change(what: str, kind: str, day: date | str, link: str | None = None) -> Change:
    """A checked change. Raises UsageError for an empty text, an unknown kind or what is no day."""
    from assay.plan import literals

    said = " ".join(what.split())
    if not said:
        raise UsageError("say in a few words what changed")
    if kind not in kinds():
        raise UnknownName("kind of change", kind, kinds(), "assay")
    try:
        return Change(literals.day(day), kind, said, (link or "").strip() or None)
    except ValueError as error:
        raise UsageError(str(error)) from None


def note(state: State, changes: Iterable[Change], now: int) -> int:
    """Put changes into the state file, all or none; how many of them were new. The same day, kind and words are one."""
    before = len(noted(state))
    with state.changing() as do:
        for one in changes:
            do("add_change", date=str(one.date), kind=one.kind, what=one.what, link=one.link, noted_at=now)
    return len(noted(state)) - before


def forget(state: State, no: int) -> None:
    """Take a noted change back. Raises UsageError where there is none of that number."""
    if not state.write("remove_change", no=no):
        raise UsageError(f"no noted change has the number {no}; assay changes shows the numbers")


def read_file(path: Path) -> list[Change]:
    """Changes of a CSV file with the columns date, kind, what and, if wanted, link. Raises DataError with the line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError:
        raise DataError(f"{path}: this is no text in UTF-8") from None
    lines = text.splitlines()
    head = lines[0] if lines else ""
    reader = csv.DictReader(lines, delimiter=";" if head.count(";") > head.count(",") else ",", strict=True)
    try:
        _check_columns(path, [name.strip().lower() for name in reader.fieldnames or ()])
        return [_change_of_line(path, reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num}: {error}") from error


def _check_columns(path: Path, names: list[str]) -> None:
    missing = [name for name in _COLUMNS[:3] if name not in names]
    if missing:
        raise DataError(f"{path}:1: the column {missing[0]} is missing; a change log has date, kind, what and link")
    for name in names:
        if name not in _COLUMNS:
            raise DataError(f"{path}:1: there is no column {name!r}{suggestion(name, _COLUMNS)}")


def _change_of_line(path: Path, line: int, row: Mapping[Any, Any]) -> Change:
    if None in row:
        raise DataError(f"{path}:{line}: more values than columns; put a text with commas into quotes")
    cells = {str(name).strip().lower(): (value or "").strip() for name, value in row.items()}
    try:
        return change(cells["what"], cells["kind"].lower(), cells["date"], cells.get("link"))
    except UsageError as error:
        raise DataError(f"{path}:{line}: {error}; nothing was noted") from None
