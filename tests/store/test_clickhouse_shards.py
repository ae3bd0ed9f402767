"""A cluster of ClickHouse: the tests of its engine, once more over one and two shards, in a process of their own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assay.model.errors import MachineError
from assay.store.engines import clickhouse
from assay.store.engines.clickhouse_place import CLUSTER_SETTINGS, ClusterPlace
from assay.store.render.clickhouse import render

ROOT = Path(__file__).parent.parent
LONG = (
    "tests/store/test_warehouses.py",
    "tests/store/test_clickhouse_place.py",
    "tests/store/test_moving.py",
    "tests/properties/test_engines.py",
)


def again(shards: int, *what: str, minutes: int) -> int:
    """How many tests passed over so many shards; each that did not is told."""
    words = ("-q", "-p", "no:cacheprovider", "--soak", "--engine", "clickhouse", "-k", "clickhouse")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, "--shards", str(shards), *what],
        cwd=ROOT.parent, capture_output=True, text=True, timeout=minutes * 60,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
    )  # fmt: skip
    passed = re.search(r"^(?:=+ )?(\d+) passed", done.stdout, re.MULTILINE)
    assert not re.search(r"\d+ (failed|error)", done.stdout), done.stdout[-8000:]
    assert passed, done.stdout[-4000:] + done.stderr[-4000:]
    return int(passed[1])


def test_loads_and_questions_over_two_shards() -> None:
    pytest.importorskip("chdb")
    tests = ("test_one_load_after_the_other", "test_questions")
    assert again(2, *(f"tests/store/test_warehouses.py::{name}" for name in tests), minutes=10) == 2


@pytest.mark.soak
@pytest.mark.parametrize("shards", [1, 2])
def test_everything_that_the_engine_does(shards: int) -> None:
    pytest.importorskip("chdb")
    assert again(shards, *LONG, minutes=60) > 50


WRONG = """
import sys
from pathlib import Path
from clickhouse_shards import Shards, stand
from assay.model.errors import MachineError
from assay.store.engines.clickhouse_place import ClusterPlace
stand(2)
for cluster in ("doubled", "nowhere", "shards2"):
    try:
        with ClusterPlace(Shards(), "shop", Path(sys.argv[1]), cluster).alone():
            print("taken", flush=True)
    except MachineError as error:
        print(error, flush=True)
"""


ASKED = """
import json, os, sys
from pathlib import Path
import chdb
from clickhouse_asked import Shard, config
from assay.store.engines.clickhouse_place import CLUSTER_SETTINGS, ClusterPlace
from assay.store.engines.clickhouse_transport import SETTINGS
from assay.store.render.clickhouse import render
shards = [Shard(), Shard()]
Path(sys.argv[1]).write_text(config(shards))
engine = chdb.connect(f":memory:?config-file={sys.argv[1]}")
for name, value in (SETTINGS | CLUSTER_SETTINGS).items():
    engine.query(f"SET {name} = '{value}'")
engine.query("CREATE DATABASE d")
for name, columns in (("events", "event_no, visitor_key, t, user_id"), ("persons", "visitor_key, user_id, since_t")):
    shape = ", ".join(f"{column} Nullable(Int64)" for column in columns.split(", "))
    engine.query(f"CREATE TABLE d.v1_{name} ({shape}) ENGINE = Distributed('far', 'd', 'v1_{name}_here', 0)")
engine.query("CREATE TABLE d.t1_keys (visitor_key Nullable(Int64)) ENGINE = MergeTree ORDER BY tuple() AS SELECT 1")
place = ClusterPlace(None, "d", Path("."), "far")
places = {name: place.rows(file, True) for name, file in (("events", "v1_events"), ("persons", "v1_persons"), ("keyz", "t1_keys"))}
for sql in json.loads(sys.argv[2]):
    said, _ = render(sql, {}, places, True)
    engine.query(said)
