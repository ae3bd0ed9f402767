"""The loader's tables → a lake: parts that say something else than the lake's are written anew, the others stay."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from assay.store.disk import seen
from assay.store.engines.duckdb_file import errors, literal, quote
from assay.store.lake import Lake, Manifest, Part, Table

if TYPE_CHECKING:
    from assay.store.engines.duckdb import DuckDB

# Tables of which each day is a part of its own; how the rows of a part are sorted.
BY_DAY = ("events",)
_ORDERS = {
    "events": ("day", "visitor_key", "t"),
    "sessions": ("visitor_key", "start_t"),
    "orders": ("visitor_key", "t"),
    "visitors": ("visitor_key",),
    "persons": ("visitor_key", "since_t"),
}
# Parquet has numbers without a sign, many readers have none: they get one more digit instead.
TYPES = {"UBIGINT": "DECIMAL(20,0)", "UINTEGER": "BIGINT", "HUGEINT": "DECIMAL(38,0)"}


def copied(loader: DuckDB, lake: Lake) -> Manifest:
    """Bring the lake to what the loader's tables say now."""
    source = _source(loader.path)
    now = lake.manifest()
    if source and now.source == source:
        return now
    lake.place.folder("")
    with lake.place.alone(), errors(lake.place.where()):
        now, source = lake.manifest(), _source(loader.path)
        if source and now.source == source:
            return now
        return _Copy(loader, lake, now).made(source)


def _source(path: Path) -> str:
    """What the loader's files look like from outside: equal while nobody has written to them."""
    files = (path, path.with_name(path.name + ".wal"))
    return " ".join(seen(file) for file in files if file.exists())


class _Copy:
    """One copy: generation ``number`` of the lake."""

    def __init__(self, loader: DuckDB, lake: Lake, before: Manifest) -> None:
        self.loader, self.lake, self.before = loader, lake, before
        self.number = before.generation + 1

    def made(self, source: str) -> Manifest:
        """The new version; the present one where nothing has changed."""
        for half in (f"**/{self.number}.parquet", f"**/{self.number}-*.parquet"):  # of a copy that was broken off
            self.lake.place.remove(self.lake.place.files(half))
        tables = {name: self._table(name) for name in self.loader.tables()}
        if tables == self.before.tables and source == self.before.source:
            return self.before
        return self.lake.commit(self.before, tables, source)

    def _table(self, name: str) -> Table:
        kinds = dict(self.loader.named("lake_columns", {"table": quote(name)}))
        columns = {str(column): str(TYPES.get(kind, kind)) for column, kind in kinds.items()}
        by = "day" if name in BY_DAY else None
        key = "CAST(day AS VARCHAR)" if by else literal("")
        marks = self.loader.named("lake_marks", {"table": quote(name), "part": key})
        wanted = {part: (rows, mark) for part, rows, mark in marks} or {"": (0, "0")}
        old = self.before.tables.get(name)
        kept = {} if old is None or (old.columns, old.by) != (columns, by) else dict(old.parts)
        changed = [
            part for part, said in wanted.items() if part not in kept or (kept[part].rows, kept[part].mark) != said
        ]
        files = self._written(name, columns, changed)
        parts = {part: Part(files[part], *said) if part in files else kept[part] for part, said in wanted.items()}
        return Table(columns, parts, by)

    def _written(self, name: str, columns: dict[str, str], parts: list[str]) -> dict[str, tuple[str, ...]]:
        """Write parts of a table; part → its files."""
        if not parts:
            return {}
        selected = ", ".join(
            f"CAST({quote(column)} AS {kind}) AS {quote(column)}" if kind in TYPES.values() else quote(column)
            for column, kind in columns.items()
        )
        place, order = self.lake.place, ", ".join(_ORDERS.get(name, ("ALL",)))
        fill = {"table": quote(name), "columns": selected, "order": order}
        folder = place.folder(name)
        if parts == [""]:
            file = f"{name}/{self.number}.parquet"
            self.loader.named("lake_save", fill | {"path": literal(place.where(file))})
            return {"": (file,)}
        self.loader.named(
            "lake_save_days",
            fill | {"path": literal(folder), "days": _days(parts), "files": literal(f"{self.number}-{{i}}")},
        )
        return {part: tuple(place.files(f"{name}/day={part}/{self.number}-*.parquet")) for part in parts}


def _days(parts: Iterable[str]) -> str:
    return ", ".join(f"DATE {literal(part)}" for part in parts)
