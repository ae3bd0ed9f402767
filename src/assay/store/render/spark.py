"""DuckDB's words → Spark's. Values are bound by name, so that none ever becomes SQL text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from assay.model.errors import MachineError
from assay.store.render import java_regex, spark_asof, spark_parts, spark_text
from assay.store.render.shared import key_of, parsed, replaced

if TYPE_CHECKING:
    from sqlglot import exp

# How a bound value has to be written where it stands: a pattern in Java's words, a path into JSON as Spark's.
Writing = Callable[[str], str]


@dataclass(frozen=True)
class Rendered:
    """A statement in Spark's words. ``kept``: views of what is worked out first; ``values`` of all by name."""

    sql: str
    values: Mapping[str, Any]
    kept: tuple[tuple[str, str], ...] = ()

    def of(self, sql: str) -> dict[str, Any]:
        """The values that a text names."""
        return {name: value for name, value in self.values.items() if re.search(rf":{name}\b", sql)}


def render(sql: str, params: Mapping[str, Any]) -> Rendered:
    """The statement in Spark's words, and its values."""
    kinds = tuple(sorted((name, _kind(value)) for name, value in params.items() if value is not None))
    text, kept, written = _spark(sql, kinds)
    values = {name: list(v) if isinstance(v := params[name], tuple) else v for name, _ in kinds}
    for name, (source, write) in written.items():
        values[name] = write(str(params[source]))
    return Rendered(text, values, kept)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, int):
        return "whole"
    return "day" if isinstance(value, date) else "other"


@lru_cache(maxsize=512)
def _spark(
    sql: str, kinds: tuple[tuple[str, str], ...]
) -> tuple[str, tuple[tuple[str, str], ...], dict[str, tuple[str, Writing]]]:
    from sqlglot import exp

    turning = _Turning(dict(kinds))
    tree = replaced(parsed(sql, "Spark"), turning.node)
    for select in list(tree.find_all(exp.Select)):
        spark_asof.without(select)
    kept = tuple((name, query.sql(dialect=_words())) for name, query in spark_parts.kept(tree))
    return tree.sql(dialect=_words()), kept, turning.written


@lru_cache(maxsize=1)
def _words() -> Any:
    """SQLGlot's Spark without what only Hive lacked: named parts of an inner query stay there, ``QUALIFY`` is known."""
    from sqlglot import exp, transforms
    from sqlglot.dialects.spark import Spark

    class Now(Spark):  # type: ignore[misc,unused-ignore]
        class Generator(Spark.Generator):  # type: ignore[name-defined,misc,valid-type,unused-ignore]
            EXPRESSIONS_WITHOUT_NESTED_CTES: frozenset[Any] = frozenset()
            TRANSFORMS = {  # noqa: RUF012
                **Spark.Generator.TRANSFORMS,
                exp.Select: transforms.preprocess(
                    [transforms.eliminate_distinct_on, transforms.unnest_to_explode, transforms.any_to_exists]
                ),
            }

    return Now


class _Turning:
    """One statement: what its values are, and how those that stand for patterns and paths are written."""

    def __init__(self, kinds: Mapping[str, str]) -> None:
        self.kinds = kinds
        self.written: dict[str, tuple[str, Writing]] = {}

    def node(self, node: exp.Expr) -> exp.Expr:
        """What stands for a node whose parts are turned already."""
        turn = _TURNS.get(type(node).__name__)
        return node if turn is None else turn(self, node)

    def said(self, node: exp.Expr, write: Writing, what: str) -> exp.Expr:
        """A literal or a bound value written in another way."""
        from sqlglot import exp

        if isinstance(node, exp.Literal) and node.is_string:
            return exp.Literal.string(write(node.this))
        bound = node.this if isinstance(node, exp.Cast) and isinstance(node.this, exp.Placeholder) else node
        if isinstance(bound, exp.Placeholder):
            name = f"{bound.name}_{write.__name__}"
            self.written[name] = (bound.name, write)
            return exp.Placeholder(this=name)
        raise MachineError(f"Spark takes {what} only as a fixed text, not as {node.sql(dialect='duckdb')}")


def _path(path: str) -> str:
    """``$."a b"`` → ``$['a b']``."""
    key = key_of(path)
    if "'" in key or not key:
        raise MachineError(f"Spark finds no property of the name {key}")
    return f"$['{key}']"


def _placeholder(turning: _Turning, node: Any) -> Any:
    from sqlglot import exp

    kind = turning.kinds.get(node.name)
    if kind is None:
        return exp.null()
    return (
        exp.cast(exp.Placeholder(this=node.name), "bigint") if kind == "whole" else node
    )  # else sums of days' µs overflow


