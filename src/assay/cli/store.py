"""Verbs about the store: rebuild, rollup and doctor."""

from __future__ import annotations

import os
import platform
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import typer

import assay
from assay.cli.output import emit, write
from assay.cli.params import Folder, Format, folder_of, format_of, named_folder
from assay.cli.progress import Progress
from assay.model.answer import Answer, Column
from assay.model.errors import AssayError, CheckFailed, PlanError
from assay.model.finding import HALF_MOVED, Finding

_PACKAGES = ("duckdb", "sqlglot", "numpy", "scipy", "pydantic")
_LITTLE = 1 << 30  # less free disk than this is worth a word


def rebuild(ctx: typer.Context, workspace: Folder = None) -> None:
    """Derive sessions and orders again from all stored events."""
    from assay.query.loads import contents
    from assay.workspace import Workspace

    with Progress() as progress, Workspace(folder_of(ctx, workspace), progress=progress) as opened:
        opened.rebuild()
        events, visitors, sessions, orders, refunds = opened.engine.run(contents()).one()
    of = f"{sessions:,} sessions of {visitors:,} visitors, {orders:,} orders, {refunds:,} refunds"
    write(f"Derived again from {events:,} events: {of}.\n")


def rollup(ctx: typer.Context, workspace: Folder = None) -> None:
    """Keep what dashboards over a lake are answered from as its events are now; a server does it by itself."""
    from assay.workspace import Workspace

    with Progress() as progress, Workspace(folder_of(ctx, workspace), progress=progress) as opened:
        days = opened.roll_up()
    write(f"{days:,} day{'s' if days != 1 else ''} made anew.\n" if days else "Every day is as its events are.\n")


def doctor(ctx: typer.Context, workspace: Folder = None, form: Format = None) -> None:
    """Versions, limits, sizes: what to look at first. Exit 1 when plan or store cannot be used."""
    chosen = format_of(ctx, form)
    answer = examine(folder_of(ctx, workspace))
    emit(answer, chosen, named_folder(ctx, workspace))
    if any(finding.severity == "bad" for finding in answer.findings):
        raise typer.Exit(CheckFailed.exit_code)


def examine(folder: Path) -> Answer:
    """The state of program, machine and workspace as an answer."""
    rows: list[tuple[str, str]] = [("assay", assay.__version__), ("python", platform.python_version())]
    rows += [(name, _version(name)) for name in _PACKAGES]
    rows += [("workspace", str(folder.resolve()))]
    findings: list[Finding] = []
    _engine(folder, rows, findings)
    plan = _plan(folder, rows, findings)
    _disk(folder, rows, findings)
    if plan is not None:
        _store(folder, rows, findings)
    bad = sum(finding.severity == "bad" for finding in findings)
    sentence = f"{bad} thing{'s' if bad != 1 else ''} to mend first." if bad else "Everything is in working order."
    return Answer(
        "doctor",
        {},
        columns=(Column("what"), Column("state")),
        rows=tuple(rows),
        findings=tuple(findings),
        sentence=sentence,
        next=("assay check", "assay quality") if plan is not None else ("assay init",),
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _default_memory() -> str:
    from assay.store.engines import duckdb

    return str(getattr(duckdb, "ASK_MEMORY", "the engine's own"))


def _engine(folder: Path, rows: list[tuple[str, str]], findings: list[Finding]) -> None:
    """What the store is in, where it lies, and what that needs."""
    from assay.store import engines
    from assay.workspace import DATA

    try:
        said = engines.choice(folder / DATA)
    except AssayError as error:
        findings.append(Finding("store", "bad", str(error)))
        return
    name = said.get("engine", "duckdb")
    rows.append(
        ("engine", f"{name}, at {engines.shown(said['place'])}" if said.get("place") else f"{name}, in the workspace")
    )
    rows.extend((package, _version(package)) for package in engines.packages(name))
    if "pyspark" in engines.packages(name):
        rows.append(
            ("Spark", engines.shown(os.environ.get("ASSAY_SPARK", "")) or "this machine (ASSAY_SPARK names a cluster)")
        )
    elif name == "duckdb":
        rows.append(("memory limit of the store", os.environ.get("ASSAY_MEMORY_LIMIT") or _default_memory()))


def _plan(folder: Path, rows: list[tuple[str, str]], findings: list[Finding]) -> Any:
    from assay.plan.load import load

    try:
        plan = load(folder)
    except PlanError as error:
        count = len(error.problems)
        findings.append(
            Finding(
                "plan",
                "bad",
                f"the plan has {count} mistake{'s' if count != 1 else ''}, such as {error.problems[0]}",
                {"mistakes": count},
                "assay check",
            )
        )
        return None
    except AssayError as error:
        findings.append(Finding("plan", "bad", str(error)))
        return None
    rows.append(("plan", f"{plan.id}: {len(plan.metrics)} metrics, {len(plan.kpis)} KPIs, {len(plan.funnels)} funnels"))
    return plan


def _disk(folder: Path, rows: list[tuple[str, str]], findings: list[Finding]) -> None:
    there = folder.resolve()
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free
    rows.append(("free disk", _size(free)))
    if free < _LITTLE:
        findings.append(Finding("disk", "warning", f"only {_size(free)} of disk are free", {"free": free}))
    if not os.access(there, os.W_OK):
        findings.append(Finding("permission", "bad", f"{there} cannot be written to"))


def _store(folder: Path, rows: list[tuple[str, str]], findings: list[Finding]) -> None:
    from assay.query.loads import contents
    from assay.store import engines
    from assay.workspace import DATA, Workspace, unfinished

    files = [path for path in (folder / DATA).rglob("*") if path.is_file()] if (folder / DATA).exists() else []
    rows.append(("size of the data", _size(sum(path.stat().st_size for path in files))))
    if origin := unfinished.coming(folder / DATA):
        said = f"events may be missing: the move from {origin} has not come to its end"
        findings.append(Finding(HALF_MOVED, "warning", said, action="run it again"))
    try:
        if not engines.exists(folder / DATA, engines.chosen(folder / DATA)):
            rows.append(("store", "empty: nothing was imported yet"))
            return
        with Workspace(folder) as workspace:
            events, _, sessions, orders, _ = workspace.engine.run(contents()).one()
            rows.append(("store", f"{events:,} events, {sessions:,} sessions, {orders:,} orders"))
            if workspace.span:
                rows.append(("days with events", f"{workspace.span.first} to {workspace.span.last}"))
    except AssayError as error:
        findings.append(Finding("store", "bad", str(error)))


def _size(count: int) -> str:
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"
