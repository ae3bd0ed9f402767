"""The report as PDF, by WeasyPrint from the same HTML: A4, page numbers, bookmarks, tagged."""

from __future__ import annotations

import logging
from typing import Any

from assay.model.errors import UsageError
from assay.report.seal import Made
from assay.report.writers.base import Writer
from assay.report.writers.html import page

_DENSITIES = ("", "dense", "denser", "densest")  # until the first page is one page


def _weasyprint() -> Any:
    try:
        import weasyprint
    except ImportError as error:
        raise UsageError(f'PDF needs the extra "pdf": pip install "assay[pdf]" ({error})') from error
    except OSError as error:  # Pango is no Python package
        raise UsageError(f"PDF needs the libraries Pango and HarfBuzz: apt install libpango-1.0-0 ({error})") from error
    return weasyprint


def _write(made: Made) -> bytes:
    weasyprint = _weasyprint()
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    fetcher = weasyprint.urls.URLFetcher(allowed_protocols=("data",))  # pictures stand in the file; nothing is fetched
    laid: Any = None
    for density in _DENSITIES:
        laid = weasyprint.HTML(string=page(made, density), url_fetcher=fetcher).render(pdf_variant="pdf/ua-1")
        if len(laid.pages) < 2 or _second(laid) == 1:
            break
    content: bytes = laid.write_pdf(pdf_variant="pdf/ua-1")
    return content


def _second(laid: Any) -> int:
    """The place of the page on which the second part begins; one that goes on has its anchor on each of its pages."""
    for n, one in enumerate(laid.pages[1:], 1):
        if any(name.startswith("p-") for name in one.anchors if name not in laid.pages[0].anchors):
            return n
    return 0


WRITER = Writer("pdf", "application/pdf", _write)
