"""A workspace's folder, plan, store, state and clock: opened when they are needed, released when they are not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.plan.load import load
from assay.plan.values import Plan
from assay.workspace import own

if TYPE_CHECKING:
    from typing import Self

    from assay.analyses.base import Span
    from assay.store.engine import Engine
    from assay.store.held import Held
    from assay.store.lending import Loan
    from assay.store.state import State

DATA = "assay-data"

Progress = Callable[[str, int, int], None]


def _quiet(_text: str, _done: int, _total: int) -> None:
    """No progress shown."""


class Opening:
    """``now`` (microseconds UTC) fixes the clock; default: the real one. ``plan``: already read. ``held``: the store as
    a server holds it open; default: opened for reading, so that other processes can ask too.
    """

    def __init__(
        self, folder: Path | str = ".", now: int | None = None, progress: Progress = _quiet, engine: str | None = None,
        plan: Plan | None = None, held: Held | None = None,
    ) -> None:  # fmt: skip
        self.folder = Path(folder)
        self.plan: Plan = load(self.folder) if plan is None else plan
        self.held = held
        self._now = now
        self.progress = progress
        self._span: Span | None = None
        self._engine: Engine | None = None
        self._loan: Loan | None = None
        self._engine_name = engine
        self._beside: dict[tuple[str, int], Engine] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the store."""
        for engine in (*self._beside.values(), self._engine):
            if engine is not None:
                engine.close()
        if self.held is not None and self._engine is not None:
            self.held.done()
        self._beside, self._engine, self._span = {}, None, None
        self._give_back()
        self.state.close()

    @property
    def now(self) -> int:
        """The clock, microseconds UTC."""
        return self._now if self._now is not None else time.time_ns() // 1000

    @property
    def data(self) -> Path:
        """The folder of store, spool and state."""
        return self.folder / DATA

    @cached_property
    def engine_name(self) -> str:
        """The engine of the store: as given, else as the workspace says."""
        from assay.store.engines import chosen

        return self._engine_name or chosen(self.data)

    @cached_property
    def state(self) -> State:
        """What changes by clicking or by command: changes, alerts, backlog."""
        from assay.store.state import FILE, State

        return State(self.data / FILE)

    @property
    def engine(self) -> Engine:
        """The store, opened at first use and brought to the plan's rules; for reading only, so that others can ask."""
        if self._engine is None:
            own.only_duckdb(self.plan, self.engine_name)
            self._engine = self._reader() or self._brought_up()
            self._engine.tell(self.progress)
        return self._engine

    def _reader(self) -> Engine | None:
        """The store for reading; None where it has to be made, migrated or derived again first."""
        from assay.query.dimensions import materialised
        from assay.store.engines import exists

        if not exists(self.data, self.engine_name):
            return None
        engine = self._opened_to_read() if self.held is None else self.held.twin()
        try:
            fits = engine.fits(materialised(self.plan)) and engine.derivation() in (None, self.derivation.id)
            if fits and own.current(engine, self.plan, self.folder):
                return engine
        except BaseException:
            self._let_go(engine)
            raise
        self._let_go(engine)
        return None

    def _let_go(self, engine: Engine) -> None:
        engine.close()
        if self.held is not None:
            self.held.done()
        self._give_back()

    def _opened_to_read(self) -> Engine:
        from assay.store.engines import open_engine

        self._borrow()
        try:
            return open_engine(self.data, self.engine_name, read_only=True)
        except BaseException:
            self._give_back()
            raise

    def _borrow(self) -> None:
        """From a server of this workspace, where one runs."""
        from assay.store.lending import borrow

        self._loan = borrow(self.data)

    def _give_back(self) -> None:
        if self._loan is not None:
            self._loan.close()
            self._loan = None

    @property
    def borrowed(self) -> bool:
        """Whether a server waits for the store to be given back."""
        return self._loan is not None

    def _brought_up(self) -> Engine:
        """Make, migrate and derive by the plan's rules, then open for reading."""
        with self._writer():
            pass
        opened = self._reader()
        assert opened is not None
        return opened

    @contextmanager
    def _writer(self, alone: bool = False) -> Iterator[Engine]:
        """The store for writing, for the time of a change; ``alone``: nobody else has it open, in a server too."""
        self.close()
        with self._opened(alone) as engine:
            stands = own.migrated(engine, self.plan, self.folder)
            done = engine.derivation()
            other_rules = done is not None and done != self.derivation.id
            if not stands:
                self._bring(engine, anew=other_rules)
            elif other_rules:
                with self._working("the plan's rules changed: sessions and orders are derived again"):
                    engine.rebuild(self.derivation)
            yield engine

    def own_tables(self) -> list[tuple[str, str]]:
        """Each own table and its state, in words; nothing is read anew for it."""
        from assay.store.engines import exists

        if not exists(self.data, self.engine_name):
            return own.told(None, self.plan, self.folder)
        engine = self._opened_to_read() if self.held is None else self.held.twin()
        try:
            return own.told(engine, self.plan, self.folder)
        finally:
            self._let_go(engine)

    def _bring(self, engine: Any, anew: bool = False) -> None:
        """Bring the store to what the own tables are now; ``anew``: read all of them, whether changed or not."""
        from assay.analyses.kept import keeping
        from assay.analyses.noted import note
        from assay.query.currency import load_rates

        with self._working("the own tables are new or have changed: they are read"):
            kept = keeping(self.state, self.plan, self.now)
            own.bring(engine, self.plan, self.folder, self.data / "spool", self.derivation, kept, self.now, anew)
            if load_rates(engine, self.plan):
                engine.rebuild(self.derivation)
        note(self.state, self.plan, self.now)

    @contextmanager
    def _opened(self, alone: bool) -> Iterator[Engine]:
        from assay.store.engines import open_engine

        if self.held is not None:
            with self.held.alone() if alone else self.held.writing() as engine:
                yield engine
            return
        self._borrow()
        try:
            engine = open_engine(self.data, self.engine_name)
            try:
                yield engine
            finally:
                engine.close()
        finally:
            self._give_back()

    @cached_property
    def derivation(self) -> Any:
        """The plan's derivations."""
        from assay.query.derive import derivation

        return derivation(self.plan)

    def interrupt(self) -> None:
        """Break off the query that another thread runs through this workspace."""
        if self._engine is not None:
            self._engine.interrupt()

    @contextmanager
    def changing(self, text: str, alone: bool = False) -> Iterator[Engine]:
        """The store for a change; ``text`` says in the progress what is done, ``alone``: its file is replaced."""
        with self._working(text), self._writer(alone) as engine:
            yield engine

    @contextmanager
    def _working(self, text: str) -> Iterator[None]:
        self.progress(text, 0, 1)
        yield
        self.progress(text, 1, 1)
