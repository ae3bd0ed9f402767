"""Table definitions and statements of each engine, as ``.sql`` files that a person can open."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

_PLACE = re.compile(r"\{(\w+)\}")


@cache
def text(engine: str, name: str) -> str:
    """The text of ``<engine>/<name>.sql``."""
    return files(__package__).joinpath(engine, f"{name}.sql").read_text(encoding="utf-8")


def split(sql: str) -> tuple[str, ...]:
    """The statements of a text, split at lines that end in a semicolon (none of the files has one inside a value)."""
    parts: list[list[str]] = [[]]
    for line in sql.splitlines():
        if line.lstrip().startswith("--"):
            continue
        code = line.split(" -- ", 1)[0].rstrip()
        parts[-1].append(code)
        if code.endswith(";"):
            parts.append([])
    texts = ("\n".join(part).strip().rstrip(";") for part in parts)
    return tuple(t for t in texts if t)


@cache
def statements(engine: str, name: str) -> tuple[str, ...]:
    """The statements of the file ``<engine>/<name>.sql``."""
    return split(text(engine, name))


@cache
def named(engine: str, name: str) -> tuple[str, ...]:
    """The statements under ``-- name: <name>`` in ``<engine>/statements.sql``."""
    blocks = text(engine, "statements").split("-- name: ")[1:]
    for block in blocks:
        title, _, body = block.partition("\n")
        if title.strip() == name:
            return split(body)
    raise KeyError(name)


def filled(sql: str, fill: Mapping[str, str]) -> str:
    """A statement with its ``{name}`` places filled, each once; a place that nothing fills stays."""
    return _PLACE.sub(lambda place: fill.get(place[1], place[0]), sql)


def one(engine: str, which: str, /, **fill: str) -> str:
    """The only statement of that name, filled."""
    (sql,) = named(engine, which)
    return filled(sql, fill)


@cache
def migrations(engine: str) -> tuple[str, ...]:
    """Names of the migration files, in order: ``0001_tables``, ``0002_…``."""
    folder = files(__package__).joinpath(engine)
    return tuple(sorted(p.name[:-4] for p in folder.iterdir() if p.name[:4].isdigit() and p.name.endswith(".sql")))
