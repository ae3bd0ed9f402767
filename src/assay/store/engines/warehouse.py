"""A store whose big tables lie in a warehouse: each statement of the loader is done where its tables are.

Small tables (segments, costs, quarantine …) are held by a DuckDB in memory while the store is open, read from the
warehouse and written to it with each version. Segments are read, judged and numbered there too; what is left goes to
the warehouse as one file. Everything over the big tables is the warehouse's work.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from assay.store import schema
from assay.store.engine import Piece, Result, Statement
from assay.store.engines.copying import TYPES
from assay.store.engines.duckdb_file import literal, quote
from assay.store.engines.loader import SQL
from assay.store.engines.loading import Loading
from assay.store.engines.statements import Act, replaced, understood

BIG = ("events", "visitors", "persons", "sessions", "orders", "refunds")
PIECE = "piece_rows"
SMALL = ("segments", "spans", "refusals", "quarantine", "costs", "rates", "facts")


class Tables(Protocol):
    """The big tables, and temporary ones, of one version while the next is made. Queries are in DuckDB's words."""

    tables: Any
    passing: set[str]

    def ask(self, statement: Statement, what: str, before: str = "") -> Result:
        """The rows of a query; ``before``: what stands before it."""
        ...

    def make(self, name: str, sql: str, params: Mapping[str, Any], own: Mapping[str, str] | None = None) -> None:
        """A temporary table from a query; ``own``: in the engine's own words."""
        ...

    def declare(self, name: str, columns: Mapping[str, str], passing: bool = True) -> None:
        """An empty table."""
        ...

    def append(self, name: str, sql: str, params: Mapping[str, Any]) -> None:
        """Rows of a query at the end of a table, its columns by place."""
        ...

    def replace(self, name: str, sql: str, changed: str, params: Mapping[str, Any], every: bool = False) -> None:
        """A table as a query over it says; ``changed`` asks for the parts in which something changes."""
        ...

    def clear(self, name: str) -> None:
        """No rows any more."""
        ...

    def reshape(self, name: str, columns: Mapping[str, str]) -> None:
        """Other columns; one that was not there is null."""
        ...

    def drop(self, name: str) -> None:
        """Forget a temporary table."""
        ...

    def bring(self, name: str, columns: Mapping[str, str], file: Path) -> None:
        """A temporary table from a Parquet file of this machine."""
        ...

    def fetched(self, name: str) -> Sequence[str]:
        """Parquet files that hold a table, for this machine to read."""
        ...

    def part(self, name: str) -> str:
        """What says which part of a table a row is in; empty where it has none."""
        ...

    def columns(self, name: str) -> tuple[str, ...]:
        """Names of a table's columns."""
        ...

    def store(self, name: str, columns: Mapping[str, str], file: Path) -> None:
        """A small table as a Parquet file of this machine says."""
        ...

    def settled(self) -> Mapping[str, Any]:
        """The tables as they are to stay."""
        ...

    def undo(self) -> None:
        """Delete what was written for a version that will not be, by whichever process."""
        ...

    def end(self) -> None:
        """Delete what was needed in between."""
        ...


