"""The site's own tables that a store reads events from, as SQL: who composes it knows them, the store does not.

Every row has a number within its file; a part's first number and that make the number of the event. Places of the SQL:
``{files}`` and ``{firsts}`` (lists, one entry per part), ``{repeats}`` (numbers of rows that are alike), ``{latest}``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from assay.store.schema import filled

OWN_PLACE = "source.tables."  # of the plan: there the tables are named


@dataclass(frozen=True)
class OwnPart:
    """A file, or a table of a database. ``name``: of its segment, another one when the file or its reading changes."""

    name: str
    path: str


@dataclass(frozen=True)
class OwnLines:
    """One table. ``rows``: SQL of its rows; ``together``: of all parts at once, else one after the other.

    ``lines``: SQL of its event lines with ``rn``, ``line`` and ``held`` (why a row cannot be used); ``chain`` and
    ``shown``: views, and the select over them, that show the same without a look at what is wrong; ``alike``: SQL of
    rows that are alike (n, row_text_hash, occurrence).
    """

    name: str
    rows: str
    together: bool
    lines: str
    chain: tuple[tuple[str, str], ...]
    shown: str
    alike: str
    parts: tuple[OwnPart, ...]

    def judged(self, part: OwnPart, repeats: str, latest: int) -> str:
        """The event lines of a part, each with what is wrong with it."""
        return filled(self.lines, {"rows": self._rows([(part, 0)]), "repeats": repeats, "latest": str(latest)})

    def views(self, numbered: Sequence[tuple[OwnPart, int]], repeats: str) -> list[tuple[str, str]]:
        """The views that ``shown`` selects from, of these parts with their first numbers."""
        rows = self._rows(numbered)
        return [(name, filled(sql, {"rows": rows, "repeats": repeats})) for name, sql in self.chain]

    def view(self, numbered: Sequence[tuple[OwnPart, int]], repeats: str) -> str:
        """Its event lines, of these parts with their first numbers."""
        return query(self.views(numbered, repeats), self.shown)

    def repeated(self, part: OwnPart) -> str:
        """The rows of a part that are alike."""
        return filled(self.alike, {"rows": self._rows([(part, 0)])})

    def _rows(self, numbered: Sequence[tuple[OwnPart, int]]) -> str:
        if self.together:
            return rows_of(self.rows, numbered)
        return " UNION ALL ".join(rows_of(self.rows, [one]) for one in numbered)


@dataclass(frozen=True)
class Own:
    """All tables. ``signature``: what they were when this was made; ``attached``: name → database file."""

    signature: str
    macros: tuple[str, ...]
    tables: tuple[OwnLines, ...]
    latest: int  # no event lies after this instant (µs UTC)
    attached: Mapping[str, str] = field(default_factory=dict)


def query(views: Sequence[tuple[str, str]], select: str) -> str:
    """One query of views; none is kept, so that only what is asked for is worked out."""
    return "WITH " + ", ".join(f"{name} AS NOT MATERIALIZED ({sql})" for name, sql in views) + " " + select


def rows_of(template: str, numbered: Sequence[tuple[OwnPart, int]]) -> str:
    """SQL of the rows of these parts, each with its first number."""
    files = ", ".join("'" + part.path.replace("'", "''") + "'" for part, _ in numbered)
    return filled(template, {"files": f"[{files}]", "firsts": f"[{', '.join(str(first) for _, first in numbered)}]"})
