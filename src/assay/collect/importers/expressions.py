"""What may stand on the right of a mapping: a column, a text in quotes, or a small expression over columns.

Every column is read as text, and as an exact decimal where it is calculated with, so 2.55 × 3 is 7.65 and a number that
cannot be read is seen. Nothing but the functions listed here passes, so an expression can only look at its own row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from assay.model.errors import UsageError, suggestion

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

Want = Literal["text", "number", "boolean"]
MAX_CHARACTERS = 4000
_WORDS = re.compile(r"(?!null$)(?!\d+(\.\d+)?$)[\w][\w .-]*", re.IGNORECASE)
_QUOTES = " (a constant stands in single quotes)"
NUMBER = "DECIMAL(19, 6)"
_ALLOWED = (
    "columns, 'texts', numbers, + - * /, ||, comparisons, and, or, not, in, between, like, is null, case, coalesce, "
    "nullif, lower, upper, trim, replace, substring, starts_with, contains, split_part, round, abs, cast"
)


@dataclass(frozen=True)
class Columns:
    """The columns of a file with their types; ``comma``: numbers are written 1.234,50."""

    file: str
    types: Mapping[str, str]
    comma: bool = False

    def find(self, name: str) -> str | None:
        """The column of that name; upper and lower case are the same unless two columns differ only by it."""
        if name in self.types:
            return name
        return next((n for n in self.types if n.lower() == name.lower()), None)

    def need(self, name: str) -> str:
        """The column of that name, or a UsageError that suggests one."""
        found = self.find(name)
        if found is None:
            raise UsageError(f"{self.file} has no column {name!r}{suggestion(name, self.types)}")
        return found

    def text(self, name: str) -> Expr:
        """A column as text; null where it is empty."""
        from sqlglot import exp

        kind = self.types[name]
        column = exp.column(name, quoted=True)
        if kind == "JSON":
            return call("nullif", call("json_extract_string", column, exp.Literal.string("$")), exp.Literal.string(""))
        if kind == "VARCHAR":
            return call("nullif", column, exp.Literal.string(""))
        if kind in ("DOUBLE", "FLOAT"):
            return call("whole_text", column)
        if kind.endswith("[]") or kind.startswith(("STRUCT", "MAP")):
            return exp.cast(call("to_json", column), "VARCHAR")
        return exp.cast(column, "VARCHAR")

    def number(self, text: Expr) -> Expr:
        """A text as an exact decimal; null where it is no number."""
        return call("number_of_comma" if self.comma else "number_of", text)


@dataclass
class Translation:
    """An expression in the engine's words; ``inputs`` are the texts that were read as numbers."""

    value: Expr
    inputs: list[Expr] = field(default_factory=list)
    total: bool = True  # null only where an input is null


def call(name: str, *arguments: Expr) -> Expr:
    """A function call as it stands."""
    from sqlglot import exp

    return exp.Anonymous(this=name, expressions=list(arguments))


def text_of(spec: Any, columns: Columns) -> Expr:
    """The value of a mapping as text."""
    from sqlglot import exp

    if spec is None:
        return _null_text()
    if isinstance(spec, exp.Expr):  # composed by an importer itself
        return spec.copy()
    if isinstance(spec, bool):
        spec = "'true'" if spec else "'false'"
    name = _bare_column(str(spec), columns)
    return columns.text(name) if name is not None else translate(str(spec), columns, "text").value


