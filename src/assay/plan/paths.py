"""Where a value stands in a JSON document, and conditions over such places: the words of a webhook's mapping.

A path is names and places with dots between them: ``deal.id``, ``items.0.sku``. A text in single quotes is itself. A
condition uses the words of the plan's expressions (``= != < <= > >= in and or not is null``) over paths, and is read
without a database: what is missing is null, and a comparison with null does not hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

MOST_CHARACTERS = 2000
_PATH = re.compile(r"\$?[A-Za-z_][\w-]*(?:\.(?:[\w-]+))*")
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?(?![\w.-]))|(?P<path>\$?[A-Za-z_][\w-]*(?:\.[\w-]+)*)"
    r"|(?P<mark><=|>=|<>|!=|=|<|>|\(|\)|,))"
)
_WORDS = frozenset({"and", "or", "not", "in", "is", "null", "true", "false"})
_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: bool(a == b), "!=": lambda a, b: bool(a != b), "<>": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b), "<=": lambda a, b: bool(a <= b), ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}  # fmt: skip

Truth = bool | None
Test = Callable[[Any], Truth]


class PathError(ValueError):
    """A path or condition that cannot be read; the message says why and what to write."""


class Written:
    """What is known by how it is written: shown, compared and hashed as its text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and str(other) == self.text

    def __hash__(self) -> int:
        return hash(self.text)


class Place(Written):
    """A path, or (``constant``) a text that is meant as it stands."""

    def __init__(self, text: str, parts: tuple[str, ...] = (), constant: str | None = None) -> None:
        super().__init__(text)
        self.parts, self.constant = parts, constant

    def of(self, document: Any) -> Any:
        """The value there; None where there is none."""
        if self.constant is not None:
            return self.constant
        for part in self.parts:
            if isinstance(document, dict):
                document = document.get(part)
            elif isinstance(document, list) and part.isdecimal() and len(part) < 6:
                document = document[int(part)] if int(part) < len(document) else None
            else:
                return None
        return document


class Condition(Written):
    """A condition as it is written, and how it is tested."""

    def __init__(self, text: str, test: Test) -> None:
        super().__init__(text)
        self.test = test

    def holds(self, document: Any) -> bool:
        """Whether it is true of a document; unknown is not true."""
        return self.test(document) is True


def place(text: str) -> Place:
    """A path or a text in single quotes. Raises PathError."""
    written = text.strip()
    if len(written) > 1 and written[0] == written[-1] == "'":
        return Place(written, constant=written[1:-1].replace("''", "'"))
    plain = re.sub(r"\[(\d+)\]", r".\1", written)  # items[0].sku is read as items.0.sku
    if not _PATH.fullmatch(plain):
        raise PathError(f"{text[:60]!r} is no path; write names with dots between (deal.id), or 'a text' in quotes")
    return Place(plain, tuple(plain.split(".")))


def condition(text: str) -> Condition:
    """A condition over paths. Raises PathError."""
    if len(text) > MOST_CHARACTERS:
        raise PathError(f"a condition has at most {MOST_CHARACTERS} characters")
    reader = _Reader(text)
    try:
        test = reader.any_of()
    except RecursionError:
        raise PathError("the condition is nested too deeply") from None
    if reader.at < len(reader.tokens):
        raise reader.wrong()
    return Condition(" ".join(text.split()), test)


class _Reader:
    """Recursive descent: or, and, not, one comparison."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.tokens: list[tuple[str, str]] = []
        end = 0
        while text[end:].strip():
            found = _TOKEN.match(text, end)
            if found is None:
                raise PathError(
                    f"cannot read {text[end:].strip()[:30]!r} in the condition; texts stand in single quotes"
                )
            kind = str(found.lastgroup)
            token = found[kind]
            word = kind == "path" and token.lower() in _WORDS
            self.tokens.append(("word", token.lower()) if word else (kind, token))
            end = found.end()

    def wrong(self) -> PathError:
        if self.at >= len(self.tokens):
            return PathError("the condition ends too early; it is such as type = 'deal.won' and amount > 0")
        return PathError(f"{self.tokens[self.at][1]!r} has no place there in the condition")

    def take(self, *wanted: str) -> str | None:
        """The next token, where it is one of these words or marks."""
        if self.at < len(self.tokens):
            kind, token = self.tokens[self.at]
            if kind in ("word", "mark") and token in wanted:
                self.at += 1
                return token
        return None

    def need(self, wanted: str) -> None:
        if self.take(wanted) is None:
            raise self.wrong()

    def any_of(self) -> Test:
        tests = [self.all_of()]
        while self.take("or"):
            tests.append(self.all_of())
        return tests[0] if len(tests) == 1 else lambda document: _or([one(document) for one in tests])

    def all_of(self) -> Test:
        tests = [self.one()]
        while self.take("and"):
            tests.append(self.one())
        return tests[0] if len(tests) == 1 else lambda document: _and([one(document) for one in tests])

    def one(self) -> Test:
        if self.take("not"):
            inner = self.one()
            return lambda document: _not(inner(document))
        if self.take("("):
            inner = self.any_of()
            self.need(")")
            return inner
        return self.compared()

    def compared(self) -> Test:
        left = self.value()
        if self.take("is"):
            wanted = self.take("not") is None
            self.need("null")
            return lambda document: (left(document) is None) is wanted
        no = self.take("not") is not None
        if self.take("in"):
            self.need("(")
            values = [self.value()]
            while self.take(","):
                values.append(self.value())
            self.need(")")
            found: Test = lambda document: _or([_same("=", left(document), one(document)) for one in values])  # noqa: E731
            return (lambda document: _not(found(document))) if no else found
        mark = None if no else self.take(*_COMPARED)
        if mark is None:
            if no:
                raise self.wrong()
            return lambda document: value if isinstance(value := left(document), bool) else None
        right = self.value()
        return lambda document: _same(mark, left(document), right(document))

    def value(self) -> Callable[[Any], Any]:
        if self.at >= len(self.tokens):
            raise self.wrong()
        kind, token = self.tokens[self.at]
        if kind == "mark" or (kind == "word" and token not in ("true", "false")):
            raise self.wrong()
        self.at += 1
        if kind == "path":
            return place(token).of
        known: Any = (
            token == "true" if kind == "word" else Decimal(token) if kind == "number" else place(token).constant
        )
        return lambda _document: known


def _same(mark: str, left: Any, right: Any) -> Truth:
    """One comparison: as numbers where one side is a number, else as they are; null where they cannot be compared."""
    if left is None or right is None or isinstance(left, dict | list) or isinstance(right, dict | list):
        return None
    if isinstance(left, bool) or isinstance(right, bool):
        same = isinstance(left, bool) and isinstance(right, bool) and left == right
        return same if mark == "=" else not same if mark in ("!=", "<>") else None
    if not (isinstance(left, str) and isinstance(right, str)):
        left, right = _number(left), _number(right)
        if left is None or right is None:
            return None
    return _COMPARED[mark](left, right)


def _number(value: Any) -> Decimal | None:
    if len(str(value)) > 60:
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _or(values: list[Truth]) -> Truth:
    return True if True in values else None if None in values else False


def _and(values: list[Truth]) -> Truth:
    return False if False in values else None if None in values else True


def _not(value: Truth) -> Truth:
    return None if value is None else not value
