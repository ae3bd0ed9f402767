"""Spark as it is: a cluster of one master and two workers answers what DuckDB answers.

A core of questions and of the function map, chosen for the words that they take; everything runs with ``--soak``.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assay import privacy
from assay.model.errors import MachineError
from assay.store.engine import Statement
from assay.store.engines.spark import Spark
from assay.store.engines.spark_session import first_sentence, session
from assay.store.render.java_regex import first, searched, whole
from assay.store.render.spark import render
from assay.workspace import Workspace
from properties.test_engines import PLAN, differences, said
from query.world import world
from sparking import missing
from store.test_render import STATEMENTS
from store.test_warehouses import Both, loaded_twice
from support import bought, load, rows, view, workspace

CORE: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("metric", (["net", "bought_per_visitor"],), {"by": ["device"]}),
    ("funnel", ("ordered",), {"by": ["device"], "everyone": True}),
    ("attribution", (), {"model": ["first", "time_decay"]}),
]
WORDS = ("full match, bound", "json path, bound", "cast or null", "days between", "texts joined in order", "bits")


@pytest.fixture(scope="module")
def both(spark: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, Workspace]]:
    events, folder = world(5, visitors=12), tmp_path_factory.mktemp("core")
    made = [workspace(folder / engine, PLAN, events, engine=engine) for engine in ("duckdb", "spark")]
    yield made[0], made[1]
    for ws in made:
        ws.close()


def engine_of(ws: Workspace) -> Spark:
    assert isinstance(ws.engine, Spark)
    return ws.engine


@pytest.mark.parametrize(("question", "given", "params"), [pytest.param(*one, id=one[0]) for one in CORE])
def test_spark_agrees(
    both: tuple[Workspace, ...], question: str, given: tuple[Any, ...], params: dict[str, Any]
) -> None:
    one, two = (said(ws, question, given, params) for ws in both)
    assert differences(one, two) == []
    assert one["rows"]


@pytest.mark.parametrize("case", WORDS)
def test_words(case: str, both: tuple[Workspace, ...]) -> None:
    sql, params, _ = STATEMENTS[case]
    one, two = (rows(ws, sql, **params) for ws in both)
    assert sorted(one, key=str) == sorted(two, key=str)


def test_fractions_as_text(both: tuple[Workspace, ...]) -> None:
    values = (
        "1e20",
        "1.5e20",
        "1e-7",
        "-2.5e-5",
        "0.0001",
        "12345678.0",
        "123456789.125",
        "1e16",
        "1.25",
        "0.001",
        "0.0",
    )
    said_so = ", ".join(f"('{value}')" for value in values)
    sql = f"SELECT v, CAST(TRY_CAST(v AS DOUBLE) AS VARCHAR), TRY_CAST(v AS BIGINT) FROM (VALUES {said_so}) x(v) ORDER BY v"
    one, two = (rows(ws, sql) for ws in both)
    assert one == two


def test_two_workers_answer(both: tuple[Workspace, ...], spark: str) -> None:
    context = engine_of(both[1]).asking.session._jsparkSession.sparkContext()
    assert context.master() == spark
    assert context.getExecutorMemoryStatus().size() == 3  # two workers and this process


def test_spark_loads(spark: str, tmp_path: Path) -> None:
    loaded_twice(Both(tmp_path, "lake"))


def test_an_error_is_one_line_of_sparks_own(both: tuple[Workspace, ...]) -> None:
    with pytest.raises(MachineError, match=r"^query: Spark says: \[UNRESOLVED_COLUMN.*nothing_there") as caught:
        both[1].engine.run(Statement("SELECT nothing_there FROM events"))
    assert "\n" not in str(caught.value)
    with pytest.raises(MachineError, match=r"Spark says: \[DIVIDE_BY_ZERO\] Division by zero") as caught:
        both[1].engine.run(Statement("SELECT max(t // (t - t)) FROM events"))
    assert "java" not in str(caught.value)


def test_what_is_loaded_and_erased_is_seen_at_once(spark: str, tmp_path: Path) -> None:
    with workspace(tmp_path, "", [view("ann-7731", "2024-03-01 10:00")], engine="spark") as ws:
        assert rows(ws, "SELECT count(*) FROM events") == [(1,)]
        load(ws, [bought("bob", "2024-03-02 10:00", "o1", "9.90")])
        assert rows(ws, "SELECT day, sum(amount) FROM events GROUP BY day HAVING sum(amount) > 0")[0][1].as_tuple() == (
            0, (9, 9, 0, 0, 0, 0, 0), -6,
        )  # fmt: skip
        assert privacy.erase(ws, "visitor", "ann-7731").events == 1
        assert rows(ws, "SELECT DISTINCT visitor FROM events") == [("bob",)]
        lake = engine_of(ws).copies.lake
        assert not lake.manifest().left
        held = [Path(lake.place.where(file)).read_bytes() for file in lake.place.files("**/*.parquet")]
        assert held
        assert not any(b"ann-7731" in text for text in held)


@pytest.mark.parametrize(
    ("write", "pattern", "text", "matches"),
    [
        (whole, "a", "a\n", False),  # Java's $ and matches differ here
        (searched, "a$", "a\n", False),
        (searched, "a.b", "a\rb", True),
        (searched, "a.b", "a\nb", False),
        (searched, "[[:alpha:]]+1", "ab1", True),
        (searched, "^[[:alpha:]]$", ":", False),
        (searched, "^[a&&b]$", "&", True),
        (searched, "(?P<x>a)b", "ab", True),
        (searched, r"^\s$", "\x0b", False),
        (searched, r"^[^\]]$", "[", True),
        (first, "b", "abab", True),
    ],
)
def test_patterns_read_alike(spark: str, write: Any, pattern: str, text: str, matches: bool) -> None:
    import duckdb

    ((found,),) = duckdb.execute("SELECT regexp_matches($t, $p)", {"t": text, "p": pattern}).fetchall()
    assert found == (matches or write is whole)
    java = session()._jvm.java.util.regex.Pattern.compile(write(pattern))
    assert java.matcher(text).find() == matches


def test_what_has_no_words_is_an_error() -> None:
    for sql in (
        "SELECT regexp_matches(path, visitor) FROM events",
        "SELECT regexp_matches(path, '(?=a)') FROM events",
        "SELECT json_extract_string(props, '$.a.b') FROM events",
        "SELECT * REPLACE (1 AS day) FROM events UNION ALL SELECT * FROM events",
        "SELECT * FROM events a ASOF JOIN events b ON a.visitor = b.visitor AND a.t >= b.t",
    ):
        with pytest.raises(MachineError, match=r"Spark"):
            render(sql, {})


def test_values_are_never_text() -> None:
    made = render("SELECT * FROM events WHERE path = $v1 AND t > $v2", {"v1": "'; DROP TABLE x", "v2": 5})
    assert "DROP" not in made.sql
    assert made.values == {"v1": "'; DROP TABLE x", "v2": 5}


def test_a_part_that_is_read_often_is_worked_out_once() -> None:
    steps = ", ".join(
        f"a{n} AS (SELECT x.t FROM a{n - 1} x JOIN a{n - 1} y ON x.t = y.t JOIN events e ON e.t = x.t)"
        for n in range(2, 12)
    )
    made = render(f"WITH a1 AS (SELECT t FROM events), {steps} SELECT count(*) FROM a11", {})
    assert len(made.kept) == 9
    assert all(sql.count("FROM events") + sql.count("JOIN events") <= 3 for _, sql in made.kept)


def test_what_spark_says_first() -> None:
    text = """An error occurred while calling o55.collectToPython.
