"""The sealed JSON."""

from __future__ import annotations

from assay.report.exporters.json import lines
from assay.report.seal import Made
from assay.report.writers.base import Writer


def _write(made: Made) -> bytes:
    return lines(made.sealed).encode()


WRITER = Writer("json", "application/json", _write)