class Cursor:
    """The rows of a statement, as a database's cursor gives them."""

    def __init__(self, result: Result | None = None) -> None:
        self.result = result or Result((), [])
        self.description = [(name,) for name in self.result.columns]

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows."""
        return self.result.rows


class Connection:
    """Executes the loader's statements: here (``local``, a DuckDB in memory) or in the warehouse (``far``)."""

    def __init__(self, local: Any, far: Tables, properties: Callable[[], Mapping[str, str]]) -> None:
        self.local, self.far, self.properties = local, far, properties
        self.changed: set[str] = set()  # small tables that say something new
        self.fresh: dict[str, frozenset[str]] = {}  # table → columns that were added just now
        self.piece: Path | None = None
        self._piece_shown: Path | None = None
        self._shown: set[str] = set()

    def execute(self, sql: str, params: Mapping[str, Any] | None = None) -> Any:
        """Run one statement."""
        act, params = understood(sql), params or {}
        doing = getattr(self, f"_{act.kind}", None)
        return self._here(sql, params) if doing is None else doing(act, sql, params)

    # -- where -------------------------------------------------------------------------------------------------------

    def is_far(self, name: str) -> bool:
        """Whether a table is the warehouse's."""
        return name in BIG or (name in self.far.passing and name not in self._shown)

    def _here(self, sql: str, params: Mapping[str, Any]) -> Any:
        return self.local.execute(sql, {name: value for name, value in params.items() if f"${name}" in sql})

    def _named(self, which: str, params: Mapping[str, Any] | None = None, **fill: str) -> Any:
        return self._here(schema.one(SQL, which, **fill), params or {})

    def show(self, name: str) -> None:
        """Show the warehouse a table that is here, as it is now."""
        if name == PIECE:
            self._show_piece()
        elif name in self.changed or name not in self.far.tables or name not in SMALL:
            self._export(name, "all_rows", table=quote(name))

    def _show_all(self, act: Act) -> None:
        for name in sorted(act.reads):
            if not self.is_far(name):
                self.show(name)

    # -- kinds of statements -----------------------------------------------------------------------------------------

    def _ask(self, act: Act, sql: str, params: Mapping[str, Any]) -> Any:
        if not any(self.is_far(name) for name in act.reads):
            return self._here(sql, params)
        self._show_all(act)
        return Cursor(self.far.ask(Statement(act.sql, params), "loading"))

    def _make(self, act: Act, sql: str, params: Mapping[str, Any]) -> Any:
        if not any(self.is_far(name) for name in act.reads):
            return self._here(sql, params)
        self._show_all(act)
        self.far.make(act.table, act.sql, params)
        return Cursor()

    def _declare(self, act: Act, sql: str, params: Mapping[str, Any]) -> Any:
        self._here(sql, params)
        passing = act.temporary and act.table not in SMALL
        if passing or act.table in BIG:
            self.far.declare(act.table, self.shape(quote(act.table)), passing)
        if passing:  # it was here only for what its columns are
            self._named("drop_table", table=quote(act.table))
        else:
            self.changed.add(act.table)
        return Cursor()

    def _alter(self, act: Act, sql: str, params: Mapping[str, Any]) -> Any:
        self._here(sql, params)
        self.fresh[act.table] = self.fresh.get(act.table, frozenset()) | set(act.columns)
        self.changed.add(act.table)
        if act.table in BIG:
            self.far.reshape(act.table, self.shape(quote(act.table)))
        return Cursor()

    def _append(self, act: Act, sql: str, params: Mapping[str, Any]) -> Any:
        if not self.is_far(act.table):
            return self._small(act, sql, params)
        self._show_all(act)
        self.far.append(act.table, act.sql, params)
        return Cursor()

    def _replace(self, act: Act, sql: str, params: Mapping[str, Any]) -> Any:
        if not self.is_far(act.table):
            return self._small(act, sql, params)
        self._show_all(act)
        far = self.far
        columns, part = far.columns(act.table), far.part(act.table)
        fresh = self.fresh.pop(act.table, frozenset())
        said = replaced(sql, columns, part, fresh)
        far.replace(act.table, said.sql, said.changed, params, every=bool(fresh))
        return Cursor()

    def _clear(self, act: Act, sql: str, params: Mapping[str, Any]) -> Any:
        if not self.is_far(act.table):
            return self._small(act, sql, params)
        self.far.clear(act.table)
        return Cursor()

    def _drop(self, act: Act, sql: str, params: Mapping[str, Any]) -> Any:
        if self.is_far(act.table):
            self.far.drop(act.table)
            return Cursor()
        return self._here(sql, params)

    # -- to and fro --------------------------------------------------------------------------------------------------

    def shape(self, table: str) -> dict[str, str]:
        """Columns of a table that is known here: name → type in a lake."""
        rows = self._named("lake_columns", table=table).fetchall()
        return {str(name): TYPES.get(kind, str(kind)) for name, kind in rows}

    def _small(self, act: Act, sql: str, params: Mapping[str, Any]) -> Any:
        """Change a small table; the warehouse's temporary tables that tell how are brought here."""
        for name in act.reads:
            if self.is_far(name):
                self._named("pull", {"files": list(self.far.fetched(name))}, table=quote(name))
        self.changed.add(act.table)
        return self._here(sql, params)

    def _export(self, name: str, which: str, **fill: str) -> None:
        """The rows of a query as a table of that name in the warehouse."""
        query = schema.one(SQL, which, **fill)
        shape = self.shape(f"({query})")
        columns = ", ".join(f"CAST({quote(c)} AS {k}) AS {quote(c)}" for c, k in shape.items())
        with tempfile.TemporaryDirectory(prefix="assay-") as folder:
            path = Path(folder) / f"{name}.parquet"
            self._named("export", columns=columns, query=query, path=literal(str(path)))
            self.far.bring(name, shape, path)
        self._shown.add(name)

    def save(self, name: str) -> None:
        """A small table as it is here is the warehouse's from now on."""
        with tempfile.TemporaryDirectory(prefix="assay-") as folder:
            path = Path(folder) / "table.parquet"
            self._named("save_table", table=quote(name), path=literal(str(path)))
            self.far.store(name, self.shape(quote(name)), path)

    def opened(self, piece: Piece) -> None:
        """``piece_rows`` shows the lines of this segment now."""
        self.piece = piece.path

    def _show_piece(self) -> None:
        """The usable lines with the columns of declared properties; each segment once."""
        if self._piece_shown != self.piece:
            typed = "".join(f", {value} AS {quote(name)}" for name, value in self.properties().items())
            self._export(PIECE, "usable_rows", typed=typed)
            self._piece_shown = self.piece


class WarehouseLoading(Loading):
    """One load into a warehouse."""

    def _open(self, piece: Piece) -> None:
        super()._open(piece)
        self.store.connection.opened(piece)

    def _property_values(self) -> dict[str, str]:
        return {"extracted": "", "extra": "".join(f", p.{quote(name)}" for name in self.store.properties)}
