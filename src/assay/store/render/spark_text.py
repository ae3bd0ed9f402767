"""Fractions as texts: Java writes those below 0.001 and from ten million on with an exponent, DuckDB does later."""

from __future__ import annotations

from typing import Any

from assay.store.schema import text


def text_of(node: Any) -> Any:
    """The cast of a column or of a number read from a text into a text; any other cast as it is."""
    import sqlglot
    from sqlglot import exp

    value = node.this.unnest()
    number = isinstance(value, exp.TryCast) and value.to.this == exp.DataType.Type.DOUBLE
    if not node.is_type("text", "varchar") or not (number or isinstance(value, exp.Column)):
        return node
    made: Any = sqlglot.parse_one(text("spark", "fraction"), dialect="spark")
    for place in list(made.find_all(exp.Column)):
        if place.name == "value_":
            place.replace(value.copy())
    return made
