"""A DuckDB file written anew: what is deleted from a table stays in the file's free blocks until then."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from assay.model.errors import MachineError
from assay.store.disk import sync
from assay.store.engines.duckdb_file import errors, literal, quote

if TYPE_CHECKING:
    from assay.store.engines.duckdb import DuckDB


def rewritten(store: DuckDB) -> None:
    """Write what is in the store into a fresh file, and put it in the place of the old one."""
    fresh = store.path.with_suffix(".fresh")
    fresh.unlink(missing_ok=True)
    with errors(str(fresh)):
        before = _sizes(store)
        try:
            store.named("copy_store", {"path": literal(str(fresh)), "store": quote(store.path.stem)})
            if _sizes_of(fresh) != before:
                raise MachineError(f"{fresh}: the copy differs from the store, which stays as it was")
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
        store.close()
        sync(fresh)
        fresh.replace(store.path)
        for left in (store.path.with_name(store.path.name + ".wal"), fresh.with_name(fresh.name + ".wal")):
            left.unlink(missing_ok=True)
        store.reopen()


def _sizes(store: DuckDB) -> dict[str, int]:
    return {table: store.named("count_table", {"table": quote(table)})[0][0] for (table,) in store.named("own_tables")}


def _sizes_of(path: Path) -> dict[str, int]:
    from assay.store.engines.duckdb import DuckDB

    other = DuckDB(path, read_only=True)
    try:
        return _sizes(other)
    finally:
        other.close()