: org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 3.0 failed 4 times, most recent failure
\tat org.apache.spark.Some.method(Some.scala:1)
Caused by: java.lang.ArithmeticException: [DIVIDE_BY_ZERO] Division by zero. SQLSTATE: 22012
\tat java.base/java.lang.Thread.run(Thread.java:840)
"""
    assert first_sentence(text) == "[DIVIDE_BY_ZERO] Division by zero."


@pytest.mark.parametrize(
    ("hide", "says"),
    [
        ("import shutil; shutil.which = lambda *_: None", "needs Java 17"),
        ("import sys; sys.modules['pyspark'] = None", "pip install 'assay[spark]'"),
        ("import os; os.environ['ASSAY_SPARK_SETTINGS'] = 'spark.x'", "is no setting like"),
        ("import os; os.environ['ASSAY_SPARK'] = 'sparc://h:7077'", "names no cluster; write spark://host:7077"),
        ("import os; os.environ['ASSAY_SPARK'] = 'spark://127.0.0.1:1'", "no Spark answers there (Connection refused)"),
    ],
)
def test_what_is_missing_is_said(hide: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if "pyspark" not in hide and missing():
        pytest.skip(missing())
    code = f"{hide}\nfrom assay.store.engines.spark_session import session\nsession()"
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("ASSAY_SPARK", "local[1]")
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr.rstrip().splitlines()[-1].startswith("assay.model.errors.MachineError: ")
    assert says in done.stderr
