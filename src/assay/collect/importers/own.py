"""Own tables as SQL that a store can read them by: the views of an importer as one query, without staging anything.

The store keeps numbers and keys, and asks this SQL for all else: see docs/adr/0027-own-tables.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.collect.importers import ga4, importer, mapping, segment
from assay.collect.importers.events import plan_of
from assay.collect.importers.expressions import Columns
from assay.collect.importers.files import File, inspect
from assay.collect.importers.nested import export_select
from assay.collect.importers.own_files import Seen, signature, state
from assay.collect.importers.rows import HELPERS
from assay.collect.importers.work import Work, filled, literal, quote, selects, working
from assay.model.errors import AssayError, DataError, MachineError, UnknownName, UsageError
from assay.store.own import Own, OwnLines, OwnPart, query, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlglot.expressions import Expr

    from assay.plan.values import OwnTable, Plan

_DAY_US = 86_400_000_000
_MACROS = {"events": ("events",), "segment": ("events", "segment"), "ga4": ("ga4",)}


def compiled(plan: Plan, folder: Path, spool: Path, now: int) -> Own:
    """The plan's own tables as SQL. Raises UsageError for a table or column that is not there, and says what is."""
    with _working(spool) as work:
        now_is = signature(plan, folder)
        seen = state(plan, folder)
        databases = [seen[name] for name, table in plan.source.items() if table.table is not None]
        attached = {_alias(files): str(files[0].path) for files in databases}
        for alias, path in attached.items():
            _attach(work, alias, path)
        forms = dict.fromkeys(macros for table in plan.source.values() for macros in _MACROS[table.form])
        made = [sql for form in ("common", *forms) for sql in filled(form, "macros", names=segment.renamed())]
        for sql in made:
            work.connection.execute(sql)
        tables = tuple(_table(_Reading(work, plan, name, seen[name])) for name in plan.source)
    lasting = tuple(sql.replace("CREATE OR REPLACE TEMP MACRO", "CREATE OR REPLACE MACRO") for sql in made)
    return Own(now_is, lasting, tables, now + _DAY_US, attached)


@contextmanager
def _working(spool: Path) -> Iterator[Work]:
    spool.mkdir(parents=True, exist_ok=True)
    with working(spool, "own", "source") as work:
        yield work


def _alias(seen: list[Seen]) -> str:
    """The name under which a database is attached."""
    return "own_" + hashlib.sha256(str(seen[0].path).encode()).hexdigest()[:8]


def _attach(work: Work, alias: str, path: str) -> None:
    import duckdb

    try:
        work.run("own", "attach", path=literal(path), alias=quote(alias))
    except duckdb.Error as error:
        text = " ".join(str(error).split())
        if "lock" in text.lower():
            raise MachineError(f"{path}: another process has it open for writing; close it there, then ask") from error
        raise DataError(f"{path} is no database that DuckDB can open: {text[:200]}") from error


@dataclass(frozen=True)
class _Reading:
    """A table that is being compiled."""

    work: Work
    plan: Plan
    name: str
    seen: list[Seen]

    @property
    def table(self) -> OwnTable:
        return self.plan.source[self.name]


@dataclass(frozen=True)
class _Rows:
    """How a table's rows are read: SQL, its columns, as one query or one per file. ``objects``: of lines of JSON."""

    sql: str
    types: Mapping[str, str]
    together: bool
    paths: tuple[str, ...]
    objects: str | None = None


def _table(reading: _Reading) -> OwnLines:
    try:
        return _compiled(reading)
    except (UsageError, DataError) as error:
        where = f"source.tables.{reading.name}"
        if str(error).startswith(where):
            raise
        raise UsageError(f"{where}: {error}") from error


