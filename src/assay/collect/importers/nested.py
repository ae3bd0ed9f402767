"""Nested exports (GA360, GA4), Parquet or NDJSON, brought to one schema: the table ``schema`` in the importer's SQL.

Fields that an export lacks are null, fields that are not used are left behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from assay.collect.importers.flow import Job
from assay.collect.importers.rows import HELPERS, open_lines, open_rows
from assay.collect.importers.work import literal, quote
from assay.model.errors import DataError

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

_BYTES = 8 << 20


def open_export(job: Job, sql: str, title: str, needed: Sequence[tuple[str, ...]], careful: bool) -> int:
    """Make the view ``export`` in the schema's types. Of each tuple of ``needed`` one column must be there.

    Returns the number of rows of the file. Raises DataError when the file is no such export.
    """
    work, file = job.work, job.file
    if file.kind == "csv":
        raise DataError(f"{file.name} is no {title}: that is nested, so Parquet or NDJSON, and this is CSV")
    work.range()
    work.run(sql, "schema")
    wanted = work.columns("schema")
    if file.kind == "parquet":
        present = open_rows(work, file, careful)
        source = "rows"
    else:
        open_lines(work, file, careful or file.encoding not in ("utf-8", "utf-8-sig"))
        present = {row[0]: "JSON" for row in work.run("rows", "keys")}
        source = "lines"
    folded = {name.lower(): name for name in present}
    for names in needed:
        if not any(name.lower() in folded for name in names):
            missing = " or ".join(names)
            raise DataError(f"{file.name} is no {title}: column {missing} is missing")
    work.view("export", export_select(wanted, folded if source == "rows" else None))
    return work.number("count", relation=source)


def export_select(wanted: Mapping[str, str], present: Mapping[str, str] | None) -> Expr:
    """The select of an export in the types ``wanted``: of ``rows`` that have the columns ``present`` (in lower case →
    as it is), or without them of ``lines`` of JSON.
    """
    from sqlglot import exp

    helpers = [exp.column(name, quoted=True) for name in HELPERS]
    if present is not None:
        columns: list[Expr] = [_cast(present.get(name.lower()), name, kind) for name, kind in wanted.items()]
        return exp.select(*helpers, *columns).from_("rows")
    members = ", ".join(f"{quote(n)} {k}" for n, k in wanted.items())
    whole = exp.DataType.build(f"STRUCT({members})", dialect="duckdb")
    document = exp.cast(exp.column("__raw", quoted=True), "JSON")
    usable = exp.column("__problem", quoted=True).is_(exp.null())
    parsed = exp.case().when(usable, exp.TryCast(this=document, to=whole))
    inner = exp.select(*helpers, parsed.as_("fields")).from_("lines")
    fields = [exp.column(n, table="fields", quoted=True).as_(n, quoted=True) for n in wanted]
    return exp.select(*helpers, *fields).from_(inner.subquery("parsed"))


def flatten(job: Job, sql: str, total: int, **fill: str) -> str:
    """Run the block ``flatten`` over a few rows of ``export`` at a time: nested rows are wide, memory stays small.

    Returns the files, as SQL.
    """
    work = job.work
    for old in work.folder.glob("flat-*.parquet"):
        old.unlink()
    size = max(work.number("mean_length", relation="lines"), 1) if job.file.kind == "ndjson" else 1
    step = min(max(_BYTES // size, 100), 100_000)
    for part, first in enumerate(range(0, max(total, 1), step)):
        work.range(first, first + step)
        work.run(sql, "flatten", path=literal(str(work.folder / f"flat-{part:06d}.parquet")), **fill)
        job.context.progress(f"{job.file.name}: reading", min(first + step, total), total)
    work.range()
    return literal(str(work.folder / "flat-*.parquet"))


def _cast(column: str | None, name: str, kind: str) -> Expr:
    from sqlglot import exp

    to = exp.DataType.build(kind, dialect="duckdb")
    value = exp.null() if column is None else exp.column(column, quoted=True)
    return exp.TryCast(this=value, to=to).as_(name, quoted=True)
