"""Parts of a statement that are worked out once and kept, because the rest reads them more than once.

Spark writes the text of a named part in every place that reads it. Where each step of a funnel reads the step before
twice, ten steps would read the events a thousand times over.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

MANY = 3  # a part that reads so many tables, and is read more than once itself, is kept


def kept(tree: Any) -> list[tuple[str, Any]]:
    """Take out of a statement what is to be kept first: name and query of each part, in their order."""
    from sqlglot import exp

    clause = tree.args.get("with_")
    parts: list[Any] = list(clause.expressions) if clause is not None else []
    read = {part.alias.lower(): _read(part.this) for part in parts}
    plain = len(read) == len(parts) and not any(name in tables for name, tables in read.items())
    if clause is None or clause.args.get("recursive") or not plain:
        return []
    rest = tree.copy()
    rest.set("with_", None)
    readers = sum(read.values(), _read(rest))
    weight: dict[str, int] = {}
    taken: list[tuple[str, Any]] = []
    for place, part in enumerate(parts):
        name = part.alias.lower()
        weight[name] = sum(times * weight.get(table, 1) for table, times in read[name].items())
        if readers[name] > 1 and weight[name] >= MANY:
            weight[name] = 1
            view = f"kept_{len(taken)}_{name}"
            taken.append((view, _alone(parts[:place], part.this)))
            part.set("this", exp.select("*").from_(view))
    return taken


def _read(node: Any) -> Counter[str]:
    """Names of tables in a query, and how often they stand there."""
    from sqlglot import exp

    return Counter(table.name.lower() for table in node.find_all(exp.Table))


def _alone(before: list[Any], query: Any) -> Any:
    """A query with the parts that it needs."""
    from sqlglot import exp

    by_name = {part.alias.lower(): part for part in before}
    needed: set[str] = set()
    open_queries = [query]
    while open_queries:
        new = (_read(open_queries.pop()).keys() & by_name.keys()) - needed
        needed |= new
        open_queries += [by_name[name].this for name in new]
    alone = query.copy()
    clause = [part.copy() for name, part in by_name.items() if name in needed]
    if clause:
        own = alone.args.get("with_")
        alone.set("with_", exp.With(expressions=clause + (list(own.expressions) if own else [])))
    return alone
