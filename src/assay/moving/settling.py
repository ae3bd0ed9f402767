"""The folder of a target: plan, cohorts and state as the source has them."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from assay.plan.includes import gather
from assay.plan.load import FILE
from assay.plan.report import Report

if TYPE_CHECKING:
    from assay.workspace import Workspace

COPIED = ("cohorts",)  # folders beside the plan that it reads


def settle(source: Workspace, folder: Path) -> None:
    """Make a folder a workspace like the source: plan with its includes, cohorts, state; each where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
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
    """The plan with what it includes, and saved cohorts; where a plan is there already it stays."""
    if (folder / FILE).exists():
        return
    for name in COPIED:
        if (source.folder / name).is_dir():
            shutil.copytree(source.folder / name, folder / name, dirs_exist_ok=True)
    base = source.folder.resolve()
    for file in reversed(gather(source.folder / FILE, Report())[1]):  # the main file last: it makes the workspace
        path = Path(file).resolve().relative_to(base)
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(base / path, folder / path)
