"""A test that another tool ran, one row a unit: variant, outcomes, covariates, segments.

Each row becomes one event, the exposure of its unit; what the file says of the unit are properties of that event. It is
no action of a visitor: it opens no session and is no visit. A unit has one row: its event's id is made of experiment
and unit, so another file with the same units adds nothing, and the import that came first stands.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from assay.collect.importers.base import Context, Options, Segment
from assay.collect.importers.events import table
from assay.collect.importers.expressions import Columns
from assay.collect.importers.files import File, inspect
from assay.collect.importers.flow import PART, Importer, Job, Prepared
from assay.collect.importers.outcomes import COVARIATE, OUTCOME, SEGMENT, Figure, figures
from assay.collect.importers.work import literal, quote
from assay.model.errors import DataError, UsageError, suggestion
from assay.model.event import FIELDS
from assay.model.period import day_of, day_start
from assay.plan.experiments import Exposure

if TYPE_CHECKING:
    from assay.plan.experiments import Experiment
    from assay.plan.values import Plan

MOST_VARIANTS = 50
_TYPES = {"text": "VARCHAR", "integer": "BIGINT", "boolean": "BOOLEAN", "json": "VARCHAR"}
_FILLED = frozenset("id name time received_at source environment visitor user account interactive props".split())
_SHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_MONEY = ("spen", "revenue", "sales", "amount", "price", "margin", "profit", "gmv", "value", "income", "cost")
_LIKELY = (*"visit click open conver purchase order bought sold signup sign_up paid".split(), *_MONEY)


class ExperimentOptions(Options):
    """Options of ``experiment``."""

    name: str | None = Field(None, min_length=1, description="The experiment's name, in the plan or new; required.")
    unit: str | None = Field(
        None, min_length=1, description="Column of the units' ids; default: the column unit, else rows are numbered."
    )
    variant: str = Field("variant", min_length=1, description="Column that says who saw what.")
    control: str | None = Field(
        None,
        min_length=1,
        description="The variant that is the control; default: the one named control, else the first.",
    )
    outcome: tuple[str, ...] = Field(
        (), description="COLUMN[:rate|number|money]; repeat for more, the first is the primary. Also NAME=COLUMN."
    )
    covariate: tuple[str, ...] = Field(
        (), description="Column of a number from before the test, which takes noise away (CUPED); repeat for more."
    )
    segment: tuple[str, ...] = Field((), description="Column to read the test by (readout --by); repeat for more.")
    per: Literal["visitor", "user", "account"] | None = Field(
        None, description="What a unit is: visitor, user or account; default: the plan's, else visitor."
    )
    time: str | None = Field(None, min_length=1, description="Column of the times of exposure.")
    date: datetime.date | None = Field(
        None, description="Day of exposure of all units; default: the plan's start, else the last complete day."
    )
    zero_empty: bool = Field(False, description="An empty outcome or covariate is 0; else its row goes to quarantine.")
    time_format: str | None = Field(None, description="Format of times, as %d/%m/%Y %H:%M; default: ISO 8601 or epoch.")
    time_zone: str | None = Field(None, description="Zone of times that name none; default: the site's.")
    decimal: Literal["point", "comma"] = Field(
        "point", description="Decimal sign: point (1,234.50) or comma (1.234,50)."
    )
    delimiter: str | None = Field(None, min_length=1, max_length=1, description="Delimiter of CSV; default: found out.")
    encoding: str | None = Field(None, description="Encoding of CSV and NDJSON; default: UTF-8, or UTF-16 by its mark.")

    @property
    def figures(self) -> tuple[str, ...]:
        """Everything that is named of a unit."""
        return (*self.outcome, *self.covariate, *self.segment)


class Resolved(ExperimentOptions):
    """The options with what the plan says of the experiment, which is part of what is stored.

    ``at`` (µs UTC) is no part of a segment's name: a day that was not given must not make another import of the same.
    """

    event: str
    name_property: str
    variant_property: str
    value: str
    at: int | None = Field(exclude=True)
    several: bool = Field(False, exclude=True)
    control: str | None = Field(None, exclude=True)


class Units(Importer):
    """Units of a test, one a row."""

    name = "experiment"
    summary = "A test that another tool ran: one row a unit with variant, outcomes and covariates"
    Options = ExperimentOptions
    proposes = True

    def segments(self, files: Sequence[Path], options: Any, context: Context) -> Iterator[Segment]:
        """As all importers, under what the plan says of the experiment."""
        for path in files:
            self.look(Path(path), options)
        known = options if options.name is None else resolved(options, context, len(files) > 1)
        yield from super().segments(files, known, context)

    def look(self, path: Path, options: Any) -> File:
        """What the file is; a sheet of a spreadsheet is none."""
        if path.is_file():
            with path.open("rb") as raw:
                start = raw.read(4)
            if start in _SHEETS:
                raise DataError(f"{path} is a workbook of a spreadsheet; save the sheet with the units as CSV")
        return inspect(path, options.encoding, options.delimiter)

    def prepare(self, job: Job, careful: bool) -> Prepared:
        """Rows → exposures, one a unit."""
        read = table(job, careful)
        if not isinstance(job.options, Resolved):
            raise UsageError(_nameless(job.context.plan))
        job.work.run("experiment", "macros")
        columns = _Columns(job, read.columns)
        work, options = job.work, job.options
        work.view("cells", columns.cells())
        time = f"CAST({options.at} AS BIGINT)" if options.time is None else _instant(options, job.context.timezone)
        unit = {name: f"{'unit' if options.per == name else 'NULL'}" for name in ("user", "account")}
        work.run(
            "experiment",
            "mapped",
            checks=", ".join([*columns.checks(), "NULL"]),
            value=literal(options.value),
            event=literal(options.event),
            time=time,
            now=str(job.context.now),
            props=columns.props(),
            empty=", ".join(
                f"CAST(NULL AS {_TYPES[f.kind]}) AS {quote(f.name)}" for f in FIELDS if f.name not in _FILLED
            ),
            **{name: f"CAST({text} AS VARCHAR)" for name, text in unit.items()},
            **{name: text for name, text in job.fill(self.name).items() if name != "currency"},
        )
        work.run("common", "checked", latest=job.latest)
        work.run("experiment", "units")
        _check_variants(job, columns.variant)
        return Prepared(read.total, read.exact, "units", step=PART)


def resolved(options: ExperimentOptions, context: Context, several: bool = False) -> Resolved:
    """The options with the plan's exposure and the moment of exposure. UsageError where the plan cannot take them."""
    if options.name is None:
        raise UsageError(_nameless(context.plan))
    experiment = experiment_of(context.plan, options.name)
    exposure = experiment.exposure if experiment else Exposure(value=options.name)
    if experiment is not None and experiment.assignments != "events":
        raise UsageError(
            f"{options.name}: the plan says assignments: {experiment.assignments}, so variants are computed, not read; "
            "import the file under another --name"
        )
    if options.time is not None and options.date is not None:
        raise UsageError("--time and --date at once: name the column of the times, or the day of all units")
    zone = options.time_zone
    if zone is not None:
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError):
            raise UsageError(f"there is no time zone {zone!r}; write it as Europe/Berlin") from None
    day, _ = exposed_on(options, context.plan, context.now, context.timezone)
    values = options.model_dump()
    if options.time is None and experiment is not None:
        values["date"] = options.date or experiment.start
    values["per"] = options.per or (experiment.unit if experiment else "visitor")
    return Resolved(
        **values,
        event=exposure.event,
        name_property=exposure.name_property,
        variant_property=exposure.variant_property,
        value=exposure.value,
        at=None if day is None else _stamp(day, context),
        several=several,
    )


