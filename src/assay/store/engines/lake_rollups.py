"""Rollups of a lake (``store/rollups.py``): kept by day, with a mark of the files of events behind each day.

A day whose events have changed since is read from the events until ``roll_up`` has made it again: an answer is right
whether or not that was done.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from assay.store.lake import Part, Table
from assay.store.rollups import COUNTED, EVENT_DAYS, GROUPS, KEY_EVENTS

EACH = 32  # days that are made in one version


@dataclass(frozen=True)
class Rolled:
    """A rollup as questions see it: the days that are kept, and the events of the others (``query`` makes them)."""

    kept: Table
    left: Table
    query: str

    @property
    def columns(self) -> Mapping[str, str]:
        """Columns of both."""
        return self.kept.columns


def mark(part: Part) -> str:
    """Another text for other files."""
    return hashlib.sha256("\n".join(part.files).encode()).hexdigest()[:16]


def current(name: str, table: Table, events: Table) -> Table:
    """A rollup with only those days that hold what the events say now."""
    same = table.by == events.by and dict(table.columns) == _columns(name, events)
    parts = events.parts if same else {}
    fresh = {key for key, part in parts.items() if key in table.parts and table.parts[key].mark == mark(part)}
    return table if fresh == table.parts.keys() else replace(table, parts={key: table.parts[key] for key in fresh})


def views(tables: Mapping[str, Table]) -> dict[str, Rolled]:
    """The rollups that are worth reading: most days of them hold what the events say."""
    events, found = tables.get("events"), {}
    for name, table in tables.items():
        if table.made and events is not None:
            kept = current(name, table, events)
            left = {key: part for key, part in events.parts.items() if key not in kept.parts}
            if len(kept.parts) > len(left):
                query = re.sub(r"\bFROM events\b", f"FROM {left_of(name)}", table.made)
                found[name] = Rolled(kept, replace(events, parts=left), query)
    return found


def left_of(name: str) -> str:
    """What the events of days that a rollup does not hold are called."""
    return f"{name}_left"


def roll_up(tables: Any, made: Mapping[str, str]) -> tuple[int, int]:
    """Make some of what is missing of the rollups (name → query) and forget others: days made, days still missing.

    Within a transaction, which is over soon, so that a load waits for some days at most.
    """
    events: Table = tables.tables["events"]
    for name in [name for name, table in tables.tables.items() if table.made and name not in made]:
        del tables.tables[name]
    missing = {name: _missing(tables, name, query) for name, query in made.items()}
    left = sum(map(len, missing.values()))
    name = next((name for name, days in missing.items() if days), None)
    if name is None:
        return 0, 0
    some = {key: events.parts[key] for key in missing[name][:EACH]}
    table = tables.tables[name]
    tables.tables["events"] = replace(events, parts=some)
    try:
        written = tables.written(name, table, made[name], {})
    finally:
        tables.tables["events"] = events
    parts = {key: Part(written.get(key, ()), None, mark(part)) for key, part in some.items()}
    tables.tables[name] = replace(table, parts={**table.parts, **parts})
    return len(some), left - len(some)


def _missing(tables: Any, name: str, query: str) -> list[str]:
    """Days of events that a rollup does not hold as they are; it is there afterwards."""
    events: Table = tables.tables["events"]
    old = tables.tables.get(name)
    columns = _columns(name, events)
    kept = Table(columns, {}, events.by, query) if old is None or old.made != query else current(name, old, events)
    tables.tables[name] = replace(kept, columns=columns)
    return [key for key in events.parts if key not in kept.parts]


def _columns(name: str, events: Table) -> dict[str, str]:
    if name == KEY_EVENTS:
        return dict(events.columns)
    assert name == EVENT_DAYS
    groups = {column: events.columns[column] for column in GROUPS}
    return {**groups, COUNTED: "BIGINT", "first_t": events.columns["t"], "last_t": events.columns["t"]}