def _compiled(reading: _Reading) -> OwnLines:
    table = reading.table
    options = importer(table.form).options_from(table.options)
    rows = _rows(reading, options)
    chain = [("lines" if rows.objects else "rows", "{rows}")]
    if rows.objects and table.form != "ga4":
        chain.append(("rows", rows.objects))
    chain += _texts(reading, rows, options)
    alike = query([*chain, *selects("common", "repeats")], *filled("own", "all_alike"))
    chain += [("repeats", sql) for sql in filled("own", "repeats")]
    fill = {
        "source": literal(options.source or table.form), "environment": literal(options.environment),
        "currency": literal((options.currency or reading.plan.site.currency).upper()),
        "zone": literal(getattr(options, "time_zone", "UTC")), "grouped": "false",
    }  # fmt: skip
    chain += selects("ga4" if table.form == "ga4" else "events", "mapped", **fill)
    (shown,) = filled("common", "line", more="n AS rn,", relation="mapped")
    views = tuple(chain)
    chain += selects("common", "checked", latest="{latest}")
    (line,) = filled("common", "line", more="n AS rn, line, reason AS held,", relation="checked")
    lines = query(chain, line)
    parts = tuple(OwnPart(_part(reading, at, lines + rows.sql), path) for at, path in enumerate(rows.paths))
    made = OwnLines(reading.name, rows.sql, rows.together, lines, views, shown, alike, parts)
    (none,) = filled("own", "none_alike")
    reading.work.columns(f"({made.view([(one, 0) for one in parts], none)})")  # binds, or says what is wrong
    return made


def _part(reading: _Reading, at: int, sql: str) -> str:
    seen = reading.seen if reading.table.table else [reading.seen[at]]
    said = [sql, [(str(one.path), one.size, one.mtime) for one in seen]]
    return f"own-{reading.name}-{hashlib.sha256(repr(said).encode()).hexdigest()[:16]}"


# -- rows --------------------------------------------------------------------------------------------------------------


def _rows(reading: _Reading, options: Any) -> _Rows:
    if reading.table.table is not None:
        return _database(reading)
    found = [inspect(one.path, getattr(options, "encoding", None), getattr(options, "delimiter", None))
             for one in reading.seen]  # fmt: skip
    first = found[0]
    for one in found:
        if one.kind != first.kind:
            raise UsageError(f"{first.path} is {first.kind} and {one.path} is {one.kind}; make two tables of them")
        if one.kind != "parquet" and one.encoding not in ("utf-8", "utf-8-sig"):
            raise UsageError(f"{one.path} is {one.encoding} text; only UTF-8 can be read where it lies: convert it")
    paths = tuple(str(one.path) for one in found)
    return {"parquet": _parquet, "csv": _csv, "ndjson": _ndjson}[first.kind](reading, found, paths)


def _parquet(reading: _Reading, _: list[File], paths: tuple[str, ...]) -> _Rows:
    (sql,) = filled("own", "parquet")
    return _Rows(sql, _types(reading.work, sql, paths), True, paths)


def _csv(reading: _Reading, found: list[File], paths: tuple[str, ...]) -> _Rows:
    first = found[0]
    for one in found:
        if (one.header, one.delimiter) != (first.header, first.delimiter):
            raise UsageError(f"{one.path} has other columns than {first.path}; make two tables of them")
    types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in first.header)
    (sql,) = filled("own", "csv", types="{" + types + "}", delimiter=literal(first.delimiter))
    for path in paths:
        _whole(reading.work, path, _of(sql, [path]))
    return _Rows(sql, dict.fromkeys(first.header, "VARCHAR"), False, paths)


def _whole(work: Work, path: str, sql: str) -> None:
    """Read a CSV to its end: where it lies no row can be set aside, since the numbers of the others hang on it."""
    import duckdb

    try:
        work.number("count", relation=f"({sql})")
    except duckdb.InvalidInputException as error:
        said = " ".join(str(error).split(" Possible", 1)[0].removeprefix("Invalid Input Error: ").split())
        said = said.split(" Possible fixes", 1)[0]
        raise DataError(f"{path}: {said}; mend the row, or import the file: then it is set aside") from error


def _ndjson(reading: _Reading, _: list[File], paths: tuple[str, ...]) -> _Rows:
    (sql,) = filled("own", "ndjson")
    lines = " UNION ALL ".join(_of(sql, [path]) for path in paths)
    keys = [row[0] for row in reading.work.run("own", "keys", lines=lines)]
    if not keys:
        raise DataError(f"{paths[0]}: no line is a JSON object; assay reads one object per line")
    structure = ", ".join(f"{quote(name)} JSON" for name in keys)
    (objects,) = filled("own", "objects", type=f"STRUCT({structure})")
    return _Rows(sql, dict.fromkeys(keys, "JSON"), False, paths, objects)


