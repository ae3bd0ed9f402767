"""One file per format. One more format = one file and one line in ``EXPORTERS``."""

from __future__ import annotations

from assay.report.exporters import csv, json, markdown, table
from assay.report.exporters.base import Exporter

EXPORTERS: tuple[Exporter, ...] = (table.EXPORTER, json.EXPORTER, csv.EXPORTER, markdown.EXPORTER)

BY_NAME: dict[str, Exporter] = {exporter.name: exporter for exporter in EXPORTERS}
