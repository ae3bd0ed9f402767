"""One file per engine. ``open_engine`` finds the one that a workspace names."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from assay.model.errors import UnknownName
from assay.store.engine import Engine

ENGINES = {
    "duckdb": "assay.store.engines.duckdb",
    "clickhouse": "assay.store.engines.clickhouse",
    "spark": "assay.store.engines.spark",
    "lake": "assay.store.engines.lake",
}

STORE = "store.duckdb"


def exists(folder: Path, name: str) -> bool:
    """Whether the store is there."""
    if name not in ENGINES:
        raise UnknownName("engine", name, ENGINES)
    module = import_module(ENGINES[name])
    return bool(module.exists(folder)) if hasattr(module, "exists") else (folder / STORE).exists()


def open_engine(folder: Path, name: str = "duckdb", read_only: bool = False) -> Engine:
    """The engine of the store in ``folder``. Raises MachineError when it cannot be opened, UnknownName for the name."""
    if name not in ENGINES:
        raise UnknownName("engine", name, ENGINES)
    opened: Engine = import_module(ENGINES[name]).open_store(folder, read_only)
    return opened
