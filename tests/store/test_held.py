"""A store held open by a server: questions beside loads, each on the store as it was; alone when its file is replaced."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from assay import privacy
from assay.store.engine import Piece, Statement
from assay.store.held import Held
from assay.workspace import Workspace
from support import NOW, at, ndjson, view

COUNT = Statement("SELECT count(*), count(DISTINCT session_key) FROM events")


@pytest.fixture
def held(tmp_path: Path):
    (tmp_path / "assay.yaml").write_text(
        "site: {name: Held, timezone: UTC}\nmetrics: {views: {type: simple, count: page_view}}\n", encoding="utf-8"
    )
    made = Held(tmp_path / "assay-data")
    (tmp_path / "assay-data").mkdir()
    yield made
    made.close()


def piece(folder: Path, n: int, many: int = 50) -> Piece:
    lines = [view(f"v{n}-{k}", at("2024-03-01 10:00") + n * 1_000 + k, id=f"{n}-{k}") for k in range(many)]
    return Piece(f"s{n}", ndjson(folder / f"s{n}.ndjson", lines))


def test_a_question_sees_the_store_as_it_was_and_the_next_one_what_came(tmp_path: Path, held: Held) -> None:
    writer, reader = (Workspace(tmp_path, now=NOW, held=held) for _ in range(2))
    writer.load([piece(tmp_path, 1)])
    assert reader.engine.run(COUNT).one() == (50, 50)
    with held.writing() as engine:
        engine.load([piece(tmp_path, 2)], writer.derivation)
        assert reader.engine.run(COUNT).one() == (100, 100)  # committed: the next statement sees it
    reader.close()
    with Workspace(tmp_path, now=NOW, held=held) as after:
        assert after.ask("metric", "views").rows[0][0] == 100


def test_many_ask_while_one_loads(tmp_path: Path, held: Held) -> None:
    writer = Workspace(tmp_path, now=NOW, held=held)
    writer.load([piece(tmp_path, 0)])
    seen: list[int] = []
    failed: list[BaseException] = []

    def asking() -> None:
        try:
            for _ in range(8):
                with Workspace(tmp_path, now=NOW, plan=writer.plan, held=held) as ws:
                    seen.append(ws.ask("metric", "views").rows[0][0])
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=asking) for _ in range(3)]
    for thread in threads:
        thread.start()
    for n in range(1, 6):
        writer.load([piece(tmp_path, n)])
    for thread in threads:
        thread.join()
    assert failed == []
    assert {count % 50 for count in seen} == {0}  # a load is seen whole or not at all
    with Workspace(tmp_path, now=NOW, held=held) as after:
        assert after.ask("metric", "views").rows[0][0] == 300


def test_erasing_waits_for_questions_and_they_go_on_afterwards(tmp_path: Path, held: Held) -> None:
    ws = Workspace(tmp_path, now=NOW, held=held)
    ws.load([piece(tmp_path, 1)])
    reader = Workspace(tmp_path, now=NOW, held=held)
    assert reader.engine.run(COUNT).one() == (50, 50)
    done: list[privacy.Erased] = []

    def erasing() -> None:
        with Workspace(tmp_path, now=NOW, held=held) as other:
            done.append(privacy.erase(other, "visitor", "v1-7"))

    thread = threading.Thread(target=erasing)
    thread.start()
    thread.join(1.0)
    assert done == []  # the reader still has the store open
    ws.close()
    reader.close()
    thread.join(60)
    assert (done[0].events, done[0].left) == (1, {})
    with Workspace(tmp_path, now=NOW, held=held) as after:
        assert after.engine.run(COUNT).one() == (49, 49)
