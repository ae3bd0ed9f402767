"""What a statement of the loader does to which table, as a query: for stores whose files are never changed in place.

``DELETE`` and ``UPDATE`` become the query for what the table says afterwards, and the condition under which a row of it
changes; so a table that lies in parts has only those written anew in which something does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from assay.store.render.shared import parsed

HIT = "hit_"


@dataclass(frozen=True)
class Act:
    """``kind``: ask, make (a table from a query), declare, append, replace, clear, drop, alter or other.

    ``reads``: tables that it names, without its target. ``sql``: the query, in DuckDB's words. ``changed``: the query
    for the parts of the table in which a row changes, or that one goes into.
    """

    kind: str
    sql: str = ""
    table: str = ""
    reads: frozenset[str] = frozenset()
    changed: str = ""
    temporary: bool = False
    columns: tuple[str, ...] = ()


@lru_cache(maxsize=1024)
def understood(sql: str) -> Act:
    """What a statement does; ``replace`` waits for the columns of its table (``replaced``)."""
    from sqlglot import exp

    tree: Any = parsed(sql, "a warehouse")
    if isinstance(tree, exp.Create):
        return _created(sql, tree)
    if isinstance(tree, exp.Insert):
        target = _table(tree)
        return Act("append", _said(tree.expression), target, _reads(tree.expression))
    if isinstance(tree, exp.Delete | exp.Update):
        kind = "clear" if isinstance(tree, exp.Delete) and tree.args.get("where") is None else "replace"
        reads = _reads(tree) - ({tree.this.name} if _once(tree) else set())
        return Act(kind, sql, tree.this.name, reads)
    if isinstance(tree, exp.Drop):
        return Act("drop", sql, _table(tree))
    if isinstance(tree, exp.Alter):
        actions = tree.args["actions"]
        added = tuple(one.name for one in actions if isinstance(one, exp.ColumnDef))
        return Act("alter", sql, tree.this.name, columns=added)
    if isinstance(tree, exp.Query | exp.Describe):
        return Act("ask", sql, reads=_reads(tree))
    return Act("other", sql)


def _created(sql: str, tree: Any) -> Act:
    from sqlglot import exp

    name = _table(tree)
    temporary = tree.find(exp.TemporaryProperty) is not None
    if tree.args["kind"] == "VIEW":
        return Act("other", sql)
    if tree.expression is None or isinstance(tree.this, exp.Schema):
        return Act("declare", sql, name, temporary=temporary)
    return Act("make", _said(tree.expression), name, _reads(tree.expression), temporary=temporary)


def _once(tree: Any) -> bool:
    """Whether a statement that changes a table does not read it too."""
    from sqlglot import exp

    return [table.name for table in tree.find_all(exp.Table)].count(tree.this.name) == 1


def _table(tree: Any) -> str:
    """The name of the table that a statement is about."""
    from sqlglot import exp

    return str(tree.find(exp.Table).name)


def _reads(tree: Any) -> frozenset[str]:
    """Names of the tables that a statement reads; its own named parts are none."""
    from sqlglot import exp

    parts = {part.alias for part in tree.find_all(exp.CTE)}
    return frozenset({table.name for table in tree.find_all(exp.Table) if table.name} - parts)


def _said(query: Any) -> str:
    from sqlglot import exp

    query = query.copy()
    for table in query.find_all(exp.Table):  # a warehouse has one set of tables
        table.set("db", None)
        table.set("catalog", None)
    return str(query.sql(dialect="duckdb"))


@lru_cache(maxsize=1024)
def replaced(sql: str, columns: tuple[str, ...], part: str = "", fresh: frozenset[str] = frozenset()) -> Act:
    """A ``DELETE`` or ``UPDATE`` as the query for all columns afterwards.

    ``part``: an expression that says which part of its table a row is in; ``fresh``: columns that hold nothing yet.
    """
    from sqlglot import exp

    tree: Any = parsed(sql, "a warehouse")
    act, table = understood(sql), str(tree.this.name)
    place = exp.to_identifier(table)
    rows, hit = (_deleted if isinstance(tree, exp.Delete) else _updated)(tree, place)
    new = {one.this.name: one.expression for one in tree.expressions or ()} if isinstance(tree, exp.Update) else {}
    listed = [_column(name, place, new.get(name), hit, name in fresh) for name in columns]
    changed = ""
    if part:
        parts: list[Any] = [exp.maybe_parse(part, dialect="duckdb")]
        if any(column.name in new for column in parts[0].find_all(exp.Column)):  # rows go into other parts
            parts.append(parts[0].transform(lambda one: _as_updated(one, new)))
        found = [_changing(tree, exp.select(one.as_("part")).distinct().from_(place)) for one in parts]
        changed = _said(found[0] if len(found) == 1 else exp.union(*found))
    return Act("replace", _said(rows.select(*listed)), table, act.reads, changed)


def _as_updated(node: Any, new: Mapping[str, Any]) -> Any:
    """A column as what an update makes of it."""
    from sqlglot import exp

    return exp.paren(new[node.name].copy()) if isinstance(node, exp.Column) and node.name in new else node


def _column(name: str, table: Any, new: Any, hit: Any, fresh: bool) -> Any:
    """What a column says afterwards."""
    from sqlglot import exp

    column = exp.column(exp.to_identifier(name, quoted=True), table=table.copy())
    if new is None:
        return column
    old = exp.null() if fresh else column
    return exp.case().when(hit.copy(), new.copy()).else_(old).as_(name, quoted=True)


def _deleted(tree: Any, table: Any) -> tuple[Any, Any]:
    """The rows that stay."""
    from sqlglot import exp

    gone = exp.Is(this=exp.paren(_condition(tree)), expression=exp.true())
    return exp.select().from_(table.copy()).where(exp.Not(this=gone)), None


def _updated(tree: Any, table: Any) -> tuple[Any, Any]:
    """All rows, and how to tell those that change."""
    from sqlglot import exp

    rows, source = exp.select().from_(table.copy()), _source(tree)
    if source is None:
        return rows, _condition(tree)
    matched = source.this.alias_or_name
    return (
        rows.join(_marked(source), on=_condition(tree), join_type="left"),
        exp.column(HIT, table=matched),
    )


def _changing(tree: Any, rows: Any) -> Any:
    """Only the rows that change."""
    source = _source(tree)
    if source is None:
        return rows.where(_condition(tree))
    return rows.join(_marked(source), on=_condition(tree))


def _condition(tree: Any) -> Any:
    """The condition of a statement over its own table: what it is told by other tables stands in it as a query."""
    from sqlglot import exp

    where = tree.args.get("where")
    condition = exp.true() if where is None else where.this.copy()
    using = tree.args.get("using")
    if using:
        return exp.Exists(this=exp.select("1").from_(using[0].copy()).where(condition))
    return condition


def _source(tree: Any) -> Any:
    return tree.args.get("from_") or tree.args.get("from")


def _marked(source: Any) -> Any:
    """The rows that an update takes its values from, each with a mark that is never null."""
    from sqlglot import exp

    name = source.this.alias_or_name
    star = exp.Column(this=exp.Star(), table=exp.to_identifier(name))
    return exp.select(star, exp.true().as_(HIT)).from_(source.this.copy()).subquery(name)
