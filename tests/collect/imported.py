"""The result of an import as dictionaries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import duckdb

from assay.collect.importers import Segment


@dataclass(frozen=True)
class Imported:
    segments: list[Segment]

    def rows(self) -> list[dict[str, Any]]:
        """All rows without empty cells, in order."""
        return [row for segment in self.segments for row in table(segment.path)]

    def bad(self) -> list[tuple[int, str]]:
        """Line and reason of every row in quarantine."""
        files = [s.quarantine for s in self.segments if s.quarantine]
        return [(row["line"], row["reason"]) for file in files for row in table(file)]

    def raw(self) -> list[str]:
        return [row["raw"] for s in self.segments if s.quarantine for row in table(s.quarantine)]

    def query(self, sql: str) -> tuple[Any, ...]:
        """One row of SQL over all segments, as ``e``."""
        with duckdb.connect() as connection:
            files = ", ".join(f"'{s.path}'" for s in self.segments)
            connection.execute(f"CREATE VIEW e AS SELECT * FROM read_parquet([{files}])")
            (row,) = connection.execute(sql).fetchall()
            return tuple(row)


def table(path: Path) -> list[dict[str, Any]]:
    with duckdb.connect() as connection:
        cursor = connection.execute("SELECT * FROM read_parquet($path)", {"path": str(path)})
        names = [d[0] for d in cursor.description or ()]
        return [{k: v for k, v in zip(names, row, strict=True) if v is not None} for row in cursor.fetchall()]


class Run(Protocol):
    def __call__(self, name: str, *files: Path, options: Mapping[str, Any] | None = None) -> Imported: ...
