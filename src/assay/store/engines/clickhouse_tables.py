"""Tables of ClickHouse as whole versions: a version that changes a table has a copy of it, made of the same parts.

A copy (``CLONE AS``) costs nothing but names; then only the partitions in which something changes are written. Every
table carries the number of the version that it was made for in its name, so what a load left that broke off is known.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from assay.store import schema
from assay.store.disk import scratch
from assay.store.engine import Result, Statement
from assay.store.engines.clickhouse_place import PASSING, ClickHousePlace
from assay.store.engines.clickhouse_transport import result_of, text_of
from assay.store.engines.duckdb_file import quote
from assay.store.lake import Part, Table
from assay.store.render.clickhouse import render

# Table → what says which partition a row is in: in DuckDB's words, and in ClickHouse's.
PARTS = {
    "events": ("year(events.day) * 100 + month(events.day)", "toYYYYMM(day)"),
    "sessions": ("year(sessions.day) * 100 + month(sessions.day)", "toYYYYMM(day)"),
    "visitors": ("visitors.visitor_key // 1000000", "intDiv(visitor_key, 1000000)"),
    "persons": ("persons.visitor_key // 1000000", "intDiv(visitor_key, 1000000)"),
}
ORDERS = {
    "events": "(name, day, visitor_key)",
    "sessions": "(day, visitor_key)",
    "orders": "(day, visitor_key)",
    "visitors": "visitor_key",
    "persons": "visitor_key",
}
TYPES = {
    "VARCHAR": "String", "BIGINT": "Int64", "INTEGER": "Int32", "DOUBLE": "Float64", "BOOLEAN": "Bool",
    "DATE": "Date32", "TIMESTAMP": "DateTime64(6)",
}  # fmt: skip
_numbers = itertools.count(1)


class ClickHouseTables:
    """The tables of one version while the next is made. ``number``: of the version that is made.

    ``tag`` stands in the text of every query, so that it can be found and broken off from elsewhere.
    """

    def __init__(self, place: ClickHousePlace, tables: Mapping[str, Table], number: str, tag: str) -> None:
        self.place, self.number, self.tag, self.spread = place, number, tag, place.spread()
        self.tables: dict[str, Table] = dict(tables)
        self.passing: set[str] = set()
        self._prefix = PASSING + number.replace("-", "_") + "_"
        self._scratch: Path | None = None

    # -- reading -----------------------------------------------------------------------------------------------------

    def ask(self, statement: Statement, what: str, before: str = "") -> Result:
        """The rows of a query; ``before``: what stands before it."""
        return result_of(self._run(statement.sql, statement.params or {}, what, before))

    def _run(self, sql: str, params: Mapping[str, Any], what: str, before: str = "", form: str | None = None) -> bytes:
        said, values = self._rendered(sql, params)
        return self.place.transport.run(before + said, values, what, *([form] if form else []))

    def _write(self, which: str, sql: str, params: Mapping[str, Any], what: str, **fill: str) -> None:
        """A statement of that name around a query."""
        query, values = self._rendered(sql, params)
        self.place.transport.run(schema.one("clickhouse", which, query=query, **fill), values, what)

    def save(self, statement: Statement, path: Path) -> None:
        """A query's answer as a Parquet file of this machine."""
        path.write_bytes(self._run(statement.sql, statement.params or {}, str(path), form="Parquet"))

    def fetched(self, name: str) -> Sequence[str]:
        """A Parquet file of this machine that holds a table."""
        if self._scratch is None:
            self._scratch = scratch(self)
        path = self._scratch / f"{_file(self.tables[name])}.parquet"
        if not path.exists():
            self.save(Statement(schema.one("duckdb", "all_rows", table=name)), path)
        return [str(path)]

    def part(self, name: str) -> str:
        """What says which partition a row is in; empty where a table has none."""
        return PARTS[name][0] if name in PARTS and name not in self.passing else ""

    def columns(self, name: str) -> tuple[str, ...]:
        """Names of a table's columns."""
        return tuple(self.tables[name].columns)

    # -- changing ----------------------------------------------------------------------------------------------------

    def make(self, name: str, sql: str, params: Mapping[str, Any], own: Mapping[str, str] | None = None) -> None:
        """A temporary table from a query."""
        del own  # nothing that ClickHouse cannot say in DuckDB's words
        file = self._new(name, passing=True)
        self._write("make_table", sql, params, name, table=self.place.where(file))
        self._set(name, file, self._described(file), passing=True)

    def declare(self, name: str, columns: Mapping[str, str], passing: bool = True) -> None:
        """An empty table."""
        file = self._new(name, passing)
        self._create(name, file, columns, passing)
        self._set(name, file, columns, passing)

    def append(self, name: str, sql: str, params: Mapping[str, Any]) -> None:
        """Rows of a query at the end of a table, its columns by place."""
        self._own(name)
        listed = ", ".join(quote(column) for column in self.tables[name].columns)
        self._write("append", sql, params, name, table=self._where(name), columns=listed)

    def replace(self, name: str, sql: str, changed: str, params: Mapping[str, Any], every: bool = False) -> None:
        """A table as a query over it says; only the partitions in which something changes are written."""
        table, whole = self.tables[name], every or not changed
        keys = [] if whole else [int(key) for (key,) in self.ask(Statement(changed, params), name).rows]
        if not whole and not keys:
            return
        file = self._new(name, name in self.passing)
        listed = ", ".join(quote(column) for column in table.columns)
        if whole:
            self._create(name, file, table.columns, name in self.passing)
            self._write("append", sql, params, name, table=self.place.where(file), columns=listed)
        else:
            self._clone(name, file)
            for key in keys:
                self.place.change("drop_partition", file, key=str(key))
            said = ", ".join(map(str, keys))
            self._write("of_partitions", sql, params, name, table=self.place.where(file), columns=listed,
                        part=PARTS[name][1], keys=said)  # fmt: skip
        self._set(name, file, table.columns, name in self.passing)

    def _rendered(self, sql: str, params: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        places = {name: self.place.rows(_file(table), self.spread) for name, table in self.tables.items()}
        said, values = render(sql, params, places, self.spread)
        return f"{said} /* {self.tag} */", {name: text_of(value) for name, value in values.items()}

    def clear(self, name: str) -> None:
        """No rows any more."""
        self.declare(name, self.tables[name].columns, name in self.passing)

    def reshape(self, name: str, columns: Mapping[str, str]) -> None:
        """Other columns; one that was not there is null."""
        self._own(name)
        before, file = self.tables[name].columns, _file(self.tables[name])
        for column, kind in before.items():
            if columns.get(column) != kind:
                self.place.change("drop_column", file, column=quote(column))
        for column, kind in columns.items():
            if before.get(column) != kind:
                self.place.change("add_column", file, column=quote(column), type=_type(kind))
        self.tables[name] = replace(self.tables[name], columns=dict(columns))

    def drop(self, name: str) -> None:
        """Forget a temporary table."""
        table = self.tables.pop(name, None)
        self.passing.discard(name)
        if table is not None and _file(table).startswith(self._prefix):
            self.place.remove([_file(table)])

    def bring(self, name: str, columns: Mapping[str, str], file: Path) -> None:
        """A temporary table from a Parquet file of this machine."""
        self._taken(name, columns, file, passing=True)

    def store(self, name: str, columns: Mapping[str, str], file: Path) -> None:
        """A small table as a Parquet file of this machine says."""
        self._taken(name, columns, file, passing=False)

    # -- the end -----------------------------------------------------------------------------------------------------

    def settled(self) -> Mapping[str, Table]:
        """The tables as they are to stay."""
        return {name: table for name, table in self.tables.items() if name not in self.passing}

    def undo(self) -> None:
        """Drop what was made for a version that will not be, by whichever process."""
        self.place.remove(file for file in self.place.files() if file.startswith(f"v{self.number}_"))

    def end(self) -> None:
        """Drop what was needed in between, and what was made for this version and is not in it."""
        stay = {_file(table) for name, table in self.tables.items() if name not in self.passing}
        ours = (self._prefix, f"v{self.number}_")
        self.place.remove(file for file in self.place.files() if file.startswith(ours) and file not in stay)
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    # -- tables ------------------------------------------------------------------------------------------------------

    def _new(self, name: str, passing: bool) -> str:
        return f"{self._prefix if passing else f'v{self.number}_'}{next(_numbers)}_{name}"

    def _where(self, name: str) -> str:
        return self.place.where(_file(self.tables[name]))

    def _set(self, name: str, file: str, columns: Mapping[str, str], passing: bool) -> None:
        self.tables[name] = Table(dict(columns), {"": Part((file,))})
        self.passing = self.passing | {name} if passing else self.passing - {name}

    def _own(self, name: str) -> None:
        """A copy of a table for this version, where it has none yet."""
        file = _file(self.tables[name])
        if not file.startswith((self._prefix, f"v{self.number}_")):
            fresh = self._new(name, passing=False)
            self._clone(name, fresh)
            self.tables[name] = replace(self.tables[name], parts={"": Part((fresh,))})

    def _create(self, name: str, file: str, columns: Mapping[str, str], passing: bool) -> None:
        part, order = ("", "tuple()") if passing else _laid(name)
        self.place.change("create_table", file, columns=_shape(columns), part=part, order=order)

    def _clone(self, name: str, file: str) -> None:
        """Another table of the same parts."""
        self.place.clone(file, _file(self.tables[name]), *_laid(name))

    def _taken(self, name: str, columns: Mapping[str, str], path: Path, passing: bool) -> None:
        file = self._new(name, passing)
        self._create(name, file, columns, passing)
        self.place.transport.insert(self.place.where(file), path, name)
        self._set(name, file, columns, passing)

    def _described(self, file: str) -> dict[str, str]:
        return {row[0]: row[1] for row in result_of(self.place.do("describe", table=self.place.where(file))).rows}


def shapes(tables: Mapping[str, Table]) -> dict[str, tuple[str, str, str]]:
    """What each table of a version is made of: file → columns, how it is divided, what it is sorted by."""
    return {_file(table): (_shape(table.columns), *_laid(name)) for name, table in tables.items()}


def _shape(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{quote(column)} {_type(kind)}" for column, kind in columns.items())


def _laid(name: str) -> tuple[str, str]:
    """How a table is divided, and what its rows are sorted by."""
    return f"PARTITION BY {PARTS[name][1]}" if name in PARTS else "", ORDERS.get(name, "tuple()")


def _file(table: Table) -> str:
    return table.files[0]


def _type(kind: str) -> str:
    """A column of a lake's type in ClickHouse's words; one that is said in them stays."""
    if kind != kind.upper():
        return kind
    return f"Nullable({TYPES.get(kind, kind.replace('DECIMAL', 'Decimal'))})"
