"""A workspace: one folder, one site. Plan + engine + clock; ``ask(question, **params)`` gives an ``Answer``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from assay.analyses import BY_NAME
from assay.analyses.base import Asking, Question, Span
from assay.analyses.caveats import daily_ids
from assay.analyses.given import checked, valid
from assay.model.answer import Answer, notebook
from assay.model.errors import DataError, UnknownName, UsageError, suggestion
from assay.model.period import day_of, day_start
from assay.plan.load import load
from assay.plan.values import Change, Plan

if TYPE_CHECKING:
    from assay.analyses.experimenting.acts import Started
    from assay.store.engine import Derivation, Engine, Loaded, Piece, Statement
    from assay.store.state import State

DATA = "assay-data"
_EVER = 4_102_444_800_000_000  # 2100: everything that was ever received
_LOAD_ROWS = 20_000_000  # most rows in one transaction

Progress = Callable[[str, int, int], None]


def _quiet(_text: str, _done: int, _total: int) -> None:
    """No progress shown."""


class Workspace:
    """Opened by ``assay.open(folder)``. ``now`` (microseconds UTC) fixes the clock; default: the real one."""

    def __init__(
        self, folder: Path | str = ".", now: int | None = None, progress: Progress = _quiet, engine: str = "duckdb"
    ) -> None:
        self.folder = Path(folder)
        self.plan: Plan = load(self.folder)
        self._now = now
        self.progress = progress
        self._span: Span | None = None
        self._engine: Engine | None = None
        self.engine_name = engine
        self._beside: dict[tuple[str, int], Engine] = {}

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the store."""
        for engine in (*self._beside.values(), self._engine):
            if engine is not None:
                engine.close()
        self._beside, self._engine, self._span = {}, None, None
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
    def state(self) -> State:
        """What changes by clicking or by command: changes, alerts, backlog."""
        from assay.store.state import FILE, State

        return State(self.data / FILE)

    @property
    def engine(self) -> Engine:
        """The store, opened at first use and brought to the plan's rules; for reading only, so that others can ask."""
        if self._engine is None:
            self._engine = self._reader() or self._brought_up()
        return self._engine

    def _reader(self) -> Engine | None:
        """The store for reading; None where it has to be made, migrated or derived again first."""
        from assay.query.dimensions import materialised
        from assay.store.engines import STORE, open_engine

        if not (self.data / STORE).exists():
            return None
        engine = open_engine(self.data, self.engine_name, read_only=True)
        if engine.fits(materialised(self.plan)) and engine.derivation() in (None, self.derivation.id):
            return engine
        engine.close()
        return None

    def _brought_up(self) -> Engine:
        """Make, migrate and derive by the plan's rules, then open for reading."""
        with self._writer():
            pass
        opened = self._reader()
        assert opened is not None
        return opened

    @contextmanager
    def _writer(self) -> Iterator[Engine]:
        """The store for writing, for the time of a change; alone: nobody else may have it open."""
        from assay.query.dimensions import materialised
        from assay.store.engines import open_engine

        self.close()
        engine = open_engine(self.data, self.engine_name)
        try:
            engine.migrate(materialised(self.plan))
            done = engine.derivation()
            if done is not None and done != self.derivation.id:
                with self._working("the plan's rules changed: sessions and orders are derived again"):
                    engine.rebuild(self.derivation)
            yield engine
        finally:
            engine.close()

    @cached_property
    def derivation(self) -> Any:
        """The plan's derivations."""
        from assay.query.derive import derivation

        return derivation(self.plan)

    # -- asking ------------------------------------------------------------------------------------------------------

    def ask(self, question: str, *args: Any, **params: Any) -> Answer:
        """Answer a question. Positional values fill its arguments: ``ws.ask("funnel", "checkout", by="device")``."""
        found = self.question(question)
        values = checked(found, args, params)
        as_of = getattr(values, "as_of", None)
        asking = self.asking(question, as_of)
        answer = daily_ids(asking, found, found.answer(asking, values))
        if answer.keep:
            with self.state.changing() as do:
                for statement, given in answer.keep:
                    do(statement, **given)
        return answer

    def question(self, name: str) -> Question:
        """A question by name."""
        if name not in BY_NAME:
            raise UnknownName("question", name, BY_NAME, "assay")
        return BY_NAME[name]

    def __getattr__(self, name: str) -> Callable[..., Answer]:
        question = name.replace("_", "-")
        if question in BY_NAME:
            return lambda *args, **params: self.ask(question, *args, **params)
        raise AttributeError(f"{type(self).__name__} has no {name!r}{suggestion(name, BY_NAME)}")

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *(q.replace("-", "_") for q in BY_NAME)]

    def asking(self, question: str, as_of: datetime | None = None) -> Asking:
        """What a question may ask of this workspace, for work that is more than one answer."""
        if as_of is not None:
            return self._asking_then(as_of)
        span = self.span if self.question(question).needs_data else None
        return self._made(self.plan, self._run, self.now, span)

    def _asking_then(self, moment: datetime) -> Asking:
        """The question as of an earlier moment, on a set derived beside from what had been received by then."""
        zone = ZoneInfo(self.plan.site.timezone)
        as_of = round((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp() * 1e6)
        if as_of > self.now:
            raise UsageError(f"--as-of {moment} lies in the future")
        then = self._derived(self.derivation, as_of)
        return self._made(self.plan, then.run, as_of, self._span_of(then, as_of), as_of)

    def _made(
        self, plan: Plan, run: Callable[[Statement], Any], now: int, span: Span | None, as_of: int | None = None
    ) -> Asking:
        return Asking(
            plan, run, now, span, {"folder": str(self.folder), "data": str(self.data)},
            beside=lambda other: self._asking_under(other, as_of), progress=self.progress, state=self.state,
        )  # fmt: skip

    def _asking_under(self, plan: Plan, as_of: int | None) -> Asking:
        """The same question under another plan: where its rules differ, on a set derived beside."""
        from assay.query.derive import derivation
        from assay.query.dimensions import materialised

        plan = replace(plan, columns=materialised(self.plan))
        now = self.now if as_of is None else as_of
        rules = derivation(plan)
        if as_of is None and rules.id == self.derivation.id:
            return self._made(plan, self._run, now, self.span, as_of)
        engine = self._derived(rules, _EVER if as_of is None else as_of)
        return self._made(plan, engine.run, now, self._span_of(engine, now), as_of)

    def _derived(self, rules: Derivation, as_of: int) -> Engine:
        """A set derived beside by other rules or as of another moment, kept for the next question."""
        key = (rules.id, as_of)
        if key not in self._beside:
            with self._working("deriving sessions and orders beside"):
                self._beside[key] = self.engine.beside(rules, as_of)
        return self._beside[key]

    def _run(self, statement: Statement) -> Any:
        return self.engine.run(statement)

    @property
    def span(self) -> Span | None:
        """First and last day with events; None when there are none."""
        if self._span is None:
            self._span = self._span_of(self.engine, self.now)
        return self._span

    def _span_of(self, engine: Engine, now: int) -> Span | None:
        from assay.query.relations import span

        first, last, count = engine.run(span()).one()
        if not count:
            return None
        end = day_start(last + timedelta(1), self.plan.site.timezone) - 1
        return Span(first, last, count, min(end, now))

    def save_cohort(self, name: str, answer: Answer) -> Path:
        """Save the units that an answer lists (its column visitor, user or account) as a cohort of the plan."""
        from assay.plan.cohort_files import UNITS, save

        per = next((column.name for column in answer.columns if column.name in UNITS), None)
        if per is None:
            hint = "ask for units, such as assay funnel NAME --lost 3, or assay sessions"
            raise UsageError(answer.empty or f"{answer.question} lists no visitors, users or accounts; {hint}")
        path, self.plan = save(self.folder, name, per, (str(v) for v in answer.column(per) if v is not None))
        return path

    # -- the change log ----------------------------------------------------------------------------------------------

    def add_change(
        self, what: str, kind: str = "deploy", date: date | str | None = None, link: str | None = None
    ) -> tuple[Change, bool]:
        """Note a change (``date``: a day of the site's zone, default today); True beside it where it was new."""
        from assay.analyses.changelog import change, note

        made = change(what, kind, date or day_of(self.now, self.plan.site.timezone), link)
        return made, bool(note(self.state, [made], self.now))

    def import_changes(self, path: Path | str) -> tuple[int, int]:
        """Note all changes of a CSV file, or none; how many it holds, and how many were new."""
        from assay.analyses.changelog import note, read_file

        found = read_file(Path(path))
        return len(found), note(self.state, found, self.now)

    def remove_change(self, no: int) -> None:
        """Take a noted change back by its number."""
        from assay.analyses.changelog import forget

        forget(self.state, no)

    # -- experiments -------------------------------------------------------------------------------------------------

    def start_experiment(self, name: str, at: int | None = None, force: bool = False) -> Started:
        """Lock and start an experiment of the plan; ``at`` (µs UTC): the moment it holds from, default now."""
        from assay.analyses.experimenting.acts import start
        from assay.plan.load import raw

        return start(self.asking("experiment-readout"), raw(self.folder), name, at, force)

    def stop_experiment(self, name: str, reason: str = "", at: int | None = None) -> None:
        """Stop an experiment: later exposures do not count."""
        from assay.analyses.experimenting.acts import stop

        stop(self.asking("experiment-readout"), name, reason, at)

    def decide_experiment(
        self, name: str, decision: str, note: str = "", revisit: date | None = None, at: int | None = None
    ) -> dict[str, Any]:
        """Write a decision down (ship, do_not_ship, iterate, abandon) with the reading that it stands on."""
        from assay.analyses.experimenting.acts import decide

        return decide(self.asking("experiment-readout"), name, decision, note, revisit, at)

    def note_experiment(self, name: str, text: str, file: str | None = None) -> None:
        """Note something with an experiment; ``file``: a picture of a variant."""
        from assay.analyses.experimenting.acts import note

        note(self.asking("experiment-readout"), name, text, file)

    def add_idea(
        self, title: str, step: str | None = None, metric: str = "", worth: float | None = None
    ) -> tuple[int, bool]:
        """Note an idea in the backlog; its number, and whether it was new."""
        from assay.analyses.backlog import add

        return add(self.asking("backlog"), title, step, metric, worth)

    def rate_idea(
        self, no: int, confidence: int | None = None, effort: int | None = None, evidence: str | None = None,
        experiment: str | None = None, status: str | None = None,
    ) -> None:  # fmt: skip
        """Say how sure (1 to 10) and how hard (1 to 10) an idea is, what it stands on, which experiment tests it."""
        from assay.analyses.backlog import rate

        rate(self.asking("backlog"), no, confidence, effort, evidence, experiment, status)

    # -- loading -----------------------------------------------------------------------------------------------------

    def import_files(
        self, source: str, files: Sequence[Path | str], options: Mapping[str, Any] | BaseModel | None = None
    ) -> list[Loaded]:
        """Import files by an importer's name. An import can be repeated without doubling anything."""
        from assay.collect.importers import importer
        from assay.collect.importers.base import Context
        from assay.store.engine import Piece

        chosen_importer = importer(source)
        chosen = (
            options
            if isinstance(options, BaseModel)
            else valid(chosen_importer.Options, dict(options or {}), f"import {source}")
        )
        spool = self.data / "spool"
        spool.mkdir(parents=True, exist_ok=True)
        context = Context(spool, self.plan.site.currency, self.plan.site.timezone, self.now, self.progress, self.plan)
        loaded: list[Loaded] = []
        waiting: list[Piece] = []
        temporary: list[Path] = []
        rows = 0
        try:
            for segment in chosen_importer.segments([Path(f) for f in files], chosen, context):
                waiting.append(Piece(segment.name, segment.path, segment.kind, segment.quarantine))
                temporary += [p for p in (segment.path if segment.moved else None, segment.quarantine) if p]
                rows += segment.rows
                if rows >= _LOAD_ROWS:
                    loaded += self.load(waiting)
                    _remove(temporary)
                    waiting, temporary, rows = [], [], 0
            loaded += self.load(waiting) if waiting else []
        finally:
            _remove(temporary)
        if not any(one.rows or one.again or one.quarantined for one in loaded):
            raise DataError(f"{', '.join(str(f) for f in files)}: nothing usable in it")
        return loaded

    def load(self, pieces: Sequence[Piece]) -> list[Loaded]:
        """Load segments, each once ever."""
        from assay.analyses.kept import keeping
        from assay.query.currency import load_rates

        segments = f"{len(pieces)} segment{'s' if len(pieces) != 1 else ''}"
        with self.changing(f"loading {segments}, deriving sessions and orders") as engine:
            loaded = engine.load(pieces, self.derivation, keeping(self.state, self.plan, self.now))
            if load_rates(engine, self.plan):
                engine.rebuild(self.derivation)
        with self.state.changing() as do:  # numbers told from now on follow these
            for metric in self.plan.metrics.values():
                do("add_definition", metric=metric.name, id=metric.id, first_seen=self.now)
        return loaded

    def rebuild(self) -> None:
        """Derive sessions, orders and refunds again from all stored events."""
        with self.changing("deriving sessions and orders again") as engine:
            engine.rebuild(self.derivation)

    @contextmanager
    def changing(self, text: str) -> Iterator[Engine]:
        """The store for a change, alone; ``text`` says in the progress what is done."""
        with self._working(text), self._writer() as engine:
            yield engine

    @contextmanager
    def _working(self, text: str) -> Iterator[None]:
        self.progress(text, 0, 1)
        yield
        self.progress(text, 1, 1)


def _fragment(answer: Answer) -> str:
    from assay.report.notebook import fragment

    return fragment(answer)


notebook[:] = [_fragment]


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