def _double(node: exp.Expr) -> exp.Expr:
    from sqlglot import exp

    return exp.cast(node.copy(), "double")


def _div(_: _Turning, node: Any) -> Any:
    from sqlglot import exp

    return exp.Div(this=_double(node.this), expression=_double(node.expression), typed=False, safe=False)


def _sub(turning: _Turning, node: Any) -> Any:
    from sqlglot import exp

    right = node.expression
    day = isinstance(right, exp.Cast) and right.to.this == exp.DataType.Type.DATE
    day = day or (isinstance(right, exp.Placeholder) and turning.kinds.get(right.name) == "day")
    return exp.Anonymous(this="datediff", expressions=[node.this, right]) if day else node


def _sum(_: _Turning, node: Any) -> Any:
    """Sums of whole numbers have no end in DuckDB; in Spark a decimal has 38 digits. Other types stay."""
    from sqlglot import exp

    value = node.this
    if isinstance(value, exp.Cast | exp.Literal | exp.Distinct) or _small(value):
        return node
    return exp.Sum(
        this=exp.Add(this=exp.paren(value.copy()), expression=exp.cast(exp.Literal.number(0), "decimal(1, 0)"))
    )


def _small(node: exp.Expr) -> bool:
    """Whether a value surely is a small whole number."""
    from sqlglot import exp

    if isinstance(node, exp.Case):
        ends = [case.args["true"] for case in node.args["ifs"]]
        ends += [node.args["default"]] if node.args.get("default") is not None else []
        return all(_small(end) for end in ends)
    return isinstance(node, exp.Null) or (isinstance(node, exp.Literal) and not node.is_string and node.this.isdigit())


def _avg(_: _Turning, node: Any) -> Any:
    from sqlglot import exp

    return exp.Avg(this=_double(node.this))


def _best(_: _Turning, node: Any) -> Any:
    """Rows without a value do not count."""
    from sqlglot import exp

    name = "min_by" if isinstance(node, exp.ArgMin) else "max_by"
    value, place = node.this, node.expression
    if not isinstance(value, exp.Struct):
        there = exp.Not(this=exp.Is(this=value.copy(), expression=exp.null()))
        place = exp.Case(ifs=[exp.If(this=there, true=place.copy())])
    return exp.Anonymous(this=name, expressions=[value, place])


def _quantile(_: _Turning, node: Any) -> Any:
    from sqlglot import exp

    return exp.Anonymous(this="percentile", expressions=[node.this, node.expression])


def _median(_: _Turning, node: Any) -> Any:
    from sqlglot import exp

    return exp.Anonymous(this="percentile", expressions=[node.this, exp.Literal.number("0.5")])


def _whole_match(turning: _Turning, node: Any) -> Any:
    from sqlglot import exp

    return exp.RegexpLike(this=node.this, expression=turning.said(node.expression, java_regex.whole, "a pattern"))


def _match(turning: _Turning, node: Any) -> Any:
    from sqlglot import exp

    return exp.RegexpLike(this=node.this, expression=turning.said(node.expression, java_regex.searched, "a pattern"))


def _extract(turning: _Turning, node: Any) -> Any:
    from sqlglot import exp

    pattern = turning.said(node.expression, java_regex.searched, "a pattern")
    group = node.args.get("group") or exp.Literal.number(0)
    return exp.Anonymous(this="regexp_extract", expressions=[node.this, pattern, exp.cast(group.copy(), "int")])


def _replace(turning: _Turning, node: Any) -> Any:
    """Only the first place is replaced, unless all are asked for."""
    from sqlglot import exp

    new, every = node.args["replacement"], node.args.get("modifiers")
    if not (isinstance(new, exp.Literal) and not set("\\$") & set(new.this)) or (every and every.name != "g"):
        raise MachineError(f"Spark's words for {node.sql(dialect='duckdb')} are not known")
    write = java_regex.searched if every else java_regex.first
    pattern = turning.said(node.expression, write, "a pattern")
    text = new.this if every else "${1}" + new.this
    return exp.Anonymous(
        this="regexp_replace", expressions=[node.this, pattern, exp.Literal.string(text.replace("${1}", "$1"))]
    )


def _json(turning: _Turning, node: Any) -> Any:
    from sqlglot import exp

    path = node.expression
    if isinstance(path, exp.JSONPath):
        keys = [part.this for part in path.find_all(exp.JSONPathKey)]
        if len(keys) != 1 or len(path.expressions) != 2:
            raise MachineError(f"Spark's words for {node.sql(dialect='duckdb')} are not known")
        path = exp.Literal.string(f"$.{keys[0]}" if str(keys[0]).isidentifier() else f'$."{keys[0]}"')
    said = turning.said(path, _path, "a path into JSON")
    return exp.Anonymous(this="get_json_object", expressions=[node.this, said])


