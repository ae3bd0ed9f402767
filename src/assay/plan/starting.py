"""A first plan in a folder."""

from __future__ import annotations

import json
from pathlib import Path

from assay.model.errors import PlanError, UsageError
from assay.plan.load import FILE, loads
from assay.plan.templates import starter

DEFAULT = "shop"
SCHEMA = Path("assay-data") / "plan.schema.json"
_IGNORED = "assay-data/"


def start(
    folder: Path, kind: str = DEFAULT, name: str | None = None, timezone: str = "UTC", currency: str = "EUR"
) -> Path:
    """Write assay.yaml, a schema for editors and a line in .gitignore; the plan's path. Raises UsageError.

    ``name`` of the site; default: the folder's. ``timezone`` as IANA has it, ``currency`` as ISO 4217.
    """
    target = folder / FILE
    if target.exists():
        raise UsageError(f"{target} is already there and stays as it is; choose another folder")
    text = first(name or folder.resolve().name or "My site", timezone, currency, kind)
    folder.mkdir(parents=True, exist_ok=True)
    write_schema(folder)
    _ignore(folder)
    with target.open("x", encoding="utf-8") as file:
        file.write(text)
    return target


def first(name: str, timezone: str, currency: str, kind: str = DEFAULT) -> str:
    """The text of a first plan. Raises UsageError where zone or currency are none, or where there is no such plan."""
    text = starter(kind)
    for place, value in (("NAME", name), ("ZONE", timezone), ("CURRENCY", currency)):
        text = text.replace(f"@{place}@", json.dumps(value, ensure_ascii=False))
    try:
        loads(text)
    except PlanError as error:
        raise UsageError("; ".join(problem.text for problem in error.problems)) from error
    return text


def write_schema(folder: Path) -> Path:
    """The schema for editors, where the plan's first line says it is."""
    from assay.plan.schema import schema

    path = folder / SCHEMA
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(schema(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _ignore(folder: Path) -> None:
    path = folder / ".gitignore"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if _IGNORED not in text.split():
        path.write_text(f"{text}{'' if not text or text.endswith(chr(10)) else chr(10)}{_IGNORED}\n", encoding="utf-8")
