"""ClickHouse: its server loads, derives and answers, in tables of whole versions (docs/adr/0028).

The loader's statements are done by ClickHouse wherever they concern the big tables (``warehouse.py``). Without a
server's address its engine inside this process answers (package chdb): the stand-in of the tests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from assay.model.errors import UsageError
from assay.store.engine import Progress, Statement
from assay.store.engines import shown
from assay.store.engines.clickhouse_place import CLUSTER_SETTINGS, HOUR, ClickHousePlace, ClusterPlace
from assay.store.engines.clickhouse_tables import ClickHouseTables, shapes
from assay.store.engines.clickhouse_transport import CLUSTER, Local, Server
from assay.store.engines.warehouse import Tables
from assay.store.engines.warehouse_store import WarehouseStore
from assay.store.lake import MANIFEST, Lake, Manifest, Table

PACKAGES = ("clickhouse-connect", "chdb")


def open_store(folder: Path, read_only: bool = False) -> WarehouseStore:  # noqa: ARG001  reading needs no lock
    """The workspace's database."""
    return WarehouseStore(ClickHouse(_place(folder)))


def version(folder: Path) -> str:
    """Another text after every change."""
    return _place(folder).seen(MANIFEST)


def manifest(folder: Path) -> str | None:
    """What the present version of its tables is, in words; None where there is none."""
    return _place(folder).read(MANIFEST)


def exists(folder: Path) -> bool:
    """Whether there is one."""
    return manifest(folder) is not None


def _place(folder: Path) -> ClickHousePlace:
    from assay.store.engines import choice

    return _at(choice(folder).get("place"), folder.absolute())


@lru_cache(maxsize=64)
def _at(address: str | None, folder: Path) -> ClickHousePlace:
    """One connection for all who ask the same database."""
    if address is None:
        name = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
        return ClickHousePlace(Local(), f"assay_{name}", folder)
    database = address.partition("://")[2].partition("/")[2].partition("?")[0]
    if not address.startswith(("clickhouse://", "clickhouses://")) or not database:
        raise UsageError(f"{shown(address)}: write ClickHouse's address as clickhouse://user@host:8123/database")
    cluster = dict(parse_qsl(urlsplit(address).query)).get(CLUSTER)
    if cluster is not None:
        return ClusterPlace(Server(address, CLUSTER_SETTINGS, HOUR), database, folder, cluster)
    return ClickHousePlace(Server(address), database, folder)


class ClickHouse:
    """A database that holds versions."""

    dialect = "clickhouse"

    def __init__(self, place: ClickHousePlace) -> None:
        self.place, self.lake = place, Lake(place)
        self.tag = f"assay-{uuid4().hex}"

    def where(self) -> str:
        """The database."""
        return self.place.where()

    def manifest(self) -> Manifest:
        """The present version."""
        return self.lake.manifest()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other writers out."""
        with self.place.alone():
            self.place.complete(lambda: shapes(self.manifest().tables))
            yield

    def tables(self, manifest: Manifest, number: str) -> ClickHouseTables:
        """The tables of a version, to be read or changed."""
        return ClickHouseTables(self.place, manifest.tables, number, self.tag)

    def commit(self, before: Manifest, tables: Mapping[str, Table]) -> None:
        """Make these tables the present version."""
        self.lake.commit(before, tables, "")

    def write(self, statement: Statement, tables: Tables, path: Path) -> None:
        """Answer a query into a Parquet file of this machine."""
        tables.save(statement, path)  # type: ignore[attr-defined]

    def purge(self) -> None:
        """Drop every table that is not of the present version."""
        self.lake.purge()

    def tell(self, progress: Progress) -> None:
        """A query does not say how far it is."""

    def interrupt(self) -> None:
        """Break off the queries of this connection: whoever may run them may end them."""
        self.place.stop(self.tag)

    def twin(self) -> ClickHouse:
        """The same database through a connection of its own."""
        return ClickHouse(self.place)

    def close(self) -> None:
        """End the connection."""
        self.place.transport.close()
