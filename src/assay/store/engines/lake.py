"""A lake: Spark loads, derives and answers, over Parquet that any Spark can read (docs/adr/0028).

The loader's statements are done by Spark wherever they concern the big tables (``warehouse.py``); a load is one new
version of the manifest, so it is there whole or not at all, and the names of its segments with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from assay.store import schema
from assay.store.engine import Progress, Result, Statement
from assay.store.engines.duckdb_file import literal, quote
from assay.store.engines.lake_rollups import roll_up
from assay.store.engines.lake_tables import LakeTables
from assay.store.engines.loader import SQL
from assay.store.engines.spark_asking import Asking
from assay.store.engines.warehouse import Tables
from assay.store.engines.warehouse_store import WarehouseStore
from assay.store.lake import MANIFEST, Lake, Manifest, Place, Table

FOLDER = "warehouse"
ROLLS = True  # it keeps rollups
PACKAGES = ("pyspark",)


def open_store(folder: Path, read_only: bool = False) -> WarehouseStore:  # noqa: ARG001  a lake needs no lock to read
    """The workspace's lake."""
    return LakeStore(SparkLake(Lake(_place(folder))))


def _place(folder: Path) -> Place:
    from assay.store.engines import choice

    chosen = choice(folder).get("place")
    if chosen is None:
        return Place(folder / FOLDER)
    if "://" in chosen or chosen.startswith("file:"):
        from assay.store.engines.hadoop_place import HadoopPlace

        return HadoopPlace(chosen)
    return Place(Path(chosen))


def version(folder: Path) -> str:
    """Another text after every change."""
    return _place(folder).seen(MANIFEST)


def manifest(folder: Path) -> str | None:
    """What the present version of its tables is, in words; None where there is none."""
    return _place(folder).read(MANIFEST)


def exists(folder: Path) -> bool:
    """Whether there is one."""
    return manifest(folder) is not None


class SparkLake:
    """A lake that Spark writes and reads."""

    dialect = "spark"

    def __init__(self, lake: Lake) -> None:
        self.lake, self.asking = lake, Asking(lake.place)

    def where(self) -> str:
        """The folder."""
        return self.lake.place.where()

    def manifest(self) -> Manifest:
        """The present version."""
        return self.lake.manifest()

    def alone(self) -> AbstractContextManager[None]:
        """Keep other writers out."""
        return self.lake.place.alone()

    def tables(self, manifest: Manifest, number: str) -> LakeTables:
        """The tables of a version, to be read or changed."""
        return LakeTables(self.lake.place, self.asking, manifest.tables, number)

    def commit(self, before: Manifest, tables: Mapping[str, Table]) -> None:
        """Make these tables the present version."""
        self.lake.commit(before, tables, "")

    def write(self, statement: Statement, tables: Tables, path: Path) -> None:
        """Answer a query into a Parquet file of this machine, by the DuckDB of this process."""
        import duckdb

        with duckdb.connect(":memory:") as reader:
            reader.execute("SET TimeZone = 'UTC'")
            for name, table in tables.tables.items():
                if re.search(rf"\b{re.escape(name)}\b", statement.sql):
                    reader.execute(_view(name, table, self.lake.place))
            sql = schema.one(SQL, "save_query", path=literal(str(path)), query=statement.sql)
            reader.execute(sql, dict(statement.params or {}))

    def purge(self) -> None:
        """Delete every file that is not of the present version."""
        self.lake.purge()

    def tell(self, progress: Progress) -> None:
        """Whom to tell how far Spark is."""
        self.asking.progress = progress

    def interrupt(self) -> None:
        """Break off what Spark runs for this connection."""
        self.asking.interrupt()

    def twin(self) -> SparkLake:
        """The same lake through a session of its own."""
        return SparkLake(self.lake)

    def close(self) -> None:
        """End the session."""
        self.asking.forget()


class LakeStore(WarehouseStore):
    """The store of a workspace in a lake, which keeps rollups for its questions."""

    @property
    def _lake(self) -> LakeTables:
        far = self._now().far
        assert isinstance(far, LakeTables)
        return far

    def answer(self, statement: Statement, what: str, before: str = "") -> Result:
        """The rows of a question, from rollups where they say the same."""
        return self._lake.answer(statement, what, before)

    def roll_up(self, made: Mapping[str, str]) -> tuple[int, int]:
        """Keep some more of the rollups: days made, days still missing."""
        with self.transaction("keeping events by day"):
            return roll_up(self._lake, made)


def _view(name: str, table: Table, place: Place) -> str:
    """A table of the lake as a view of DuckDB."""
    which, said = ("lake_view", quote) if table.files else ("empty_view", lambda _: "NULL")
    columns = ", ".join(f"CAST({said(c)} AS {kind}) AS {quote(c)}" for c, kind in table.columns.items())
    files = "[" + ", ".join(literal(str(place.fetched(file))) for file in table.files) + "]"
    return schema.one(SQL, which, table=quote(name), columns=columns, files=files)
