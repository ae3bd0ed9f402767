"""A store in a warehouse: whole versions of all tables, of which a manifest names the present one.

What a warehouse is (files that Spark writes, tables of ClickHouse) is said by ``Warehouse``; loading, migrating,
deriving and erasing are the loader's, done where the tables are (``warehouse.py``).
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from assay.store import schema
from assay.store.engine import Derivation, Keeping, Progress, Result, Statement
from assay.store.engines.duckdb_file import errors, property_expression, quote
from assay.store.engines.loader import SQL, Loader
from assay.store.engines.loading import Loading
from assay.store.engines.statements import understood
from assay.store.engines.warehouse import SMALL, Connection, Tables, WarehouseLoading
from assay.store.lake import Manifest

MEMORY = "1500MB"  # of the DuckDB that holds the small tables and reads segments
_numbers = itertools.count(1)


class Warehouse(Protocol):
    """Where the versions are. One for each connection: it has a session of its own."""

    dialect: str

    def where(self) -> str:
        """What errors call it."""
        ...

    def manifest(self) -> Manifest:
        """The present version."""
        ...

    def alone(self) -> AbstractContextManager[None]:
        """Keep other writers out."""
        ...

    def tables(self, manifest: Manifest, number: str) -> Tables:
        """The tables of a version, to be read or (``number`` = of the next one) changed."""
        ...

    def commit(self, before: Manifest, tables: Mapping[str, Any]) -> None:
        """Make these tables the present version, in one step."""
        ...

    def write(self, statement: Statement, tables: Tables, path: Path) -> None:
        """Answer a query into a Parquet file of this machine."""
        ...

    def purge(self) -> None:
        """Leave nothing that is not of the present version."""
        ...

    def tell(self, progress: Progress) -> None:
        """Whom to tell how far a question is that takes long."""
        ...

    def interrupt(self) -> None:
        """Break off what runs."""
        ...

    def twin(self) -> Warehouse:
        """The same place through a session of its own."""
        ...

    def close(self) -> None:
        """End the session."""
        ...


class _Opened:
    """A version, its tables and the connection over both kinds."""

    def __init__(self, manifest: Manifest, far: Tables, connection: Connection) -> None:
        self.manifest, self.far, self.connection = manifest, far, connection


class WarehouseStore(Loader):
    """The store of a workspace in a warehouse."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.dialect = warehouse.dialect
        self.properties: dict[str, str] = {}
        self._opened: _Opened | None = None
        self._held = False  # within a transaction, or a second derived set: stays as it is

    @property
    def connection(self) -> Connection:
        """Executes statements over the present version, or over the one that is being made."""
        return self._now().connection

    def _now(self) -> _Opened:
        if self._opened is None or not self._held:
            manifest = self.warehouse.manifest()
            if self._opened is None or self._opened.manifest.generation != manifest.generation:
                return self._open(manifest, f"ask-{os.getpid()}-{next(_numbers)}")
        return self._opened

    def _open(self, manifest: Manifest, number: str) -> _Opened:
        self._shut()
        far = self.warehouse.tables(manifest, number)
        self._opened = _Opened(manifest, far, Connection(_small(manifest, far), far, self._property_values))
        return self._opened

    def _shut(self) -> None:
        if self._opened is not None:
            self._opened.connection.local.close()
            self._opened.far.end()
        self._opened = None

    def _property_values(self) -> dict[str, str]:
        return {name: property_expression(name[2:], kind, "props") for name, kind in self.properties.items()}

    # -- changing ----------------------------------------------------------------------------------------------------

    @contextmanager
    def transaction(self, what: str) -> Iterator[None]:
        """All of it or nothing: what is written is seen when the manifest names it."""
        with errors(what), self.warehouse.alone():
            manifest = self.warehouse.manifest()
            opened = self._open(manifest, str(manifest.generation + 1))
            self._held = True
            try:
                opened.far.undo()  # what a process left that died at this very version
                yield
                self._commit(opened)
            except BaseException:
                if self.warehouse.manifest().generation == manifest.generation:  # else it is the present version
                    opened.far.undo()
                raise
            finally:
                self._held = False
                self._shut()

    def _commit(self, opened: _Opened) -> None:
        far, connection = opened.far, opened.connection
        for name in sorted(connection.changed & set(SMALL)):
            connection.save(name)
        tables = {name: table for name, table in far.tables.items() if name not in far.passing}
        if tables != opened.manifest.tables:
            self.warehouse.commit(opened.manifest, far.settled())

    def step(self) -> AbstractContextManager[None]:
        """A migration is one transaction as a whole."""
        return nullcontext()

    def fits(self, properties: Mapping[str, str]) -> bool:
        """Whether the tables are of this version and have exactly the columns of these declared properties."""
        with errors(self.warehouse.where()):
            return self._fits(properties)

    def migrate(self, properties: Mapping[str, str]) -> None:
        """Create or upgrade the tables; add, retype or drop the typed columns of declared properties."""
        with nullcontext() if self.fits(properties) else self.transaction("migrating"):
            self._migrate(properties)

    def loading(self, derivation: Derivation, keeping: Keeping) -> Loading:
        """One load, within a transaction."""
        return WarehouseLoading(self, derivation, keeping)

    def done(self, statement: Statement) -> None:
        """Run a statement of a derivation; in the engine's own words where it has some."""
        if self.dialect not in statement.own:
            super().done(statement)
            return
        self._now().far.make(understood(statement.sql).table, statement.sql, {}, statement.own)

    def rewrite(self) -> None:
        """Leave nothing of what was deleted in the warehouse."""
        with self.warehouse.alone():
            self.warehouse.purge()

    # -- asking ------------------------------------------------------------------------------------------------------

    def run(self, statement: Statement) -> Result:
        """Answer one query; a statement that writes is a version of its own."""
        if statement.sql.lstrip().upper().startswith(("SELECT", "WITH", "(")):
            return self.answer(statement, statement.title or "query")
        with self.transaction(statement.title or "writing"):
            self.execute([statement])
        return Result((), [])

    def answer(self, statement: Statement, what: str, before: str = "") -> Result:
        """The rows of a question; ``before``: what stands before it."""
        return self._now().far.ask(statement, what, before)

    def write(self, statement: Statement, path: Path) -> None:
        """Answer a query into a Parquet file of this machine."""
        with errors(str(path)):
            self.warehouse.write(statement, self._now().far, path)

    def explain(self, statement: Statement) -> str:
        """The engine's own plan of the query."""
        return "\n".join(str(row[0]) for row in self.answer(statement, "explain", "EXPLAIN ").rows)

    def beside(self, derivation: Derivation, as_of: int) -> WarehouseStore:
        """A second derived set, in temporary tables of the warehouse, which go when it is closed."""
        other = self.twin()
        other._now()
        other._held = True
        day = datetime.fromtimestamp(as_of / 1e6, UTC).date()
        with errors("deriving beside"):
            other.named("beside_events", {"store": "memory.main"}, moment=as_of)
            other.file("beside", {"store": "memory.main", "kind": "TEMP TABLE", "into": ""}, until_day=day)
            other.derive_all(derivation)
            for name in ("costs", "facts"):
                other.connection.show(name)
        return other

    def tell(self, progress: Progress) -> None:
        """Whom to tell how far a question is."""
        self.warehouse.tell(progress)

    def interrupt(self) -> None:
        """Break off what the engine runs for this connection."""
        self.warehouse.interrupt()

    def twin(self) -> WarehouseStore:
        """Another session over the same warehouse, for another thread."""
        other = type(self)(self.warehouse.twin())
        other.properties = self.properties
        return other

    def close(self) -> None:
        """Forget temporary tables, end the session."""
        self._held = False
        self._shut()
        self.warehouse.close()


