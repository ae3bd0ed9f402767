"""The one loader: segments, derivation and erasing in DuckDB's words, over whatever executes them.

DuckDB runs the statements itself; a warehouse reads each and has it done where its tables are (``warehouse.py``). What
a store is made of, how it is migrated and what loading does therefore stand once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from assay.model.errors import UsageError
from assay.store import schema
from assay.store.engine import ALL, NO_ROLLUPS, Derivation, Keeping, Loaded, Piece, Progress, Statement
from assay.store.engines.duckdb_file import property_expression, quote
from assay.store.engines.loading import Loading
from assay.store.engines.removing import Taking

PROPERTY_TYPES = {
    "string": "VARCHAR",
    "number": "DOUBLE",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP",
    "money": "DECIMAL(18, 6)",
    "items": "VARCHAR",
}
SQL = "duckdb"  # whose words the statements are in
T = TypeVar("T")


class Loader(ABC):
    """``connection`` executes statements; ``properties``: columns of declared properties, in the table's order."""

    connection: Any
    properties: dict[str, str]

    @property
    def keys(self) -> str:
        """The table that the keys of events stand in."""
        return "events"

    def sees(self, sql: str | None) -> None:  # noqa: B027  most stores show all columns always
        """A statement is next that reads events; None: one that may read any of their columns."""

    @abstractmethod
    def transaction(self, what: str) -> AbstractContextManager[None]:
        """All of it or nothing."""

    @abstractmethod
    def step(self) -> AbstractContextManager[None]:
        """One step of a migration: all of it or nothing."""

    def whole(self, what: str, work: Callable[[], T]) -> T:
        """Do work in a transaction."""
        with self.transaction(what):
            return work()

    # -- statements of the .sql files --------------------------------------------------------------------------------

    def _do(
        self, statements: Iterable[str], fill: Mapping[str, str] | None, known: bool, **params: Any
    ) -> list[tuple[Any, ...]]:
        """Run statements; ``{name}`` places are filled with checked SQL, values are bound.

        ``known``: they name every column of the events that they read.
        """
        rows: list[tuple[Any, ...]] = []
        for sql in statements:
            sql = schema.filled(sql, {"keys": self.keys, **(fill or {})})
            self.sees(sql if known else None)
            used = {name: value for name, value in params.items() if f"${name}" in sql}
            cursor = self.connection.execute(sql, used)
            rows = cursor.fetchall() if cursor.description else []
        return rows

    def named(self, which: str, /, fill: Mapping[str, str] | None = None, **params: Any) -> list[tuple[Any, ...]]:
        """Run the statements of that name; rows of the last."""
        return self._do(schema.named(SQL, which), fill, known=False, **params)

    def records(self, which: str, **params: Any) -> list[dict[str, Any]]:
        """Rows of the one statement of that name, by column."""
        (sql,) = schema.named(SQL, which)
        self.sees(None)
        used = {name: value for name, value in params.items() if f"${name}" in sql}
        cursor = self.connection.execute(sql, used)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def file(self, which: str, /, fill: Mapping[str, str] | None = None, **params: Any) -> None:
        """Run the statements of a file."""
        self._do(schema.statements(SQL, which), fill, known=True, **params)

    def execute(self, statements: Iterable[Statement]) -> None:
        """Run statements of a derivation."""
        for statement in statements:
            self.done(statement)

    def done(self, statement: Statement) -> None:
        """Run one of them."""
        self.sees(statement.sql)
        self.connection.execute(statement.sql, dict(statement.params or {}))

    # -- tables ------------------------------------------------------------------------------------------------------

    def _fits(self, properties: Mapping[str, str]) -> bool:
        if self._outdated():
            return False
        present = {name: _spaceless(kind) for name, kind in self.columns().items()}
        return present == {name: _spaceless(kind) for name, kind in typed_columns(properties).items()}

    def _outdated(self) -> bool:
        return self._version() != max(int(name[:4]) for name in schema.migrations(SQL))

    def columns(self) -> Mapping[str, str]:
        """The typed columns of declared properties that events have, with their SQL types."""
        return dict(self.named("columns_of_events"))

    def _migrate(self, properties: Mapping[str, str]) -> None:
        done = self._version()
        missing = [name for name in schema.migrations(SQL) if int(name[:4]) > done]
        if missing:
            with self.step():
                for name in missing:
                    self.file(name)
                self.named("set_fact", key="version", value=str(int(missing[-1][:4])))
        wanted = typed_columns(properties)
        present = self.columns()
        for column, kind in present.items():
            if _spaceless(wanted.get(column, "")) != _spaceless(kind):
                self.named("drop_property", {"column": quote(column)})
        for column, kind in wanted.items():
            if _spaceless(present.get(column, "")) != _spaceless(kind):
                expression = property_expression(column[2:], kind, "props")
                with self.step():
                    self.named("add_property", {"column": quote(column), "type": kind, "expression": expression})
        # Loading fills the columns in the order in which the table has them.
        self.properties = {name: wanted[name] for name in self.columns()}

    def _version(self) -> int:
        import duckdb

        try:  # asking for a list of the tables first would load the whole catalogue, at every opening
            rows = self.named("get_fact", key="version")
        except duckdb.CatalogException:
            return 0
        return int(rows[0][0]) if rows else 0

    # -- loading -----------------------------------------------------------------------------------------------------

    def loading(self, derivation: Derivation, keeping: Keeping) -> Loading:
        """One load, within a transaction."""
        return Loading(self, derivation, keeping)

    def load(self, pieces: Sequence[Piece], derivation: Derivation, keeping: Keeping = ALL) -> list[Loaded]:
        """Load segments, each once ever, all in one transaction, and derive what they touch."""

        def work() -> list[Loaded]:
            known = {row[0] for row in self.named("loaded_names")}
            new = list({p.name: p for p in pieces if p.name not in known}.values())
            return self.loading(derivation, keeping).load(new)

        done = {p.name: Loaded(p.name, p.kind, again=True) for p in pieces}
        done |= {one.name: one for one in self.whole("loading", work)}
        return [done[p.name] for p in pieces]

    def rebuild(self, derivation: Derivation) -> None:
        """Derive days, sessions, orders and persons again from all stored events."""
        self.whole("rebuilding", lambda: self.derive_all(derivation))

    def derive_all(self, derivation: Derivation) -> None:
        """The same within a transaction."""
        self.named("redate", {"day": derivation.day.replace("{t}", "t")})
        self.file("scope_all")
        self.execute(derivation.keys)
        self.named("rekey")
        self.derive_tables(derivation)

    def derive_tables(self, derivation: Derivation) -> None:
        """Persons, sessions, orders and refunds of the visitors in scope, from events that have their keys."""
        self.file("persons")
        self.execute(derivation.tables)
        self.named("set_fact", key="derivation", value=derivation.id)

    def roll_up(self, made: Mapping[str, str]) -> tuple[int, int]:  # noqa: ARG002
        """None are kept: questions are answered from the events themselves."""
        raise UsageError(NO_ROLLUPS)

    def tell(self, progress: Progress) -> None:  # noqa: B027
        """Queries do not say how far they are."""

    def taking(self) -> Taking:
        """What takes people and old events out."""
        return Taking(self)

    @abstractmethod
    def rewrite(self) -> None:
        """Leave nothing of what was deleted in the store's files."""

    def derivation(self) -> str | None:
        """Id of the rules that the derived tables were made with."""
        rows = self.named("get_fact", key="derivation")
        return rows[0][0] if rows else None


def typed_columns(properties: Mapping[str, str]) -> dict[str, str]:
    """Column name → SQL type, of declared properties."""
    return {f"p_{name}": PROPERTY_TYPES[kind] for name, kind in properties.items()}


def _spaceless(kind: str) -> str:
    return kind.replace(" ", "")
