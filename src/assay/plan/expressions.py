"""Expressions of the plan: a small, checked part of SQL over dimensions and declared properties.

Comparison, ``and or not in between like is null``, parentheses, literals, ``lower``, ``starts_with``, ``contains``,
``coalesce`` and arithmetic. Nothing else passes, so an expression can never read or change what it should not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from assay.model.errors import suggestion
from assay.plan.measures import Expression

if TYPE_CHECKING:
    from sqlglot import exp

MAX_CHARACTERS = 4000
_PUNCTUATION = frozenset(("+", "-", "*", "/", "%", "(", ")", ",", ".", "=", "==", "<>", "!=", "<", ">", "<=", ">="))
_ALLOWED = "comparison, and, or, not, in, between, like, is null, lower, starts_with, contains, coalesce and arithmetic"
KINDS = {
    "string": "text",
    "number": "number",
    "integer": "number",
    "money": "number",
    "boolean": "boolean",
    "timestamp": "timestamp",
    "items": "items",
}


class ExpressionError(ValueError):
    """An expression that the plan does not take; the message says why and what to write."""


def parse(text: str, names: Mapping[str, str]) -> Expression:
    """A condition in its normal form, with the names it uses in order of the alphabet.

    ``names``: name → kind (text, number, boolean, timestamp, items). Raises ExpressionError.
    """
    return _checked(text, names, "boolean")


def arithmetic(text: str, names: Mapping[str, str]) -> Expression:
    """An arithmetic expression over ``names``; its value is a number. Raises ExpressionError."""
    return _checked(text, names, "number")


def both(first: Expression | None, second: Expression | None) -> Expression | None:
    """``first and second``; None where there is no condition at all."""
    if first is None or second is None:
        return first or second
    if first == second:
        return first
    names = tuple(sorted({*first.names, *second.names}))
    return Expression(f"({first.text}) AND ({second.text})", names)


def _checked(text: str, names: Mapping[str, str], wanted: str) -> Expression:
    try:
        tree = _tree(text)
        checker = _Checker(names)
        kind = checker.kind(tree)
        if kind not in (wanted, "null"):
            noun = "a condition (true or false)" if wanted == "boolean" else "a number"
            raise ExpressionError(f"the expression {_short(text)} is {_noun(kind)}, not {noun}")
        if kind == "null":
            raise ExpressionError(f"the expression {_short(text)} is always null")
        return Expression(tree.sql(dialect="duckdb", comments=False), tuple(sorted(checker.used)))
    except RecursionError:
        raise ExpressionError("the expression is nested too deeply") from None


def _tree(text: str) -> exp.Expr:
    import sqlglot
    from sqlglot import errors, exp

    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(f"the expression is longer than {MAX_CHARACTERS} characters")
    try:
        for token in sqlglot.tokenize(text, read="duckdb"):
            mark = token.text
            if (
                mark
                and not any(c.isalnum() or c in "_ '\"" for c in mark)
                and mark not in _PUNCTUATION
                and not _quoted(token)
            ):
                raise ExpressionError(f"{mark!r} has no place in an expression; it may use {_ALLOWED}")
        tree = sqlglot.parse_one(text, read="duckdb")
    except errors.ParseError as error:
        detail = str(error.errors[0].get("description") or "") if error.errors else str(error)
        raise ExpressionError(f"cannot read the expression {_short(text)}: {_plain(detail)}") from None
    except errors.SqlglotError:
        raise ExpressionError(f"cannot read the expression {_short(text)}; is a quotation mark left open?") from None
    while isinstance(tree, exp.Paren):
        tree = tree.this
    return tree


def _quoted(token: Any) -> bool:
    return token.token_type.name in ("STRING", "IDENTIFIER")


def _plain(detail: str) -> str:
    if "Required keyword" in detail:
        return "something is missing after an operator or in a function"
    if "No expression was parsed" in detail:
        return "there is nothing in it"
    return " ".join(detail.split())[:120] or "it is not SQL"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return repr(flat if len(flat) <= 60 else flat[:57] + "…")


def _noun(kind: str) -> str:
    return {"text": "text", "null": "null"}.get(kind, f"a {kind}")


class _Checker:
    """Walks the tree with a white list; ``kind`` of a node is text, number, boolean, timestamp or null."""

    def __init__(self, names: Mapping[str, str]) -> None:
        from sqlglot import exp

        self.names = names
        self.used: set[str] = set()
        self.rules: dict[type[Any], Callable[[Any], str]] = {
            exp.Column: self._column,
            exp.Literal: lambda node: "text" if node.is_string else "number",
            exp.Boolean: lambda _: "boolean",
            exp.Null: lambda _: "null",
            exp.Paren: lambda node: self.kind(node.this),
            exp.Not: lambda node: self._all("not", "boolean", node.this),
            exp.And: lambda node: self._all("and", "boolean", node.this, node.expression),
            exp.Or: lambda node: self._all("or", "boolean", node.this, node.expression),
            exp.In: self._in,
            exp.Between: lambda node: self._compared("between", node.this, node.args["low"], node.args["high"]),
            exp.Like: lambda node: self._all("like", "text", node.this, node.expression, result="boolean"),
            exp.Is: self._is,
            exp.Neg: lambda node: self._all("-", "number", node.this),
            exp.Lower: lambda node: self._all("lower", "text", node.this),
            exp.StartsWith: lambda node: self._all("starts_with", "text", node.this, node.expression, result="boolean"),
            exp.Contains: lambda node: self._all("contains", "text", node.this, node.expression, result="boolean"),
            exp.Coalesce: self._coalesce,
        }
        self.rules |= dict.fromkeys((exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE), self._compare)
        self.rules |= dict.fromkeys((exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod), self._arithmetic)

    def kind(self, node: Any) -> str:
        rule = self.rules.get(type(node))
        if rule is None:
            sql = node.sql(dialect="duckdb", comments=False) if hasattr(node, "sql") else str(node)
            raise ExpressionError(f"{_short(sql)} has no place in an expression; it may use {_ALLOWED}")
        return rule(node)

    def _column(self, node: Any) -> str:
        name = str(node.name)
        if len(node.parts) > 1:
            raise ExpressionError(f"{_short(node.sql())} has a dot; write the property's name alone, {name!r}")
        if name not in self.names:
            hint = suggestion(name, self.names)
            text = f"there is no dimension or declared property {name!r}{hint}"
            quoted = f" (text stands in single quotes: '{name}')" if node.this.quoted else ""
            raise ExpressionError(text + quoted)
        kind = self.names[name]
        if kind == "items":
            raise ExpressionError(f"{name!r} is a list of items; use item_id, item_name, item_category or item_brand")
        self.used.add(name)
        return kind

    def _all(self, what: str, wanted: str, *nodes: Any, result: str | None = None) -> str:
        for node in nodes:
            kind = self.kind(node)
            if kind not in (wanted, "null"):
                raise ExpressionError(
                    f"{_short(node.sql(dialect='duckdb'))} is {_noun(kind)}; {what} takes {_noun(wanted)}"
                )
        return result or wanted

    def _arithmetic(self, node: Any) -> str:
        return self._all("arithmetic", "number", node.this, node.expression)

    def _same(self, what: str, first: Any, *others: Any) -> str:
        """The kind that all have; null goes with every kind, and text with a timestamp (a literal)."""
        common, holder = self.kind(first), first
        for other in others:
            theirs = self.kind(other)
            pair = {common, theirs} - {"null"}
            if len(pair) > 1 and pair != {"timestamp", "text"}:
                left, right = _short(holder.sql(dialect="duckdb")), _short(other.sql(dialect="duckdb"))
                raise ExpressionError(f"{what} compares {left} ({common}) with {right} ({theirs})")
            if common == "null":
                common, holder = theirs, other
        return common

    def _compared(self, what: str, first: Any, *others: Any) -> str:
        self._same(what, first, *others)
        return "boolean"

    def _compare(self, node: Any) -> str:
        from sqlglot import exp

        if isinstance(node.this, exp.Null) or isinstance(node.expression, exp.Null):
            raise ExpressionError("nothing equals null; write `is null` or `is not null`")
        return self._compared("the expression", node.this, node.expression)

    def _in(self, node: Any) -> str:
        values = node.expressions
        if not values or any(node.args.get(key) for key in ("query", "field", "unnest")):
            raise ExpressionError("in takes a list of values in parentheses: device in ('mobile', 'tablet')")
        return self._compared("in", node.this, *values)

    def _is(self, node: Any) -> str:
        from sqlglot import exp

        if not isinstance(node.expression, exp.Null):
            raise ExpressionError("is takes null only; a yes-no property is a condition by itself: is_new, not is_new")
        self.kind(node.this)
        return "boolean"

    def _coalesce(self, node: Any) -> str:
        return self._same("coalesce", node.this, *node.expressions)
