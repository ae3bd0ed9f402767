"""To a folder of Parquet, and back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.model.errors import DataError, MachineError, UsageError
from assay.moving.batches import LOCK, PATIENCE, SCRATCH, batches, scratch
from assay.moving.settling import copy_plan
from assay.moving.sums import sums
from assay.query import moving
from assay.store.engine import Piece
from assay.store.locks import locked
from assay.workspace import unfinished

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
    unfinished.refuse(source.data, "finish that first, then export")
    if folder.exists() and any(folder.iterdir()) and not _ours(folder):
        raise UsageError(f"{folder} holds something else; name a new folder")
    read = source.engine
    there = sums(read)
    folder.mkdir(parents=True, exist_ok=True)
    head = {"form": FORM, "version": VERSION, "site": source.plan.site.name, "timezone": source.plan.site.timezone,
            "currency": source.plan.site.currency, "plan": source.plan.id, "id": _id(read)}  # fmt: skip
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
    waiting = read.run(moving.quarantine_sums()).one()
    _fresh(read, moving.quarantine(), held, waiting, moving.quarantine_sums)
    copy_plan(source, folder, [])
    _write_manifest(folder, {**head, "complete": True, "events": there.events, "costs": there.costs[0],
                             "costs_checks": list(there.costs[1:]), "quarantine": waiting[0],
                             "quarantine_checks": list(waiting[1:]),
                             "days": there.plain()})  # fmt: skip
    return Exported(folder, there.events, len(there.days), kept)


def _id(engine: Engine) -> str:
    """What tells a store from others, whatever it is called: how it began."""
    began = [(name, loaded_at) for name, _, _, loaded_at, *_ in engine.run(moving.segments()).rows[:1]]
    return _short(began)


def _ours(folder: Path) -> bool:
    return (folder / MANIFEST).exists() and _manifest(folder)["form"] == FORM


def _fresh(
    engine: Engine, statement: Statement, path: Path, expected: tuple[Any, ...], of: SumsOf = moving.sums_of_file
) -> bool:
    """Write a file unless it holds the same already (True); what was written is read again and compared."""
    if path.exists() and _holds(path, expected, of):
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
    """What an exported folder brought. ``again``: days that had come in before; ``costs``, ``quarantined``: rows of
    them that are new; ``other``: what is other here.
    """

    days: int
    again: int
    stored: int
    duplicates: int
    costs: int = 0
    quarantined: int = 0
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
    with locked(target.data / LOCK, PATIENCE), scratch(target.data / SCRATCH) as made:
        pieces = _pieces(target, folder, found, made)
        known = {name for name, *_ in target.engine.run(moving.segments()).rows}
        coming = {piece.name for piece, _ in pieces}
        earlier = [name for name in known if name.startswith(_replaced(found)) and name not in coming]
        if earlier:
            with target.changing("taking out costs and quarantine of before") as engine:
                engine.taking().unload(sorted(earlier), target.derivation)
        for batch in batches(pieces, lambda one: one[1]):
            target.progress(f"loading {found['events']:,} events", len(loaded), len(pieces))
            loaded += target.load([piece for piece, _ in batch])
    new = [one for one in loaded if not one.again]
    days = [one for one in loaded if one.kind == "events" and not one.name.startswith(_replaced(found))]
    events = [one for one in days if not one.again]
    return Brought(
        len(events), len(days) - len(events), sum(one.stored for one in events),
        sum(one.duplicates + one.clashes for one in events), sum(one.stored for one in new if one.kind == "costs"),
        sum(one.quarantined for one in new), _otherwise(target, found),
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
    named = _short(found["days"])
    made = []
    for number, one in enumerate(found["days"]):
        target.progress("checking the files", number, len(found["days"]))
        path = folder / "events" / f"day={one['day']}" / "events.parquet"
        _check(path, (one["events"], *one["checks"]))
        made.append((Piece(f"export-{named}-{one['day']}", path), one["events"]))
    held, costs = folder / "quarantine.parquet", folder / "costs.parquet"
    if found["quarantine"]:  # a segment without events, so that another export can take its place
        sums = found["quarantine"], *found.get("quarantine_checks", ())
        _check(held, sums, moving.quarantine_sums)
        target.engine.write(moving.lines(()), made_in / "none.parquet")
        made.append((Piece(f"{_replaced(found)[0]}{_short(sums)}", made_in / "none.parquet", quarantine=held), 0))
    if found["costs"]:
        sums = found["costs"], *found.get("costs_checks", ())
        _check(costs, sums, moving.costs_sums)
        made.append((Piece(f"{_replaced(found)[1]}{_short(sums)}", costs, "costs"), 0))
    return made


def _replaced(found: dict[str, Any]) -> tuple[str, str]:
    """How the names of segments begin that hold quarantine and costs of the workspace that was exported."""
    return f"export-quarantine-{found.get('id', '')}-", f"export-costs-{found.get('id', '')}-"


def _short(said: Any) -> str:
    return sha256(json.dumps(said).encode()).hexdigest()[:12]


def _check(path: Path, expected: Sequence[Any], of: SumsOf = moving.sums_of_file) -> None:
    if not path.exists() or not _holds(path, expected, of):
        raise DataError(f"{path} is missing or is not what was exported; nothing was loaded")