print(json.dumps([shard.asked for shard in shards]), flush=True)
os._exit(0)
"""


def test_what_shards_are_asked(tmp_path: Path) -> None:
    """For rows of their own table by its columns: a condition would look into tables that are elsewhere."""
    pytest.importorskip("chdb")
    asked = [
        "SELECT count(*) FROM events e WHERE e.visitor_key IN (SELECT visitor_key FROM keyz)",
        "SELECT count(*) FROM events e WHERE NOT (e.visitor_key IN (SELECT visitor_key FROM keyz) AND e.t < 5)",
        "SELECT min(t) FILTER (WHERE user_id = 3), count(DISTINCT user_id) FROM events GROUP BY visitor_key ORDER BY 1 LIMIT 3",
        "SELECT e.t FROM events e WHERE NOT EXISTS (SELECT 1 FROM persons p WHERE p.visitor_key = e.visitor_key)",
        "SELECT e.t FROM events e JOIN persons p ON p.visitor_key = e.visitor_key WHERE p.since_t > 4",
        "SELECT e.t FROM keyz k LEFT JOIN events e ON k.visitor_key = e.visitor_key ORDER BY e.t LIMIT 2",
    ]
    words = [sys.executable, "-c", ASKED, str(tmp_path / "far.xml"), json.dumps(asked)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    one, two = json.loads(done.stdout)
    assert one == two
    assert len(one) >= len(asked)
    for text in one:
        assert re.fullmatch(r"SELECT (`__table1`.`\w+` AS `\w+`(, )?)+ FROM `d`.`v1_\w+_here` AS `__table1`", text), (
            text
        )


def test_a_cluster_that_would_double_or_is_not_there(tmp_path: Path) -> None:
    pytest.importorskip("chdb")
    words = [sys.executable, "-c", WRONG, str(tmp_path)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=600)
    doubled, nowhere, taken = done.stdout.splitlines()
    assert "would store each row once a replica: set internal_replication" in doubled
    assert "has no cluster nowhere" in nowhere
    assert taken == "taken"


def test_a_cluster_is_named_in_the_address(tmp_path: Path) -> None:
    made: Any = clickhouse._at("clickhouse://assay@127.0.0.1:1/shop?cluster=two%20rooms&compress=0", tmp_path)
    assert isinstance(made, ClusterPlace)
    assert (made.database, made.cluster) == ("shop", "two rooms")
    assert made.transport.settings.items() >= CLUSTER_SETTINGS.items()
    pytest.importorskip("clickhouse_connect")
    with pytest.raises(MachineError, match="no ClickHouse answers there"):
        made.read("")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("EXISTS (SELECT 1 FROM u WHERE u.a = t.a)", "COALESCE(t.a IN (SELECT u.a AS a FROM u), FALSE)"),
        (
            "NOT EXISTS (SELECT 1 FROM u x JOIN w ON w.c = x.c WHERE t.a = x.a AND x.b = t.b + 1 AND x.d > 2)",
            "NOT COALESCE((t.a, t.b + 1) IN (SELECT x.a AS a, x.b AS b FROM u AS x JOIN w ON w.c = x.c WHERE x.d > 2), FALSE)",
        ),
        ("EXISTS (SELECT 1 FROM u WHERE u.a < t.a)", "EXISTS(SELECT 1 FROM u WHERE u.a < t.a)"),
        ("EXISTS (SELECT 1 FROM u WHERE u.a = u.b + t.a)", "EXISTS(SELECT 1 FROM u WHERE u.a = u.b + t.a)"),
        ("EXISTS (SELECT 1 FROM u WHERE u.a = 1)", "EXISTS(SELECT 1 FROM u WHERE u.a = 1)"),
        ("EXISTS (SELECT 1 FROM u)", "EXISTS(SELECT 1 FROM u)"),
    ],
)
def test_what_is_looked_up_anew_for_each_row(asked: str, said: str) -> None:
    assert render(f"SELECT t.a FROM t WHERE {asked}", {}, spread=True)[0].partition(" WHERE ")[2] == said
