"""Answers → documents. ``render(answer, format)`` gives the text of one of the ``EXPORTERS``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.report.layout import Layout

if TYPE_CHECKING:
    from assay.model.answer import Answer

__all__ = ["Layout", "render"]


def render(answer: Answer, format: str = "table", layout: Layout | None = None) -> str:  # noqa: A002
    """The answer as text in ``format``: table, json, csv or md. Raises UnknownName for another one."""
    from assay.model.errors import UnknownName
    from assay.report.exporters import BY_NAME

    if format not in BY_NAME:
        raise UnknownName("format", format, BY_NAME, "assay")
    return BY_NAME[format].render(answer, layout or Layout())
