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
        if _of(condition, inner) <= {True}:
            rest.append(condition.copy())
            continue
        sides = [condition.this, condition.expression] if isinstance(condition, exp.EQ) else []
        outer = [side for side in sides if _of(side, inner) == {False}]
        looked = [side for side in sides if _of(side, inner) <= {True}]
        if not outer or not looked:
            return None
        pairs.append((outer[0].copy(), looked[0].copy()))
    if not pairs:
        return None
    found = select.copy()
    found.set("expressions", [side for _, side in pairs])
    found.set("where", exp.Where(this=exp.and_(*rest)) if rest else None)
    around = [side for side, _ in pairs]
    row = around[0] if len(around) == 1 else exp.Tuple(expressions=around)
    return exp.In(this=row, query=exp.Subquery(this=found))


def _of(node: exp.Expr, inner: set[str]) -> set[bool]:
    """Whether its columns are the subquery's own: what names no table is. Both where mixed, none of a value."""
    from sqlglot import exp

    return {column.table in inner or not column.table for column in node.find_all(exp.Column)}
