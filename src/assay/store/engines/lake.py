"""A lake: Spark loads, derives and answers, over Parquet that any Spark can read (docs/adr/0028).

The loader's statements are done by Spark wherever they concern the big tables (``warehouse.py``); a load is one new
version of the manifest, so it is there whole or not at all, and the names of its segments with it.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assay.store import schema
from assay.store.engine import Derivation, Keeping, Result, Statement
from assay.store.engines.duckdb_file import errors, literal, property_expression, quote
from assay.store.engines.lake_tables import LakeTables
from assay.store.engines.loader import SQL, Loader
from assay.store.engines.loading import Loading
from assay.store.engines.spark_asking import Asking
from assay.store.engines.warehouse import SMALL, Connection, WarehouseLoading
from assay.store.lake import MANIFEST, Lake, Manifest, Part, Place, Table

FOLDER = "warehouse"
MEMORY = "1500MB"  # of the DuckDB that holds the small tables and reads segments
FILES = 16  # a part in more files is written anew
_numbers = itertools.count(1)


def open_store(folder: Path, read_only: bool = False) -> LakeStore:  # noqa: ARG001  a lake has no lock on reading
    """The workspace's lake."""
    return LakeStore(Lake(Place(folder / FOLDER)))


def exists(folder: Path) -> bool:
    """Whether there is one."""
    return (folder / FOLDER / MANIFEST).exists()


class LakeStore(Loader):
    """The store of a workspace in a lake, loaded and asked through Spark."""

    dialect = "spark"

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self.asking = Asking(lake.place)
        self.properties: dict[str, str] = {}
        self._opened: _Opened | None = None
        self._held = False  # within a transaction, or a second derived set: stays as it is

    @property
    def connection(self) -> Connection:
        """Executes statements over the present version, or over the one that is being made."""
        return self._now().connection

    def _now(self) -> _Opened:
        if self._opened is None or not self._held:
            manifest = self.lake.manifest()
            if self._opened is None or self._opened.manifest.generation != manifest.generation:
                self._open(manifest, f"ask-{os.getpid()}-{next(_numbers)}")
        assert self._opened is not None
        return self._opened

    def _open(self, manifest: Manifest, number: str) -> _Opened:
        self._shut()
        far = LakeTables(self.lake.place, self.asking, manifest.tables, number)
        self._opened = _Opened(manifest, far, Connection(_small(manifest, far), far, self._property_values))
        return self._opened

    def _shut(self) -> None:
        if self._opened is not None:
            self._opened.connection.local.close()
            self.lake.place.clear(self._opened.far.work)
        self._opened = None

    def _property_values(self) -> dict[str, str]:
        return {name: property_expression(name[2:], kind, "props") for name, kind in self.properties.items()}

    # -- changing ----------------------------------------------------------------------------------------------------

    @contextmanager
    def transaction(self, what: str) -> Iterator[None]:
        """All of it or nothing: what is written is seen when the manifest names it."""
        with errors(what), self.lake.place.alone():
            manifest = self.lake.manifest()
            number = str(manifest.generation + 1)
            self.lake.place.remove(self.lake.place.files(f"**/load={number}-*/**/*.parquet"))  # of one broken off
            opened = self._open(manifest, number)
            self._held = True
            try:
                yield
                self._commit(opened)
            except BaseException:
                self.lake.place.remove(opened.far.written)
                raise
            finally:
                self._held = False
                self._shut()

    def _commit(self, opened: _Opened) -> None:
        far, connection = opened.far, opened.connection
        far.compact(FILES)
        tables = {name: table for name, table in far.tables.items() if name not in far.passing}
        for name in sorted(connection.changed & set(SMALL)):
            tables[name] = self._saved(name, opened)
        if tables != opened.manifest.tables:
            self.lake.commit(opened.manifest, tables, "")

    def _saved(self, name: str, opened: _Opened) -> Table:
        """A small table in a file of the next version."""
        shape = opened.connection.shape(quote(name))
        file = f"{name}/load={opened.far.number}-0/all.parquet"
        opened.connection.save(name, self.lake.place, file)
        opened.far.written.append(file)
        return Table(shape, {"": Part((file,))})

    def step(self) -> AbstractContextManager[None]:
        """A migration is one transaction as a whole."""
        return nullcontext()

    def fits(self, properties: Mapping[str, str]) -> bool:
        """Whether the tables are of this version and have exactly the columns of these declared properties."""
        with errors(self.lake.place.where()):
            return self._fits(properties)

    def migrate(self, properties: Mapping[str, str]) -> None:
        """Create or upgrade the tables; add, retype or drop the typed columns of declared properties."""
        with nullcontext() if self.fits(properties) else self.transaction("migrating"):
            self._migrate(properties)

    def loading(self, derivation: Derivation, keeping: Keeping) -> Loading:
        """One load, within a transaction."""
        return WarehouseLoading(self, derivation, keeping)

    def rewrite(self) -> None:
        """Leave nothing of what was deleted in the lake's files."""
        with self.lake.place.alone():
            self.lake.purge()

    # -- asking ------------------------------------------------------------------------------------------------------

    def run(self, statement: Statement) -> Result:
        """Answer one query; a statement that writes is a version of its own."""
        if statement.sql.lstrip().upper().startswith(("SELECT", "WITH", "(")):
            return self.asking.ask(statement, self._now().far.tables, statement.title or "query")
        with self.transaction(statement.title or "writing"):
            self.execute([statement])
        return Result((), [])

    def write(self, statement: Statement, path: Path) -> None:
        """Answer a query into a Parquet file of this machine, by the DuckDB of this process."""
        import duckdb

        with errors(str(path)), duckdb.connect(":memory:") as reader:
            reader.execute("SET TimeZone = 'UTC'")
            tables = self._now().far.tables
            for name in (name for name in tables if re.search(rf"\b{re.escape(name)}\b", statement.sql)):
                reader.execute(_view(name, tables[name], self.lake.place))
            (sql,) = schema.named(SQL, "save_query")
            sql = sql.replace("{path}", literal(str(path))).replace("{query}", statement.sql)
            reader.execute(sql, dict(statement.params or {}))

    def explain(self, statement: Statement) -> str:
        """Spark's own plan of the query."""
        result = self.asking.ask(statement, self._now().far.tables, "explain", "EXPLAIN ")
        return "\n".join(str(row[0]) for row in result.rows)

    def beside(self, derivation: Derivation, as_of: int) -> LakeStore:
        """A second derived set, in temporary tables of the lake, which go when it is closed."""
        other = LakeStore(self.lake)
        other.properties = self.properties
        other._now()
        other._held = True
        with errors("deriving beside"):
            day = datetime.fromtimestamp(as_of / 1e6, UTC).date()
            other.file("beside", {"store": "memory.main"}, moment=as_of, until_day=day)
            other.derive_all(derivation)
            for name in ("costs", "facts"):
                other.connection.show(name)
        return other

    def interrupt(self) -> None:
        """Break off what Spark runs for this connection."""
        self.asking.interrupt()

    def twin(self) -> LakeStore:
        """Another session over the same lake, for another thread."""
        other = LakeStore(self.lake)
        other.properties = self.properties
        return other

    def close(self) -> None:
        """Forget views and temporary tables."""
        self._held = False
        self._shut()
        self.asking.forget()


