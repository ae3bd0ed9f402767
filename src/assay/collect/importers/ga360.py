"""Google Analytics 360: the BigQuery export of Universal Analytics sessions, one row per session with nested hits.

Every hit becomes the event that it is (page_view, screen_view, ga_event …); an e-commerce action on a page hit is a
second event of the same hit, on an event hit it is the event itself. Ids are the source's own keys, so exports may
overlap.
"""

from __future__ import annotations

from pydantic import Field

from assay.collect.importers.base import EventOptions
from assay.collect.importers.flow import Importer, Job, Prepared
from assay.collect.importers.nested import flatten, open_export

_NEEDED = (("fullVisitorId", "clientId"), ("visitStartTime",), ("hits",))


class GA360Options(EventOptions):
    """Options of ``ga360``."""

    impressions: bool = Field(False, description="Also import seen product lists, as view_item_list events.")


class GA360(Importer):
    """Sessions of Universal Analytics."""

    name = "ga360"
    summary = "Google Analytics 360 (Universal Analytics) sessions from BigQuery: Parquet or NDJSON"
    Options = GA360Options

    def prepare(self, job: Job, careful: bool) -> Prepared:
        """Sessions → hits → events."""
        total = open_export(job, "ga360", "GA360 export", _NEEDED, careful)
        job.work.run("ga360", "macros")
        hits = flatten(job, "ga360", total)
        impressions = "true" if job.options.impressions else "false"
        job.work.run("ga360", "mapped", hits=hits, impressions=impressions, **job.fill(self.name))
        job.work.run("common", "checked", latest=job.latest)
        return Prepared(total, careful or job.file.kind == "parquet", step=200_000)
