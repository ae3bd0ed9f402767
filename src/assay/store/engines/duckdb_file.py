"""Opening a DuckDB file and DuckDB's errors as errors of the one tree."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from assay.model.errors import AssayError, DataError, MachineError
from assay.store.engine import Statement

_NO_ROOM = ("no space left", "file too large", "disk is full", "quota exceeded", "out of memory", "failed to offload")
LOCK_SECONDS = 10.0


def patient(connect: Callable[[], Any]) -> Any:
    """Open the file; while another process has it (an import, a rebuild), wait up to ten seconds."""
    import duckdb

    until = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            return connect()
        except duckdb.IOException as error:
            if "lock" not in str(error).lower() or time.monotonic() > until:
                raise
            time.sleep(0.2)


def reading(path: str, config: dict[str, Any]) -> Any:
    """Open the file for reading; where this very process is writing to it, share that connection's view."""
    import duckdb

    try:
        return patient(lambda: duckdb.connect(path, read_only=True, config=config))
    except duckdb.ConnectionException:
        return patient(lambda: duckdb.connect(path, config=config))


def out_of_memory(error: BaseException) -> bool:
    """Whether DuckDB ran out of the memory that it may use."""
    import duckdb

    return isinstance(error.__cause__, duckdb.OutOfMemoryException)


@contextmanager
def errors(what: str) -> Iterator[None]:
    """DuckDB's and the system's errors as errors of the one tree."""
    import duckdb

    try:
        yield
    except AssayError:
        raise
    except OSError as error:
        raise MachineError(f"{what}: {error.strerror or error}; nothing already stored is lost") from error
    except duckdb.Error as error:
        text = " ".join(str(error).split())
        lower = text.lower()
        if any(sign in lower for sign in _NO_ROOM):
            raise MachineError(
                f"{what}: {text[:300]}; free some space and repeat: nothing already stored is lost"
            ) from error
        if "different configuration" in lower:
            held = "this process has the store open elsewhere; close that workspace first"
            raise MachineError(f"{what}: {held}") from error
        if "conflicting lock" in lower or "could not set lock" in lower:
            raise MachineError(
                f"{what}: another assay process has the store open; wait until it has finished, or stop it"
            ) from error
        if isinstance(error, duckdb.InterruptException):
            raise MachineError(f"{what}: broken off") from error
        if isinstance(error, duckdb.IOException | duckdb.InternalException | duckdb.FatalException):
            raise MachineError(f"{what}: {text[:300]}") from error
        if isinstance(error, duckdb.ConversionException | duckdb.InvalidInputException):
            raise DataError(f"{what}: {text[:300]}") from error
        raise


def rows_of(statement: Statement) -> list[tuple[Any, ...]]:
    """A query over files alone, whichever engine the store is in."""
    import duckdb

    with errors(statement.title), duckdb.connect(":memory:") as reader:
        return reader.execute(statement.sql, dict(statement.params or {})).fetchall()


def property_expression(name: str, kind: str, props: str) -> str:
    """SQL that reads property ``name`` from the JSON text ``props`` as ``kind``; null when it is no such value."""
    return typed(f"json_extract_string({props}, {literal(path_of(name))})", kind)


def typed(raw: str, kind: str) -> str:
    """SQL that reads a text as ``kind``; null when it is no such value."""
    return raw if kind == "VARCHAR" else f"TRY_CAST({raw} AS {kind})"


def path_of(name: str) -> str:
    """The JSON path of a property; a quote in its name is escaped."""
    escaped = name.replace('"', '\\"')
    return f'$."{escaped}"'


def quote(name: str) -> str:
    """An identifier in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text in SQL."""
    return "'" + text.replace("'", "''") + "'"
