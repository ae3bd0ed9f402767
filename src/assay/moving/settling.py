"""The folder of a target: plan, cohorts and state as the source has them."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from assay.model.errors import UsageError
from assay.plan.includes import gather
from assay.plan.load import FILE, load
from assay.plan.report import Report
from assay.workspace import unfinished

if TYPE_CHECKING:
    from assay.workspace import Workspace

COPIED = ("cohorts",)  # folders beside the plan that it reads


def alike(source: Workspace, folder: Path) -> None:
    """Raise UsageError where a move cannot be: a half-moved source, or a folder whose plan counts otherwise."""
    unfinished.refuse(source.data, "finish that first, then move on")
    if (folder / FILE).exists() and load(folder).id != source.plan.id:
        raise UsageError(
            f"the plans differ: {folder} counts otherwise than {source.folder}; "
            f"see assay plan diff {source.folder} {folder}"
        )


@contextmanager
def settled(source: Workspace, folder: Path) -> Iterator[None]:
    """Make a folder a workspace like the source; what was made goes again where what follows fails.

    A folder that has data of a workspace already keeps them, whatever happens.
    """
    from assay.workspace import DATA

    new = [one for one in (folder, *folder.absolute().parents) if not one.exists()]
    data, made = folder / DATA, list[Path]()
    kept = data.exists()
    try:
        settle(source, folder, made)
        yield
    except BaseException:
        if not kept:
            shutil.rmtree(data, ignore_errors=True)
            for path in made:
                with suppress(OSError):
                    path.unlink()
        folders = {path.parent for path in made} - {folder}
        for empty in [*sorted(folders, reverse=True), *new]:
            with suppress(OSError):
                empty.rmdir()
        raise


def settle(source: Workspace, folder: Path, made: list[Path] | None = None) -> None:
    """Make a folder a workspace like the source: plan with its includes, cohorts, state; each where it is missing.

    ``made``: takes the files beside the data that were not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / FILE).exists():
        copy_plan(source, folder, [] if made is None else made)
    from assay.store.state import FILE as STATE
    from assay.workspace import DATA

    state = folder / DATA / STATE
    if (source.data / STATE).exists() and not state.exists():
        state.parent.mkdir(parents=True, exist_ok=True)
        fresh = state.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with closing(sqlite3.connect(source.data / STATE)) as old, closing(sqlite3.connect(fresh)) as new:
            old.backup(new)
        fresh.replace(state)


def copy_plan(source: Workspace, folder: Path, made: list[Path]) -> None:
    """The plan with what it includes, and saved cohorts; ``made`` takes the files that were not there."""
    main, base = source.folder / FILE, source.folder.resolve()
    copied = [path for name in COPIED for path in sorted((source.folder / name).rglob("*")) if path.is_file()]
    pairs = [(path, path.relative_to(source.folder)) for path in copied]
    # An include lies within the folder; the plan itself may be a link. It comes last: it makes the workspace.
    included = [Path(file) for file in reversed(gather(main, Report())[1])]
    pairs += [(path, Path(FILE) if path == main else path.resolve().relative_to(base)) for path in included]
    for path, name in pairs:
        there = folder / name
        if not there.exists():
            made.append(there)
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, there)
