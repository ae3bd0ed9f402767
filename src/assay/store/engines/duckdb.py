"""DuckDB: one file, one process. Loading is one transaction, so a crash repeats or skips nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from assay.model.errors import MachineError, UsageError
from assay.store import schema
from assay.store.engine import ALL, Derivation, Keeping, Loaded, Piece, Result, Statement
from assay.store.engines.duckdb_beside import attached, derive, prepare
from assay.store.engines.duckdb_file import errors, literal, out_of_memory, patient, quote, reading
from assay.store.engines.duckdb_own import OWN, Owned, adopted, dropped, narrow, opened, show_events, widened
from assay.store.engines.duckdb_rewriting import rewritten
from assay.store.engines.loader import Loader, typed_columns
from assay.store.own import Own

T = TypeVar("T")
LOAD_MEMORY = "1500MB"
WORK_MEMORY = "2800MB"  # of deriving everything: more is held then outside of what the engine counts
ASK_MEMORY = "3200MB"  # of the engine; the process with Python, libraries and results stays within 4 GB


def _executed(connection: Any, statement: Statement, tries: int = 4) -> Any:
    """Run a query. DuckDB 2.0.0 at times refuses its own plan of a join; asked again, the same query runs."""
    import duckdb

    for left in reversed(range(tries)):
        try:
            return connection.execute(statement.sql, dict(statement.params or {}))
        except duckdb.InternalException as error:
            if left == 0 or "dict-surviving join" not in str(error):
                raise
    raise AssertionError("unreachable")


def open_store(folder: Path, read_only: bool = False) -> DuckDB:
    """The workspace's file."""
    return DuckDB(folder / "store.duckdb", read_only=read_only)


