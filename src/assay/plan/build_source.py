"""The section ``source``: own tables that events are read from."""

from __future__ import annotations

import re

from assay.plan.draft import Draft, Place
from assay.plan.source_forms import OwnTableForm, SourceForm
from assay.plan.validate import check
from assay.plan.values import OwnTable

DATABASES = (".duckdb", ".db", ".ddb")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def source(draft: Draft) -> None:
    """What can be said without looking at the tables; columns and options are checked when they are read."""
    if draft.raw.get("source") is None:
        return
    form = check(SourceForm, draft.raw["source"], ("source",), draft.report)
    if form is None:
        return
    for name, one in form.tables.items():
        _checked(name, one, Place(draft, ("source", "tables", name)))
    made = {
        name: OwnTable(name, tuple(one.from_), one.form, one.table, one.options) for name, one in form.tables.items()
    }
    draft.set(source=made)


def _checked(name: str, form: OwnTableForm, place: Place) -> None:
    if not _NAME.fullmatch(name):
        place.problem(f"{name!r} is no name for a table: small letters, digits and _, a letter first", code="value")
    for path in form.from_:
        if "://" in path:
            place.problem(f"{path} is no path of this machine; mount it, or import it", "from", code="value")
    databases = [path for path in form.from_ if path.endswith(DATABASES)]
    if databases and len(form.from_) > 1:
        place.problem("a database stands alone; give each its own table", "from", code="value")
    if databases and form.table is None:
        place.problem(f"needs the key 'table': which table of {databases[0]}", code="missing_key")
    if form.table is not None and not databases:
        endings = " or ".join(DATABASES)
        place.problem(f"table names one in a database ({endings}); {form.from_[0]} is none", "table", code="value")
