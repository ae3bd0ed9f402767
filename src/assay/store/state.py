"""The state file: what changes by clicking, by command or from a job (changes, alerts, backlog …), in one SQLite file.

Its statements stand in ``schema/state/statements.sql``, its tables in numbered files beside it; a new kind of state is
one such file and the statements that use it.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from assay.model.errors import MachineError
from assay.store import schema
from assay.store.naming import naming, unnamed, written

FILE = "state.sqlite"
_SECONDS = 10.0  # how long one process waits for another's change


class State:
    """Opened at first use; a workspace that was never changed has no such file, and reading it finds nothing.

    Threads may share one: each waits while another changes something.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self.lingers = False  # whether what was scrubbed may still stand in the file beside, since somebody reads it

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def read(self, which: str, **params: Any) -> list[dict[str, Any]]:
        """Rows of the statement of that name; none where there is no state yet."""
        if self._connection is None and not self.path.exists():
            return []
        with self._lock, self._errors():
            return [dict(row) for row in self._open().execute(self._text(which), params)]

    def write(self, which: str, **params: Any) -> int:
        """Run a changing statement, all or nothing; the number of rows that it changed."""
        with self.changing() as do:
            return int(do(which, **params))

    @contextmanager
    def changing(self) -> Iterator[Any]:
        """Several changes as one: ``with state.changing() as do: do("add_change", …)``."""

        def do(which: str, **params: Any) -> int:
            return self._open().execute(self._text(which), params).rowcount

        with self._lock, self._errors():
            connection = self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield do
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def texts(self) -> list[str]:
        """Every text in which an id may stand."""
        found: list[str] = []
        if self._connection is None and not self.path.exists():
            return found
        with self._lock, self._errors():
            connection = self._open()
            for fill in self._text_columns(connection):
                found += [row["text"] for row in connection.execute(self._text("texts").format(**fill))]
        return found

    def scrub(self, names: Sequence[str], mark: str) -> int:
        """Put ``mark`` in the place of ids wherever one stands as a word of its own; the number of texts changed.

        The file is compacted, so that nothing of the old texts is left in it; ``lingers`` tells where that has to wait.
        """
        if self._connection is None and not self.path.exists():
            return 0
        changed, pattern = 0, naming(names)
        with self._lock, self._errors():
            connection = self._open()
            connection.execute(self._text("secure"))
            for fill in self._text_columns(connection):
                for name in {text for one in names for text in written(one)}:
                    for row in connection.execute(self._text("naming").format(**fill), {"id": name}).fetchall():
                        changed += self._unnamed(connection, fill, row, pattern, mark)
            connection.execute(self._text("compact"))
            ((busy, _, _),) = connection.execute(self._text("checkpoint")).fetchall()  # waits for who reads
            self.lingers = bool(busy)
        return changed

    def _text_columns(self, connection: sqlite3.Connection) -> list[dict[str, str]]:
        """Table and column, quoted, of every text in which an id may stand."""
        places = connection.execute(self._text("text_columns")).fetchall()
        return [{name: '"' + one[name].replace('"', '""') + '"' for name in ("table", "column")} for one in places]

    def _unnamed(
        self, connection: sqlite3.Connection, fill: dict[str, str], row: sqlite3.Row, pattern: str, mark: str
    ) -> bool:
        """Put ``mark`` into one text; with a number where a text like that is there and must be the only one."""
        for number in range(1, 1000):
            text = unnamed(row["text"], pattern, mark if number == 1 else f"{mark.removesuffix(']')} {number}]")
            if text == row["text"]:
                return False
            with suppress(sqlite3.IntegrityError):
                connection.execute(self._text("put_text").format(**fill), {"text": text, "no": row["no"]})
                return True
        raise MachineError(f"{self.path}: a text in {fill['table']} names them and cannot be changed")

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            made = sqlite3.connect(self.path, timeout=_SECONDS, isolation_level=None, check_same_thread=False)
            made.row_factory = sqlite3.Row
            made.execute("PRAGMA journal_mode = WAL")
            made.execute("PRAGMA foreign_keys = ON")
            self._migrate(made)
            self._connection = made
        return self._connection

    @staticmethod
    def _migrate(connection: sqlite3.Connection) -> None:
        names = schema.migrations("state")
        if connection.execute("PRAGMA user_version").fetchone()[0] >= int(names[-1][:4]):
            return
        connection.execute("BEGIN IMMEDIATE")
        done = connection.execute("PRAGMA user_version").fetchone()[0]  # another process may have been first
        for name in names:
            if int(name[:4]) > done:
                for sql in schema.statements("state", name):
                    connection.execute(sql)
                connection.execute(f"PRAGMA user_version = {int(name[:4])}")
        connection.execute("COMMIT")

    @staticmethod
    def _text(which: str) -> str:
        (sql,) = schema.named("state", which)
        return sql

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise MachineError(f"{self.path}: {error}; nothing was changed") from error
        except OSError as error:
            raise MachineError(f"{self.path}: {error.strerror or error}; nothing was changed") from error
