"""From a prepared view to finished segments: the part that all importers share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from assay.collect.importers.base import Context, EventOptions, Segment, options_from
from assay.collect.importers.base import Options as BaseOptions
from assay.collect.importers.files import File, inspect
from assay.collect.importers.rows import open_rows
from assay.collect.importers.work import Work, filled, literal, working
from assay.model.errors import DataError, UsageError

_DAY_US = 86_400_000_000
PART = 1_000_000


@dataclass(frozen=True)
class Job:
    """One file being imported."""

    work: Work
    file: File
    options: Any
    context: Context

    @property
    def currency(self) -> str:
        """Currency of amounts that name none."""
        chosen: str | None = getattr(self.options, "currency", None)
        return (chosen or self.context.currency).upper()

    @property
    def latest(self) -> str:
        """No event lies after this instant."""
        return str(self.context.now + _DAY_US)

    def fill(self, importer: str) -> dict[str, str]:
        """What the ``.sql`` files know of the options."""
        environment: str = getattr(self.options, "environment", "live")
        return {
            "source": literal(self.options.source or importer),
            "environment": literal(environment),
            "currency": literal(self.currency),
        }


@dataclass(frozen=True)
class Prepared:
    """A view with a ``reason`` for every row that cannot be used. ``total`` rows of the file, ``skipped`` on purpose.

    ``exact``: lines and raw texts are known. ``result`` is the view to write, where it is another. ``step`` rows of the
    file make one segment; 0 = all of them.
    """

    total: int
    exact: bool
    relation: str = "checked"
    skipped: int = 0
    step: int = PART
    result: str | None = None


class Importer(ABC):
    """Looks at all files first, then turns each into segments. A subclass says how its rows become events or costs."""

    name: ClassVar[str]
    summary: ClassVar[str]
    Options: ClassVar[type[BaseOptions]] = EventOptions
    kind: ClassVar[str] = "events"
    write: ClassVar[tuple[str, str]] = ("common", "write_events")
    proposes: ClassVar[bool] = False  # the plan may lack an entry for what was imported

    def segments(self, files: Sequence[Path], options: Any, context: Context) -> Iterator[Segment]:
        """Convert files, one after the other; all of them are looked at before the first is converted."""
        if not files:
            raise UsageError(f"no file to import; name one: assay import {self.name} FILE…")
        for file in [self.look(Path(path), options) for path in files]:
            yield from self._file(file, options, context)

    def options_from(self, keys: Mapping[str, Any]) -> Any:
        """Options from a section of the plan's ``imports`` or from flags; raises UsageError."""
        return options_from(self.Options, keys, self.name)

    def look(self, path: Path, options: Any) -> File:
        """What the file is; an error if it is nothing that this importer reads."""
        return inspect(path, getattr(options, "encoding", None), getattr(options, "delimiter", None))

    @abstractmethod
    def prepare(self, job: Job, careful: bool) -> Prepared:
        """Make the view of all rows with their ``reason``."""

    def untouched(self, job: Job) -> int | None:  # noqa: ARG002
        """Number of rows if the file can be loaded as it is."""
        return None

    def _file(self, file: File, options: Any, context: Context) -> Iterator[Segment]:
        context.progress(f"{file.name}: reading", 0, 0)
        more = {"currency": context.currency, "timezone": context.timezone}
        with working(context.spool, self.name, file.name) as work:
            name = f"{self.name}-{file.digest(self.name, options, **more)}"
            job = Job(work, file, options, context)
            rows = self.untouched(job)
            if rows is not None:
                context.progress(file.name, rows, rows)
                yield Segment(f"{name}-0000", self.kind, file.path.absolute(), rows, moved=False, read=rows)
                return
            yield from self._convert(job, name)

    def _convert(self, job: Job, name: str) -> Iterator[Segment]:
        prepared = self.prepare(job, careful=False)
        bad = self._bad(job, prepared)
        if bad and not prepared.exact:
            prepared = self.prepare(job, careful=True)
            bad = self._bad(job, prepared)
        quarantine, quarantined = self._quarantine(job, prepared, name) if bad else (None, 0)
        good = 0
        for part, first, last in _parts(prepared):
            job.work.range(first, last)
            path, rows = self._write(job, prepared, f"{name}-{part:04d}")
            good += rows
            job.context.progress(job.file.name, min(last, prepared.total), prepared.total)
            if part == 0:
                if not rows and prepared.total <= last:
                    self._nothing(job, prepared, quarantine)
                job.work.unfinished.clear()
                counts = (quarantined, prepared.total, prepared.skipped)
                yield Segment(f"{name}-0000", self.kind, path, rows, True, quarantine, *counts)
            elif rows:
                job.work.unfinished.clear()
                yield Segment(f"{name}-{part:04d}", self.kind, path, rows, moved=True)

    def _bad(self, job: Job, prepared: Prepared) -> bool:
        job.work.range()
        return job.work.number("any_bad", relation=prepared.relation) > 0

    def _quarantine(self, job: Job, prepared: Prepared, name: str) -> tuple[Path, int]:
        path = job.work.spool / f"{name}.quarantine.parquet"
        job.work.unfinished.append(path)
        block = "bad_parquet" if job.file.kind == "parquet" else "bad"
        fill = {"file": literal(job.file.name), "source": literal(str(job.file.path)), "path": literal(str(path))}
        rows = job.work.run("common", block, relation=prepared.relation, **fill)
        return path, int(rows[0][0])

    def _write(self, job: Job, prepared: Prepared, name: str) -> tuple[Path, int]:
        path = job.work.spool / f"{name}.parquet"
        draft = job.work.folder / f"{name}.parquet"
        relation = prepared.result or prepared.relation
        (line,) = filled("common", "line", more="", relation=f"{relation} WHERE reason IS NULL")
        rows = job.work.run(*self.write, relation=relation, path=literal(str(draft)), line=line)[0][0]
        job.work.unfinished.append(path)
        draft.replace(path)
        return path, int(rows)

    def _nothing(self, job: Job, prepared: Prepared, quarantine: Path | None) -> None:
        """Nothing usable in the whole file: say why."""
        if quarantine is not None:
            line, reason = job.work.run("common", "first_bad", path=literal(str(quarantine)))[0]
            raise DataError(f"{job.file.name}: nothing usable, every row is broken; line {line}: {reason}")
        if prepared.skipped:
            raise DataError(f"{job.file.name}: nothing to import, all {prepared.skipped} rows are left out on purpose")
        raise DataError(f"{job.file.name} holds no rows; export it again")


def _parts(prepared: Prepared) -> Iterator[tuple[int, int, int]]:
    step = prepared.step or max(prepared.total, 1)
    for part, first in enumerate(range(0, max(prepared.total, 1), step)):
        yield part, first, first + step


def staged(job: Job, careful: bool) -> tuple[dict[str, str], int, bool]:
    """The view ``rows`` of the file: its columns with types, how many rows there are, whether lines are exact.

    A CSV that DuckDB cannot read strictly is read carefully.
    """
    import duckdb

    job.work.range()
    careful = careful or (job.file.kind != "parquet" and job.file.encoding not in ("utf-8", "utf-8-sig"))
    try:
        columns = open_rows(job.work, job.file, careful)
    except duckdb.Error:
        if careful or job.file.kind == "parquet":
            raise
        careful = True
        columns = open_rows(job.work, job.file, careful)
    return columns, job.work.number("count", relation="rows"), careful or job.file.kind == "parquet"
