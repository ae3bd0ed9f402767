"""A database of ClickHouse as the place of versions: its files are tables.

On one server a table is a ``MergeTree``. Where the address names a cluster, every table that stays is a
``ReplicatedMergeTree`` on each of its servers (``…_here``), of which each shard holds the visitors that fall to it,
and a ``Distributed`` table over them, which has the name (docs/adr/0030).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

from assay.model.errors import MachineError
from assay.store import schema
from assay.store.engines.clickhouse_transport import Transport, result_of
from assay.store.engines.duckdb_file import literal, quote
from assay.store.lake import Place
from assay.store.locks import locked

if TYPE_CHECKING:
    from collections.abc import Iterator

MANIFEST = "manifest_"
PASSING = "t"  # what the name of a table begins with that is there for one session
HERE = "_here"  # what the name of a table ends with that holds a server's part of one of the cluster
VISITOR = "visitor_key"
HOUR = 3600  # seconds that a statement may take until every server of a cluster has done it
# The shards give rows and columns and nothing else: a condition that ClickHouse hands down to them is looked up anew
# there, in tables that they do not have. When an INSERT has ended, its rows are on the shards that they fall to, and
# none was taken for a repetition of another one; a cluster that has grown has the rows of a visitor in several places.
# A shard that does not answer is an error.
CLUSTER_SETTINGS: dict[str, int | str] = {
    "allow_push_predicate_ast_for_distributed_subqueries": 0,
    "prefer_global_in_and_join": 1,
    "distributed_product_mode": "global",
    "optimize_distributed_group_by_sharding_key": 0,
    "optimize_skip_unused_shards": 0,
    "skip_unavailable_shards": 0,
    "distributed_foreground_insert": 1,
    "parallel_distributed_insert_select": 0,
    "async_insert": 0,
    "insert_deduplicate": 0,
    "deduplicate_insert": "disable",
    "deduplicate_insert_select": "disable",
    "alter_sync": 2,
    "distributed_ddl_task_timeout": HOUR,
    "receive_timeout": HOUR,
}


class ClickHousePlace(Place):
    """A database of one server."""

    def __init__(self, transport: Transport, database: str, folder: Path) -> None:
        self.transport, self.database, self.lock = transport, database, folder / ".lock"

    def do(self, which: str, /, **fill: str) -> bytes:
        """Run the statements of that name; the answer of the last."""
        said = b""
        for sql in schema.named("clickhouse", which):
            said = self.transport.run(schema.filled(sql, {"database": quote(self.database), **fill}), {}, which)
        return said

    def change(self, which: str, file: str, /, **fill: str) -> None:
        """Run the statements of that name, which make or change a table."""
        self.do(which, table=self.where(file), **fill)

    def clone(self, file: str, origin: str, part: str, order: str) -> None:
        """A table of the same parts as another one, which costs nothing but names."""
        del part, order  # as those of the other
        self.change("clone", file, origin=self.where(origin))

    def complete(self, shapes: Callable[[], Mapping[str, tuple[str, str, str]]]) -> None:
        """Make sure that every server has the tables: file → columns, how it is divided, what it is sorted by."""

    def stop(self, tag: str) -> None:
        """Break off the queries that have ``tag`` in their text."""
        self.transport.aside(schema.one("clickhouse", "break_off", tag=tag), "breaking off")

    def where(self, name: str = "") -> str:
        """How ClickHouse names a table."""
        return f"{quote(self.database)}.{quote(name)}" if name else self.database

    def spread(self) -> bool:
        """Whether the rows of a table lie on several servers, each a part of them."""
        return False

    def rows(self, file: str, spread: bool) -> str:
        """What a query reads a table's rows from."""
        del spread
        return self.where(file)

    def read(self, name: str) -> str | None:  # noqa: ARG002  there is one text
        """The text that was kept under a name; None where there is none."""
        if not result_of(self.do("has_manifest", name=self.database, table=MANIFEST)).rows:
            return None
        rows = result_of(self.do("read_manifest", table=self.where(MANIFEST))).rows
        return rows[0][0] if rows else None

    def seen(self, name: str) -> str:
        """What is kept under a name, as a short text."""
        return str(crc32((self.read(name) or "").encode()))

    def replace(self, name: str, text: str) -> None:
        """Keep a text in the place of the one before: one row, there whole or not at all."""
        self.change("make_manifest", MANIFEST)
        self.transport.run(schema.one("clickhouse", "write_manifest", table=self.where(MANIFEST)), {"text": text}, name)
        self._written(text)

    def _written(self, text: str) -> None:
        del text
        self.change("trim_manifest", MANIFEST)

    def settle(self, names: Iterable[str]) -> None:
        """ClickHouse has them; unless a process that writes from another folder has dropped them."""
        if gone := sorted(set(names).difference(self.files())):
            raise MachineError(
                f"{self.where(gone[0])} is gone: another process writes to {self.database}; nothing of this load is"
                " stored, repeat it"
            )

    def files(self, pattern: str = "") -> list[str]:  # noqa: ARG002  all are tables
        """Names of all tables of versions, sorted."""
        rows = result_of(self.do("list_tables", name=self.database)).rows
        return sorted({name for (name,) in rows} - {MANIFEST})

    def remove(self, names: Iterable[str]) -> None:
        """Drop tables."""
        for name in names:
            self.change("drop_table", name)

    def alone(self) -> AbstractContextManager[None]:
        """Keep other writers of this workspace out; the database is there from then on."""
        self.do("create_database")
        return locked(self.lock)


