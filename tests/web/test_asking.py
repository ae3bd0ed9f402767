"""Questions of a server: kept while the data stay, asked once by many, broken off when nobody waits."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from assay.model.errors import UnknownName, UsageError
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
