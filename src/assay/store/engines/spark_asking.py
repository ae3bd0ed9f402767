"""Asking Spark: a statement in DuckDB's words over tables of a lake, as temporary views of one session."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any, TypeVar

from assay.model.errors import MachineError
from assay.store.engine import Progress, Result, Statement
from assay.store.engines.lake_rollups import Rolled, left_of
from assay.store.engines.spark_session import errors, session
from assay.store.lake import Place, Table
from assay.store.render.spark import Rendered, render

_TYPES = {"VARCHAR": "STRING", "TIMESTAMP": "TIMESTAMP_NTZ", "INTEGER": "INT"}
_LOST = "CHECKPOINT_RDD_BLOCK_ID_NOT_FOUND"
_numbers = itertools.count(1)
T = TypeVar("T")
Tables = Mapping[str, Table | Rolled]
LOOK = 0.5  # seconds between two looks at how far Spark is


class Asking:
    """A session over the tables in a place; not for two threads at once."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.tag = f"assay-{os.getpid()}-{next(_numbers)}"
        self.shown: dict[str, Table | Rolled] = {}
        self.progress: Progress | None = None
        self._session: Any = None

    @property
    def session(self) -> Any:
        """The session, begun at first use."""
        if self._session is None:
            self._session = session()
        return self._session

    def ask(self, statement: Statement, tables: Tables, what: str, before: str = "") -> Result:
        """The rows of a query."""
        return self.work(statement, tables, what, lambda frame: _result(frame.schema, frame.collect()), before)

    def work(self, statement: Statement, tables: Tables, what: str, act: Callable[[Any], T], before: str = "") -> T:
        """Do something with a query's frame."""
        own = statement.own.get("spark")
        rendered = Rendered(own, statement.params or {}) if own else render(statement.sql, statement.params or {})
        with errors(what):
            _tags(self.session).addJobTag(self.tag)
            try:
                return self._done(rendered, tables, act, before)
            except Exception as error:
                if _LOST not in str(error):
                    raise
                return self._done(rendered, tables, act, before)  # what was kept went with a worker: once more
            finally:
                _tags(self.session).removeJobTag(self.tag)

    def interrupt(self) -> None:
        """Break off what runs for this connection."""
        if self._session is not None:
            _tags(self._session).cancelJobsWithTag(self.tag)

    def forget(self) -> None:
        """Let go of session and views."""
        self._session, self.shown = None, {}

    def _done(self, rendered: Rendered, tables: Tables, act: Callable[[Any], T], before: str) -> T:
        """Keep what is read more than once, on two workers where there are two; then the statement itself."""
        from pyspark import StorageLevel

        made: list[str] = []
        try:
            for name, sql in rendered.kept:
                self._show(sql, tables)
                frame = self.session.sql(sql, args=rendered.of(sql))
                frame = frame.localCheckpoint(True, StorageLevel.MEMORY_AND_DISK_2)
                frame.createOrReplaceTempView(name)
                made.append(name)
            self._show(rendered.sql, tables)
            return act(self.session.sql(before + rendered.sql, args=rendered.of(rendered.sql)))
        finally:
            for name in made:
                self.session.catalog.dropTempView(name)

    def _show(self, sql: str, tables: Tables) -> None:
        """Make the views that a statement names, as their tables are now."""
        for name, table in tables.items():
            if self.shown.get(name) is not table and re.search(rf"\b{re.escape(name)}\b", sql):
                self.frame(name, table).createOrReplaceTempView(name)
                self.shown[name] = table

    def frame(self, name: str, table: Table | Rolled) -> Any:
        """A table as it lies in the place."""
        if isinstance(table, Rolled):
            return self._whole(name, table)
        columns = ", ".join(f"`{column}` {_TYPES.get(kind, kind)}" for column, kind in table.columns.items())
        if not table.files:
            return self.session.createDataFrame([], columns)
        reader = self.session.read.schema(columns)
        if table.by and table.parts.keys() != {""}:  # parts are folders: Spark opens only those it needs
            reader = reader.option("basePath", self.place.where(_base(name, table.files[0])))
        frame = reader.parquet(*(self.place.where(file) for file in table.files))
        return frame.select(*(f"`{column}`" for column in table.columns))

    def _whole(self, name: str, rolled: Rolled) -> Any:
        """A rollup: the days that are kept, and the others from their events."""
        kept = self.frame(name, rolled.kept)
        if not rolled.left.files:
            return kept
        self.frame("events", rolled.left).createOrReplaceTempView(left_of(name))
        left = self.session.sql(render(rolled.query, {}).sql)
        kinds = zip(rolled.columns.items(), left.columns, strict=True)
        return kept.unionAll(left.select(*(left[f"`{had}`"].cast(kind_of(kind)).alias(c) for (c, kind), had in kinds)))

    @contextmanager
    def telling(self, text: str) -> Iterator[None]:
        """Tell how far Spark is with what is asked meanwhile."""
        if self.progress is None:
            yield
            return
        ended, tell = Event(), self.progress
        watching = Thread(target=self._watch, args=(ended, text, tell), daemon=True)
        tell(text, 0, 0)
        watching.start()
        try:
            yield
        finally:
            ended.set()
            watching.join()
            tell(text, 1, 1)

    def _watch(self, ended: Event, text: str, tell: Progress) -> None:
        while not ended.wait(LOOK):
            done, known = _tasks(self._session)
            tell(text, done, known)


