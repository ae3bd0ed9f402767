"""A cluster in this process, of one or two shards: ClickHouse's engine (chdb) reads real ``Distributed`` tables.

The statements are those that a cluster's servers would be sent; what differs stands here. There is one process and no
Keeper, so ``ON CLUSTER`` is left out, a ``ReplicatedMergeTree`` is a ``MergeTree`` (``…_all``), and a shard's part of
it (``…_here``) is a view of the rows that fall to the shard which the query is at (``shardNum``). What is there for
one session only is seen by the server that was asked, as there: a shard that would need it finds it empty.
An INSERT goes to the whole table: that the shards get their rows is ClickHouse's ``Distributed`` and not shown.
"""

from __future__ import annotations

import atexit
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.store.engines import clickhouse
from assay.store.engines.clickhouse_place import CLUSTER_SETTINGS, ClusterPlace
from assay.store.engines.clickhouse_transport import ROWS, SETTINGS, Local

_SHARD = "<shard><replica><host>127.0.0.1</host><port>9000</port></replica></shard>"
_DOUBLED = _SHARD.replace("</shard>", _SHARD.removeprefix("<shard>"))  # two replicas that do not replicate
_CLUSTERS = "".join(f"<shards{n}>{_SHARD * n}</shards{n}>" for n in (1, 2)) + f"<doubled>{_DOUBLED}</doubled>"
_CONFIG = f"<clickhouse><tcp_port>9000</tcp_port><remote_servers>{_CLUSTERS}</remote_servers></clickhouse>"
_NAME = r'("\w+"\."\w+?)"'
_ON = re.compile(r' ON CLUSTER "shards\d"')
_CREATE = re.compile(rf"CREATE TABLE (IF NOT EXISTS )?{_NAME}(.*)", re.DOTALL)
_OF_SHARDS = re.compile(r' AS ("\w+"\."\w+?)_here" (ENGINE = Distributed\(.*, (\S+)\))', re.DOTALL)
_REPLICATED = re.compile(r"ReplicatedMergeTree\('/clickhouse/assay/[^']+/\{shard\}', '\{replica\}'\)")


class Shards(Local):
    """The transport to them."""

    _connection: Any = None
    _second: Any = None
    settings = SETTINGS | CLUSTER_SETTINGS
    kept: dict[str, str] = {}  # noqa: RUF012  table of the cluster → which shard a row of it falls to; of the process
    shards = 2

    def run(self, sql: str, params: Mapping[str, Any], what: str, form: str = ROWS) -> bytes:
        """Run a statement as servers of a cluster would."""
        said = b""
        if _ON.search(sql):  # as it would be sent, it is one of ClickHouse's words
            super().run(f"EXPLAIN AST {sql}", params, what)
        for one in self._said(sql):
            said = super().run(one, params, what, form)
        return said

    def _said(self, sql: str) -> list[str]:
        verb, everywhere = sql.split(None, 1)[0], _ON.search(sql) is not None
        sql = _ON.sub("", sql)
        if verb == "SYSTEM":
            return []
        if verb == "CREATE" and (made := _CREATE.fullmatch(sql)):
            return self._created(made[1] or "", made[2], made[3], everywhere)
        if verb in ("ALTER", "DELETE", "DROP", "INSERT"):
            name = re.search(_NAME, sql)
            return self._changed(verb, sql, name[1]) if name else [sql]
        if "FROM system.tables" in sql and "AND" not in sql:
            return [f"{sql} AND NOT endsWith(name, '_all')"]
        if "system.tables" in sql and "GROUP BY name" in sql:
            return [sql.replace("GROUP BY", "AND NOT endsWith(name, '_all') GROUP BY")]
        return [sql]

    def _created(self, unless: str, name: str, rest: str, everywhere: bool) -> list[str]:
        if not everywhere:  # seen at the server that was asked only
            seen = f'CREATE VIEW {name}" AS SELECT * FROM {name}_all" WHERE shardNum() = 0'
            return [f'CREATE TABLE {name}_all"{rest}', seen]
        if of := _OF_SHARDS.fullmatch(rest):
            assert of[1] == name
            self.kept[name] = of[3]
            return [self._part(name), f'CREATE TABLE {unless}{name}" AS {name}_all" {of[2]}']
        assert _REPLICATED.search(rest)
        assert name.endswith("_here")
        rest = re.sub(rf"^ AS {_NAME}", lambda origin: f' AS {_all(origin[1])}"', rest)
        return [f'CREATE TABLE {unless}{_all(name)}"{_REPLICATED.sub("MergeTree", rest)}']

    def _changed(self, verb: str, sql: str, name: str) -> list[str]:
        if name.endswith("_here"):  # a change of what each server has
            whole = sql.replace(f'{name}"', f'{_all(name)}"')
            if verb == "DROP":
                return [sql, whole]
            whole = re.sub(rf" FROM {_NAME}$", lambda origin: f' FROM {_all(origin[1])}"', whole)
            again = [self._part(name.removesuffix("_here"))] if "COLUMN" in sql else []
            return [whole, *again]
        if verb == "INSERT" and "manifest_" in name and name not in self.kept:
            raise AssertionError(f"{name} was not made")
        if verb == "INSERT":
            return [sql.replace(f'{name}"', f'{name}_all"', 1)]
        if verb == "DROP" and name not in self.kept:
            return [sql, sql.replace(f'{name}"', f'{name}_all"')]
        return [sql]

    def _part(self, name: str) -> str:
        """The view of a shard's part."""
        shard = f" WHERE ({self.kept[name]}) % 2 + 1 = shardNum()" if self.shards == 2 else ""
        return f'CREATE OR REPLACE VIEW {name}_here" AS SELECT * FROM {name}_all"{shard}'


def _all(name: str) -> str:
    return f"{name.removesuffix('_here')}_all"


def stand(shards: int) -> None:
    """From now on every workspace in ClickHouse's engine is on so many shards, in this process."""
    folder = tempfile.TemporaryDirectory(prefix="assay-shards-")
    atexit.register(folder.cleanup)
    config = Path(folder.name) / "config.xml"
    config.write_text(_CONFIG, encoding="utf-8")
    Local.address = f":memory:?config-file={config}"
    Shards.shards = shards
    clickhouse.ClickHousePlace = lambda _, *given: ClusterPlace(Shards(), *given, f"shards{shards}")  # type: ignore[misc,assignment]
