"""Small tables kept beside the events, and questions that are answered from them because they say the same.

A rollup is a query over ``events``; its rows are kept by day. A question names ``events`` only: where one of its parts
could not see a difference, it reads the rollup instead, so definitions stand once, and no answer changes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from assay.store import schema
from assay.store.render.shared import parsed

if TYPE_CHECKING:
    from sqlglot import exp

SQL = "duckdb"  # whose words the queries are in
KEY_EVENTS, EVENT_DAYS = "key_events", "event_days"
# What counts of events are kept by, each with its first and last moment.
GROUPS = ("day", "name", "environment", "bot", "interactive", "browser", "consent")
COUNTED = "counted"
_ENDS = {"Min": "first_t", "Max": "last_t"}  # of t


def rollups(names: Collection[str]) -> dict[str, str]:
    """The rollups, name → query: the events of these names whole, and of all events their numbers by day."""
    listed = ", ".join("'" + name.replace("'", "''") + "'" for name in sorted(names))
    made = {EVENT_DAYS: schema.one(SQL, EVENT_DAYS, groups=", ".join(GROUPS), counted=COUNTED)}
    return made | ({KEY_EVENTS: schema.one(SQL, KEY_EVENTS, names=listed)} if names else {})


def reading(sql: str, params: Mapping[str, Any], made: Mapping[str, str]) -> tuple[str, bool]:
    """A question over the rollups that are ``made`` (name → query); whether it reads the events themselves too."""
    if "events" not in sql:
        return sql, False
    texts = tuple(sorted((name, value) for name, value in params.items() if isinstance(value, str)))
    return _read(sql, texts, tuple(sorted(made.items())))


@lru_cache(maxsize=512)
def _read(sql: str, texts: tuple[tuple[str, str], ...], made: tuple[tuple[str, str], ...]) -> tuple[str, bool]:
    from sqlglot import exp

    tree: Any = parsed(sql, "a warehouse")
    if any(part.alias == "events" for part in tree.find_all(exp.CTE)):
        return sql, True
    queries, values = dict(made), dict(texts)
    kept = _names_kept(queries.get(KEY_EVENTS))
    changed = False
    for select in list(tree.find_all(exp.Select)):
        for table in _tables(select):
            named = _implied(select, table, values)
            if KEY_EVENTS in queries and named is not None and named <= kept:
                _put(table, KEY_EVENTS)
                changed = True
            elif EVENT_DAYS in queries and _counts(select):
                _put(table, EVENT_DAYS)
                _summed(select)
                changed = True
    whole = any(table.name == "events" for table in tree.find_all(exp.Table))
    return (tree.sql(dialect="duckdb") if changed else sql), whole


def _put(table: Any, name: str) -> None:
    """Another table under the name that the statement calls this one."""
    from sqlglot import exp

    if not table.alias:
        table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name)))
    table.set("this", exp.to_identifier(name))


def _tables(select: exp.Select) -> list[Any]:
    """Where a select itself reads events."""
    from sqlglot import exp

    source = select.args.get("from_") or select.args.get("from")
    parts = [source.this] if source else []
    parts += [join.this for join in select.args.get("joins") or ()]
    return [part for part in parts if isinstance(part, exp.Table) and part.name == "events" and not part.args.get("db")]


# -- events of some names ----------------------------------------------------------------------------------------------


def _names_kept(query: str | None) -> frozenset[str]:
    """The names that the rollup of key events holds."""
    from sqlglot import exp

    where: Any = None if query is None else parsed(query, "a warehouse").args.get("where")
    if where is None:
        return frozenset()
    assert isinstance(where.this, exp.In)
    return frozenset(str(one.this) for one in where.this.expressions)


def _implied(select: exp.Select, table: Any, values: Mapping[str, str]) -> frozenset[str] | None:
    """Names of which a row must have one to pass WHERE, whatever else is joined; None: any may."""
    where = select.args.get("where")
    alone = not select.args.get("joins")
    return None if where is None else _names(where.this, {table.alias_or_name, *([""] if alone else [])}, values)


def _names(said: Any, aliases: Collection[str], values: Mapping[str, str]) -> frozenset[str] | None:
    from sqlglot import exp

    if isinstance(said, exp.Paren):
        return _names(said.this, aliases, values)
    if isinstance(said, exp.And | exp.Or):
        sides = [_names(side, aliases, values) for side in (said.left, said.right)]
        known = [side for side in sides if side is not None]
        if isinstance(said, exp.Or):
            return known[0] | known[1] if len(known) == 2 else None
        return frozenset.intersection(*known) if known else None
    if isinstance(said, exp.EQ) and _is_name(said.left, aliases):
        return _texts([said.right], values)
    if isinstance(said, exp.In) and _is_name(said.this, aliases) and said.expressions:
        return _texts(said.expressions, values)
    return None


def _is_name(column: Any, aliases: Collection[str]) -> bool:
    from sqlglot import exp

    return isinstance(column, exp.Column) and column.name == "name" and column.table in aliases


def _texts(said: list[Any], values: Mapping[str, str]) -> frozenset[str] | None:
    """The texts that stand there or are bound; None where one is neither."""
    from sqlglot import exp

    found = [
        one.this if isinstance(one, exp.Literal) and one.is_string
        else values.get(one.name) if isinstance(one, exp.Parameter | exp.Placeholder)
        else None
        for one in said
    ]  # fmt: skip
    return None if None in found else frozenset(str(text) for text in found)


# -- numbers of events by day ------------------------------------------------------------------------------------------


def _counts(select: exp.Select) -> bool:
    """Whether a select only counts events, or asks for their ends, by columns that numbers are kept by."""
    from sqlglot import exp

    if select.args.get("joins") or select.args.get("with_") or select.args.get("with"):
        return False
    inner = (exp.Subquery, exp.Query, exp.Window, exp.Lambda)
    if any(isinstance(node, inner) for part in _clauses(select) for node in part.walk()):
        return False
    folds = [fold for part in _clauses(select) for fold in part.find_all(exp.AggFunc)]
    if not folds or not all(_foldable(fold) for fold in folds):
        return False
    columns = [column for part in _clauses(select) for column in part.find_all(exp.Column)]
    return all(column.name in GROUPS or _end(column.parent, column) for column in columns)


def _clauses(select: exp.Select) -> list[Any]:
    """Everything that a select says, without what it reads."""
    names = ("where", "group", "having", "order", "qualify", "distinct")
    return [*select.expressions, *(part for name in names if (part := select.args.get(name)) is not None)]


def _foldable(fold: Any) -> bool:
    from sqlglot import exp

    if isinstance(fold, exp.Count):
        return isinstance(fold.this, exp.Star)
    return isinstance(fold, exp.Min | exp.Max) and not fold.expressions and isinstance(fold.this, exp.Column)


def _end(fold: Any, column: Any) -> bool:
    """Whether a column is the ``t`` of a first or last moment."""
    return column.name == "t" and type(fold).__name__ in _ENDS


def _summed(select: exp.Select) -> None:
    """Numbers are summed where events were counted."""
    from sqlglot import exp

    def turned(node: Any) -> Any:
        if isinstance(node, exp.Filter) and isinstance(node.this, exp.Sum):
            return _whole(node)
        if isinstance(node, exp.Count):
            sum_ = exp.Sum(this=exp.column(COUNTED))
            return sum_ if isinstance(node.parent, exp.Filter) else _whole(sum_)
        if isinstance(node, exp.Column) and _end(node.parent, node):
            return exp.column(_ENDS[type(node.parent).__name__], table=node.args.get("table"))
        return node

    for node in reversed([node for part in _clauses(select) for node in part.walk()]):
        new = turned(node)
        if new is not node:
            node.replace(new)


def _whole(total: Any) -> Any:
    """A sum as a count would be: 0 for no rows, a whole number of 64 bits."""
    from sqlglot import exp

    return exp.cast(exp.func("coalesce", total.copy(), exp.Literal.number(0)), "bigint")
