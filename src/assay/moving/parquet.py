"""To a folder of Parquet, and back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.model.errors import DataError, MachineError, UsageError
from assay.moving.batches import batches, scratch
from assay.moving.settling import copy_plan
from assay.moving.sums import sums
from assay.query import moving
from assay.query.ledger import held_back
from assay.store.engine import Piece

if TYPE_CHECKING:
    from assay.store.engine import Engine, Loaded, Statement
    from assay.workspace import Workspace

SumsOf = Callable[[str], "Statement"]
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

    Each file is read again and compared with the store; a folder exported before gets the plan as it is now. An
    export that broke off goes on where it was.
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
    costs, held = folder / "costs.parquet", folder / "quarantine.parquet"
    _fresh(read, moving.costs(), costs, there.costs, moving.costs_sums)
    _fresh(read, moving.quarantine(), held, (there.quarantined,), held_back)
    copy_plan(source, folder)
    _write_manifest(folder, {**head, "complete": True, "events": there.events, "costs": there.costs[0],
                             "costs_checks": list(there.costs[1:]), "quarantine": there.quarantined,
                             "days": there.plain()})  # fmt: skip
    return Exported(folder, there.events, len(there.days), kept)


def _ours(folder: Path) -> bool:
    return (folder / MANIFEST).exists() and _manifest(folder)["form"] == FORM


def _fresh(
    engine: Engine, statement: Statement, path: Path, expected: tuple[Any, ...], of: SumsOf = moving.sums_of_file
) -> bool:
    """Write a file unless it holds the same already (True); what was written is read again and compared."""
    if of is not held_back and path.exists() and _holds(path, expected, of):
        return True
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_suffix(".new")
    engine.write(statement, made)
    if not _holds(made, expected, of):
        raise MachineError(f"{made}: what was written is not what is stored; is the disk full or broken?")
    made.replace(path)
    return False


def _holds(path: Path, expected: Sequence[Any], of: SumsOf = moving.sums_of_file) -> bool:
    """Whether a file's sums begin with what is expected, as the DuckDB of this process reads it."""
    from assay.store.engines.duckdb_file import rows_of

    try:
        ((*found,),) = rows_of(of(str(path)))
        return found[: len(expected)] == list(expected)
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
    """What an exported folder brought. ``again``: days that had come in before; ``other``: what is other here."""

    days: int
    again: int
    stored: int
    duplicates: int
    other: tuple[str, ...] = ()


def bring(target: Workspace, folder: Path) -> Brought:
    """Load an exported folder, each day once ever. Raises DataError where a file is not what was exported."""
    found = _manifest(folder)
    if not found.get("complete"):
        raise DataError(f"{folder}: the export broke off; run assay export --to {folder} again where it was made")
    site = target.plan.site
    if found.get("currency", site.currency) != site.currency:
        raise UsageError(
            f"{folder} was exported in {found['currency']}, {target.folder} counts in {site.currency}: amounts without"
            f" a currency of their own would mean something else; say currency: {found['currency']} in its plan"
        )
    loaded: list[Loaded] = []
    with scratch(target.data / "moving") as made:
        pieces = _pieces(target, folder, found, made)
        for batch in batches(pieces, lambda one: one[1]):
            target.progress(f"loading {found['events']:,} events", len(loaded), len(pieces))
            loaded += target.load([piece for piece, _ in batch])
    days = [one for one in loaded if one.kind == "events" and not one.again]
    return Brought(
        len(days), sum(one.again and one.kind == "events" for one in loaded), sum(one.stored for one in days),
        sum(one.duplicates + one.clashes for one in days), _otherwise(target, found),
    )  # fmt: skip


def _otherwise(target: Workspace, found: dict[str, Any]) -> tuple[str, ...]:
    """What makes the same events count otherwise here than where they were exported."""
    zone, made = target.plan.site.timezone, []
    if found.get("timezone", zone) != zone:
        made.append(f"days are those of {zone} here, of {found['timezone']} there")
    if found.get("plan", target.plan.id) != target.plan.id:
        made.append("the plan is another one (that of the export lies in its folder)")
    return tuple(made)


def _pieces(target: Workspace, folder: Path, found: dict[str, Any], made_in: Path) -> list[tuple[Piece, int]]:
    """The files of an export, each held against its manifest, with their events. ``made_in``: a folder for one more."""
    named = sha256(json.dumps(found["days"]).encode()).hexdigest()[:12]
    made = []
    for number, one in enumerate(found["days"]):
        target.progress("checking the files", number, len(found["days"]))
        path = folder / "events" / f"day={one['day']}" / "events.parquet"
        if not path.exists() or not _holds(path, (one["events"], *one["checks"])):
            raise _spoilt(path)
        made.append((Piece(f"export-{named}-{one['day']}", path), one["events"]))
    held, costs = folder / "quarantine.parquet", folder / "costs.parquet"
    if found["quarantine"]:
        if not held.exists() or not _holds(held, (found["quarantine"],), held_back):
            raise _spoilt(held)
        if not made:  # rows in quarantine come with a segment of events, of which there is none
            target.engine.write(moving.lines(()), made_in / "none.parquet")
            made.append((Piece(f"export-{named}-quarantine", made_in / "none.parquet"), 0))
        first, n = made[0]
        made[0] = (replace(first, quarantine=held), n)
    if found["costs"]:
        if not costs.exists() or not _holds(costs, (found["costs"], *found.get("costs_checks", ())), moving.costs_sums):
            raise _spoilt(costs)
        made.append((Piece(f"export-{named}-costs", costs, "costs"), 0))
    return made


def _spoilt(path: Path) -> DataError:
    return DataError(f"{path} is missing or is not what was exported; nothing was loaded")
