"""ClickHouse: questions run there, on tables that the loader derived (docs/adr/0011).

Loading, deduplication and derivation stay with the one loader (DuckDB); what it derived is copied whenever it has
changed. So both engines answer from the same tables, and a difference between their answers is a difference of dialect.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

from assay.model.errors import MachineError
from assay.store import schema
from assay.store.engine import ALL, Derivation, Keeping, Loaded, Piece, Result, Statement, Taking
from assay.store.engines.duckdb import DuckDB
from assay.store.render.clickhouse import render

# Without these, what is missing comes back as 0 or '' instead of null, and a name may mean an alias of the same query.
SETTINGS: dict[str, int] = {
    "join_use_nulls": 1,
    "aggregate_functions_null_for_empty": 1,
    "group_by_use_nulls": 1,
    "prefer_column_name_to_alias": 1,
    "allow_lossy_numeric_supertype": 1,
    "allow_experimental_correlated_subqueries": 1,
    "output_format_json_quote_decimals": 1,
    "output_format_json_quote_64bit_integers": 0,
    "output_format_json_quote_denormals": 1,
}
_ORDERS = {
    "events": "(name, day, visitor_key)",
    "sessions": "(day, visitor_key)",
    "orders": "(day, visitor_key)",
    "visitors": "visitor_key",
}
_WIDE = Context(prec=76)
_numbers = itertools.count(1)
_FORMAT = "JSONCompactEachRowWithNamesAndTypes"


def open_store(folder: Path, read_only: bool = False) -> ClickHouse:
    """The workspace's store, answered by ClickHouse's engine in this process."""
    return ClickHouse(DuckDB(folder / "store.duckdb", read_only=read_only))


class Local:
    """ClickHouse's engine inside this process (package chdb). One for the process: every store is a database of it."""

    _connection: Any = None

    @classmethod
    def query(cls, sql: str, params: Mapping[str, Any], what: str) -> str:
        """Run a statement; the answer as text in ``_FORMAT``."""
        if cls._connection is None:
            try:
                import chdb  # type: ignore[import-untyped,unused-ignore]
            except ImportError as error:
                raise MachineError("the clickhouse engine needs the package chdb: pip install chdb") from error
            cls._connection = chdb.connect(":memory:")  # type: ignore[no-untyped-call,unused-ignore]
            for name, value in SETTINGS.items():
                cls._connection.query(f"SET {name} = {value}")
        try:
            text: bytes = cls._connection.query(sql, _FORMAT, params=dict(params)).bytes() or b""
        except RuntimeError as error:
            reason = " ".join(str(error).split())
            raise MachineError(f"{what}: ClickHouse says: {reason[:400]}") from error
        return text.decode()