def _small(manifest: Manifest, far: Tables) -> Any:
    """A DuckDB in memory with the small tables of a version, and the big ones' shapes."""
    import duckdb

    local = duckdb.connect(":memory:", config={"memory_limit": os.environ.get("ASSAY_MEMORY_LIMIT", MEMORY)})
    local.execute("SET TimeZone = 'UTC'")
    local.execute("SET enable_progress_bar = false")
    version = _version(manifest, far)
    for name in schema.migrations(SQL):
        if int(name[:4]) <= version:
            for sql in schema.statements(SQL, name):
                local.execute(sql)
    for column, kind in manifest.tables["events"].columns.items() if "events" in manifest.tables else ():
        if column.startswith("p_"):
            (sql, *_) = schema.named(SQL, "add_property")
            local.execute(schema.filled(sql, {"column": quote(column), "type": kind}))
    for name in SMALL:
        if name in manifest.tables:
            local.execute(schema.one(SQL, "take_in", table=quote(name)), {"files": list(far.fetched(name))})
    return local


def _version(manifest: Manifest, far: Tables) -> int:
    import duckdb

    if "facts" not in manifest.tables:
        return 0
    rows = duckdb.execute(schema.one(SQL, "version_of"), {"files": list(far.fetched("facts"))}).fetchall()
    return int(rows[0][0])
