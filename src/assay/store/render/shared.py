"""What rendering into any dialect needs: reading a statement, replacing its parts, keys of JSON paths."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from assay.model.errors import MachineError

if TYPE_CHECKING:
    from sqlglot import exp


def parsed(sql: str, engine: str) -> exp.Expr:
    """A statement in DuckDB's words as a tree."""
    import sqlglot
    from sqlglot import errors

    try:
        return sqlglot.parse_one(sql, dialect="duckdb")
    except errors.ParseError as error:
        raise MachineError(f"this statement cannot be said in {engine}'s words: {error}") from error


def replaced(tree: exp.Expr, by: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
    """The tree with each node replaced, from the leaves up: a replaced node holds its replaced parts."""
    for node in reversed(list(tree.walk())):
        new = by(node)
        if new is not node:
            if node is tree:
                tree = new
            else:
                node.replace(new)
    return tree


def key_of(path: str) -> str:
    """``$."a b"`` → ``a b``."""
    return path[3:-1].replace('\\"', '"') if path.startswith('$."') else path.removeprefix("$.")