class ClickHouse:
    """The store of a workspace, asked through ClickHouse."""

    dialect = "clickhouse"

    def __init__(self, loader: DuckDB) -> None:
        self.loader = loader
        self.database = f"assay_{os.getpid()}_{next(_numbers)}"
        self._copied = False

    def load(self, pieces: Sequence[Piece], derivation: Derivation, keeping: Keeping = ALL) -> list[Loaded]:
        """Load with the loader; the next question reads the new tables."""
        self._copied = False
        return self.loader.load(pieces, derivation, keeping)

    def taking(self) -> Taking:
        """The loader's; the next question reads the new tables."""
        self._copied = False
        return self.loader.taking()

    def rebuild(self, derivation: Derivation) -> None:
        """Derive everything again with the loader."""
        self._copied = False
        self.loader.rebuild(derivation)

    def run(self, statement: Statement) -> Result:
        """Answer one query; a statement that writes goes to the loader."""
        if not statement.sql.lstrip().upper().startswith(("SELECT", "WITH", "(")):
            self._copied = False
            return self.loader.run(statement)
        return self._asked(statement, statement.title or "query")

    def write(self, statement: Statement, path: Path) -> None:
        """Answer a query into a Parquet file, with the loader."""
        self.loader.write(statement, path)

    def explain(self, statement: Statement) -> str:
        """ClickHouse's own plan of the query."""
        return "\n".join(str(row[0]) for row in self._asked(statement, "explain", "EXPLAIN ").rows)

    def fits(self, properties: Mapping[str, str]) -> bool:
        """Whether the loader's tables need no migration."""
        return self.loader.fits(properties)

    def migrate(self, properties: Mapping[str, str]) -> None:
        """Bring the loader's tables to this version."""
        self._copied = False
        self.loader.migrate(properties)

    def beside(self, derivation: Derivation, as_of: int) -> ClickHouse:
        """A second derived set, derived by the loader and copied to a database of its own."""
        return ClickHouse(self.loader.beside(derivation, as_of))

    def interrupt(self) -> None:
        """Break off what the loader runs; a query of ClickHouse's engine runs to its end."""
        self.loader.interrupt()

    def twin(self) -> ClickHouse:
        """Another copy of the loader's tables."""
        return ClickHouse(self.loader.twin())

    def derivation(self) -> str | None:
        """Id of the rules that the derived tables were made with."""
        return self.loader.derivation()

    def close(self) -> None:
        """Drop the copy, close the loader."""
        if self._copied:
            self._do("drop_database")
        self._copied = False
        self.loader.close()

    # -- the copy ----------------------------------------------------------------------------------------------------

    def _asked(self, statement: Statement, what: str, before: str = "") -> Result:
        self._copy()
        sql, params = render(statement.sql, statement.params or {})
        Local.query(f"USE {self.database}", {}, what)
        return _result(Local.query(before + sql, {n: _text(v) for n, v in params.items()}, what))

    def _do(self, which: str, **fill: str) -> None:
        for sql in schema.named(self.dialect, which):
            for name, text in {"database": self.database, **fill}.items():
                sql = sql.replace("{" + name + "}", text)
            Local.query(sql, {}, which)

    def _copy(self) -> None:
        """The loader's tables, as they are now."""
        if self._copied:
            return
        self._do("drop_database")
        self._do("create_database")
        folder = self.loader.path.parent / "copy"
        folder.mkdir(parents=True, exist_ok=True)
        for table in self.loader.tables():
            path = folder / f"{self.database}_{table}.parquet"
            try:
                self.loader.save(table, path)
                self._do("copy_table", table=table, path=str(path), order=_ORDERS.get(table, "tuple()"))
            finally:
                path.unlink(missing_ok=True)
        self._copied = True


def _text(value: Any) -> Any:
    """A bound value as ClickHouse takes it."""
    if isinstance(value, list | tuple):
        return [_text(v) for v in value]
    return str(value) if isinstance(value, Decimal | date) else value


def _result(text: str) -> Result:
    if not text:
        return Result((), [])
    lines = text.rstrip("\n").split("\n")  # not splitlines: a value may hold other line separators of Unicode
    names, types = json.loads(lines[0]), json.loads(lines[1])
    readers = [_reader(kind) for kind in types]
    rows = [
        tuple(None if v is None else read(v) for v, read in zip(json.loads(line), readers, strict=True))
        for line in lines[2:]
    ]
    return Result(tuple(names), rows)


def _reader(kind: str) -> Any:
    """Turns a JSON value into Python's type of it."""
    while kind.startswith(("Nullable(", "LowCardinality(")):
        kind = kind.split("(", 1)[1][:-1]
    if kind.startswith("Decimal"):
        scale = Decimal(1).scaleb(-int(kind[:-1].split(",")[1]))
        return lambda v: Decimal(str(v)).quantize(scale, context=_WIDE)
    if kind.startswith("DateTime"):
        return datetime.fromisoformat
    if kind.startswith("Date"):
        return date.fromisoformat
    if kind.startswith("Float"):
        return float
    if kind.startswith("Array("):
        inner = _reader(kind[6:-1])
        return lambda v: [None if one is None else inner(one) for one in v]
    return lambda v: v