class _Opened:
    """A version, its big tables and the connection over both kinds."""

    def __init__(self, manifest: Manifest, far: LakeTables, connection: Connection) -> None:
        self.manifest, self.far, self.connection = manifest, far, connection


def _small(manifest: Manifest, far: LakeTables) -> Any:
    """A DuckDB in memory with the small tables of a version, and the big ones' shapes."""
    import duckdb

    local = duckdb.connect(":memory:", config={"memory_limit": os.environ.get("ASSAY_MEMORY_LIMIT", MEMORY)})
    local.execute("SET TimeZone = 'UTC'")
    local.execute("SET enable_progress_bar = false")
    for name in schema.migrations(SQL):
        if int(name[:4]) <= _version(manifest, far):
            for sql in schema.statements(SQL, name):
                local.execute(sql)
    if "events" in manifest.tables:
        for column, kind in manifest.tables["events"].columns.items():
            if column.startswith("p_"):
                (sql, *_) = schema.named(SQL, "add_property")
                local.execute(sql.replace("{column}", quote(column)).replace("{type}", kind))
    for name in SMALL:
        if name in manifest.tables:
            (sql,) = schema.named(SQL, "take_in")
            local.execute(sql.replace("{table}", quote(name)), {"files": far.fetched(name)})
    return local


def _version(manifest: Manifest, far: LakeTables) -> int:
    import duckdb

    if "facts" not in manifest.tables:
        return 0
    (sql,) = schema.named(SQL, "version_of")
    rows = duckdb.execute(sql, {"files": far.fetched("facts")}).fetchall()
    return int(rows[0][0])


def _view(name: str, table: Table, place: Place) -> str:
    """A table of the lake as a view of DuckDB."""
    columns = ", ".join(f"CAST({quote(c)} AS {kind}) AS {quote(c)}" for c, kind in table.columns.items())
    which = "lake_view" if table.files else "empty_view"
    if not table.files:
        columns = ", ".join(f"CAST(NULL AS {kind}) AS {quote(c)}" for c, kind in table.columns.items())
    files = "[" + ", ".join(literal(str(place.fetched(file))) for file in table.files) + "]"
    (sql,) = schema.named(SQL, which)
    return sql.replace("{table}", quote(name)).replace("{columns}", columns).replace("{files}", files)
