"""Evaluates the checked arithmetic of a derived metric, exactly where its parts are exact."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from assay.stats.ratios import quotient


def evaluate(text: str, values: Mapping[str, Any]) -> Any:
    """The value of an arithmetic expression over metric values; None where something is divided by nothing."""
    import sqlglot

    try:
        return _walk(sqlglot.parse_one(text, dialect="duckdb"), values)
    except ZeroDivisionError:
        return None


def _walk(node: Any, values: Mapping[str, Any]) -> Any:
    from sqlglot import exp

    if isinstance(node, exp.Paren):
        return _walk(node.this, values)
    if isinstance(node, exp.Column):
        return values[node.name]
    if isinstance(node, exp.Literal):
        return Decimal(node.this)
    if isinstance(node, exp.Neg):
        return -_walk(node.this, values)
    if isinstance(node, exp.Coalesce):
        parts = (_walk(part, values) for part in (node.this, *node.expressions))
        return next((p for p in parts if p is not None), None)
    left, right = _like(_walk(node.this, values), _walk(node.expression, values))
    if isinstance(node, exp.Add):
        return left + right
    if isinstance(node, exp.Sub):
        return left - right
    if isinstance(node, exp.Mul):
        return left * right
    if isinstance(node, exp.Mod):
        return left % right
    if right == 0:
        raise ZeroDivisionError
    return quotient(left, right)


def _like(left: Any, right: Any) -> tuple[Any, Any]:
    if isinstance(left, float) or isinstance(right, float):
        return float(left), float(right)
    if isinstance(left, Decimal) or isinstance(right, Decimal):
        return Decimal(left), Decimal(right)
    return left, right
