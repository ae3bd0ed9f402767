"""A store that one process holds open for many threads: questions beside a load, and at times one that is alone.

A server asks and loads at once: each question has a connection of its own and sees the store as it was when it began.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assay.store.engine import Engine
from assay.store.engines import open_engine


class Held:
    """The store in ``folder``. ``twin`` gives a connection, which its user closes and hands back with ``done``."""

    def __init__(self, folder: Path, name: str = "duckdb") -> None:
        self.folder, self.name = folder, name
        self._engine: Engine | None = None
        self._change = threading.Condition()
        self._writing = threading.RLock()
        self._readers = 0
        self._alone = False

    def twin(self) -> Engine:
        """A connection for one thread; waits while somebody is alone with the store."""
        with self._change:
            self._change.wait_for(lambda: not self._alone)
            if self._engine is None:
                self._engine = open_engine(self.folder, self.name)
            made = self._engine.twin()
            self._readers += 1
        return made

    def done(self) -> None:
        """A connection is no longer used."""
        with self._change:
            self._readers -= 1
            self._change.notify_all()

    @contextmanager
    def writing(self) -> Iterator[Engine]:
        """A connection to change the store with, one at a time; questions go on."""
        with self._writing:
            engine = self.twin()
            try:
                yield engine
            finally:
                engine.close()
                self.done()

    @contextmanager
    def lent(self) -> Iterator[None]:
        """The file let go of, for somebody else to open: questions and loads wait until it is over."""
        with self._writing:
            with self._change:
                self._alone = True
                self._change.wait_for(lambda: self._readers == 0)
                self._close()
            try:
                yield
            finally:
                with self._change:
                    self._alone = False
                    self._change.notify_all()

    @contextmanager
    def alone(self) -> Iterator[Engine]:
        """The store without anybody else, for work that replaces its file: questions wait until it is over."""
        with self.lent():
            engine = open_engine(self.folder, self.name)
            try:
                yield engine
            finally:
                engine.close()

    def close(self, patience: float = 10.0) -> None:
        """Release the store once nobody asks, or after so many seconds all the same."""
        with self._writing, self._change:
            self._change.wait_for(lambda: self._readers == 0, patience)
            self._close()

    def _close(self) -> None:
        if self._engine is not None:
            self._engine.close()
        self._engine = None
