"""DuckDB's words → ClickHouse's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from assay.store.render.clickhouse_cluster import uncorrelated
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

_MARK = "__place"  # after the name of a table that is called otherwise where it is
_PLACE = re.compile(rf"\b(\w+?){_MARK}\b")
_BITS = {"BitwiseLeftShift": "bitShiftLeft", "BitwiseRightShift": "bitShiftRight", "BitwiseAnd": "bitAnd"}


def render(
    sql: str, params: Mapping[str, Any], places: Mapping[str, str] | None = None, spread: bool = False
) -> tuple[str, dict[str, Any]]:
    """The statement in ClickHouse's words, and its values by name (paths into JSON become keys).

    ``places``: table → where it is, for tables that are called otherwise there; ``spread``: over a cluster.
    """
    kinds = tuple(sorted((name, _kind(value)) for name, value in params.items() if value is not None))
    text, keys = _clickhouse(sql, kinds, tuple(sorted(name for name in places or () if name in sql)), spread)
    values = {name: params[name] for name, kind in kinds}
    for name in keys:
        values[name] = key_of(str(values[name]))
    if places:
        text = _PLACE.sub(lambda found: places.get(found[1], found[0]), text)
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
def _clickhouse(
    sql: str, kinds: tuple[tuple[str, str], ...], placed: tuple[str, ...] = (), spread: bool = False
) -> tuple[str, frozenset[str]]:
    from sqlglot import exp

    keys: set[str] = set()
    known = dict(kinds)
    tree = parsed(sql, "ClickHouse")
    tree = replaced(uncorrelated(tree) if spread else tree, lambda node: _node(node, known, keys))
    for select in tree.find_all(exp.Select):  # else a column of several joined tables is called ``u.unit``
        for column in select.expressions:
            if isinstance(column, exp.Column) and column.table and not isinstance(column.this, exp.Star):
                column.replace(exp.alias_(column.copy(), column.name, quoted=column.this.quoted))
    parts = {part.alias for part in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if table.name in placed and table.name not in parts:
            if not table.alias:
                table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name)))
            table.set("this", exp.to_identifier(f"{table.name}{_MARK}"))
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
        return _cast_or_null(node.this, node.to.sql(dialect="duckdb"))
    return _function(node)


def _cast_or_null(value: exp.Expr, kind: str) -> exp.Expr:
    """Texts are read as numbers as DuckDB does: blanks around do not count, what has too many places is rounded."""
    from sqlglot import exp

    def cast(what: exp.Expr, target: str) -> exp.Expr:
        return exp.func("accurateCastOrNull", what, exp.Literal.string(target))

    decimal = kind.startswith("DECIMAL")
    target = kind.replace("DECIMAL", "Decimal") if decimal else _CAST_OR_NULL[kind.split("(")[0]]
    if not decimal and target not in ("Int64", "Int32", "Float64"):
        return cast(value, target)
    text = exp.func("toString", value)
    bare = exp.Anonymous(
        this="replaceRegexpAll", expressions=[text, exp.Literal.string(r"^\s+|\s+$"), exp.Literal.string("")]
    )
    if target == "Float64":
        return cast(bare, target)
    places = kind.rstrip(")").split(",")[1].strip() if decimal else "0"
    rounded = exp.func("round", cast(bare, "Decimal(76, 20)"), exp.Literal.number(places))
    return cast(exp.func("toString", rounded), target)


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
    if isinstance(node, exp.Lag | exp.Lead):  # where there is no such row: null, not the type's default
        node.set("this", exp.func("toNullable", node.this))
    if isinstance(node, exp.Anonymous) and node.name.lower() == "md5_number_lower":
        last = exp.func(
            "substring",
            exp.Anonymous(this="MD5", expressions=node.expressions),
            exp.Literal.number(9),
            exp.Literal.number(8),
        )
        return exp.func("reinterpretAsUInt64", last)
    if isinstance(node, exp.SHA2):  # bytes there, as hexadecimal text elsewhere
        return exp.Anonymous(
            this="lower", expressions=[exp.Hex(this=exp.Anonymous(this="SHA256", expressions=[node.this]))]
        )
    if isinstance(node, exp.Cast) and isinstance(node.this.unnest(), exp.Mul) and len(node.to.expressions) == 2:
        node.set("this", exp.func("round", node.this.copy(), node.to.expressions[1].this.copy()))  # else it is cut off
        return node
    if isinstance(node, exp.Cast) and node.is_type("text", "varchar") and (places := _places(node.this)) is not None:
        return exp.func("toDecimalString", node.this, exp.Literal.number(places))  # else it ends at its last digit
    if isinstance(node, exp.Lower | exp.Upper):  # else letters outside ASCII stay as they are
        return exp.Anonymous(this="lowerUTF8" if isinstance(node, exp.Lower) else "upperUTF8", expressions=[node.this])
    if isinstance(node, exp.LogicalOr | exp.LogicalAnd):
        return exp.func("max" if isinstance(node, exp.LogicalOr) else "min", node.this)
    if isinstance(node, exp.AnyValue):
        return exp.func("any", node.this)
    if isinstance(node, exp.Dot) and isinstance(node.this, exp.ArgMin | exp.ArgMax):
        return exp.func("tupleElement", node.this, exp.Literal.number(1))
    if isinstance(node, exp.Struct):
        return exp.func("tuple", *(_called(one) for one in node.expressions))
    if isinstance(node, exp.Transform):
        return exp.func("arrayMap", node.expression, node.this)
    if isinstance(node, exp.GenerateSeries) and node.args.get("is_end_exclusive"):
        return exp.Anonymous(this="range", expressions=[node.args["start"], node.args["end"]])
    if isinstance(node, exp.Bracket) and isinstance(node.expressions[0], exp.Slice):
        return exp.func("arraySlice", node.this, node.expressions[0].this)
    if isinstance(node, exp.RegexpReplace):
        every = node.args.get("modifiers")
        name = "replaceRegexpAll" if every is not None and every.name == "g" else "replaceRegexpOne"
        return exp.func(name, node.this, node.expression, node.args["replacement"])
    if isinstance(node, exp.SplitPart):
        parts = exp.func("splitByString", node.args["delimiter"], exp.func("assumeNotNull", node.this))
        part = exp.func("arrayElement", parts, node.args["part_index"])
        return exp.case().when(exp.Not(this=exp.Is(this=node.this.copy(), expression=exp.null())), part)
    return node


def _places(node: exp.Expr) -> int | None:
    """How many places a value has after the point, where its type says so beside it."""
    from sqlglot import exp

    if isinstance(node, exp.Cast) and node.to.this == exp.DataType.Type.DECIMAL:
        kind = node.to.sql(dialect="duckdb")
    elif isinstance(node, exp.Anonymous) and node.name == "accurateCastOrNull":
        kind = node.expressions[1].name
    else:
        return None
    found = re.fullmatch(r"decimal\(\d+, ?(\d+)\)", kind.lower())
    return int(found[1]) if found else None


def _called(field: exp.Expr) -> exp.Expr:
    """A field of a struct under its name."""
    from sqlglot import exp

    if not isinstance(field, exp.PropertyEQ):
        return field
    value = field.expression
    plain = isinstance(value, exp.Column) and not value.table and value.name == field.name
    return value if plain else exp.alias_(value, field.name)  # a name given to itself would mean itself


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
