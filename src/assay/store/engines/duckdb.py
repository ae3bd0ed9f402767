"""DuckDB: one file, one process. Loading is one transaction, so a crash repeats or skips nothing."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assay.model.event import FIELDS
from assay.store import schema
from assay.store.engine import Derivation, Loaded, Piece, Result, Statement
from assay.store.engines.duckdb_file import errors, patient, reading

_TYPES = {"text": "VARCHAR", "integer": "BIGINT", "boolean": "BOOLEAN", "json": "VARCHAR"}
_JSON_TYPES = {**_TYPES, "json": "JSON"}
PROPERTY_TYPES = {
    "string": "VARCHAR",
    "number": "DOUBLE",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP",
    "money": "DECIMAL(18, 6)",
    "items": "VARCHAR",
}
LOAD_MEMORY = "1500MB"
ASK_MEMORY = "4000MB"


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


class DuckDB:
    """The store of a workspace in one DuckDB file."""

    dialect = "duckdb"

    def __init__(self, path: Path, read_only: bool = False) -> None:
        import duckdb

        self.path = path
        config: dict[str, Any] = {
            "memory_limit": os.environ.get("ASSAY_MEMORY_LIMIT", ASK_MEMORY),
            "temp_directory": str(path.with_suffix(f".{os.getpid()}.tmp")),  # readers may be several processes
        }
        with errors(str(path)):
            if read_only:
                self.connection = reading(str(path), config)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                self.connection = patient(lambda: duckdb.connect(str(path), config=config))
                for left in path.parent.glob(f"{path.stem}.*.tmp"):  # alone now: of processes that were killed
                    shutil.rmtree(left, ignore_errors=True)
            self.connection.execute("SET TimeZone = 'UTC'")
            self.connection.execute("SET enable_progress_bar = false")
        self._properties: dict[str, str] = {}

    # -- running ---------------------------------------------------------------------------------------------------

    def run(self, statement: Statement) -> Result:
        """Answer one query; values come in Python's types."""
        with errors(statement.title or "query"):
            cursor = _executed(self.connection, statement)
            names = tuple(d[0] for d in cursor.description or ())
            return Result(names, cursor.fetchall())

    def explain(self, statement: Statement) -> str:
        """DuckDB's own plan of the query."""
        result = self.run(Statement("EXPLAIN " + statement.sql, statement.params))
        return "\n".join(str(row[-1]) for row in result.rows)

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    def _do(
        self, statements: Iterable[str], fill: Mapping[str, str] | None = None, **params: Any
    ) -> list[tuple[Any, ...]]:
        """Run statements of the ``.sql`` files; ``{name}`` places are filled with checked SQL, values are bound."""
        rows: list[tuple[Any, ...]] = []
        for sql in statements:
            for name, text in (fill or {}).items():
                sql = sql.replace("{" + name + "}", text)
            used = {name: value for name, value in params.items() if f"${name}" in sql}
            cursor = self.connection.execute(sql, used)
            rows = cursor.fetchall() if cursor.description else []
        return rows

    def _named(self, which: str, /, fill: Mapping[str, str] | None = None, **params: Any) -> list[tuple[Any, ...]]:
        return self._do(schema.named(self.dialect, which), fill, **params)

    def _file(self, which: str, /, fill: Mapping[str, str] | None = None, **params: Any) -> None:
        self._do(schema.statements(self.dialect, which), fill, **params)

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """All of it or nothing."""
        self._named("begin")
        try:
            yield
            self._named("commit")
        except BaseException:
            self._attempt("rollback")  # a commit that failed has ended the transaction itself
            raise

    def _attempt(self, which: str) -> None:
        """Clean up after an error, which must not be hidden by another one."""
        import duckdb

        with suppress(duckdb.Error):
            self._named(which)

    @contextmanager
    def _transaction(self, what: str) -> Iterator[None]:
        with errors(what):
            self.connection.execute(f"SET memory_limit = '{os.environ.get('ASSAY_MEMORY_LIMIT', LOAD_MEMORY)}'")
            try:
                with self._whole():
                    yield
            finally:
                self._attempt("drop_work")
                self.connection.execute(f"SET memory_limit = '{os.environ.get('ASSAY_MEMORY_LIMIT', ASK_MEMORY)}'")

    # -- tables ----------------------------------------------------------------------------------------------------

    def fits(self, properties: Mapping[str, str]) -> bool:
        """Whether the tables are of this version and have exactly the columns of these declared properties."""
        with errors(str(self.path)):
            if self._version() != max(int(name[:4]) for name in schema.migrations(self.dialect)):
                return False
            present = {name: _spaceless(kind) for name, kind in self._named("columns_of_events")}
            return present == {name: _spaceless(kind) for name, kind in _typed_columns(properties).items()}

    def migrate(self, properties: Mapping[str, str]) -> None:
        """Create or upgrade the tables; add, retype or drop the typed columns of declared properties."""
        with errors(str(self.path)):
            done = self._version()
            for name in schema.migrations(self.dialect):
                if int(name[:4]) > done:
                    with self._whole():
                        self._file(name)
                        self._named("set_fact", key="version", value=str(int(name[:4])))
            wanted = _typed_columns(properties)
            present = dict(self._named("columns_of_events"))
            for column, kind in present.items():
                if _spaceless(wanted.get(column, "")) != _spaceless(kind):
                    self._named("drop_property", {"column": _quote(column)})
            for column, kind in wanted.items():
                if _spaceless(present.get(column, "")) != _spaceless(kind):
                    expression = property_expression(column[2:], kind, "props")
                    with self._whole():
                        self._named("add_property", {"column": _quote(column), "type": kind, "expression": expression})
            # Loading fills the columns in the order in which the table has them.
            self._properties = {name: wanted[name] for name, _ in self._named("columns_of_events")}

    def _version(self) -> int:
        tables = {row[0] for row in self.connection.execute("SHOW TABLES").fetchall()}
        if "facts" not in tables:
            return 0
        rows = self._named("get_fact", key="version")
        return int(rows[0][0]) if rows else 0

    # -- loading ---------------------------------------------------------------------------------------------------

    def load(self, pieces: Sequence[Piece], derivation: Derivation) -> list[Loaded]:
        """Load segments, each once ever, all in one transaction, and derive what they touch."""
        known = {row[0] for row in self._named("loaded_names")}
        new = list({p.name: p for p in pieces if p.name not in known}.values())
        done = {p.name: Loaded(p.name, p.kind, again=True) for p in pieces}
        with self._transaction("loading"):
            (load_no,) = self._named("next_load")[0]
            events = [p for p in new if p.kind == "events"]
            if events:
                done |= {one.name: one for one in self._load_events(events, derivation, load_no)}
            for piece in new:
                if piece.kind == "costs":
                    done[piece.name] = self._load_costs(piece, load_no)
                done[piece.name] = self._record(piece, done[piece.name], load_no)
        return [done[p.name] for p in pieces]

    def _load_events(self, pieces: Sequence[Piece], derivation: Derivation, load_no: int) -> list[Loaded]:
        self._file("stage")
        counts: list[tuple[int, int]] = []
        for number, piece in enumerate(pieces):
            self._open(piece)
            ((rows, unusable),) = self._named("count_rows")
            if unusable:
                self._named("unusable", name=piece.name, file=piece.path.name)
            if piece.path.suffix != ".parquet":
                self._named("refused", name=piece.name)
            self._file("stage_piece", piece=number)
            counts.append((rows, unusable))
        lost = self._deduplicate(pieces)
        self._file("visitors", {"day_staged": derivation.day.replace("{t}", "s.t")})
        for statement in derivation.keys:
            self.connection.execute(statement.sql, dict(statement.params or {}))
        self._named("rekey")
        self._named("drop_touched")
        fill = {"day_piece": derivation.day.replace("{t}", 'p."time"'), **self._property_values()}
        (first_no,) = self._named("next_event")[0]
        for number, piece in enumerate(pieces):
            self._open(piece)
            self._file("insert_piece", fill, piece=number, load_no=load_no, first_no=first_no)
            first_no += counts[number][0]
        self._file("persons")
        for statement in derivation.tables:
            self.connection.execute(statement.sql, dict(statement.params or {}))
        self._named("set_fact", key="derivation", value=derivation.id)
        loaded = []
        for number, (piece, (rows, unusable)) in enumerate(zip(pieces, counts, strict=True)):
            duplicates, clashes = lost.get(number, (0, 0))
            if number == 0:  # a stored line that had to give way counts with the first segment of the load
                duplicates, clashes = duplicates + lost.get(-1, (0, 0))[0], clashes + lost.get(-1, (0, 0))[1]
            stored = rows - unusable - duplicates - clashes
            loaded.append(Loaded(piece.name, piece.kind, rows, stored, duplicates, clashes, unusable))
        return loaded

    def _deduplicate(self, pieces: Sequence[Piece]) -> dict[int, tuple[int, int]]:
        """Decide between lines of one id; returns piece → (duplicates, clashes), −1 = lines that were in the store."""
        self._file("dedup_candidates")
        if not self._named("any_twins")[0][0]:
            self._named("no_losers")
            return {}
        self._file("dedup_old", {"content_stored": _content(stored=True)})
        for number, piece in enumerate(pieces):
            self._open(piece)
            self._file("dedup_piece", {"content_line": _content(stored=False)}, piece=number)
        self._file("dedup_decide")
        return {piece: (same, other) for piece, same, other in self._named("losers")}

    def _open(self, piece: Piece) -> None:
        """Make ``piece_rows`` show the lines of a segment."""
        path = _literal(str(piece.path))
        if piece.path.suffix == ".parquet":
            present = {row[0]: row[1] for row in self._named("describe_parquet", {"path": path})}
            columns = ", ".join(_column(f.name, _TYPES[f.kind], f.name in present) for f in FIELDS)
            self._file("piece", {"columns": columns, "path": path})
        else:
            kinds = {f.name: _JSON_TYPES[f.kind] for f in FIELDS} | {"refused": "VARCHAR"}
            types = "{" + ", ".join(f"{_literal(name)}: {_literal(kind)}" for name, kind in kinds.items()) + "}"
            columns = ", ".join(_column(f.name, _TYPES[f.kind], True) for f in FIELDS)
            self._file("piece_json", {"columns": columns, "path": path, "types": types})
        self._file("piece_rows")

    def _property_values(self) -> dict[str, str]:
        """SQL that reads all declared properties from the JSON in one pass, and the columns made from them."""
        if not self._properties:
            return {"extracted": "", "extra": ""}
        paths = ", ".join(_literal(_path(column[2:])) for column in self._properties)
        values = (f"p.extracted[{place}]" for place in range(1, len(self._properties) + 1))
        typed = (_typed(value, kind) for value, kind in zip(values, self._properties.values(), strict=True))
        return {
            "extracted": f", json_extract_string(props, [{paths}]) AS extracted",
            "extra": "".join(f", {one}" for one in typed),
        }

    def _load_costs(self, piece: Piece, load_no: int) -> Loaded:
        path = _literal(str(piece.path))
        ((rows, known),) = self._named("count_costs", {"path": path})
        self._named("load_costs", {"path": path}, load_no=load_no)
        return Loaded(piece.name, piece.kind, rows, rows - known, known)

    def _record(self, piece: Piece, loaded: Loaded, load_no: int) -> Loaded:
        """Keep the segment's name and what became of its rows: stored + duplicates + clashes + quarantined."""
        if piece.quarantine:
            path = _literal(str(piece.quarantine))
            refused = self._named("count_quarantine", {"path": path})[0][0]
            self._named("quarantine_file", {"path": path}, name=piece.name)
            loaded = replace(loaded, rows=loaded.rows + refused, quarantined=loaded.quarantined + refused)
        self._named(
            "record",
            name=piece.name,
            kind=piece.kind,
            load_no=load_no,
            now=time.time_ns() // 1000,
            rows=loaded.rows,
            stored=loaded.stored,
            duplicates=loaded.duplicates,
            clashes=loaded.clashes,
            quarantined=loaded.quarantined,
        )
        return loaded

    def rebuild(self, derivation: Derivation) -> None:
        """Derive days, sessions, orders and persons again from all stored events."""
        with self._transaction("rebuilding"):
            self._derive_all(derivation)

    def _derive_all(self, derivation: Derivation) -> None:
        self._named("redate", {"day": derivation.day.replace("{t}", "t")})
        self._file("scope_all")
        for statement in derivation.keys:
            self.connection.execute(statement.sql, dict(statement.params or {}))
        self._named("rekey")
        self._file("persons")
        for statement in derivation.tables:
            self.connection.execute(statement.sql, dict(statement.params or {}))
        self._named("set_fact", key="derivation", value=derivation.id)

    def beside(self, derivation: Derivation, as_of: int) -> DuckDB:
        """Another derived set over what was received by ``as_of`` (µs UTC), in temporary tables of its own."""
        import copy

        other = copy.copy(self)
        with errors("deriving beside"):
            other.connection = self.connection.cursor()
            day = datetime.fromtimestamp(as_of / 1e6, UTC).date()
            other._file("beside", {"store": f"{_quote(self.path.stem)}.main"}, moment=as_of, until_day=day)
        with other._transaction("deriving beside"):
            other._derive_all(derivation)
        return other

    def tables(self) -> list[str]:
        """Names of all tables that questions may read."""
        return [row[0] for row in self._named("table_names")]

    def save(self, table: str, path: Path) -> None:
        """Write a table to a Parquet file."""
        with errors(str(path)):
            self._named("save_table", {"table": _quote(table), "path": _literal(str(path))})

    def derivation(self) -> str | None:
        """Id of the rules that the derived tables were made with."""
        rows = self._named("get_fact", key="derivation")
        return rows[0][0] if rows else None


