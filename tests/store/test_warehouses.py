"""Spark and ClickHouse load: after every step their tables say what DuckDB's say after the same step.

DuckDB's own tables are held to the cases and to the oracles by the other tests; here it is the oracle.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay import privacy
from assay.store.engine import Statement
from assay.store.engines import lake_tables
from assay.store.engines.lake import SparkLake
from assay.store.engines.warehouse_store import WarehouseStore
from assay.workspace import Workspace
from engines import skip_marked
from properties.test_engines import PLAN, differences, said
from query.world import world
from support import Event, at, bought, event, load, refunded, view, workspace

TABLES = (
    "events", "visitors", "persons", "sessions", "orders", "refunds", "segments", "spans", "refusals", "quarantine",
    "costs", "rates", "facts",
)  # fmt: skip
RULES = """
rules: {session: {timeout: 10m, max: 1h, split_on_campaign: true, split_at_midnight: true}, bots: include}
"""
Step = Callable[[Workspace], Any]


def tables(ws: Workspace) -> dict[str, list[str]]:
    """Every table, its rows in one order; without the moment of loading."""
    found = {}
    for name in TABLES:
        result = ws.engine.run(Statement(f"SELECT * FROM {name}"))
        kept = [place for place, column in enumerate(result.columns) if column != "loaded_at"]
        found[name] = sorted(str([row[place] for place in kept]) for row in result.rows)
    return found


class Both:
    """The same site in DuckDB's file and in a warehouse."""

    def __init__(self, folder: Path, engine: str) -> None:
        self.folder, self.engine = folder, engine
        self.plan(PLAN)

    def plan(self, text: str) -> None:
        for engine in ("duckdb", self.engine):
            workspace(self.folder / engine, text, engine=engine).close()

    def does(self, step: Step) -> list[Any]:
        """Do the same in both and compare all tables; what the step gave in each."""
        given, found = [], []
        for engine in ("duckdb", self.engine):
            with Workspace(self.folder / engine, now=at("2025-01-01 00:00"), engine=engine) as ws:
                given.append(step(ws))
                found.append(tables(ws))
        for name in TABLES:
            assert found[1][name] == found[0][name], name
        return given


LATE = [pytest.param(engine, marks=pytest.mark.soak) for engine in ("spark", "lake")]


@pytest.fixture(scope="module", params=["clickhouse", *LATE])
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Both:
    if request.param != "clickhouse":
        request.getfixturevalue("spark")
    return Both(tmp_path_factory.mktemp(request.param), request.param)


def loads(name: str, events: list[Event]) -> Step:
    return lambda ws: load(ws, events, name)


def test_one_load_after_the_other(both: Both) -> None:
    loaded_twice(both)


def loaded_twice(both: Both) -> None:
    """Two loads with duplicates within and across them, and the second one again."""
    events = world(5, visitors=12)
    half = len(events) // 2
    one = both.does(loads("first", events[:half]))
    two = both.does(loads("second", events[half:]))
    assert one[0] == one[1]
    assert two[0] == two[1]
    assert one[0].duplicates + two[0].duplicates > 0
    again = both.does(loads("second", events[half:]))
    assert [given.again for given in again] == [True, True]


def test_what_comes_late_or_twice_or_cannot_be_used(both: Both) -> None:
    late = [
        view("v3", "2024-03-25 09:00", "/late", user="u9", account="acc9"),
        view("late", "2024-03-20 23:59:59", "/p/1?x=1", utm_campaign="spring", referrer="https://www.google.com/"),
        event("v4", "click", "2024-03-26 10:00", interactive=False, id="same", received_at=at("2024-03-26 11:00")),
        event("v4", "click", "2024-03-26 10:00", interactive=False, id="same", received_at=at("2024-03-26 10:30")),
        event(None, "page_view", "2024-03-26 10:00", user="u1", path="/app"),
        event("v5", "sign_up", "2024-03-27 10:00", user="u7", props={"plan": "pro", "seats": "4"}),
        bought("v5", "2024-03-27 10:10", "o77", "19.90", currency="USD", items=[{"id": "a", "quantity": 2}]),
        bought("v5", "2024-03-27 10:20", "o78", "much"),
        refunded("2024-03-29 10:00", "o77", None),
        {"visitor": "v6", "name": "click", "time": at("2024-03-27 10:00"), "source": "web"},
        {"id": "held-1", "visitor": "v6", "name": "click", "time": at("2024-03-27 10:00"), "held": "not in the plan"},
        {"refused": "a robot"},
    ]
    one, two = both.does(loads("late", late))
    assert one == two
    assert (one.rows, one.quarantined, one.clashes + one.duplicates) == (11, 3, 1)


def test_who_is_who_changes(both: Both) -> None:
    """A device of two users in turn, a user on two devices, an account that comes later, an identification that comes late."""
    both.does(loads("who", [
        view("shared", "2024-03-25 09:00"), event("shared", "click", "2024-03-25 10:00", user="ann"),
        event("shared", "click", "2024-03-25 12:00", user="ben"), bought("shared", "2024-03-25 12:30", "o90", "5.00"),
        event("second", "click", "2024-03-25 13:00", user="ann"), view("second", "2024-03-25 08:00"),
    ]))  # fmt: skip
    both.does(loads("later", [
        event("shared", "click", "2024-03-25 11:00", user="cleo", account="acc8"), view("shared", "2024-03-25 11:30"),
        event("second", "click", "2024-03-25 07:00", user="ben"), event("second", "click", "2024-03-25 07:00", user="ann", seq=1),
    ]))  # fmt: skip


