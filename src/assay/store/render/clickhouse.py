"""DuckDB's words → ClickHouse's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from assay.store.render.shared import key_of, parsed, replaced

if TYPE_CHECKING:
    from sqlglot import exp

_CAST_OR_NULL = {
    "BIGINT": "Int64",
    "INT": "Int32",
    "DOUBLE": "Float64",
    "DATE": "Date32",
    "BOOLEAN": "Bool",
    "TIMESTAMP": "DateTime64(6)",
}

_BITS = {"BitwiseLeftShift": "bitShiftLeft", "BitwiseRightShift": "bitShiftRight", "BitwiseAnd": "bitAnd"}


def render(sql: str, params: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The statement in ClickHouse's words, and its values by name (paths into JSON become keys)."""
    kinds = tuple(sorted((name, _kind(value)) for name, value in params.items() if value is not None))
    text, keys = _clickhouse(sql, kinds)
    values = {name: params[name] for name, kind in kinds}
    for name in keys:
        values[name] = key_of(str(values[name]))
    return text, values


def _kind(value: Any) -> str:
    """ClickHouse's type of a bound value."""
    if isinstance(value, bool):
        return "Bool"
    if isinstance(value, int):
        return "Int64"
    if isinstance(value, float):
        return "Float64"
    if isinstance(value, Decimal):
        return "Decimal(38, 9)"
    if isinstance(value, date):
        return "Date32"
    if isinstance(value, list | tuple):
        return f"Array({_kind(value[0])})" if value else "Array(String)"
    return "String"


@lru_cache(maxsize=512)
def _clickhouse(sql: str, kinds: tuple[tuple[str, str], ...]) -> tuple[str, frozenset[str]]:
    from sqlglot import exp

    keys: set[str] = set()
    known = dict(kinds)
    tree = replaced(parsed(sql, "ClickHouse"), lambda node: _node(node, known, keys))
    for select in tree.find_all(exp.Select):  # else a column of several joined tables is called ``u.unit``
        for column in select.expressions:
            if isinstance(column, exp.Column) and column.table and not isinstance(column.this, exp.Star):
                column.replace(exp.alias_(column.copy(), column.name, quoted=column.this.quoted))
    return tree.sql(dialect="clickhouse"), frozenset(keys)


def _node(node: exp.Expr, kinds: Mapping[str, str], keys: set[str]) -> exp.Expr:
    from sqlglot import exp

    if isinstance(node, exp.Placeholder) and node.args.get("kind") is None:
        name = node.name
        return exp.Placeholder(this=name, kind=exp.Var(this=kinds[name])) if name in kinds else exp.null()
    if isinstance(node, exp.JSONExtractScalar):
        return _json(node, keys)
    if isinstance(node, exp.Explode | exp.Unnest):
        listed = node.find(exp.JSONExtract)
        if listed is not None:  # the parts of a JSON array, as text
            parts = exp.func("JSONExtractArrayRaw", exp.func("assumeNotNull", listed.this))
            return exp.func("arrayJoin", parts)
    if isinstance(node, exp.TryCast):
        kind = node.to.sql(dialect="duckdb")
        target = kind.replace("DECIMAL", "Decimal") if kind.startswith("DECIMAL") else _CAST_OR_NULL[kind.split("(")[0]]
        return exp.func("accurateCastOrNull", node.this, exp.Literal.string(target))
    return _function(node)


def _json(node: exp.JSONExtractScalar, keys: set[str]) -> exp.Expr:
    from sqlglot import exp

    path = node.expression
    if isinstance(path, exp.Placeholder):
        keys.add(path.name)
        key: exp.Expr = path
    else:
        parts = list(path.find_all(exp.JSONPathKey))
        key = exp.Literal.string(str(parts[-1].this) if parts else key_of(path.name))
    return exp.func("JSONExtract", node.this, key, exp.Literal.string("Nullable(String)"))


def _function(node: exp.Expr) -> exp.Expr:
    from sqlglot import exp

    if isinstance(node, exp.RegexpFullMatch):
        anchored = exp.func("concat", exp.Literal.string("^(?:"), node.expression, exp.Literal.string(")$"))
        return exp.func("match", node.this, anchored)
    if isinstance(node, exp.Sub) and _is_day(node.expression):
        return exp.Anonymous(this="dateDiff", expressions=[exp.Literal.string("day"), node.expression, node.this])
    if isinstance(node, exp.IntDiv):
        return exp.func("intDiv", node.this, node.expression)
    if isinstance(node, exp.GroupConcat) and isinstance(node.this, exp.Order):
        return _joined(node)
    if isinstance(node, exp.PercentileCont):
        return exp.ParameterizedAgg(this="quantileExactInclusive", expressions=[node.expression], params=[node.this])
    if type(node).__name__ in _BITS:
        return exp.Anonymous(this=_BITS[type(node).__name__], expressions=[node.this, node.expression])
    if isinstance(node, exp.AnyValue):
        return exp.func("any", node.this)
    if isinstance(node, exp.Dot) and isinstance(node.this, exp.ArgMin | exp.ArgMax):
        return exp.func("tupleElement", node.this, exp.Literal.number(1))
    if isinstance(node, exp.Struct):
        return exp.func("tuple", *(e.expression if isinstance(e, exp.PropertyEQ) else e for e in node.expressions))
    return node


def _is_day(node: exp.Expr) -> bool:
    from sqlglot import exp

    if isinstance(node, exp.Placeholder):
        return str(node.args.get("kind")) == "Date32"
    return isinstance(node, exp.Cast) and node.to.this == exp.DataType.Type.DATE


_JOINED = (
    "nullIf(arrayStringConcat(arrayMap(x -> tupleElement(x, 2), arraySort(x -> tupleElement(x, 1), "
    "groupArrayIf(tuple(keys_, assumeNotNull(text_)), NOT text_ IS NULL))), mark_), '')"
)


def _joined(node: exp.GroupConcat) -> exp.Expr:
    """Texts joined in an order (ascending); ClickHouse has no ordered aggregate."""
    import sqlglot
    from sqlglot import exp

    keys = exp.func("tuple", *(ordered.this for ordered in node.this.expressions))
    parts = {"keys_": keys, "text_": node.this.this, "mark_": node.args.get("separator") or exp.Literal.string(",")}

    def fill(one: exp.Expr) -> exp.Expr:
        return parts[one.name].copy() if isinstance(one, exp.Column) and one.name in parts else one

    return sqlglot.parse_one(_JOINED, dialect="clickhouse").transform(fill)
