"""derived: arithmetic over other metrics."""

from __future__ import annotations

from assay.plan.draft import BROKEN, Place
from assay.plan.expressions import ExpressionError, arithmetic
from assay.plan.forms import Text
from assay.plan.kpis.base import Described, MetricKeys, MetricType
from assay.plan.measures import Expression, Quantity


class Keys(MetricKeys):
    """``expression`` names other metrics."""

    expression: Text


def names_in(text: str, place: Place) -> Expression:
    """The checked expression over the names of all other metrics; a mistake is reported and stands as BROKEN."""
    written = dict.fromkeys(place.draft.entries("metrics"), "number")
    try:
        return arithmetic(text, written)
    except ExpressionError as error:
        message = str(error).replace("dimension or declared property", "metric")
        place.problem(message, "expression", code="expression")
        return BROKEN


def describe(keys: Keys, place: Place) -> Described:
    """A value from other metrics' values; it has no unit of its own."""
    if keys.where is not None:
        place.problem("a derived metric has no rows; put where: into the metrics that it uses", "where", code="no_rows")
    expression = names_in(keys.expression, place)
    if not expression.names and expression is not BROKEN:
        place.problem("the expression names no metric", "expression", code="expression")
    quantity = Quantity("derived", expression=expression)
    return Described(quantity, (expression.text, ""), "number", uses=expression.names)


TYPE = MetricType("derived", Keys, describe, "arithmetic over other metrics")
