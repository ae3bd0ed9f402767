"""A query of views cut down to some columns: to plan a query costs time for every column, also for those not asked for.

Works on the select lists of SQL that assay composed itself: an item goes where nothing after it names its column.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from assay.store.own import query

_TOKEN = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|[A-Za-z_]\w*|\S", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]\w*")
_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")
_UNION = re.compile(r"\bUNION\b", re.IGNORECASE)
_STAR = re.compile(r"^\s*SELECT\s+(DISTINCT\s+)?(\w+\.)?\*|\bEXCLUDE\b|\bDISTINCT\s+(\w+\.)?\*", re.IGNORECASE)


def words(sql: str) -> frozenset[str]:
    """Every word of a text; a column that it names is among them."""
    return frozenset(_WORD.findall(sql))


def names_all(sql: str) -> bool:
    """Whether a query asks for every column, by a star."""
    return _STAR.search(sql) is not None


def cut(select: str, wanted: Collection[str]) -> str:
    """A select with only those items of its list that give a wanted column, or all columns of something."""
    start, items, rest = _list_of(select)
    if _UNION.search(rest):  # its parts have the same list
        return select
    kept = [item for item in items if (name := _name_of(item)) is None or name in wanted]
    return f"{start} {', '.join(kept or items[:1])} {rest}"


def narrowed(chain: Sequence[tuple[str, str]], select: str, wanted: Collection[str]) -> str:
    """One query of views, each cut down to what the later ones name."""
    last = cut(select, wanted)
    needed = set(words(last))
    made: list[tuple[str, str]] = []
    for name, sql in reversed(chain):
        shorter = cut(sql, needed)
        needed |= words(shorter)
        made.append((name, shorter))
    return query(made[::-1], last)


def _list_of(select: str) -> tuple[str, list[str], str]:
    """``SELECT``, the items of its list, and what follows from ``FROM`` on."""
    depth, begin, items = 0, -1, []
    for token in _TOKEN.finditer(select):
        text = token[0]
        if text in _OPEN:
            depth += 1
        elif text in _CLOSE:
            depth -= 1
        elif depth == 0 and begin < 0 and text.upper() == "SELECT":
            begin = last = token.end()
        elif depth == 0 and begin >= 0 and text == ",":
            items.append(select[last : token.start()].strip())
            last = token.end()
        elif depth == 0 and begin >= 0 and text.upper() == "FROM":
            return select[:begin], [*items, select[last : token.start()].strip()], select[token.start() :]
    return "", [select], ""


def _name_of(item: str) -> str | None:
    """The column that an item gives; None where it gives several."""
    tokens = [token[0] for token in _TOKEN.finditer(item)]
    if "*" in tokens[:3] or tokens[0].lower() == "unnest":
        return None
    return tokens[-1].strip('"')