def _rows(_: _Turning, node: Any) -> Any:
    from sqlglot import exp

    listed = node.find(exp.JSONExtract)
    if listed is None:
        return node
    parts = exp.Anonymous(this="from_json", expressions=[listed.this, exp.Literal.string("array<string>")])
    return exp.Anonymous(this="explode", expressions=[parts])


def _cast_or_null(_: _Turning, node: Any) -> Any:
    """Texts are read as whole numbers by rounding, as DuckDB does; a year alone is no moment."""
    from sqlglot import exp

    if node.to.this in (exp.DataType.Type.TIMESTAMP, exp.DataType.Type.TIMESTAMPNTZ):
        dated = exp.RegexpLike(this=node.this.copy(), expression=exp.Literal.string("^\\s*[0-9]+-[0-9]+-[0-9]"))
        return exp.Case(ifs=[exp.If(this=dated, true=node.copy())])
    if node.to.this not in (exp.DataType.Type.BIGINT, exp.DataType.Type.INT):
        return node
    number = exp.TryCast(this=node.this.copy(), to=exp.DataType.build("decimal(38, 9)"), safe=True)
    return exp.TryCast(this=exp.func("round", number), to=node.to.copy(), safe=True)


def _row_number(_: _Turning, node: Any) -> Any:
    """A number of a row in no order is only a name of it; rows are not gathered in one place for that."""
    from sqlglot import exp

    ordered = any(node.args.get(part) for part in ("partition_by", "order", "alias"))  # its own, or a named window
    bare = isinstance(node.this, exp.RowNumber) and not ordered
    return exp.Anonymous(this="monotonically_increasing_id") if bare else node


def _star(_: _Turning, node: Any) -> Any:
    """Columns put in the place of others come last: nothing may ask for them by place."""
    from sqlglot import exp

    star: Any = node if isinstance(node, exp.Star) else node.this
    changed = star.args.get("replace") if isinstance(star, exp.Star) else None
    if not changed or not isinstance(node.parent, exp.Select):
        return node
    if isinstance(node.parent.parent, exp.SetOperation):
        raise MachineError(f"Spark's words for {node.sql(dialect='duckdb')} are not known")
    names = [exp.to_identifier(one.alias, quoted=True) for one in changed]
    star.set("replace", None)
    star.set("except_", [*(star.args.get("except_") or []), *names])
    for one in changed:
        node.parent.append("expressions", one.copy())
    return node


def _shift(_: _Turning, node: Any) -> Any:
    from sqlglot import exp

    value = node.this
    if isinstance(value, exp.Anonymous) and value.name.lower() == "md5_number_lower":  # a number without a sign
        if node.expression.name != "2":
            raise MachineError(f"Spark's words for {node.sql(dialect='duckdb')} are not known")
        return spark_text.filled("md5_lower", value.expressions[0])
    name = "shiftleft" if isinstance(node, exp.BitwiseLeftShift) else "shiftright"
    return exp.Anonymous(this=name, expressions=[value, exp.cast(node.expression.copy(), "int")])


def _from(_: _Turning, node: Any) -> Any:
    """The end of a list from a place on."""
    from sqlglot import exp

    (place,) = node.expressions if len(node.expressions) == 1 else (None,)
    if not isinstance(place, exp.Slice):
        return node
    if place.expression is not None or place.args.get("step") is not None:
        raise MachineError(f"Spark's words for {node.sql(dialect='duckdb')} are not known")
    return exp.Anonymous(this="slice", expressions=[node.this, place.this, exp.ArraySize(this=node.this.copy())])


_TURNS: dict[str, Callable[[_Turning, Any], Any]] = {
    "Placeholder": _placeholder,
    "Window": _row_number,
    "Star": _star,
    "Column": _star,
    "Div": _div,
    "Sub": _sub,
    "Sum": _sum,
    "Avg": _avg,
    "ArgMin": _best,
    "ArgMax": _best,
    "PercentileCont": _quantile,
    "Median": _median,
    "RegexpFullMatch": _whole_match,
    "RegexpLike": _match,
    "RegexpExtract": _extract,
    "RegexpReplace": _replace,
    "JSONExtractScalar": _json,
    "Explode": _rows,
    "Unnest": _rows,
    "TryCast": _cast_or_null,
    "Bracket": _from,
    "Cast": lambda _, node: spark_text.text_of(node),
    "BitwiseLeftShift": _shift,
    "BitwiseRightShift": _shift,
}