def _tasks(session: Any) -> tuple[int, int]:
    """Tasks that Spark has done of those it knows, of all that it works on now; 0 of 0 where it does not say."""
    try:
        tracker = session.sparkContext.statusTracker()
        jobs = [tracker.getJobInfo(job) for job in tracker.getActiveJobsIds()]
        stages = [tracker.getStageInfo(stage) for job in jobs if job for stage in job.stageIds]
    except Exception:  # not begun, just ended, or another kind of connection: no progress is no failure
        return 0, 0
    known = [stage for stage in stages if stage]
    return sum(stage.numCompletedTasks for stage in known), sum(stage.numTasks for stage in known)


class _ConnectTags:
    """The tags of a session of Spark Connect, under the names of a context's."""

    def __init__(self, made: Any) -> None:
        self.addJobTag, self.removeJobTag, self.cancelJobsWithTag = made.addTag, made.removeTag, made.interruptTag


def _tags(made: Any) -> Any:
    """What tags jobs so that any thread can break them off: a classic session knows only its own thread's tags."""
    return _ConnectTags(made) if type(made).__module__.startswith("pyspark.sql.connect") else made.sparkContext


def _base(name: str, file: str) -> str:
    """The folder in which a table's parts lie."""
    before, mark, _ = file.partition("/load=")
    return before if mark else name


def kind_of(kind: str) -> str:
    """A lake's type in Spark's words."""
    return _TYPES.get(kind, kind)


def _result(schema: Any, rows: Sequence[Any]) -> Result:
    readers = [_reader(one.name, one.dataType) for one in schema.fields]
    if not any(readers):
        return Result(tuple(schema.names), [tuple(row) for row in rows])
    made = [
        tuple(v if v is None or read is None else read(v) for v, read in zip(row, readers, strict=True)) for row in rows
    ]
    return Result(tuple(schema.names), made)


def _reader(name: str, kind: Any) -> Any:
    """Turns a value into the type that DuckDB gives it; None where it has it."""
    said = kind.typeName()
    if said == "decimal" and kind.scale == 0:
        return int
    if said == "array":
        inner = _reader(name, kind.elementType)
        return inner and (lambda v: [None if one is None else inner(one) for one in v])
    if said == "struct":
        return lambda v: v.asDict(recursive=True)
    if "interval" in said or said == "timestamp":
        raise MachineError(f"Spark answers {name} as {kind.simpleString()}, which is no value of assay's")
    return None
