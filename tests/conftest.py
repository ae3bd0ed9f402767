"""Fixtures and options that all tests share."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import HealthCheck, settings

from assay.workspace import Workspace
from clickhouse_shards import stand
from sparking import SETTINGS, cluster, missing

ENGINES = ("duckdb", "clickhouse", "spark", "lake")
ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("ASSAY_DATA", ROOT.parent / "shared" / "data"))
ORIGIN = (
    "public data sets, named with their origin in tests/data/README.md; put them in a folder and set ASSAY_DATA to it"
)

# How long an example takes says more about what else the machine does than about the code.
settings.register_profile("assay", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("assay")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="also run the long tests")
    parser.addoption("--shards", type=int, choices=(1, 2), help="ClickHouse's engine is a cluster of so many")
    parser.addoption(
        "--engine", action="append", choices=ENGINES, help="only this engine, where a test runs on several"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Drawn examples are fewer where the run is not a long one: see ``support.examples``."""
    if shards := config.getoption("--shards"):
        stand(shards)
    if config.getoption("--soak"):
        os.environ["ASSAY_SOAK"] = "1"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test with ``engine`` among its arguments runs on every engine; on Spark when the run is a long one, or asks for it."""
    named = any("engine" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if "engine" in metafunc.fixturenames and not named:
        asked = metafunc.config.getoption("--engine")
        late = pytest.param("spark", marks=pytest.mark.soak)
        lake = ["lake"] if metafunc.config.getoption("--soak") else []
        metafunc.parametrize("engine", asked or ["duckdb", "clickhouse", late, *lake], indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--soak"):
        left = [] if config.getoption("--engine") else [item for item in items if _too_slow_on_a_lake(item)]
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in set(left)]
        return
    for item in items:
        if "soak" in item.keywords or (not config.getoption("--engine") and _left_out(item)):
            item.add_marker(pytest.mark.skip(reason="long: run with --soak"))


def pytest_collection_finish() -> None:
    """The collected tests stay until the end: the garbage collector need not walk over them again and again."""
    gc.freeze()


def _left_out(item: pytest.Item) -> bool:
    """Of the tests that run on ClickHouse too, a short run takes every tenth there, always the same ones."""
    return _on(item, "clickhouse") and not _tenth(item)


def _too_slow_on_a_lake(item: pytest.Item) -> bool:
    """Of the tests that load a workspace of their own, a long run takes every tenth on a lake (docs/engines.md)."""
    if not _on(item, "lake") or "opened" in getattr(item, "fixturenames", ()) or "everywhere" in item.keywords:
        return False
    return "case" in getattr(item, "fixturenames", ()) or not _tenth(item)  # of the cases the marked ones


def _on(item: pytest.Item, engine: str) -> bool:
    callspec = getattr(item, "callspec", None)
    if callspec is None or callspec.params.get("engine") != engine:
        return False
    named = any("engine" in mark.args[0] for mark in item.iter_markers("parametrize"))
    return engine != "lake" or not named


def _tenth(item: pytest.Item) -> bool:
    return crc32(item.nodeid.encode()) % 10 == 0


@pytest.fixture(scope="session", autouse=True)
def one_thread(request: pytest.FixtureRequest) -> Iterator[None]:
    """DuckDB in this process has one thread in a short run: on a few rows more of them are a tenth of the time of all tests."""
    import duckdb

    with pytest.MonkeyPatch.context() as changed:
        if not request.config.getoption("--soak"):
            real = duckdb.connect
            changed.setattr(
                duckdb,
                "connect",
                lambda *given, config=None, **more: real(*given, config={"threads": 1, **(config or {})}, **more),
            )
        yield


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """The engine that a test runs on."""
    if request.param in ("spark", "lake"):
        request.getfixturevalue("spark")
    return str(request.param)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real cluster of one master and two workers, or the one that ``ASSAY_SPARK`` names; its address."""
    if missing():
        pytest.skip(missing())
    from assay.store.engines import spark_session

    with ExitStack() as stack:
        changed = stack.enter_context(pytest.MonkeyPatch.context())
        if "ASSAY_SPARK" not in os.environ:
            changed.setenv("ASSAY_SPARK", stack.enter_context(cluster(tmp_path_factory.mktemp("spark"))).address)
        if "ASSAY_SPARK_SETTINGS" not in os.environ:
            changed.setenv("ASSAY_SPARK_SETTINGS", ",".join(f"{name}={value}" for name, value in SETTINGS.items()))
        stack.callback(spark_session.stop)
        yield os.environ["ASSAY_SPARK"]


@pytest.fixture(scope="session")
def data_file() -> Callable[[str], Path]:
    """A real data set by file name; the test is skipped where it is not there (and fails where it must be)."""

    def find(name: str) -> Path:
        path = DATA / name
        if not path.is_file():
            message = f"{name} is missing in {DATA}: {ORIGIN}"
            if os.environ.get("ASSAY_DATA_REQUIRED"):
                pytest.fail(message)
            pytest.skip(message)
        return path

    return find


@pytest.fixture(scope="module")
def opened() -> Iterator[dict[str, Workspace]]:
    """Workspaces of a module by engine, closed at its end."""
    made: dict[str, Workspace] = {}
    yield made
    for one in made.values():
        one.close()