class ClusterPlace(ClickHousePlace):
    """A database of every server of a cluster, by the name that ClickHouse's configuration gives it.

    What is there for one session only lies on the server that the address names: it must be one server, not a balance
    before several. A version becomes the present one when every replica of every shard has all of it.
    """

    def __init__(self, transport: Transport, database: str, folder: Path, cluster: str) -> None:
        super().__init__(transport, database, folder)
        self.cluster, self._writes = cluster, False

    def do(self, which: str, /, **fill: str) -> bytes:
        """Run the statements of that name; the answer of the last."""
        return super().do(which, cluster=quote(self.cluster), **fill)

    def change(self, which: str, file: str, /, **fill: str) -> None:
        """Run the statements of that name, on every server."""
        if file.startswith(PASSING):
            return super().change(which, file, **fill)
        falls = f"cityHash64(assumeNotNull({VISITOR}))" if quote(VISITOR) in fill.get("columns", "") else "0"
        path = f"/clickhouse/assay/{self.cluster}/{self.database}/{file}/"
        self.do(
            f"{which}_everywhere", table=self.where(file), here=self.where(file + HERE),
            engine=f"ReplicatedMergeTree({literal(path + '{shard}')}, '{{replica}}')",
            spread=f"Distributed({literal(self.cluster)}, {literal(self.database)}, {literal(file + HERE)}, {falls})",
            **fill,
        )  # fmt: skip
        return None

    def complete(self, shapes: Callable[[], Mapping[str, tuple[str, str, str]]]) -> None:
        """A server that has joined the cluster, or came back empty, gets the tables and what its replicas have."""
        tables = shapes()
        said = self.do("servers_of_tables", name=literal(self.database), all=literal(self.cluster))
        for name, servers, of in result_of(said).rows:
            if servers < of and name.endswith(HERE) and (file := name.removesuffix(HERE)) in tables:
                columns, part, order = tables[file]
                self.change("complete", file, columns=columns, part=part, order=order)
                self._caught_up(file)

    def clone(self, file: str, origin: str, part: str, order: str) -> None:
        """A table of the same parts as another one: a replica clones what it has, so it must have all before."""
        self._caught_up(origin)
        columns = ", ".join(quote(name) for (name, *_) in result_of(self.do("describe", table=self.where(origin))).rows)
        self.change("clone", file, origin=self.where(origin + HERE), part=part, order=order, columns=columns)
        self._caught_up(file)
        (counts,) = result_of(self.do("counts", table=self.where(file), origin=self.where(origin))).rows
        if counts[0] != counts[1]:
            raise MachineError(
                f"{self.where(origin)} has {counts[1]} rows and its clone {counts[0]}: a server of the cluster"
                f" {self.cluster} has not followed; nothing of this load is stored, repeat it"
            )

    def spread(self) -> bool:
        """Whether there is more than one shard. Asked for each version: with one rows come to a shard that is new."""
        return self._shards() > 1

    def _shards(self) -> int:
        """How many there are, of a cluster on which a row that is inserted is there once."""
        try:
            ((shards, doubling),) = result_of(self.do("shards", name=literal(self.cluster))).rows
        except MachineError as error:
            if "ACCESS_DENIED" not in str(error):
                raise
            raise MachineError(f"{error}; a user of a cluster needs SELECT ON system.clusters") from error
        if not shards:
            raise MachineError(f"ClickHouse has no cluster {self.cluster}; those that it has are in system.clusters")
        if doubling:
            raise MachineError(
                f"the cluster {self.cluster} would store each row once a replica: set internal_replication to true"
                " for its shards in ClickHouse's configuration (remote_servers)"
            )
        return int(shards)

    def rows(self, file: str, spread: bool) -> str:
        """What a query reads a table's rows from.

        Of one shard the server's own table, which has all of them. Of several, the shards give the columns that are
        asked for and the server that is asked reckons with them: aggregates that the shards begin are called otherwise
        there than here under the settings that null needs, and end in an error.
        """
        if file.startswith(PASSING):
            return self.where(file)
        return schema.one("clickhouse", "all_shards", table=self.where(file)) if spread else self.where(file + HERE)

    def _caught_up(self, file: str) -> None:
        """Wait until each replica has what any other one has of a table."""
        self.do("sync_everywhere", here=self.where(file + HERE))

    def read(self, name: str) -> str | None:
        """The text that was kept under a name; None where there is none. Whoever writes reads the last one there is."""
        if self._writes:
            self._caught_up(MANIFEST)
        return super().read(name)

    def _written(self, text: str) -> None:
        self._caught_up(MANIFEST)
        self.change("trim_manifest", MANIFEST, generation=str(int(json.loads(text)["generation"])))

    def settle(self, names: Iterable[str]) -> None:
        """Every replica has all of them."""
        listed = sorted(set(names))
        super().settle(listed)
        for name in listed:
            self._caught_up(name)

    def files(self, pattern: str = "") -> list[str]:  # noqa: ARG002  all are tables
        """Names of all tables of versions on any server, sorted; also of those that are there in part only."""
        rows = result_of(self.do("servers_of_tables", name=literal(self.database), all=literal(self.cluster))).rows
        return sorted({name.removesuffix(HERE) for name, *_ in rows} - {MANIFEST})

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other writers of this workspace out; the database is everywhere from then on, and this version known."""
        self._shards()
        self.do("create_database_everywhere")
        with locked(self.lock):
            self.change("make_manifest", MANIFEST)
            self._writes = True
            try:
                yield
            finally:
                self._writes = False
