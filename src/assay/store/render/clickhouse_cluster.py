"""What tables of a cluster do not take: a subquery that is asked anew for each row of the query around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp


def uncorrelated(tree: exp.Expr) -> exp.Expr:
    """``EXISTS (… WHERE inner = outer AND …)`` as ``outer IN (SELECT inner …)``, false where one of them is null."""
    from sqlglot import exp

    for asked in list(tree.find_all(exp.Exists)):
        looked_up = _looked_up(asked.this) if isinstance(asked.this, exp.Select) else None
        if looked_up is not None:
            asked.replace(exp.Coalesce(this=looked_up, expressions=[exp.false()]))
    return tree


def _looked_up(select: exp.Select) -> exp.Expr | None:
    """The condition that says the same; None where none of this kind does, or nothing of the query around is in it."""
    from sqlglot import exp

    where = select.args.get("where")
    if where is None:
        return None
    tables = [select.args["from_"].this, *(join.this for join in select.args.get("joins") or ())]
    inner = {table.alias_or_name for table in tables}
    pairs, rest = [], []
    for condition in where.this.flatten() if isinstance(where.this, exp.And) else [where.this]:
        sides = [condition.this, condition.expression] if isinstance(condition, exp.EQ) else []
        within = [_within(side, inner) for side in sides]
        if _within(condition, inner):
            rest.append(condition.copy())
        elif True in within and not _mixed(sides[within.index(False)], inner):
            pairs.append((sides[within.index(False)].copy(), sides[within.index(True)].copy()))
        else:
            return None
    if not pairs:
        return None
    found = select.copy()
    found.set("expressions", [side for _, side in pairs])
    found.set("where", exp.Where(this=exp.and_(*rest)) if rest else None)
    outer = [side for side, _ in pairs]
    row = outer[0] if len(outer) == 1 else exp.Tuple(expressions=outer)
    return exp.In(this=row, query=exp.Subquery(this=found))


def _within(node: exp.Expr, inner: set[str]) -> bool:
    """Whether nothing of the query around is in it: what names no table is the subquery's own."""
    from sqlglot import exp

    return all(column.table in inner or not column.table for column in node.find_all(exp.Column))


def _mixed(node: exp.Expr, inner: set[str]) -> bool:
    from sqlglot import exp

    return any(column.table in inner or not column.table for column in node.find_all(exp.Column))
