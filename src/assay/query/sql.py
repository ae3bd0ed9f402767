"""Small helpers for writing SQL by hand: bound values, quoted names, texts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from assay.store.engine import Statement


class Binder:
    """Collects the values of a query. ``bind("x")`` gives ``$v1`` and remembers what it stands for; equal values share a name."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self._names: dict[str, str] = {}

    def __call__(self, value: Any) -> str:
        """The parameter that stands for ``value``."""
        key = f"{type(value).__name__}:{value!r}"
        if key not in self._names:
            self._names[key] = f"v{len(self._names) + 1}"
            self.values[self._names[key]] = value
        return "$" + self._names[key]

    def all(self, values: Iterable[Any]) -> str:
        """``$v1, $v2, …``."""
        return ", ".join(self(v) for v in values)

    def statement(self, sql: str, title: str = "") -> Statement:
        """The finished statement, with only the values it uses."""
        used = {name: value for name, value in self.values.items() if _uses(sql, name)}
        return Statement(sql, used, title)


def _uses(sql: str, name: str) -> bool:
    place = sql.find("$" + name)
    while place >= 0:
        after = sql[place + len(name) + 1 : place + len(name) + 2]
        if not after.isdigit():
            return True
        place = sql.find("$" + name, place + 1)
    return False


def quote(name: str) -> str:
    """An identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: Any) -> str:
    """A value as SQL text: for showing a query, and for values that the plan fixes."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return str(value)
    if isinstance(value, date):
        return f"DATE '{value}'"
    return "'" + str(value).replace("'", "''") + "'"


def shown(statement: Statement) -> str:
    """The SQL with its values written in: what a person can run and change. ``pretty`` lays it out."""
    sql = statement.sql
    for name in sorted(statement.params or {}, key=len, reverse=True):
        sql = sql.replace("$" + name, literal((statement.params or {})[name]))
    return sql


def pretty(sql: str) -> str:
    """Formatted by SQLGlot, which also proves that it parses."""
    import sqlglot

    return sqlglot.parse_one(sql, dialect="duckdb").sql(dialect="duckdb", pretty=True)


def glob_regex(glob: str) -> str:
    """A path glob as a regular expression: ``*`` within one folder (or to the end when last), ``**`` across folders, ``?`` one sign."""
    out, i = "", 0
    while i < len(glob):
        if glob.startswith("**", i):
            out, i = out + ".*", i + 2
        elif glob[i] == "*":
            out, i = out + ("[^/]*" if i + 1 < len(glob) else ".*"), i + 1
        elif glob[i] == "?":
            out, i = out + "[^/]", i + 1
        else:
            out, i = out + _escape(glob[i]), i + 1
    return f"^{out}$"


def _escape(sign: str) -> str:
    return "\\" + sign if sign in r".^$+{}[]()|\\" else sign


def matches_globs(column: str, globs: Iterable[str], bind: Binder) -> str:
    """True when the path matches any of the globs."""
    parts = []
    for glob in globs:
        wild = any(s in glob for s in "*?")
        parts.append(
            f"regexp_full_match({column}, {bind(glob_regex(glob)[1:-1])})" if wild else f"{column} = {bind(glob)}"
        )
    return "(" + " OR ".join(parts) + ")"


def digest(*parts: Any) -> str:
    """Twelve hex digits that stand for the parts."""
    import hashlib

    text = json.dumps(parts, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