def _nameless(plan: Plan | None) -> str:
    known = ", ".join(plan.experiments) if plan else ""
    which = f"name one of the plan ({known}), or a new one" if known else "give it a name"
    return f"--name is missing: which experiment is it? Please {which}"


def experiment_of(plan: Plan | None, name: str | None) -> Experiment | None:
    """The plan's experiment of that name, if it has one."""
    return plan.experiments.get(name) if plan is not None and name is not None else None


def exposed_on(options: ExperimentOptions, plan: Plan | None, now: int, zone: str) -> tuple[datetime.date | None, str]:
    """The day that all units stand on, and why; None where a column has the times."""
    if options.time is not None:
        return None, f"the column {options.time}"
    if options.date is not None:
        return options.date, "--date"
    experiment = experiment_of(plan, options.name)
    if experiment is not None and experiment.start is not None:
        return experiment.start, "the start in the plan"
    return day_of(now, zone) - datetime.timedelta(1), "the last complete day, for neither --time nor --date is given"


def chosen(options: ExperimentOptions, exposure: Exposure) -> list[Figure]:
    """The columns that are read, as properties of the exposure."""
    own = (exposure.name_property, exposure.variant_property)
    return figures(options.outcome, options.covariate, options.segment, own)


def _stamp(day: datetime.date, context: Context) -> int:
    """The last second of a day (of today: now), so that a test that was locked on it has begun."""
    if day > day_of(context.now, context.timezone):
        raise UsageError(f"{day} lies in the future; --date is the day on which the units were exposed")
    return min(day_start(day + datetime.timedelta(1), context.timezone) - 1_000_000, context.now)


