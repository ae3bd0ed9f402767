"""The folder of a target: plan, cohorts and state as the source has them."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from assay.model.errors import UsageError
from assay.plan.includes import gather
from assay.plan.load import FILE, load
from assay.plan.report import Report

if TYPE_CHECKING:
    from assay.workspace import Workspace

COPIED = ("cohorts",)  # folders beside the plan that it reads


def alike(source: Workspace, folder: Path) -> None:
    """Raise UsageError where a folder has a plan that counts otherwise, before anything is changed there."""
    if (folder / FILE).exists() and load(folder).id != source.plan.id:
        raise UsageError(
            f"the plans differ: {folder} counts otherwise than {source.folder}; "
            f"see assay plan diff {source.folder} {folder}"
        )


@contextmanager
def unspoilt(folder: Path) -> Iterator[None]:
    """What is made in a folder goes again where making it failed; a folder that has a store already is left alone."""
    from assay.store.engines import choice, exists
    from assay.workspace import DATA

    if choice(folder / DATA) or exists(folder / DATA, "duckdb"):
        yield
        return
    there = folder.exists()
    before = set(folder.rglob("*")) if there else set()
    try:
        yield
    except BaseException:
        for path in sorted(set(folder.rglob("*")) - before, reverse=True):
            path.unlink(missing_ok=True) if path.is_symlink() or not path.is_dir() else path.rmdir()
        if not there and folder.exists():
            folder.rmdir()
        raise


def settle(source: Workspace, folder: Path) -> None:
    """Make a folder a workspace like the source: plan with its includes, cohorts, state; each where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / FILE).exists():
        copy_plan(source, folder)
    from assay.store.state import FILE as STATE
    from assay.workspace import DATA

    state = folder / DATA / STATE
    if (source.data / STATE).exists() and not state.exists():
        state.parent.mkdir(parents=True, exist_ok=True)
        made = state.with_suffix(".new")
        made.unlink(missing_ok=True)
        with closing(sqlite3.connect(source.data / STATE)) as old, closing(sqlite3.connect(made)) as new:
            old.backup(new)
        made.replace(state)


def copy_plan(source: Workspace, folder: Path) -> None:
    """The plan with what it includes, and saved cohorts."""
    for name in COPIED:
        if (source.folder / name).is_dir():
            shutil.copytree(source.folder / name, folder / name, dirs_exist_ok=True)
    base = source.folder.resolve()
    for file in reversed(gather(source.folder / FILE, Report())[1]):  # the main file last: it makes the workspace
        path = Path(file).resolve().relative_to(base)
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(base / path, folder / path)
