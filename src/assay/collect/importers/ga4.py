"""Google Analytics 4: the BigQuery export, one row per event with nested parameters.

Parameters that are fields of the event line fill these, the others are properties. The session id and the source of the
session are kept; the first-user source is a property. ``value`` is the amount of purchases and refunds only.
"""

from __future__ import annotations

from assay.collect.importers.flow import Importer, Job, Prepared
from assay.collect.importers.nested import flatten, open_export
from assay.collect.importers.work import filled, literal

NEEDED = (("event_name",), ("event_timestamp",), ("user_pseudo_id", "user_id"), ("event_params",))

# Parameters that fill columns of the event line, so that they are no properties.
COLUMNS = (
    "page_location page_title page_referrer ga_session_id source medium campaign content term gclid dclid "
    "transaction_id value currency"
).split()


def flat_select(source: str) -> str:
    """The select of rows of ``export`` with parameters as lists; ``source``: its name, as SQL."""
    columns = "[" + ", ".join(literal(name) for name in COLUMNS) + "]"
    (flat,) = filled("ga4", "flat", columns=columns, source=source)
    return flat


class GA4(Importer):
    """Events of Google Analytics 4."""

    name = "ga4"
    summary = "Google Analytics 4 events from BigQuery: Parquet or NDJSON"

    def prepare(self, job: Job, careful: bool) -> Prepared:
        """Rows → events, one each."""
        work = job.work
        total = open_export(job, "ga4", "GA4 export", NEEDED, careful)
        work.run("ga4", "macros")
        fill = job.fill(self.name)
        flat = flatten(job, "ga4", total, flat=flat_select(fill["source"]))
        work.run("ga4", "texts", flat=flat)
        work.run("common", "repeats")
        work.run("ga4", "mapped", **fill)
        work.run("common", "checked", latest=job.latest)
        return Prepared(total, careful or job.file.kind == "parquet")
