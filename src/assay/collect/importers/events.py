"""Events from any table: CSV, Parquet or NDJSON, with a mapping from columns to the event line.

A file that already has the event line's columns needs no mapping; as Parquet it is loaded as it is, without a copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator

from assay.collect.importers import mapping
from assay.collect.importers.base import EventOptions, options_from
from assay.collect.importers.expressions import Columns
from assay.collect.importers.flow import PART, Importer, Job, Prepared, staged
from assay.collect.importers.mapping import Kind, Plan
from assay.collect.importers.work import literal
from assay.model.errors import UsageError
from assay.model.event import FIELDS, NAMES

if TYPE_CHECKING:
    pass

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

_TYPES = {"text": "VARCHAR", "integer": "BIGINT", "boolean": "BOOLEAN", "json": "VARCHAR"}


class When(BaseModel):
    """Rows of another kind: ``where`` a condition, ``name`` their event, other fields as in ``map`` (null: empty)."""

    model_config = ConfigDict(extra="allow", frozen=True)

    where: str
    name: str | None = None


class TableOptions(EventOptions):
    """Options of importers that read tables."""

    time_format: str | None = Field(None, description="Format of times, as %d/%m/%Y %H:%M; default: ISO 8601 or epoch.")
    time_zone: str = Field("UTC", description="Zone of times that name none, for example Europe/Berlin.")
    decimal: Literal["point", "comma"] = Field(
        "point", description="Decimal sign: point (1,234.50) or comma (1.234,50)."
    )
    delimiter: str | None = Field(None, min_length=1, max_length=1, description="Delimiter of CSV; default: found out.")
    encoding: str | None = Field(None, description="Encoding of CSV and NDJSON; default: UTF-8, or UTF-16 by its mark.")

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"there is no time zone {value!r}; write it as Europe/Berlin") from None
        return value


class EventsOptions(TableOptions):
    """Options of ``events``."""

    map: dict[str, str | int | float | bool | None] = Field(
        default_factory=dict,
        description="FIELD=COLUMN: what fills a field of the event line: a column, a 'constant' or an expression.",
    )
    name: str | None = Field(None, min_length=1, description="Event name of all rows, when no column has it.")
    items: dict[str, str] = Field(default_factory=dict, description="FIELD=COLUMN: an item made of the row's columns.")
    group_by: tuple[str, ...] = Field((), description="Columns whose rows together are one event, such as an order.")
    when: tuple[When, ...] = Field((), description="Rows of other kinds; the first condition that holds decides.")
    where: str | None = Field(None, description="Condition for rows to import; the others are counted and left out.")
    rest: bool | None = Field(
        None, description="Keep other columns as properties; default: yes, unless rows are grouped."
    )


class Events(Importer):
    """Rows of a table as events."""

    name = "events"
    summary = "Events from CSV, Parquet or NDJSON, with a mapping given in the plan or by flags"
    Options = EventsOptions

    def options_from(self, keys: Mapping[str, Any]) -> EventsOptions:
        """Options from the plan or from flags; fields of the event line may stand beside ``map`` as well as in it."""
        options = options_from(EventsOptions, keys, self.name, NAMES)
        plan_of(options, self.name)
        return options

    def untouched(self, job: Job) -> int | None:
        """A Parquet file in event-line form without a broken row is loaded as it is."""
        if job.file.kind != "parquet" or job.options.model_dump(exclude_defaults=True):
            return None
        return rows_as_they_are(job)

    def prepare(self, job: Job, careful: bool) -> Prepared:
        """Rows → texts → events, one each or grouped."""
        read = table(job, careful)
        return prepare_plans(job, read, [mapping.complete(plan_of(job.options, self.name), read.columns)])


def plan_of(options: EventsOptions, importer: str) -> Plan:
    """The mapping that the options describe; raises UsageError for fields that there are not."""
    mapping.check_fields(options.map, "map")
    kinds = []
    for number, when in enumerate(options.when, 1):
        extra = dict(when.model_extra or {})
        mapping.check_fields(extra, f"when, entry {number}")
        kinds.append(Kind(when.where, {**({"name": _constant(when.name)} if when.name else {}), **extra}))
    fields = dict(options.map)
    if options.name:
        if "name" in fields:
            raise UsageError("name is given twice, as a constant and in map; leave one out")
        fields["name"] = _constant(options.name)
    return Plan(
        fields=fields,
        items=options.items,
        group_by=options.group_by,
        kinds=tuple(kinds),
        where=options.where,
        time_format=options.time_format,
        time_zone=options.time_zone,
        rest=(not options.group_by) if options.rest is None else options.rest,
        source=options.source or importer,
    )


def _constant(text: str) -> str:
    return text if text.startswith("=") else literal(text)


def rows_as_they_are(job: Job) -> int | None:
    """Number of rows of a Parquet file whose columns and values are those of the event line; else None."""
    from sqlglot import exp

    work = job.work
    types = work.columns(f"read_parquet({literal(str(job.file.path))})")
    wanted = {f.name: _TYPES[f.kind] for f in FIELDS}
    if not {"id", "name", "time"} <= types.keys() or any(wanted.get(name) != kind for name, kind in types.items()):
        return None
    source = exp.Anonymous(this="read_parquet", expressions=[exp.Literal.string(str(job.file.path))])
    columns = [
        exp.column(name, quoted=True) if name in types else exp.cast(exp.null(), kind).as_(name, quoted=True)
        for name, kind in wanted.items()
    ]
    work.view("line", exp.select(*columns).from_(source))
    rows, bad = work.run("events", "as_it_is", latest=job.latest)[0]
    return int(rows) if rows and not bad else None


@dataclass(frozen=True)
class Table:
    """A file opened as the view ``rows``. ``exact``: its lines and raw texts are known."""

    columns: Columns
    total: int
    exact: bool


def table(job: Job, careful: bool) -> Table:
    """Open the file."""
    types, total, exact = staged(job, careful)
    job.work.run("events", "macros")
    return Table(Columns(job.file.name, types, job.options.decimal == "comma"), total, exact)


def prepare_plans(job: Job, read: Table, plans: list[Plan], summed: bool = True) -> Prepared:
    """Views from ``rows`` to ``checked`` (and ``grouped``), for one mapping or several over the same rows.

    ``summed``: the amount of a group is the sum of its rows, else that of the first row which has one.
    """
    from sqlglot import exp

    work = job.work
    texts: Expr = mapping.select_rows(plans[0], read.columns)
    for plan in plans[1:]:
        texts = exp.union(texts, mapping.select_rows(plan, read.columns, problems=False), distinct=False)
    grouped = bool(plans[0].group_by)
    if grouped or len(plans) > 1:  # read several times, and long to plan
        path = literal(str(work.folder / "texts.parquet"))
        work.run("events", "stage_texts", select=texts.sql(dialect="duckdb"), path=path)
    else:
        work.view("texts", texts)
    left_out = mapping.count_left_out(plans[0], read.columns) if len(plans) == 1 else None
    skipped = int(work.connection.execute(left_out.sql(dialect="duckdb")).fetchall()[0][0]) if left_out else 0
    work.run(*(("events", "no_repeats") if grouped else ("common", "repeats")))
    fill = {"zone": literal(plans[0].time_zone), "grouped": "true" if grouped else "false"}
    work.run("events", "mapped", **fill, **job.fill(plans[0].source))
    work.run("common", "checked", latest=job.latest)
    if not grouped:
        return Prepared(read.total, read.exact, skipped=skipped, step=PART)
    work.run("events", "lines")
    amount = "summed_amount" if summed else "first_amount"
    work.run("events", "grouped", fields=_grouped_fields(mapping.field_names(plans)), amount=amount)
    return Prepared(read.total, read.exact, "grouped_lines", skipped, step=0, result="grouped")


def _grouped_fields(filled: list[str]) -> str:
    """For each field the value of the earliest row that has one; fields that nothing fills are null."""
    from sqlglot import exp

    time = exp.column("time", quoted=True)
    made: list[exp.Expr] = []
    always = {"source", "environment", "currency", "props", "host", "path"}
    for field in FIELDS:
        if field.name in ("id", "name", "time", "amount", "items"):
            continue
        column = exp.column(field.name, quoted=True)
        value: exp.Expr = exp.cast(exp.null(), _TYPES[field.kind])
        if field.name in filled or field.name in always:
            earliest = exp.Anonymous(this="row", expressions=[time.copy(), column.copy()])
            value = exp.Anonymous(this="arg_min", expressions=[column, earliest])
        made.append(value.as_(field.name, quoted=True))
    return ", ".join(one.sql(dialect="duckdb") for one in made)
