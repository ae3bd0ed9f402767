"""Spark: questions run on a cluster, over a lake of Parquet that any Spark can read (docs/adr/0026).

Loading, deduplication and derivation stay with the one loader (DuckDB); what it derived is copied into the lake
whenever it has changed, only the parts that say something else. A question reads temporary views over one version
of the lake.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.store.engine import ALL, Derivation, Keeping, Loaded, Piece, Progress, Result, Statement, Subject, Taking
from assay.store.engines.copying import copied
from assay.store.engines.duckdb import DuckDB
from assay.store.engines.spark_asking import Asking
from assay.store.lake import Lake, Manifest, Place

FOLDER = "lake"
PACKAGES = ("pyspark",)


def open_store(folder: Path, read_only: bool = False) -> Spark:
    """The workspace's store, answered by Spark."""
    loader = DuckDB(folder / "store.duckdb", read_only=read_only)
    return Spark(loader, Copies(Lake(Place(folder / FOLDER))))


class Copies:
    """The lake of a loader, and how often the loader has written since: shared by all who ask over the same store."""

    def __init__(self, lake: Lake, passing: bool = False) -> None:
        self.lake, self.passing = lake, passing
        self.changes = 1

    def changed(self) -> None:
        """The loader has written, or is about to."""
        self.changes += 1


class Spark:
    """The store of a workspace, asked through Spark."""

    dialect = "spark"

    def __init__(self, loader: DuckDB, copies: Copies) -> None:
        self.loader, self.copies = loader, copies
        self.asking = Asking(copies.lake.place)
        self._seen = 0
        self._manifest = Manifest()

    def load(self, pieces: Sequence[Piece], derivation: Derivation, keeping: Keeping = ALL) -> list[Loaded]:
        """Load with the loader; the next question reads the new tables."""
        try:
            return self.loader.load(pieces, derivation, keeping)
        finally:
            self.copies.changed()

    def taking(self) -> Taking:
        """The loader's; what it takes out leaves the lake too."""
        return LakeTaking(self)

    def rebuild(self, derivation: Derivation) -> None:
        """Derive everything again with the loader."""
        try:
            self.loader.rebuild(derivation)
        finally:
            self.copies.changed()

    def run(self, statement: Statement) -> Result:
        """Answer one query; a statement that writes goes to the loader."""
        if statement.sql.lstrip().upper().startswith(("SELECT", "WITH", "(")):
            return self._asked(statement, statement.title or "query")
        try:
            return self.loader.run(statement)
        finally:
            self.copies.changed()

    def write(self, statement: Statement, path: Path) -> None:
        """Answer a query into a Parquet file, with the loader."""
        self.loader.write(statement, path)

    def explain(self, statement: Statement) -> str:
        """Spark's own plan of the query."""
        return "\n".join(str(row[0]) for row in self._asked(statement, "explain", "EXPLAIN ").rows)

    def fits(self, properties: Mapping[str, str]) -> bool:
        """Whether the loader's tables need no migration."""
        return self.loader.fits(properties)

    def migrate(self, properties: Mapping[str, str]) -> None:
        """Bring the loader's tables to this version."""
        try:
            self.loader.migrate(properties)
        finally:
            self.copies.changed()

    def beside(self, derivation: Derivation, as_of: int) -> Spark:
        """A second derived set, derived by the loader and copied to a lake of its own, which goes when it is closed."""
        place = self.copies.lake.place
        folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=place.folder("beside")))
        return Spark(self.loader.beside(derivation, as_of), Copies(Lake(Place(folder)), passing=True))

    def roll_up(self, made: Mapping[str, str]) -> tuple[int, int]:
        """The loader keeps none."""
        return self.loader.roll_up(made)

    def tell(self, progress: Progress) -> None:
        """Whom to tell how far Spark is."""
        self.asking.progress = progress

    def interrupt(self) -> None:
        """Break off what the loader runs and what Spark runs for this connection."""
        self.loader.interrupt()
        self.asking.interrupt()

    def twin(self) -> Spark:
        """Another session over the same lake, for another thread."""
        return Spark(self.loader.twin(), self.copies)

    def derivation(self) -> str | None:
        """Id of the rules that the derived tables were made with."""
        return self.loader.derivation()

    def close(self) -> None:
        """Forget the views, close the loader."""
        if self.copies.passing:
            self.copies.lake.place.clear()
        self.asking.forget()
        self._seen = 0
        self.loader.close()

    # -- asking ------------------------------------------------------------------------------------------------------

    def _asked(self, statement: Statement, what: str, before: str = "") -> Result:
        self.refresh()
        with self.asking.telling(f"{what}: on Spark"):
            return self.asking.ask(statement, self._manifest.tables, what, before)

    def refresh(self) -> None:
        """The lake as the loader's tables are now."""
        changes = self.copies.changes
        if self._seen == changes:
            return
        self._manifest, self._seen = copied(self.loader, self.copies.lake), changes


class LakeTaking:
    """What takes people and old events out of a store and its lake."""

    def __init__(self, store: Spark) -> None:
        self.store, self.taking = store, store.loader.taking()

    def spans_of(self, user: str) -> list[tuple[str, int, int, bool]]:
        """Devices of a user: visitor, from and until when (µs UTC), whether nobody else was ever known on it."""
        return self.taking.spans_of(user)

    def found(self, subject: Subject) -> int:
        """Events that belong to somebody."""
        return self.taking.found(subject)

    def stored(self, subject: Subject) -> dict[str, list[dict[str, Any]]]:
        """Everything that belongs to somebody: table → rows, values in Python's types."""
        return self.taking.stored(subject)

    def places(self, names: tuple[str, ...]) -> dict[str, int]:
        """Table and column → rows in which one of the ids stands."""
        return self.taking.places(names)

    def erase(self, subject: Subject, derivation: Derivation) -> tuple[int, int]:
        """Delete somebody's events and the quarantined rows that name them (how many of each); derive again."""
        try:
            return self.taking.erase(subject, derivation)
        finally:
            self.store.copies.changed()

    def unload(self, names: Sequence[str], derivation: Derivation) -> int:
        """Take segments out as if never loaded (how many events); derive again. Costs go with all of their load."""
        try:
            return self.taking.unload(names, derivation)
        finally:
            self.store.copies.changed()

    def expire(self, keeping: Keeping, derivation: Derivation) -> int:
        """Delete events from before their cut (how many); derive again."""
        try:
            return self.taking.expire(keeping, derivation)
        finally:
            self.store.copies.changed()

    def rewrite(self) -> None:
        """Leave nothing of what was deleted in the store's files, nor in the lake's."""
        self.taking.rewrite()
        self.store.copies.changed()
        self.store.refresh()
        lake = self.store.copies.lake
        with lake.place.alone():
            lake.place.clear("beside")
            lake.purge()
