"""The workbench of one import: a DuckDB connection in memory, SQL from the ``.sql`` files, files in the spool."""

from __future__ import annotations

import errno
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from assay.model.errors import AssayError, DataError, MachineError
from assay.store import schema

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

MEMORY = "700MB"
_MAKES = re.compile(r"CREATE OR REPLACE TEMP (?:VIEW|TABLE) (\w+) AS\s+(.*)", re.DOTALL)
_STALE = 86_400
_SPACE = (
    "no space left",
    "file too large",
    "disk full",
    "out of space",
    "max_temp_directory_size",
    "enospc",
    "disk quota",
)


@cache
def blocks(file: str) -> Mapping[str, tuple[str, ...]]:
    """The statements of ``<file>.sql`` by the ``-- name:`` line above them."""
    text = files(__package__).joinpath(f"{file}.sql").read_text(encoding="utf-8")
    found: dict[str, tuple[str, ...]] = {}
    for block in text.split("-- name: ")[1:]:
        title, _, body = block.partition("\n")
        lines = [line for line in body.splitlines() if not line.lstrip().startswith("--")]
        statements = "\n".join(lines).split(";\n") if lines else []
        found[title.strip()] = tuple(s.strip().rstrip(";") for s in statements if s.strip())
    return found


def filled(file: str, block: str, /, **fill: str) -> list[str]:
    """The statements of a block with their ``{name}`` places filled; a place that nothing fills stays."""
    return [schema.filled(sql, fill) for sql in blocks(file)[block]]


def selects(file: str, block: str, /, **fill: str) -> list[tuple[str, str]]:
    """The views and tables that a block makes, as name and select, so that one query can hold them all."""
    found = (_MAKES.match(sql) for sql in filled(file, block, **fill))
    return [(one[1], one[2]) for one in found if one is not None]


def literal(text: str) -> str:
    """A text as SQL."""
    return "'" + text.replace("'", "''") + "'"


def quote(name: str) -> str:
    """A name as SQL."""
    return '"' + name.replace('"', '""') + '"'


class Work:
    """Runs the statements of the ``.sql`` files. Temporary files lie in ``folder`` and go when the work is done."""

    def __init__(self, spool: Path, tag: str) -> None:
        import duckdb

        self.spool = spool
        self.folder = spool / f"import-{tag}-{os.getpid()}-{uuid4().hex[:8]}"
        self.unfinished: list[Path] = []
        with errors(str(spool)):
            _clear_stale(spool)
            self.folder.mkdir(parents=True)
            self.connection = duckdb.connect(
                ":memory:",
                config={
                    "memory_limit": MEMORY,
                    "temp_directory": str(self.folder / "duckdb"),
                    "threads": 2,
                    "autoinstall_known_extensions": False,
                },
            )
            self.run("common", "settings")
            self.run("common", "macros")

    def run(self, file: str, block: str, /, **fill: str) -> list[tuple[Any, ...]]:
        """Run a block and return the rows of its last statement. ``{name}`` places are filled with SQL."""
        rows: list[tuple[Any, ...]] = []
        for sql in filled(file, block, **fill):
            cursor = self.connection.execute(sql)
            rows = cursor.fetchall() if cursor.description else []
        return rows

    def view(self, name: str, select: Expr) -> None:
        """Name a composed select."""
        self.run("common", "view", view=quote(name), select=select.sql(dialect="duckdb"))

    def range(self, first: int | None = None, last: int | None = None) -> None:
        """Restrict the rows that every view sees to ``first`` ≤ n < ``last``; without arguments to all."""
        self.run("common", "range", first=str(first or 0), last=str(1 << 62 if last is None else last))

    def columns(self, relation: str) -> dict[str, str]:
        """Columns of a view, table or table function (as SQL), with their types."""
        return {row[0]: row[1] for row in self.run("common", "describe", relation=relation)}

    def number(self, block: str, /, **fill: str) -> int:
        """The single number that a block of ``common.sql`` returns."""
        return int(self.run("common", block, **fill)[0][0] or 0)

    def close(self) -> None:
        """Close the connection, remove what is temporary and what was not finished."""
        self.connection.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        for path in self.unfinished:
            path.unlink(missing_ok=True)


def _clear_stale(spool: Path) -> None:
    """Remove what imports that were killed have left behind."""
    for folder in spool.glob("import-*"):
        if folder.is_dir() and time.time() - folder.stat().st_mtime > _STALE:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def working(spool: Path, tag: str, what: str) -> Iterator[Work]:
    """A workbench that is cleared away whatever happens; errors come as those of the error tree."""
    with errors(what):
        work = Work(spool, tag)
        try:
            yield work
        finally:
            work.close()


@contextmanager
def errors(what: str) -> Iterator[None]:
    """Errors of DuckDB and of the machine as one line: what, where, what to do."""
    import duckdb

    try:
        yield
    except AssayError:
        raise
    except duckdb.OutOfMemoryException as error:
        raise _machine(what, str(error), "not enough memory or temporary space") from error
    except duckdb.Error as error:
        if any(sign in str(error).lower() for sign in _SPACE):
            raise _machine(what, str(error), "the disk is full") from error
        raise DataError(f"{what}: {_line(error)}") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise _machine(what, str(error), "the disk is full") from error
        raise MachineError(f"{what}: {error.strerror or error}; check the folder and its permissions") from error


def _machine(what: str, text: str, cause: str) -> MachineError:
    full = any(sign in text.lower() for sign in _SPACE)
    cause = "the disk is full" if full else cause
    return MachineError(f"{what}: {cause}; make room and import again, nothing is doubled")


def _line(error: Exception) -> str:
    text = " ".join(str(error).split("\n\n", 1)[0].split())
    return text if len(text) <= 300 else text[:297] + "…"
