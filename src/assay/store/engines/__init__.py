"""One file per engine. ``open_engine`` finds the one that a workspace names."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from assay.model.errors import MachineError, UnknownName
from assay.store.disk import seen
from assay.store.engine import Engine

ENGINES = {
    "duckdb": "assay.store.engines.duckdb",
    "clickhouse": "assay.store.engines.clickhouse",
    "spark": "assay.store.engines.spark",
    "lake": "assay.store.engines.lake",
}

STORE = "store.duckdb"
CHOICE = "store.json"  # which engine a workspace's store is in, and where; without it, DuckDB's file


def choice(folder: Path) -> Mapping[str, str]:
    """What was chosen for the store of ``folder``: ``engine``, and ``place`` where it lies elsewhere."""
    path = folder / CHOICE
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return {str(key): str(value) for key, value in said.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError) as error:
        raise MachineError(f'{path}: this is no choice of a store, such as {{"engine": "lake"}}') from error


def choose(folder: Path, engine: str, place: str | None = None) -> None:
    """Say which engine the store of ``folder`` is in."""
    folder.mkdir(parents=True, exist_ok=True)
    said = {"engine": engine} | ({"place": place} if place else {})
    (folder / CHOICE).write_text(json.dumps(said) + "\n", encoding="utf-8")


def shown(place: str) -> str:
    """A place as it may be shown: an address without the password or token in it."""
    return re.sub(r"([;?&](token|password)=)[^;&]*", r"\1…", re.sub(r"(://[^/:@]*):[^/]*@", r"\1:…@", place))


def chosen(folder: Path) -> str:
    """The engine of the store of ``folder``."""
    return choice(folder).get("engine", "duckdb")


def same(one: Path, other: Path) -> bool:
    """Whether two folders name one store that lies elsewhere, whatever its address is written like."""
    name = chosen(one)
    module = import_module(ENGINES[name])
    if name != chosen(other) or not hasattr(module, "manifest"):
        return False
    there = module.manifest(other)
    return there is not None and there == module.manifest(one)


def exists(folder: Path, name: str) -> bool:
    """Whether the store is there."""
    if name not in ENGINES:
        raise UnknownName("engine", name, ENGINES)
    module = import_module(ENGINES[name])
    return bool(module.exists(folder)) if hasattr(module, "exists") else (folder / STORE).exists()


def rolls(name: str) -> bool:
    """Whether an engine keeps rollups, without opening its store."""
    return bool(getattr(import_module(ENGINES[name]), "ROLLS", False))


def packages(name: str) -> tuple[str, ...]:
    """The packages that an engine needs beside assay's own."""
    return tuple(getattr(import_module(ENGINES[name]), "PACKAGES", ())) if name in ENGINES else ()


def version(folder: Path) -> str:
    """What the store of ``folder`` holds, as a text that is another one after every load."""
    module = import_module(ENGINES[chosen(folder)])
    if hasattr(module, "version"):
        return str(module.version(folder))
    return " ".join(seen(folder / name) for name in (STORE, f"{STORE}.wal"))


def open_engine(folder: Path, name: str = "duckdb", read_only: bool = False) -> Engine:
    """The engine of the store in ``folder``. Raises MachineError when it cannot be opened, UnknownName for the name."""
    if name not in ENGINES:
        raise UnknownName("engine", name, ENGINES)
    opened: Engine = import_module(ENGINES[name]).open_store(folder, read_only)
    return opened
