"""Pictures of answers: one file per kind. ``KINDS`` lists them; an answer without a kind has a table alone."""

from __future__ import annotations

from types import ModuleType

from assay.charts import (
    bars,
    funnel,
    intervals,
    lifecycle,
    line,
    marks,
    pace,
    retention,
    sankey,
    sequence,
    survival,
    tiles,
    waterfall,
    whiskers,
)
from assay.charts.base import Chart
from assay.charts.spark import Spark, spark, spark_of
from assay.model.answer import Answer

KINDS: tuple[ModuleType, ...] = (
    bars,
    line,
    tiles,
    pace,
    funnel,
    waterfall,
    whiskers,
    intervals,
    sequence,
    retention,
    lifecycle,
    survival,
    sankey,
    marks,
)
WITHOUT = ("table", "list", "definition")  # a picture would say nothing that the table does not
_DRAWERS = {kind.KIND: kind.draw for kind in KINDS}

__all__ = ["KINDS", "WITHOUT", "Chart", "Spark", "chart", "spark", "spark_of"]


def chart(answer: Answer) -> Chart | None:
    """The picture of an answer; None where it has none: no rows, nothing to draw, or a kind without a picture."""
    spec = answer.chart
    if not spec or not answer.rows or spec["kind"] in WITHOUT:
        return None
    made: Chart | None = _DRAWERS[spec["kind"]](answer, spec)
    return made
