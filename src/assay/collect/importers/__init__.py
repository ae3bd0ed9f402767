"""Files of other tools → segments of events or costs. One more importer = one file and one line in ``IMPORTERS``."""

from __future__ import annotations

from assay.collect.importers.base import COST_COLUMNS, Context, Options, Segment
from assay.collect.importers.costs import Costs
from assay.collect.importers.events import Events
from assay.collect.importers.experiment import Units
from assay.collect.importers.flow import Importer
from assay.collect.importers.ga4 import GA4
from assay.collect.importers.ga360 import GA360
from assay.collect.importers.orders import Orders
from assay.collect.importers.segment import SegmentTables
from assay.model.errors import UnknownName

IMPORTERS: tuple[Importer, ...] = (GA360(), GA4(), SegmentTables(), Events(), Costs(), Orders(), Units())

__all__ = ["COST_COLUMNS", "IMPORTERS", "Context", "Importer", "Options", "Segment", "importer"]


def importer(name: str) -> Importer:
    """An importer by its name; raises UnknownName."""
    for one in IMPORTERS:
        if one.name == name:
            return one
    raise UnknownName("importer", name, [one.name for one in IMPORTERS], "assay")
