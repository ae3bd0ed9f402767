"""The report's formats, one file each. One more = one file and one line in ``WRITERS``."""

from __future__ import annotations

from assay.report.writers import html, markdown, pdf, sealed
from assay.report.writers.base import Writer

WRITERS: tuple[Writer, ...] = (html.WRITER, pdf.WRITER, markdown.WRITER, sealed.WRITER)

BY_SUFFIX: dict[str, Writer] = {one.suffix: one for one in WRITERS}