def _database(reading: _Reading) -> _Rows:
    alias = _alias(reading.seen)
    wanted = str(reading.table.table)
    tables = {f"{schema}.{name}" for schema, name in reading.work.run("own", "tables", alias=literal(alias))}
    views = {f"{schema}.{name}" for schema, name in reading.work.run("own", "views", alias=literal(alias))}
    whole = wanted if "." in wanted else f"main.{wanted}"
    path = str(reading.seen[0].path)
    if whole in views:
        raise UsageError(f"{wanted} is a view of {path}, and only a table's rows have numbers; name a table")
    if whole not in tables:
        raise UnknownName("table", wanted, [name.removeprefix("main.") for name in tables], path)
    schema, _, name = whole.partition(".")
    (sql,) = filled("own", "table", table=f"{quote(alias)}.{quote(schema)}.{quote(name)}")
    return _Rows(sql, _types(reading.work, sql, (path,)), False, (path,))


def _of(sql: str, paths: list[str]) -> str:
    return rows_of(sql, [(OwnPart("", path), 0) for path in paths])


def _types(work: Work, sql: str, paths: tuple[str, ...]) -> dict[str, str]:
    columns = work.columns(f"({_of(sql, list(paths))})")
    return {name: kind for name, kind in columns.items() if name not in HELPERS}


# -- texts -------------------------------------------------------------------------------------------------------------


def _texts(reading: _Reading, rows: _Rows, options: Any) -> list[tuple[str, str]]:
    """The views from rows to ``texts``, by the form of the table."""
    table = reading.table
    shown = table.table or ", ".join(table.files)
    if table.form == "ga4":
        return _ga4(reading, rows, options, shown)
    columns = Columns(shown, rows.types, options.decimal == "comma")
    if table.form == "segment":
        plan = segment.plan_of(_without_twins(reading, options), columns, table.table or reading.name)
    else:
        if options.group_by:
            raise UsageError("rows cannot be grouped where they lie (group_by); import them, or make a table of events")
        plan = mapping.complete(plan_of(options, table.form), columns)
    return _fields(mapping.select_rows(plan, columns))


def _fields(select: Expr) -> list[tuple[str, str]]:
    """The select of the inner query and that of the outer one apart, so that each can be cut down."""
    from sqlglot import exp

    inner = select.find(exp.Subquery)
    assert inner is not None
    fields = inner.this.sql(dialect="duckdb")
    inner.replace(exp.to_table("fields"))
    return [("fields", fields), ("texts", select.sql(dialect="duckdb"))]


def _ga4(reading: _Reading, rows: _Rows, options: Any, shown: str) -> list[tuple[str, str]]:
    folded = {name.lower(): name for name in rows.types}
    for names in ga4.NEEDED:
        if not any(name in folded for name in names):
            there = ", ".join(list(rows.types)[:12])
            raise DataError(f"{shown} is no GA4 export: column {' or '.join(names)} is missing (columns: {there})")
    reading.work.run("ga4", "schema")
    wanted = reading.work.columns("schema")
    export = export_select(wanted, None if rows.objects else folded).sql(dialect="duckdb")
    return [("export", export), ("texts", ga4.flat_select(literal(options.source or "ga4")))]


def _without_twins(reading: _Reading, options: Any) -> Any:
    """``tracks`` without the events that have a table of their own here: that one has their properties too."""
    if (reading.table.table or reading.name).rpartition(".")[2] != "tracks" or options.where:
        return options
    others = [one for name, one in reading.plan.source.items() if one.form == "segment" and name != reading.name]
    names = {n.rpartition(".")[2] for one in others for n in (one.name, one.table) if n}
    listed = ", ".join(literal(one) for one in sorted(names))
    return options.model_copy(update={"where": f"event not in ({listed})"}) if names else options


def problems(plan: Plan, folder: Path, spool: Path, now: int) -> list[tuple[str, AssayError]]:
    """What is wrong with each table, alone."""
    from dataclasses import replace

    found = []
    for name, table in plan.source.items():
        try:
            compiled(replace(plan, source={name: table}), folder, spool, now)
        except AssayError as error:
            found.append((name, error))
    return found