@pytest.mark.soak
def test_rules_that_change(both: Both) -> None:
    both.plan(PLAN + "channels: [{channel: Own, where: \"campaign = 'spring'\"}]\n")
    both.does(lambda ws: ws.engine.derivation())
    both.plan(PLAN.replace("rules: {bounce: plausible}", RULES.strip()))
    both.does(lambda ws: ws.engine.derivation())
    both.plan(PLAN)
    both.does(lambda ws: ws.engine.derivation())


def test_another_time_zone(both: Both) -> None:
    """Evenings go into the next day, and the last one of a month into a month that has nothing else."""
    both.does(loads("evenings", [
        view("z1", "2023-10-10 08:00"), view("z1", "2023-10-31 20:30"), view("z2", "2023-10-31 21:40"),
        bought("z2", "2023-10-31 21:45", "o95", "10.00"), view("z3", "2023-12-31 21:30"), view("z3", "2024-01-31 21:30"),
    ]))  # fmt: skip
    for zone in ("Asia/Tokyo", "America/Los_Angeles", None):
        both.plan(re.sub(r"timezone: [\w/]+", f"timezone: {zone}", PLAN) if zone else PLAN)
        both.does(lambda ws: ws.engine.derivation())


@pytest.mark.soak
def test_properties_that_come_and_go(both: Both) -> None:
    both.plan(PLAN.replace("plan: string, seats: integer", "plan: string, seats: number, extra: string"))
    both.does(lambda ws: ws.engine.derivation())
    both.plan(PLAN)
    both.does(lambda ws: ws.engine.derivation())


@pytest.mark.soak
def test_tables_as_of_a_moment(both: Both) -> None:
    moment = at("2024-04-05 00:00")

    def step(ws: Workspace) -> Any:
        other = ws.engine.beside(ws.derivation, moment)
        try:
            return {
                name: sorted(map(str, other.run(Statement(f"SELECT * FROM {name}")).rows))
                for name in ("events", "visitors", "persons", "sessions", "orders", "refunds", "costs")
            }
        finally:
            other.close()

    one, two = both.does(step)
    assert one == two
    assert one["sessions"]


@pytest.mark.soak
def test_somebody_leaves(both: Both) -> None:
    for kind, name in (("visitor", "v3"), ("user", "u1")):
        one, two = both.does(lambda ws, kind=kind, name=name: privacy.erase(ws, kind, name).events)
        assert one == two > 0
    if both.engine != "lake":
        return
    with Workspace(both.folder / "lake", engine="lake") as ws:
        assert isinstance(ws.engine, WarehouseStore)
        assert isinstance(ws.engine.warehouse, SparkLake)
        place = ws.engine.warehouse.lake.place
        held = [Path(place.where(file)).read_bytes() for file in place.files("**/*")]
        assert held
        assert not any(b"late" in text and b'"v3"' in text for text in held)


@pytest.mark.soak
def test_a_load_leaves_its_version_and_nothing_else(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts in many files are written anew; what was written on the way is gone; what broke off leaves nothing."""
    skip_marked("a load that breaks off", both.engine)
    monkeypatch.setattr(lake_tables, "FILES", 1)
    both.does(loads("again", [view("v1", "2024-03-24 08:00", "/again"), view("new", "2024-03-24 08:00", user="u1")]))
    with Workspace(both.folder / both.engine, engine=both.engine) as ws:
        assert isinstance(ws.engine, WarehouseStore)
        warehouse: Any = ws.engine.warehouse
        place, now, before = warehouse.lake.place, warehouse.manifest(), tables(ws)
        assert set(place.files("**/*.parquet")) <= now.files | now.left.keys()
        if both.engine == "lake":
            assert all(len(part.files) == 1 for table in now.tables.values() for part in table.parts.values())
        with monkeypatch.context() as broken:
            broken.setattr(type(warehouse), "commit", _cut(before=True, real=type(warehouse).commit))
            with pytest.raises(RuntimeError, match="power cut"):
                load(ws, [view("v1", "2024-03-24 09:00", "/never")], "never")
        assert tables(ws) == before
        assert set(place.files("**/*.parquet")) <= now.files | now.left.keys()
        with monkeypatch.context() as broken:
            broken.setattr(type(warehouse), "commit", _cut(before=False, real=type(warehouse).commit))
            with pytest.raises(RuntimeError, match="power cut"):
                load(ws, [view("v1", "2024-03-24 09:00", "/there")], "there")
        assert tables(ws)["segments"] != before["segments"]
        assert load(ws, [view("v1", "2024-03-24 09:00", "/there")], "there").again
    with Workspace(both.folder / "duckdb", now=at("2025-01-01 00:00")) as ws:
        load(ws, [view("v1", "2024-03-24 09:00", "/there")], "there")


def _cut(before: bool, real: Callable[..., None]) -> Callable[..., None]:
    """A commit in which the power fails, before or after the manifest is replaced."""

    def commit(*given: Any) -> None:
        if not before:
            real(*given)
        raise RuntimeError("power cut")

    return commit


@pytest.mark.soak
def test_questions(both: Both) -> None:
    asked = [
        ("metric", (["net", "bought_per_visitor", "sessions"],), {"by": ["channel"]}),
        ("funnel", ("ordered",), {}),
    ]
    for question, given, params in asked:
        one, two = both.does(lambda ws, q=question, g=given, p=params: said(ws, q, g, p))
        assert differences(one, two) == []
        assert one["rows"]
