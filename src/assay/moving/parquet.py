"""To a folder of Parquet, and back."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.model.errors import DataError, MachineError, UsageError
from assay.moving.batches import batches
from assay.moving.settling import copy_plan
from assay.moving.sums import sums
from assay.query import moving
from assay.store.engine import Piece

if TYPE_CHECKING:
    from assay.store.engine import Engine, Loaded, Statement
    from assay.workspace import Workspace

MANIFEST = "manifest.json"
FORM, VERSION = "assay-export", 1


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
    copy_plan(source, folder)
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
    for batch in batches(pieces, lambda one: one[1]):
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