def _typed_columns(properties: Mapping[str, str]) -> dict[str, str]:
    """Column name → SQL type, of declared properties."""
    return {f"p_{name}": PROPERTY_TYPES[kind] for name, kind in properties.items()}


def _spaceless(kind: str) -> str:
    return kind.replace(" ", "")


def property_expression(name: str, kind: str, props: str) -> str:
    """SQL that reads property ``name`` from the JSON text ``props`` as ``kind``; null when it is no such value."""
    return _typed(f"json_extract_string({props}, {_literal(_path(name))})", kind)


def _typed(raw: str, kind: str) -> str:
    return raw if kind == "VARCHAR" else f"TRY_CAST({raw} AS {kind})"


def _path(name: str) -> str:
    """The JSON path of a property; a quote in its name is escaped."""
    escaped = name.replace('"', '\\"')
    return f'$."{escaped}"'


def _column(name: str, kind: str, present: bool) -> str:
    return f"CAST({_quote(name) if present else 'NULL'} AS {kind}) AS {_quote(name)}"


def _content(stored: bool) -> str:
    """Hash over what a line says, without when it was sent and received."""
    parts = []
    for field in FIELDS:
        name = field.name
        if name in ("id", "sent_at", "received_at"):
            continue
        column = {"time": "t", "user": "user_id"}.get(name, name) if stored else name
        value = f"{'e' if stored else 'p'}.{_quote(column)}"
        default = {"seq": "0", "source": "'unknown'", "environment": "'live'", "bot": "false", "interactive": "true"}
        if name == "amount":
            value = f"TRY_CAST({value} AS DECIMAL(18, 6))"
        elif name in default:
            value = f"coalesce({value}, {default[name]})"
        parts.append(f"coalesce(CAST({value} AS VARCHAR), chr(0))")
    return f"md5(concat_ws(chr(31), {', '.join(parts)}))"


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
