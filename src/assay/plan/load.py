"""YAML → Plan. Every mistake at once, each with file and line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from assay.model.errors import UsageError, suggestion
from assay.plan import (
    build,
    build_collecting,
    build_experiments,
    build_measures,
    build_reporting,
    build_source,
    build_webhooks,
    ids,
)
from assay.plan.draft import Draft
from assay.plan.includes import INCLUDE, gather
from assay.plan.report import Lines, Report
from assay.plan.sections import SECTIONS
from assay.plan.tree import Node, kind, lines, plain, read
from assay.plan.values import Plan

FILE = "assay.yaml"

# In this order: each may look at what stands before it.
_BUILDERS: tuple[Callable[[Draft], None], ...] = (
    build.site,
    build.rules,
    build.pages,
    build.events,
    build.orders,
    build.goals,
    build.activity,
    build_measures.segments,
    build_measures.cohorts,
    build_measures.funnels,
    build_measures.channels,
    build_measures.metrics,
    build_measures.objectives,
    build_measures.kpi_list,
    build_experiments.experiments,
    build_experiments.holdout,
    build_measures.changes,
    build_measures.alerts,
    build_measures.imports,
    build_source.source,
    build_collecting.collect,
    build_collecting.retention,
    build_webhooks.webhooks,
    build_reporting.report,
)


def load(path: Path | str) -> Plan:
    """The plan of a folder, or of one ``assay.yaml``.

    Raises UsageError where there is no such file, PlanError with every mistake where it is wrong.
    """
    return load_with_lines(path)[0]


def load_with_lines(path: Path | str) -> tuple[Plan, Lines]:
    """The plan, and the file and line of each of its keys."""
    main = _main(Path(path))
    report = Report()
    root, files = gather(main, report)
    return _plan(root, str(main), tuple(files), report)


def _main(path: Path) -> Path:
    """The file of a folder's plan, or the file itself."""
    try:
        main = path / FILE if path.is_dir() else path
        exists = main.is_file()
    except (OSError, ValueError):
        main, exists = path, False
    if not exists:
        raise UsageError(f"there is no plan at {main}; run `assay init` in that folder to write one")
    return main


def raw(path: Path | str) -> dict[str, Any]:
    """The plain values of the plan of a folder or file, includes merged; what ``from_raw`` takes."""
    report = Report()
    root, _ = gather(_main(Path(path)), report)
    report.raise_if_any()
    return plain(root)  # type: ignore[no-any-return]


def from_raw(values: dict[str, Any], file: str = FILE) -> Plan:
    """The plan of plain values, as ``raw`` gives them."""
    return loads(json.dumps(values, default=str), file)


def loads(text: str, file: str = FILE) -> Plan:
    """The plan in ``text``; ``file`` is the name that problems carry. Includes need a folder: use ``load``."""
    return loads_with_lines(text, file)[0]


def loads_with_lines(text: str, file: str = FILE) -> tuple[Plan, Lines]:
    """The plan in ``text``, and the line of each of its keys."""
    report = Report()
    root = read(text, file, report) or Node({}, file, 0)
    include = root.value.pop(INCLUDE, None)
    if include is not None:
        report.at(file, include.line, "include needs a file in a folder; this text has none", "include")
    return _plan(root, file, (file,), report)


def _plan(root: Node, file: str, files: tuple[str, ...], report: Report) -> tuple[Plan, Lines]:
    places = lines(root, file)
    report.lines = places
    draft = Draft(report, _sections(plain(root), report))
    draft.set(files=files)
    for build_section in _BUILDERS:
        build_section(draft)
    report.raise_if_any()
    return ids.identified(draft.plan), places


def _sections(raw: dict[str, Any], report: Report) -> dict[str, Any]:
    """The known sections of the right shape; a section with nothing in it is left out."""
    known = {section.name: section for section in SECTIONS}
    good: dict[str, Any] = {}
    for name, value in raw.items():
        if name not in known:
            report.add((name,), f"a plan has no section {name!r}{suggestion(name, [*known, INCLUDE])}", "unknown_key")
            continue
        wanted: type[Any] = list if known[name].shape == "list" else dict
        if isinstance(value, wanted):
            good[name] = value
        elif value is not None:
            noun = "a list" if wanted is list else "a mapping (key: value)"
            report.add((name,), f"{name} must be {noun}, not {kind(value)}", "value")
    return good