def _instant(options: Resolved, site: str) -> str:
    zone = literal(options.time_zone or site)
    if options.time_format is None:
        return f"instant(time_text, {zone})"
    read = f"try_strptime(time_text, {literal(options.time_format)})"
    return f"epoch_us({read})" if "%z" in options.time_format.lower() else f"local_us({read}, {zone})"


class _Columns:
    """The file's columns in their parts: unit, variant, time, and what is measured."""

    def __init__(self, job: Job, columns: Columns) -> None:
        self.job, self.columns, self.options = job, columns, job.options
        options: Resolved = job.options
        exposure = Exposure(options.event, options.name_property, options.variant_property, options.value)
        self.variant = self._need(options.variant, "variant", "the column that says who saw what")
        self.unit = self._need(options.unit, "unit", "the column of the units' ids") if options.unit else None
        self.unit = self.unit or columns.find("unit")
        self.time = self._need(options.time, "time", "the column of the times") if options.time else None
        if self.unit is None and options.several:
            raise UsageError(
                f"{columns.file} names no units, and row numbers mean other units in each of several files; "
                "give --unit COLUMN, or put the rows into one file"
            )
        self.figures = chosen(options, exposure)
        parts = {self.variant: "variant", self.unit: "unit", self.time: "time"}
        for one in self.figures:
            column = self._need(one.column, one.role, f"the column of the {one.role}")
            if column in parts:
                raise UsageError(f"--{one.role} {one.column}: that column is the {parts[column]}")
        if not any(one.role == OUTCOME for one in self.figures):
            raise UsageError(_proposal(job, columns, {*parts, *(columns.find(one.column) for one in self.figures)}))

    def _need(self, name: str, option: str, what: str) -> str:
        found = self.columns.find(name)
        if found is None:
            hint = suggestion(name, self.columns.types)
            raise UsageError(f"{self.columns.file} has no column {name!r}{hint} (--{option} names {what})")
        return found

    def cells(self) -> Any:
        """The select over ``rows`` with every part as text."""
        from sqlglot import exp

        from assay.collect.importers.expressions import call

        def text(column: str | None) -> Any:
            return call("given", self.columns.text(column)) if column else exp.cast(exp.null(), "VARCHAR")

        number = exp.cast(exp.Add(this=exp.column("__n"), expression=exp.Literal.number(1)), "VARCHAR")
        numbered = exp.DPipe(this=exp.Literal.string(f"{self.options.value}:"), expression=number)
        made = [exp.column(f"__{name}", quoted=True).as_(name) for name in ("n", "line", "raw", "problem")]
        made += [(text(self.unit) if self.unit else numbered).as_("unit"), text(self.variant).as_("variant")]
        made.append(text(self.time).as_("time_text"))
        found = ((f"c{n}", self.columns.find(one.column)) for n, one in enumerate(self.figures))
        return exp.select(*made, *(text(column).as_(name) for name, column in found)).from_("rows")

    def _cell(self, n: int) -> str:
        """A cell's text; an empty one is 0 where that was asked for."""
        zero = self.options.zero_empty and self.figures[n].role != SEGMENT
        return f"coalesce(c{n}, '0')" if zero else f"c{n}"

    def _value(self, n: int) -> str:
        """A number, null where the cell holds none; not for segments."""
        one, cell = self.figures[n], self._cell(n)
        number = f"{'figure_of_comma' if self.columns.comma else 'figure'}({cell})"
        if one.kind == "money":
            return f"{'number_of_comma' if self.columns.comma else 'number_of'}({cell})"
        if one.kind == "rate":
            return f"zero_one({cell}, {number})"
        return number if one.kind or one.role == COVARIATE else f"coalesce({number}, zero_one({cell}, {number}))"

    def checks(self) -> list[str]:
        """Why a row cannot be used, each as SQL that is null where nothing is wrong."""
        made = [f"CASE WHEN unit IS NULL THEN missing({literal(f'the unit (column {self.unit})')}) END"]
        made.append(f"CASE WHEN variant IS NULL THEN missing({literal(f'the variant (column {self.variant})')}) END")
        for n, one in enumerate(self.figures):
            if one.role == SEGMENT:
                continue
            what, cell, wrong = literal(one.column), self._cell(n), " is not a number"
            if one.kind == "rate":
                wrong = " is neither 0 nor 1"
            elif one.kind == "money":
                wrong = " is not an amount"
            made.append(
                f"CASE WHEN {cell} IS NULL THEN missing({what}) "
                f"WHEN {self._value(n)} IS NULL THEN shown({what}, {cell}) || {literal(wrong)} END"
            )
        return made

    def props(self) -> str:
        """The exposure's properties as one JSON text."""
        options: Resolved = self.options
        parts = [literal(options.name_property), literal(options.value), literal(options.variant_property), "variant"]
        for n, one in enumerate(self.figures):
            value = self._value(n) if one.role != SEGMENT else ""
            plain = f"CAST(plain({value}) AS JSON)" if one.kind == "money" else f"numeral(CAST({value} AS DOUBLE))"
            parts += [literal(one.property), f"c{n}" if one.role == SEGMENT else plain]
        return f"lean(json_object({', '.join(parts)}))"


