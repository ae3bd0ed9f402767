"""The chart of an answer as SVG, where the charts can draw; None where they cannot."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from assay.model.answer import Answer


def drawing(answer: Answer, theme: str = "print") -> str | None:
    """SVG text without a script, in colours of the ``theme`` (light, dark, print); or None."""
    try:
        charts: Any = import_module("assay.charts")
        draw: Any = import_module("assay.charts.svg").svg
    except (ImportError, AttributeError):
        return None
    made = charts.chart(answer)
    if made is None:
        return None
    text = draw(made, theme)
    return (
        text if isinstance(text, str) and text.lstrip().startswith("<svg") and "<script" not in text.lower() else None
    )
