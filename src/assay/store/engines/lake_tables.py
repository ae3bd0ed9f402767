"""Tables of a lake changed by Spark: every change writes new files, and none is seen before the manifest names it.

The big tables lie in parts, so that a load writes only what it touches: events and sessions by day, visitors and
persons by ranges of their keys. Within a part rows are sorted by visitor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from assay.store import rollups
from assay.store.engine import Result, Statement
from assay.store.engines.lake_rollups import Rolled, current, views
from assay.store.engines.spark_asking import Asking, kind_of
from assay.store.lake import Part, Place, Table

# Table → the column that says which part a row is in, as folders name it, and what makes it (DuckDB's words, Spark's).
PARTS = {
    "events": ("day", "events.day", "day"),
    "sessions": ("day", "sessions.day", "day"),
    "visitors": ("part", "visitors.visitor_key // 1000000", "visitor_key div 1000000"),
    "persons": ("part", "persons.visitor_key // 1000000", "visitor_key div 1000000"),
    rollups.KEY_EVENTS: ("day", "key_events.day", "day"),
    rollups.EVENT_DAYS: ("day", "event_days.day", "day"),
}
SORTED = {
    "events": ("visitor_key", "t"),
    "sessions": ("visitor_key", "start_t"),
    "visitors": ("visitor_key",),
    "persons": ("visitor_key", "since_t"),
    "orders": ("t", "order_id"),
    rollups.KEY_EVENTS: ("name", "visitor_key", "t"),
}
ROWS = 5_000_000  # of a part in one file
FILES = 16  # most files of a part, beside those that it had when it was written anew as a whole
WORK = "work"


class LakeTables:
    """The tables of one version while the next is made. ``number``: of the version that is made."""

    def __init__(self, place: Place, asking: Asking, tables: Mapping[str, Table], number: str) -> None:
        self.place, self.asking, self.number = place, asking, number
        self.tables: dict[str, Table] = dict(tables)
        self.passing: set[str] = set()  # temporary ones
        self._files = 0
        self._kept: list[str] = []  # files written for the tables of this version
        self._rolled: dict[str, Rolled] | None = None

    @property
    def work(self) -> str:
        """Where what is needed in between lies."""
        return f"{WORK}/{self.number}"

    # -- reading -----------------------------------------------------------------------------------------------------

    def ask(self, statement: Statement, what: str, before: str = "") -> Result:
        """The rows of a query; ``before``: what stands before it."""
        return self.asking.ask(statement, self.tables, what, before)

    def answer(self, statement: Statement, what: str, before: str = "") -> Result:
        """The rows of a question, from what is kept beside the events where that says the same."""
        if self._rolled is None:
            self._rolled = views(self.tables)
        made = {name: self.tables[name].made for name in self._rolled}
        sql, whole = rollups.reading(statement.sql, statement.params or {}, made)
        told = f"{what}: Spark reads all events, which takes longer" if whole else f"{what}: on Spark"
        with self.asking.telling(told):
            return self.asking.ask(replace(statement, sql=sql), {**self.tables, **self._rolled}, what, before)

    # -- changing ----------------------------------------------------------------------------------------------------

    def make(self, name: str, sql: str, params: Mapping[str, Any], own: Mapping[str, str] | None = None) -> None:
        """A temporary table from a query; ``own``: in Spark's own words."""

        def act(frame: Any) -> Table:
            columns = {field.name: field.dataType.simpleString() for field in frame.schema.fields}
            return Table(columns, {"": Part(self._save(frame, f"{self.work}/{name}"))})

        statement = Statement(sql, params, own=own or {})
        self.tables[name] = self.asking.work(statement, self.tables, name, act)
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
        for key, files in self.written(name, table, sql, params).items():
            before = parts.get(key, Part(()))
            parts[key] = replace(before, files=before.files + files)
        self.tables[name] = replace(table, parts=parts)

    def replace(self, name: str, sql: str, changed: str, params: Mapping[str, Any], every: bool = False) -> None:
        """A table as a query over it says; only the parts in which something changes (``every``: all) are written."""
        table = self.tables[name]
        keys = set(table.parts)
        if not every and changed:
            keys &= {str(part) for (part,) in self.ask(Statement(changed, params), name).rows}
        if not keys:
            return
        self.tables[name] = replace(table, parts={key: table.parts[key] for key in keys})
        try:
            written = self.written(name, table, sql, params)
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

    def store(self, name: str, columns: Mapping[str, str], file: Path) -> None:
        """A small table as a file of this machine says."""
        there = f"{name}/load={self.number}-0/all.parquet"
        self.place.put(file, there)
        self._kept.append(there)
        self.tables[name] = Table(dict(columns), {"": Part((there,))})
        self.passing.discard(name)

    # -- the end -----------------------------------------------------------------------------------------------------

    def settled(self) -> Mapping[str, Table]:
        """The tables as they are to stay: those in too many files are written anew."""
        stay = {name: table for name, table in self.tables.items() if name not in self.passing}
        for name, table in sorted(stay.items(), key=lambda one: bool(one[1].made)):  # rollups follow their events
            if table.made:
                stay[name] = current(name, table, stay["events"])
            elif many := {key: part for key, part in table.parts.items() if _scattered(part)}:
                stay[name] = self._compacted(name, table, many)
        self.place.remove(set(self._kept).difference(*(table.files for table in stay.values())))  # written, then anew
        return stay

    def _compacted(self, name: str, table: Table, many: Mapping[str, Part]) -> Table:
        from sqlglot import exp

        query = exp.select(*(exp.column(exp.to_identifier(one, quoted=True)) for one in table.columns)).from_(name)
        self.tables[name] = replace(table, parts=many)
        try:
            written = self.written(name, table, query.sql(dialect="duckdb"), {})
        finally:
            self.tables[name] = table
        made = {key: Part(files, mark=str(len(files))) for key, files in written.items()}
        return replace(table, parts=dict(table.parts) | made)

    def undo(self) -> None:
        """Delete what was written for a version that will not be, by whichever process."""
        self.place.remove(self.place.files(f"**/load={self.number}-*/**/*.parquet"))

    def end(self) -> None:
        """Delete what was needed in between."""
        self.place.clear(self.work)

    # -- files -------------------------------------------------------------------------------------------------------

    def written(self, name: str, table: Table, sql: str, params: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
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

        column, _, made = PARTS[name]
        frame = (
            frame.withColumn(column, functions.expr(made))
            .hint("rebalance", column)
            .sortWithinPartitions(column, *SORTED.get(name, ()))
        )
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
        self._kept += [] if folder.startswith(WORK) else files
        return tuple(files)


def _scattered(part: Part) -> bool:
    """Whether a part is in many more files than its rows need; ``mark``: how many they needed the last time."""
    return len(part.files) > FILES + int(part.mark or 0)


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