def money_of(spec: Any, columns: Columns) -> Expr:
    """The value of a mapping as decimal text. What cannot be read stays as it is, so that the check names it."""
    from sqlglot import exp

    if spec is None:
        return _null_text()
    name = _bare_column(str(spec), columns)
    if name is not None:
        text = columns.text(name)
        return call("coalesce", call("plain", columns.number(text)), call("given", text))
    made = translate(str(spec), columns, "number")
    number = call("try", exp.cast(made.value, NUMBER))
    if not made.inputs:
        return call("plain", number)
    unread = exp.or_(*(exp.and_(_known(i), columns.number(i.copy()).is_(exp.null())) for i in made.inputs))
    if made.total:
        unread = exp.or_(unread, exp.and_(*(_known(i) for i in made.inputs)))
    shown = call("concat_ws", exp.Literal.string(" and "), *(i.copy() for i in made.inputs))
    said = exp.DPipe(this=exp.Literal.string("calculated from "), expression=shown)
    case = exp.case().when(_known(number), call("plain", number))
    if len(made.inputs) == 1:
        text = made.inputs[0]
        case = case.when(exp.and_(_known(text), columns.number(text.copy()).is_(exp.null())), text.copy())
    return case.when(unread, said)


def condition(spec: str, columns: Columns) -> Expr:
    """A condition of a mapping; null counts as false."""
    from sqlglot import exp

    return call("coalesce", translate(spec, columns, "boolean").value, exp.false())


def _known(value: Expr) -> Expr:
    from sqlglot import exp

    return value.copy().is_(exp.null()).not_()


def _null_text() -> Expr:
    from sqlglot import exp

    return exp.cast(exp.null(), "VARCHAR")


def _bare_column(spec: str, columns: Columns) -> str | None:
    """The column that a mapping names as it stands."""
    stripped = spec.strip()
    if not stripped:
        raise UsageError("a mapping names nothing; write a column, a 'text' in single quotes or an expression")
    if stripped.startswith("="):
        return columns.find(stripped[1:].strip())
    found = columns.find(spec) or columns.find(stripped)
    if found is None and _WORDS.fullmatch(stripped):
        raise UsageError(f"{columns.file} has no column {stripped!r}{suggestion(stripped, columns.types)}{_QUOTES}")
    return found


def translate(text: str, columns: Columns, want: Want) -> Translation:
    """An expression over columns. Raises UsageError: what, and what may stand there."""
    import sqlglot
    from sqlglot import errors

    source = text.strip().removeprefix("=").strip()
    shown = repr(source if len(source) <= 60 else source[:57] + "…")
    if len(source) > MAX_CHARACTERS:
        raise UsageError(f"the expression {shown} is longer than {MAX_CHARACTERS} characters")
    try:
        tree = sqlglot.parse_one(source, read="duckdb")
    except (errors.SqlglotError, RecursionError):
        raise UsageError(f"cannot read the expression {shown}; it may use {_ALLOWED}") from None
    translator = _Translator(columns, shown)
    value = translator.make(tree, want)
    return Translation(value, list({i.sql(): i for i in translator.inputs}.values()), translator.total)