def _check_variants(job: Job, column: str) -> None:
    """A column with many values is no variant; the control is one of them."""
    options: Resolved = job.options
    job.work.range()
    found = job.work.run("experiment", "variants")
    if len(found) > MOST_VARIANTS:
        raise UsageError(
            f"the column {column!r} of {job.file.name} has {len(found):,} different values and is no variant; "
            "--variant names the column that says who saw what"
        )
    names = [row[0] for row in found]
    if options.control is not None and not options.several and options.control not in names:
        hint = suggestion(options.control, names)
        raise UsageError(f"{job.file.name} has no variant {options.control!r}{hint} (--control names one of them)")


def _proposal(job: Job, columns: Columns, used: set[str | None]) -> str:
    """No outcome was named: which columns could be one."""
    free = [name for name in columns.types if name not in used]
    numbers: list[str] = []
    if free:
        texts = [f"given({columns.text(name).sql(dialect='duckdb')})" for name in free]
        reads = [f"{'figure_of_comma' if columns.comma else 'figure'}({text})" for text in texts]
        counts = ", ".join(
            f"count({text}), count({read}), count(*) FILTER (WHERE {read} IN (0, 1))"
            for text, read in zip(texts, reads, strict=True)
        )
        (row,) = job.work.run("experiment", "numeric", counts=counts)
        for place, name in enumerate(free):
            there, read, bits = row[3 * place : 3 * place + 3]
            if there and there == read:
                lower = name.lower()
                kind = "rate" if bits == read else "money" if any(part in lower for part in _MONEY) else "number"
                numbers.append(f"{name}:{kind}")
    if not numbers:
        shown = ", ".join(list(columns.types)[:20])
        return f"--outcome is missing, and {columns.file} has no further column of numbers (columns: {shown})"
    likely = [one for one in numbers if any(part in one.lower() for part in _LIKELY)] or numbers[:3]
    flags = " ".join(f"--outcome {one if ' ' not in one else repr(one)}" for one in likely)
    rest = [one.rpartition(":")[0] for one in numbers if one not in likely]
    more = f" (further columns of numbers: {', '.join(rest)})" if rest else ""
    return f"--outcome is missing: what came of the units of {columns.file}? Did you mean {flags}?{more}"
