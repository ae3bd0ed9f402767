"""Tables of a lake changed by Spark: every change writes new files, and none is seen before the manifest names it.

The big tables lie in parts, so that a load writes only what it touches: events and sessions by day, visitors and
persons by ranges of their keys. Within a part rows are sorted by visitor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from assay.store.engine import Result, Statement
from assay.store.engines.spark_asking import Asking, kind_of
from assay.store.lake import Part, Place, Table

# Table → the column that says which part a row is in, as folders name it, and what makes it (DuckDB's words).
PARTS = {
    "events": ("day", "events.day"),
    "sessions": ("day", "sessions.day"),
    "visitors": ("part", "visitors.visitor_key // 1000000"),
    "persons": ("part", "persons.visitor_key // 1000000"),
}
SORTED = {
    "events": ("visitor_key", "t"),
    "sessions": ("visitor_key", "start_t"),
    "visitors": ("visitor_key",),
    "persons": ("visitor_key", "since_t"),
    "orders": ("t", "order_id"),
}
ROWS = 5_000_000  # of a part in one file
WORK = "work"


class LakeTables:
    """The tables of one version while the next is made. ``number``: of the version that is made."""

    def __init__(self, place: Place, asking: Asking, tables: Mapping[str, Table], number: str) -> None:
        self.place, self.asking, self.number = place, asking, number
        self.tables: dict[str, Table] = dict(tables)
        self.passing: set[str] = set()  # temporary ones
        self.written: list[str] = []
        self._files = 0

    @property
    def work(self) -> str:
        """Where what is needed in between lies."""
        return f"{WORK}/{self.number}"

    # -- reading -----------------------------------------------------------------------------------------------------

    def ask(self, sql: str, params: Mapping[str, Any], what: str = "loading") -> Result:
        """The rows of a query."""
        return self.asking.ask(Statement(sql, params), self.tables, what)

    # -- changing ----------------------------------------------------------------------------------------------------

    def make(self, name: str, sql: str, params: Mapping[str, Any]) -> None:
        """A temporary table from a query."""

        def act(frame: Any) -> Table:
            columns = {field.name: field.dataType.simpleString() for field in frame.schema.fields}
            return Table(columns, {"": Part(self._save(frame, f"{self.work}/{name}"))})

        self.tables[name] = self.asking.work(Statement(sql, params), self.tables, name, act)
        self.passing.add(name)

    def declare(self, name: str, columns: Mapping[str, str], passing: bool = True) -> None:
        """An empty table."""
        by = None if passing or name not in PARTS else PARTS[name][0]
        self.tables[name] = Table(dict(columns), {}, by)
        self.passing = self.passing | {name} if passing else self.passing - {name}

    def bring(self, name: str, columns: Mapping[str, str], file: Path) -> None:
        """A temporary table from a Parquet file of this machine, which is taken away."""
        self._files += 1
        there = f"{self.work}/{name}-{self._files}.parquet"
        self.place.put(file, there)
        self.tables[name] = Table(dict(columns), {"": Part((there,))})
        self.passing.add(name)

    def fetched(self, name: str) -> Sequence[str]:
        """Parquet files that hold a table, for this machine to read."""
        return [str(self.place.fetched(file)) for file in self.tables[name].files]

    def part(self, name: str) -> str:
        """What says which part of a table a row is in; empty where it has none."""
        return PARTS[name][1] if name in PARTS and name not in self.passing else ""

    def columns(self, name: str) -> tuple[str, ...]:
        """Names of a table's columns."""
        return tuple(self.tables[name].columns)

    def append(self, name: str, sql: str, params: Mapping[str, Any]) -> None:
        """Rows of a query at the end of a table, its columns by place."""
        table = self.tables[name]
        parts = dict(table.parts)
        for key, files in self._written(name, table, sql, params).items():
            before = parts.get(key, Part(()))
            parts[key] = Part(before.files + files)
        self.tables[name] = replace(table, parts=parts)

    def replace(self, name: str, sql: str, changed: str, params: Mapping[str, Any], every: bool = False) -> None:
        """A table as a query over it says; only the parts in which something changes (``every``: all) are written."""
        table = self.tables[name]
        keys = set(table.parts)
        if not every and changed:
            keys &= {str(part) for (part,) in self.ask(changed, params).rows}
        if not keys:
            return
        self.tables[name] = replace(table, parts={key: table.parts[key] for key in keys})
        try:
            written = self._written(name, table, sql, params)
        finally:
            self.tables[name] = table
        parts = {key: part for key, part in table.parts.items() if key not in keys}
        for key, files in written.items():  # a row may have gone into a part that was not written anew
            parts[key] = Part(parts.get(key, Part(())).files + files)
        self.tables[name] = replace(table, parts=parts)

    def clear(self, name: str) -> None:
        """No rows any more."""
        self.tables[name] = replace(self.tables[name], parts={})

    def reshape(self, name: str, columns: Mapping[str, str]) -> None:
        """Other columns; one that files do not have is null."""
        self.tables[name] = replace(self.tables[name], columns=dict(columns))

    def drop(self, name: str) -> None:
        """Forget a temporary table and its files."""
        table = self.tables.pop(name, None)
        self.passing.discard(name)
        if table is not None:
            self.place.remove(file for file in table.files if file.startswith(f"{self.work}/"))

    def compact(self, most: int) -> None:
        """Write parts anew that lie in more than so many files."""
        for name, table in list(self.tables.items()):
            many = {key: part for key, part in table.parts.items() if len(part.files) > most}
            if not many or name in self.passing:
                continue
            columns = ", ".join(f'"{column}"' for column in table.columns)
            self.tables[name] = replace(table, parts=many)
            written = self._written(name, table, f"SELECT {columns} FROM {name}", {})  # noqa: S608
            self.tables[name] = replace(table, parts=dict(table.parts) | {k: Part(f) for k, f in written.items()})

    # -- files -------------------------------------------------------------------------------------------------------

    def _written(self, name: str, table: Table, sql: str, params: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
        """A query in new files of a table: part → files."""

        def act(frame: Any) -> dict[str, tuple[str, ...]]:
            frame = _typed(frame, table.columns)
            if name in self.passing or name not in PARTS:
                files = self._save(_sorted(frame, name), self._folder(name))
                return {"": files} if files else {}
            return self._saved_by_part(frame, name)

        return self.asking.work(Statement(sql, params), self.tables, name, act)

    def _folder(self, name: str) -> str:
        return f"{self.work}/{name}" if name in self.passing else name

    def _saved_by_part(self, frame: Any, name: str) -> dict[str, tuple[str, ...]]:
        from pyspark.sql import functions

        column, made = PARTS[name]
        if column not in frame.columns:
            key = made.split(".", 1)[1].split(" ", 1)[0]
            frame = frame.withColumn(column, functions.expr(f"{key} div 1000000"))
        frame = frame.hint("rebalance", column).sortWithinPartitions(column, *SORTED[name])
        found: dict[str, list[str]] = {}
        for file in self._save(frame, self._folder(name), column):
            found.setdefault(_part_of(file, column), []).append(file)
        return {key: tuple(files) for key, files in found.items()}

    def _save(self, frame: Any, folder: str, by: str | None = None) -> tuple[str, ...]:
        """Write a frame into a folder of its own; the files."""
        self._files += 1
        inner = f"{folder}/load={self.number}-{self._files}"
        writer = frame.write.mode("overwrite").option("maxRecordsPerFile", ROWS)
        if by:
            writer = writer.partitionBy(by)
        writer.parquet(self.place.where(inner))
        files = self.place.files(f"{inner}/**/*.parquet")
        self.written += files
        return tuple(files)


def _part_of(file: str, column: str) -> str:
    (key,) = [piece.split("=", 1)[1] for piece in file.split("/") if piece.startswith(f"{column}=")]
    return key


def _typed(frame: Any, columns: Mapping[str, str]) -> Any:
    """A query's columns under the names and in the types of a table."""
    named = frame.toDF(*columns)
    return named.select(*(named[f"`{one}`"].cast(kind_of(kind)).alias(one) for one, kind in columns.items()))


def _sorted(frame: Any, name: str) -> Any:
    keys: Iterable[str] = SORTED.get(name, ())
    return frame.sortWithinPartitions(*keys) if keys else frame