class _Translator:
    """Walks the tree with a white list. Every method takes a node and what is wanted of it."""

    def __init__(self, columns: Columns, shown: str) -> None:
        from sqlglot import exp

        self.columns, self.shown = columns, shown
        self.inputs: list[Expr] = []
        self.total = True
        self.rules: dict[type[Any], Callable[[Any, Want], Expr]] = {
            exp.Column: self._column,
            exp.Literal: self._literal,
            exp.Boolean: lambda n, w: self._from_boolean(n.copy(), w),
            exp.Null: lambda n, _: n.copy(),
            exp.Paren: lambda n, w: exp.Paren(this=self.make(n.this, w)),
            exp.Neg: lambda n, w: self._from_number(exp.Neg(this=exp.Paren(this=self.make(n.this, "number"))), w),
            exp.Case: self._case,
            exp.If: self._case,
            exp.Coalesce: lambda n, w: self._partial("coalesce", [n.this, *n.expressions], w),
            exp.Nullif: lambda n, w: self._partial("nullif", [n.this, n.expression], w),
            exp.Cast: self._cast,
            exp.TryCast: self._cast,
            exp.Is: lambda n, w: (
                self._from_boolean(exp.Is(this=self.make(n.this, "text"), expression=exp.null()), w)
                if isinstance(n.expression, exp.Null)
                else self._refuse(n)
            ),
            exp.Not: lambda n, w: self._from_boolean(exp.Not(this=exp.Paren(this=self.make(n.this, "boolean"))), w),
            exp.In: self._in,
            exp.Between: self._between,
        }
        self._add(self._both("boolean", "boolean"), exp.And, exp.Or)
        self._add(self._both("text", "boolean"), exp.Like, exp.ILike)
        self._add(self._compare, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
        self._add(self._arithmetic, exp.Add, exp.Sub, exp.Mul, exp.Div)
        self._add(self._both("text", "text"), exp.DPipe)
        texts = (exp.Lower, exp.Upper, exp.Trim, exp.Replace, exp.Substring, exp.SplitPart, exp.Concat)
        self._add(self._texts("text"), *texts)
        self._add(self._texts("boolean"), exp.StartsWith, exp.Contains)
        self._add(self._numbers, exp.Round, exp.Abs)

    def _add(self, rule: Callable[[Any, Want], Expr], *kinds: type[Any]) -> None:
        self.rules |= dict.fromkeys(kinds, rule)

    def make(self, node: Any, want: Want) -> Expr:
        rule = self.rules.get(type(node))
        return rule(node, want) if rule is not None else self._refuse(node)

    def _refuse(self, node: Any) -> Expr:
        raise UsageError(f"the expression {self.shown} uses {node.sql(dialect='duckdb')!r}; it may use {_ALLOWED}")

    # -- from one kind to another ------------------------------------------------------------------------------------

    def _from_number(self, value: Expr, want: Want) -> Expr:
        return call("plain", value) if want == "text" else value if want == "number" else self._no("a number", want)

    def _from_boolean(self, value: Expr, want: Want) -> Expr:
        from sqlglot import exp

        if want == "number":
            return self._no("a condition", want)
        return exp.cast(exp.Paren(this=value), "VARCHAR") if want == "text" else value

    def _from_text(self, value: Expr, want: Want) -> Expr:
        if want == "text":
            return value
        if want == "boolean":
            return call("truth", value)
        self.inputs.append(value)
        return self.columns.number(value)

    def _no(self, kind: str, want: Want) -> Expr:
        wanted = {"boolean": "a condition", "number": "a number", "text": "a text"}[want]
        raise UsageError(f"the expression {self.shown} has {kind} where {wanted} must stand")

    def _partial(self, name: str, parts: list[Any], want: Want) -> Expr:
        self.total = False
        return call(name, *(self.make(part, want) for part in parts))

    # -- nodes -------------------------------------------------------------------------------------------------------

    def _column(self, node: Any, want: Want) -> Expr:
        if len(node.parts) > 1:
            return self._refuse(node)
        return self._from_text(self.columns.text(self.columns.need(str(node.name))), want)

    def _literal(self, node: Any, want: Want) -> Expr:
        from sqlglot import exp

        if node.is_string:
            return node.copy() if want == "text" else self._from_text(node.copy(), want)
        number = exp.cast(node.copy(), NUMBER)
        return self._from_number(number, want)

    def _case(self, node: Any, want: Want) -> Expr:
        from sqlglot import exp

        self.total = False
        if isinstance(node, exp.Case) and node.this is not None:
            return self._refuse(node)
        made = exp.case()
        branches = node.args["ifs"] if isinstance(node, exp.Case) else [node]
        for branch in branches:
            result = branch.args["true"]
            made = made.when(self.make(branch.this, "boolean"), self.make(result, want))
        last = node.args.get("default") if isinstance(node, exp.Case) else node.args.get("false")
        return made.else_(self.make(last, want)) if last is not None else made

    def _cast(self, node: Any, want: Want) -> Expr:
        from sqlglot import exp

        kind = node.to.this
        if kind in exp.DataType.TEXT_TYPES:
            return self._from_text(self.make(node.this, "text"), want)
        if kind in exp.DataType.INTEGER_TYPES:
            return self._from_number(call("round", self.make(node.this, "number")), want)
        if kind in exp.DataType.NUMERIC_TYPES:
            return self._from_number(self.make(node.this, "number"), want)
        if kind == exp.DataType.Type.BOOLEAN:
            return self._from_boolean(self.make(node.this, "boolean"), want)
        return self._refuse(node)

    def _both(self, inner: Want, outer: Want) -> Callable[[Any, Want], Expr]:
        def rule(node: Any, want: Want) -> Expr:
            left, right = self.make(node.this, inner), self.make(node.expression, inner)
            value = type(node)(this=_wrapped(left), expression=_wrapped(right))
            return self._from_text(value, want) if outer == "text" else self._from_boolean(value, want)

        return rule

    def _texts(self, outer: Want) -> Callable[[Any, Want], Expr]:
        def rule(node: Any, want: Want) -> Expr:
            from sqlglot import exp

            made = node.copy()
            for key, argument in list(made.args.items()):
                parts = argument if isinstance(argument, list) else [argument]
                new = [self._argument(node, p) if isinstance(p, exp.Expr) else p for p in parts]
                made.set(key, new if isinstance(argument, list) else new[0])
            return self._from_text(made, want) if outer == "text" else self._from_boolean(made, want)

        return rule

    def _argument(self, node: Any, part: Any) -> Expr:
        from sqlglot import exp

        counts = (
            isinstance(node, (exp.Substring, exp.SplitPart)) and isinstance(part, exp.Literal) and not part.is_string
        )
        return part.copy() if counts else self.make(part, "text")

    def _numbers(self, node: Any, want: Want) -> Expr:
        made = node.copy()
        made.set("this", self.make(node.this, "number"))
        return self._from_number(made, want)

    def _arithmetic(self, node: Any, want: Want) -> Expr:
        from sqlglot import exp

        left, right = (_wrapped(self.make(part, "number")) for part in (node.this, node.expression))
        if isinstance(node, exp.Div):
            self.total = False
            return self._from_number(call("divided", left, right), want)
        return self._from_number(exp.cast(type(node)(this=left, expression=right), NUMBER), want)

    def _kind(self, *nodes: Any) -> Want:
        """Numbers are compared as numbers when one side is one, else texts."""
        from sqlglot import exp

        numeric = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Neg, exp.Round, exp.Abs)
        for node in nodes:
            inner = node.unnest()
            if isinstance(inner, numeric) or (isinstance(inner, exp.Literal) and not inner.is_string):
                return "number"
            if isinstance(inner, exp.Boolean):
                return "boolean"
        kinds = [
            self.columns.types.get(self.columns.find(n.name) or "", "") for n in nodes if isinstance(n, exp.Column)
        ]
        return (
            "number"
            if len(kinds) == len(nodes) and all(k in _NUMERIC or k.startswith("DECIMAL") for k in kinds)
            else "text"
        )

    def _compare(self, node: Any, want: Want) -> Expr:
        kind = self._kind(node.this, node.expression)
        left, right = self.make(node.this, kind), self.make(node.expression, kind)
        return self._from_boolean(type(node)(this=_wrapped(left), expression=_wrapped(right)), want)

    def _in(self, node: Any, want: Want) -> Expr:
        from sqlglot import exp

        values = node.args.get("expressions")
        if not values or node.args.get("query") is not None:
            return self._refuse(node)
        kind = self._kind(node.this, *values)
        made = exp.In(this=self.make(node.this, kind), expressions=[self.make(v, kind) for v in values])
        return self._from_boolean(made, want)

    def _between(self, node: Any, want: Want) -> Expr:
        from sqlglot import exp

        low, high = node.args["low"], node.args["high"]
        kind = self._kind(node.this, low, high)
        made = exp.Between(this=self.make(node.this, kind), low=self.make(low, kind), high=self.make(high, kind))
        return self._from_boolean(made, want)


_NUMERIC = frozenset("TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT FLOAT DOUBLE".split())


def _wrapped(value: Expr) -> Expr:
    from sqlglot import exp

    return exp.Paren(this=value) if isinstance(value, exp.Binary) else value
