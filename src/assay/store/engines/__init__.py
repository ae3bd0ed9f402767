"""One file per engine. ``open_engine`` finds the one that a workspace names."""

from __future__ import annotations

from pathlib import Path

from assay.store.engine import Engine


def open_engine(folder: Path, read_only: bool = False) -> Engine:
    """The engine of the store in ``folder`` (DuckDB: one file). Raises MachineError when it cannot be opened."""
    from assay.store.engines.duckdb import DuckDB

    return DuckDB(folder / "store.duckdb", read_only=read_only)
