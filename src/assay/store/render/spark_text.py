"""Fractions as texts: Java writes those below 0.001 and from ten million on with an exponent, DuckDB does later."""

from __future__ import annotations

from typing import Any

from assay.store.schema import text


def text_of(node: Any) -> Any:
    """The cast of a column or of a number read from a text into a text; any other cast as it is."""
    from sqlglot import exp

    value = node.this.unnest()
    number = isinstance(value, exp.TryCast) and value.to.this == exp.DataType.Type.DOUBLE
    if not node.is_type("text", "varchar") or not (number or isinstance(value, exp.Column)):
        return node
    return filled("fraction", value)


def filled(which: str, value: Any) -> Any:
    """An expression of the ``.sql`` files over a value."""
    import sqlglot
    from sqlglot import exp

    made: Any = sqlglot.parse_one(text("spark", which), dialect="spark")
    for place in list(made.find_all(exp.Column)):
        if place.name == "value_":
            place.replace(value.copy())
    return made
