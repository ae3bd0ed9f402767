"""A second derived set beside the stored one, in a DuckDB file of its own, so that it may be larger than the memory."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from assay.store.engine import Derivation
from assay.store.engines.duckdb_file import literal, quote

if TYPE_CHECKING:
    from assay.store.engines.duckdb import DuckDB

_numbers = itertools.count(1)


def attached(store: DuckDB) -> tuple[str, Callable[[], None]]:
    """Give the connection an empty file that comes before the stored tables: its name, and what takes it away."""
    name, run = f"beside_{next(_numbers)}", store.connection.execute
    folder = store.path.with_suffix(f".{os.getpid()}-{name}.tmp")  # found and removed, should this process be killed
    folder.mkdir(parents=True)
    store.named("attach_beside", {"path": literal(str(folder / "derived.duckdb")), "name": name})
    run(f"SET search_path = '{name}.main,{quote(store.path.stem)}.main'")

    def gone() -> None:
        run("RESET search_path")
        store.named("detach_beside", {"name": name})
        shutil.rmtree(folder, ignore_errors=True)

    return name, gone


def prepare(store: DuckDB, into: str, derivation: Derivation, as_of: int) -> None:
    """Make the tables in the empty file ``into``, each in a transaction of its own.

    DuckDB 2.0.0 loses rows without a word where 122,880 or more go into a table that the same transaction has made from
    a query without rows.
    """
    stored = f"{quote(store.path.stem)}.main"
    shown = {"store": stored, "day": derivation.day.replace("{t}", "e.t"), "moment": str(int(as_of))}
    store.named("beside_events_shown", shown)
    until = datetime.fromtimestamp(as_of / 1e6, UTC).date()
    store.file("beside", {"store": stored, "kind": "TABLE", "into": f"{into}.main."}, until_day=until)


def derive(store: DuckDB, derivation: Derivation) -> None:
    """Fill them, within a transaction.

    The events with their keys are written once: changing a stored column keeps every change in memory until the end.
    """
    store.file("scope_all")
    store.execute(derivation.keys)
    store.named("beside_keyed")
    store.derive_tables(derivation)