class DuckDB(Loader):
    """The store of a workspace in one DuckDB file."""

    dialect = "duckdb"

    def __init__(self, path: Path, read_only: bool = False) -> None:
        self.path, self.read_only = path, read_only
        self.gone: Callable[[], None] | None = None  # takes away what a set beside the stored one has
        self.own: Owned | None = None
        self.shown: frozenset[str] | None = None  # of own tables: the columns of events that this connection sees now
        self.reopen()
        self.properties: dict[str, str] = {}

    def reopen(self) -> None:
        """Connect to the file, anew where it was replaced."""
        import duckdb

        path = self.path
        config: dict[str, Any] = {
            "memory_limit": os.environ.get("ASSAY_MEMORY_LIMIT", ASK_MEMORY),
            "temp_directory": str(path.with_suffix(f".{os.getpid()}.tmp")),  # readers may be several processes
            # The first rows of each group: it would hold them in aggregates, which do not spill as windows do.
            "disabled_optimizers": "top_n_window_elimination",
        }
        with errors(str(path)):
            if self.read_only:
                self.connection = reading(str(path), config)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                self.connection = patient(lambda: duckdb.connect(str(path), config=config))
                for left in path.parent.glob(f"{path.stem}.*.tmp"):  # alone now: of processes that were killed
                    shutil.rmtree(left, ignore_errors=True)
            self.connection.execute("SET TimeZone = 'UTC'")
            self.connection.execute("SET enable_progress_bar = false")
            self.own, self.shown = opened(self), None

    def interrupt(self) -> None:
        """Break off the query that another thread runs on this connection."""
        self.connection.interrupt()

    def twin(self) -> DuckDB:
        """A connection of its own to the same open file, for another thread."""
        import copy

        other = copy.copy(self)
        other.gone = None
        other.connection = self.connection.cursor()
        other.connection.execute("SET TimeZone = 'UTC'")
        other.connection.execute("SET enable_progress_bar = false")
        other.own, other.shown = opened(other), None
        return other

    # -- running ---------------------------------------------------------------------------------------------------

    def run(self, statement: Statement) -> Result:
        """Answer one query; values come in Python's types."""
        with errors(statement.title or "query"):
            narrow(self, statement.sql)
            cursor = _executed(self.connection, statement)
            names = tuple(d[0] for d in cursor.description or ())
            return Result(names, cursor.fetchall())

    def write(self, statement: Statement, path: Path) -> None:
        """Answer a query into a Parquet file."""
        sql = schema.one(self.dialect, "save_query", path=literal(str(path)), query=statement.sql)
        with errors(str(path)):
            widened(self)
            self.connection.execute(sql, dict(statement.params or {}))

    def explain(self, statement: Statement) -> str:
        """DuckDB's own plan of the query."""
        result = self.run(Statement("EXPLAIN " + statement.sql, statement.params))
        return "\n".join(str(row[-1]) for row in result.rows)

    def close(self) -> None:
        """Close the file."""
        if self.gone is not None:
            with errors(str(self.path)):
                self.gone()
            self.gone = None
        self.connection.close()

    @contextmanager
    def step(self) -> Iterator[None]:
        """All of it or nothing."""
        self.named("begin")
        try:
            yield
            self.named("commit")
        except BaseException:
            self._attempt("rollback")  # a commit that failed has ended the transaction itself
            raise

    def _attempt(self, which: str) -> None:
        """Clean up after an error, which must not be hidden by another one."""
        import duckdb

        with suppress(duckdb.Error):
            self.named(which)

    @contextmanager
    def transaction(self, what: str, memory: str = LOAD_MEMORY) -> Iterator[None]:
        """All of it or nothing, with the memory that loading may use."""
        with errors(what):
            self.connection.execute(f"SET memory_limit = '{os.environ.get('ASSAY_MEMORY_LIMIT', memory)}'")
            try:
                with self.step():
                    yield
            finally:
                self._attempt("drop_work")
                self.connection.execute(f"SET memory_limit = '{os.environ.get('ASSAY_MEMORY_LIMIT', ASK_MEMORY)}'")

    def whole(self, what: str, work: Callable[[], T]) -> T:
        """Do work in a transaction; where the memory of loading is too little, again with more."""
        for memory in (LOAD_MEMORY, WORK_MEMORY):
            try:
                with self.transaction(what, memory):
                    return work()
            except MachineError as error:
                if not out_of_memory(error) or "ASSAY_MEMORY_LIMIT" in os.environ:
                    raise
        with self.transaction(what, ASK_MEMORY):
            return work()

    # -- tables ----------------------------------------------------------------------------------------------------

    def fits(self, properties: Mapping[str, str]) -> bool:
        """Whether the tables are of this version and have exactly the columns of these declared properties."""
        with errors(str(self.path)):
            return self._fits(properties)

    def migrate(self, properties: Mapping[str, str], anew: bool = False) -> None:
        """Create or upgrade the tables; add, retype or drop the typed columns of declared properties.

        ``anew``: the own tables are read next, so nothing is shown of them here: a file of theirs may be gone.
        """
        with errors(str(self.path)):
            if self.own and self._outdated():
                self.disown()
            if not self.own:
                self._migrate(properties)
            elif anew:
                self.properties = typed_columns(properties)
            else:
                self.properties = show_events(self, properties)

    # -- own tables --------------------------------------------------------------------------------------------------

    @property
    def keys(self) -> str:
        """The table that keys are written to: of the events, or of the own tables that they are read from."""
        return "own_keys" if self.own else "events"

    def columns(self) -> Mapping[str, str]:
        """The typed columns of declared properties that events have, with their SQL types."""
        return self.own.columns if self.own else super().columns()

    def sees(self, sql: str | None) -> None:
        """Show of the events what a statement names; all of it without one."""
        if sql is None:
            widened(self)
        else:
            narrow(self, sql)

    def load(self, pieces: Sequence[Piece], derivation: Derivation, keeping: Keeping = ALL) -> list[Loaded]:
        """Load segments, each once ever, all in one transaction, and derive what they touch."""
        if self.own and any(piece.kind == "events" for piece in pieces):
            raise UsageError(f"events are not loaded here: {OWN}")
        return super().load(pieces, derivation, keeping)

    def adopt(self, own: Own, derivation: Derivation, keeping: Keeping = ALL) -> list[Loaded]:
        """Read events from the site's own tables: what is new, and all of it where something is no more as it was."""
        return adopted(self, own, derivation, keeping)

    def disown(self) -> None:
        """Hold events again in a table, which is empty."""
        with self.transaction("letting go of the own tables"):
            dropped(self)

    def beside(self, derivation: Derivation, as_of: int) -> DuckDB:
        """Another derived set over what was received by ``as_of`` (µs UTC), in a file of its own until it is closed."""
        other = self.twin()
        with errors("deriving beside"):
            into, other.gone = attached(other)
            other.own = other.shown = None  # its events are a table
        try:
            with errors("deriving beside"):
                prepare(other, into, derivation, as_of)
            with other.transaction("deriving beside", WORK_MEMORY):
                derive(other, derivation)
        except BaseException:
            other.close()
            raise
        return other

    def rewrite(self) -> None:
        """Leave nothing of what was deleted in the file."""
        rewritten(self)

    def tables(self) -> list[str]:
        """Names of all tables that questions may read."""
        return [row[0] for row in self.named("table_names")]

    def save(self, table: str, path: Path) -> None:
        """Write a table to a Parquet file."""
        with errors(str(path)):
            self.named("save_table", {"table": quote(table), "path": literal(str(path))})
