"""Questions of a server: kept while the data stay, asked once by many, broken off when nobody waits."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from assay.model.errors import UnknownName, UsageError
from assay.store.engines import choose
from assay.store.held import Held
from assay.store.lake import Lake, Manifest, Place
from assay.web import asking
from assay.web.asking import Asker
from assay.workspace import Workspace
from support import NOW, load, view, workspace

PLAN = "site: {name: Asked, timezone: UTC}\nmetrics: {views: {type: simple, count: page_view}}\n"
RANGE = {"from": "2024-03-01", "to": "2024-03-01"}


@pytest.fixture
def asker(tmp_path: Path):
    with workspace(tmp_path, PLAN, [view(f"v{n}", f"2024-03-01 10:0{n}") for n in range(5)]):
        pass
    made = Asker(tmp_path, clock=NOW)
    yield made
    made.close()


def ask(asker: Asker, *questions: tuple[str, dict[str, Any]], **more: Any) -> list[Any]:
    async def all_() -> list[Any]:
        return await asyncio.gather(*(asker.ask(name, values, **more) for name, values in questions))

    return asyncio.run(all_())


def test_an_answer_is_kept_while_the_data_stay(asker: Asker) -> None:
    question = ("metric", {"names": "views", **RANGE})
    first, again = ask(asker, question)[0], ask(asker, question)[0]
    assert (first.rows[0][0], again is first, asker.asked) == (5, True, 1)
    assert ask(asker, ("metric", {"names": ["views"], **RANGE}))[0] is first  # the same in other words
    with Workspace(asker.folder, now=NOW) as ws:
        load(ws, [view("v9", "2024-03-01 11:00")])
    assert ask(asker, question, fresh=True)[0].rows[0][0] == 6
    assert asker.asked == 2


def test_a_kept_answer_is_good_for_some_seconds_of_new_events(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    question = ("metric", {"names": "views", **RANGE})
    monkeypatch.setattr(asking, "STALE", 60.0)
    ask(asker, question)
    with Workspace(asker.folder, now=NOW) as ws:
        load(ws, [view("v9", "2024-03-01 11:00")])
    assert ask(asker, question)[0].rows[0][0] == 5
    monkeypatch.setattr(asking, "STALE", -1.0)
    monkeypatch.setattr(asking, "WORTH", 1e6)  # as if it had taken long
    assert ask(asker, question)[0].rows[0][0] == 5
    monkeypatch.setattr(asking, "WORTH", -1.0)
    assert ask(asker, question)[0].rows[0][0] == 6


def test_many_who_ask_the_same_wait_for_one(asker: Asker) -> None:
    found = ask(asker, *[("metric", {"names": "views", **RANGE})] * 20)
    assert (len({id(one) for one in found}), asker.asked) == (1, 1)


def test_another_plan_is_another_answer(asker: Asker) -> None:
    question = ("catalog", {"kind": "metrics"})
    asker._watched.every = 0
    assert [row[1] for row in ask(asker, question)[0].rows] == ["views"]
    (asker.folder / "assay.yaml").write_text(PLAN.replace("views:", "seen:"), encoding="utf-8")
    assert [row[1] for row in ask(asker, question)[0].rows] == ["seen"]
    (asker.folder / "assay.yaml").write_text("metrics: {", encoding="utf-8")
    assert [row[1] for row in ask(asker, question)[0].rows] == ["seen"]
    assert asker.problem


def test_mistakes_reach_whoever_asks(asker: Asker) -> None:
    with pytest.raises(UnknownName, match="did you mean 'metric'"):
        ask(asker, ("metrc", {}))
    with pytest.raises(UsageError, match="did you mean"):
        ask(asker, ("metric", {"names": "views", "frm": "2024-01-01"}))
    with pytest.raises(UsageError, match="views"):
        ask(asker, ("metric", {"names": "viewz"}))
    assert ask(asker, ("metric", {"names": "views", **RANGE}))[0].rows[0][0] == 5


def test_what_nobody_waits_for_is_broken_off(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    began, ended = threading.Event(), threading.Event()

    def slow(self: Workspace, question: str, *args: Any, **params: Any) -> Any:
        from assay.store.engine import Statement

        began.set()
        try:
            return self.engine.run(
                Statement("SELECT count(*) FROM range(100000000) a, range(100000) b WHERE a.range + b.range = -1")
            )
        finally:
            ended.set()

    monkeypatch.setattr(Workspace, "ask", slow)

    async def cancelled() -> None:
        task = asyncio.create_task(asker.ask("metric", {"names": "views"}))
        while not began.is_set():
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while not ended.is_set():
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(cancelled(), 60))


def test_how_far_a_question_is(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    question = ("metric", {"names": "views", **RANGE})
    told: list[str] = []

    def slow(self: Workspace, name: str, **params: Any) -> Any:
        for step in ((0, 0), (3, 8), (1, 1)):
            self.progress("all <events> are read", *step)
            told.append(asker.told(name, params))
        return real(self, name, **params)

    real = Workspace.ask
    monkeypatch.setattr(Workspace, "ask", slow)
    ask(asker, question)
    assert told == ["all <events> are read", "all <events> are read, 38%", "all <events> are read"]
    assert asker.told(*question) == ""


def test_a_kept_answer_ends_with_its_data_wherever_they_lie(tmp_path: Path) -> None:
    question = ("metric", {"names": "views", **RANGE})
    choose(tmp_path / "assay-data", "clickhouse")
    with workspace(tmp_path, PLAN, [view("v1", "2024-03-01 10:00")], engine=None):
        pass
    asker = Asker(tmp_path, held=Held(tmp_path / "assay-data", "clickhouse"), clock=NOW)
    try:
        first = ask(asker, question)[0]
        assert (first.rows[0][0], ask(asker, question, fresh=True)[0] is first) == (1, True)
        with Workspace(tmp_path, now=NOW) as ws:
            load(ws, [view("v9", "2024-03-01 11:00")])
        assert ask(asker, question, fresh=True)[0].rows[0][0] == 2
    finally:
        asker.close()


def test_a_version_is_another_one_after_a_change_of_a_lake_or_of_own_tables(tmp_path: Path) -> None:
    choose(tmp_path / "lake" / "assay-data", "lake")
    (tmp_path / "lake" / "assay.yaml").write_text(PLAN)
    lake, asker = Lake(Place(tmp_path / "lake" / "assay-data" / "warehouse")), Asker(tmp_path / "lake", clock=NOW)
    found = [asker.version()]
    lake.place.folder("")
    now = lake.commit(Manifest(), {}, "")
    found.append(asker.version())
    lake.commit(now, {}, "")
    found.append(asker.version())
    asker.close()
    assert len(set(found)) == 3
    rows = tmp_path / "own" / "rows.csv"
    rows.parent.mkdir()
    source = "source: {tables: {rows: {from: rows.csv, map: {id: id, name: name, time: time, visitor: who}}}}\n"
    (rows.parent / "assay.yaml").write_text(PLAN + source)
    rows.write_text("id,name,time,who\n1,page_view,2024-03-01 10:00:00,a\n")
    asker = Asker(rows.parent, clock=NOW)
    found = [asker.version(), asker.version()]
    rows.write_text("id,name,time,who\n1,page_view,2024-03-01 10:00:00,a\n2,page_view,2024-03-01 10:00:00,b\n")
    found.append(asker.version())
    rows.unlink()
    found.append(asker.version())
    asker.close()
    assert found[0] == found[1]
    assert len(set(found)) == 3
