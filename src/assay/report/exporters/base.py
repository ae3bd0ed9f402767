"""What every exporter is: an answer in, text out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from assay.model.answer import Answer
from assay.report.layout import Layout


@dataclass(frozen=True)
class Exporter:
    """``name`` is what ``--format`` takes; ``media`` the type that HTTP names."""

    name: str
    media: str
    render: Callable[[Answer, Layout], str]
