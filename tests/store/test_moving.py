"""Events move between stores and out to Parquet and back: nothing is lost, doubled or derived otherwise."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay import moving, privacy
from assay.model.errors import CheckFailed, DataError, MachineError, UsageError
from assay.store.engine import Piece
from assay.store.engines.removing import Taking
from assay.workspace import Workspace, unfinished
from support import at, bought, breaking, dump, event, examples, load, ndjson, refunded, rows, view, workspace

DAY = "2024-03-01 "
PLAN = "site: {name: Moves, timezone: Europe/Berlin, currency: EUR}\nevents: {vote: {properties: {stars: integer}}}\n"
NOW = at("2024-04-01 00:00")
LEDGER = "SELECT name, loaded_at, rows, stored, duplicates, clashes, quarantined, erased, expired FROM segments WHERE kind = 'events' ORDER BY name"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a past: duplicates, clashes, quarantine, refusals, somebody erased, money in dollars, costs."""
    folder = tmp_path_factory.mktemp("made")
    ws = workspace(folder / "from", PLAN, now=NOW)
    load(
        ws,
        [
            view("a", DAY + "10:00", utm_source="mail"),
            view("b", DAY + "23:30"),
            bought("a", DAY + "10:20", "o1", "12.50"),
        ],
        "one",
    )
    twice = view("c", "2024-03-02 09:00", "/x", id="same", received_at=at("2024-03-02 09:05"))
    load(ws, [twice, twice, event("c", "vote", "2024-03-02 09:01", user="u1", props={"stars": 4, "of": "☕"})], "two")
    load(
        ws,
        [
            {**twice, "path": "/y", "received_at": at("2024-03-02 09:01")},
            bought("c", "2024-03-02 09:10", "o2", "20.00", currency="USD"),
            refunded("2024-03-03 08:00", "o1", "2.50"),
            view("gone", "2024-03-03 08:00"),
        ],
        "three",
    )
    broken = [
        {"name": "page_view"},
        {**view("d", "2024-03-04 08:00"), "refused": "not JSON"},
        view("d", "2024-03-04 08:00"),
    ]
    load(ws, broken, "four")
    costs = folder / "costs.csv"
    costs.write_text(
        "date,source,medium,campaign,cost\n2024-03-01,google,cpc,spring,12.34\n2024-03-02,google,cpc,,0.1\n"
    )
    ws.import_files("costs", [costs])
    privacy.erase(ws, "visitor", "gone")
    ws.close()
    return folder / "from"


@pytest.fixture
def source(made: Path, tmp_path: Path) -> Iterator[Workspace]:
    shutil.copytree(made, tmp_path / "from")
    with Workspace(tmp_path / "from", now=NOW) as ws:
        yield ws


@pytest.fixture
def target(source: Workspace, tmp_path: Path) -> Iterator[Workspace]:
    moving.settle(source, tmp_path / "to")
    with Workspace(tmp_path / "to", now=at("2024-05-01 00:00")) as made:
        yield made


@contextmanager
def power_cut(source: Workspace, step: int, of: str = "") -> Iterator[None]:
    """What is done in it ends at a step, counted among those that say ``of``."""
    steps: list[str] = []

    def progress(text: str, _done: int, _total: int) -> None:
        steps.append(text)
        if sum(of in one for one in steps) == step:
            raise RuntimeError("power cut")

    source.progress = progress
    with pytest.raises(RuntimeError, match="power cut"):
        yield
    source.progress = lambda *_: None


@pytest.fixture
def broken_off(source: Workspace, target: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The move has come to its third segment."""
    monkeypatch.setattr("assay.moving.batches.BATCH", 1)
    with power_cut(source, 3):
        moving.move(source, target)
    monkeypatch.undo()


def same(a: Workspace, b: Workspace) -> None:
    assert dump(a) == dump(b)
    for sql in (
        LEDGER,
        "SELECT * FROM refusals ORDER BY ALL",
        "SELECT * FROM quarantine ORDER BY ALL",
        "SELECT * EXCLUDE (load_no) FROM costs ORDER BY id",
    ):
        assert rows(a, sql) == rows(b, sql)
    for table in ("refusals", "quarantine", "costs", "orders", "refunds"):
        assert rows(a, f"SELECT count(*) FROM {table}") != [(0,)], table


def test_a_store_and_its_ledger_move_whole(source: Workspace, target: Workspace) -> None:
    before = dump(source)
    done = moving.move(source, target)
    assert (done.segments, done.before, done.sums.events) == (5, 0, 8)
    same(source, target)
    assert dump(source) == before
    assert source.ask("overview").sentence == target.ask("overview").sentence


@pytest.mark.parametrize("engine", ["clickhouse", "lake"], indirect=True)
def test_a_store_moves_into_a_warehouse_and_back(source: Workspace, tmp_path: Path, engine: str) -> None:
    moving.settle(source, tmp_path / "there")
    moving.settle(source, tmp_path / "back")
    with (
        Workspace(tmp_path / "there", now=NOW, engine=engine) as there,
        Workspace(tmp_path / "back", now=NOW) as back,
    ):
        done = moving.move(source, there)
        assert (done.segments, done.before, done.sums.events) == (5, 0, 8)
        assert moving.move(source, there).segments == 0
        assert source.ask("overview").sentence == there.ask("overview").sentence
        moving.move(there, back)
        same(source, back)
        moving.export(there, tmp_path / "out")
        held = f"SELECT count(*), sum(hash(id, name, props)) FROM read_parquet('{tmp_path}/out/events/*/*.parquet')"
        assert duckdb.sql(held).fetchall() == rows(source, "SELECT count(*), sum(hash(id, name, props)) FROM events")


def test_moving_again_moves_nothing_and_then_what_came_since(source: Workspace, target: Workspace) -> None:
    moving.move(source, target)
    assert (moving.move(source, target).segments, moving.move(source, target).before) == (0, 5)
    load(source, [view("a", "2024-03-09 10:00"), view("new", "2024-02-09 10:00")], "five")
    assert moving.move(source, target).segments == 1
    same(source, target)
    known = Piece("one", ndjson(target.folder / "one.ndjson", [view("other", DAY + "10:00")]))
    assert target.load([known])[0].again  # as a collector's archive would bring it


def test_who_was_erased_stays_out_of_the_new_store(source: Workspace, target: Workspace) -> None:
    moving.move(source, target)
    load(target, [view("gone", "2024-03-03 08:00")], "replayed")
    assert rows(target, "SELECT count(*) FROM events WHERE visitor = 'gone'") == [(0,)]
    assert rows(target, "SELECT erased FROM segments WHERE name = 'replayed'") == [(1,)]


def test_who_is_erased_between_two_runs_is_erased_and_kept_out_there_too(source: Workspace, target: Workspace) -> None:
    load(source, [view("d", "2024-03-05 08:00"), event("d", "identify", "2024-03-05 09:00", user="u9")], "five")
    moving.move(source, target)
    for kind, id in (("visitor", "a"), ("user", "u9"), ("visitor", "never-seen-there")):
        privacy.erase(source, kind, id)
    done = moving.move(source, target)
    assert (done.segments, done.anew, done.stones) == (3, 3, 4)  # the device that is the user's alone has its own
    same(source, target)
    assert moving.move(source, target).stones == 0
    late = [view(one, "2024-03-05 11:00") for one in ("a", "d", "never-seen-there", "other")]
    load(target, late, "imported later")
    assert rows(target, "SELECT stored, erased FROM segments WHERE name = 'imported later'") == [(1, 3)]


def test_who_is_erased_between_two_runs_is_taken_out_of_quarantine_and_texts_too(
    source: Workspace, target: Workspace
) -> None:
    strange = {"name": "page_view", "visitor": "Zoë K"}  # no time: it goes into quarantine
    load(source, [strange, view("Zoë K", "2024-03-05 08:00")], "five")
    target.add_change("asked by Zoë K, and anna+news@x.org")
    load(source, [view("anna+news@x.org", "2024-03-05 08:00")], "six")
    moving.move(source, target)
    assert rows(target, "SELECT count(*) FROM quarantine") == [(2,)]
    privacy.erase(source, "visitor", "Zoë K")
    privacy.erase(source, "visitor", "anna+news@x.org")
    line = view("Zoë K", "2024-03-05 10:00", received_at=at("2024-03-05 10:00"))
    waits = ndjson(target.data / "intake" / "c0" / f"{NOW}-c0-1.web.own.ndjson", [line])
    assert moving.move(source, target).anew == 2
    same(source, target)
    assert not waits.exists()
    assert privacy.left(target, ("Zoë K",)) == {}
    (change,) = target.state.read("changes")
    assert change["what"] == "asked by [erased], and [erased]"


def test_a_target_with_erasures_of_its_own_is_refused(source: Workspace, target: Workspace, tmp_path: Path) -> None:
    (tmp_path / "to" / "assay-data" / "state.sqlite").unlink()
    load(target, [view("x", DAY + "10:00")], "one")
    privacy.erase(target, "visitor", "x")
    with pytest.raises(UsageError, match=r"whom .* may still have"):
        moving.move(source, target)


@pytest.mark.parametrize("engine", ["duckdb", "clickhouse", "lake"], indirect=True)
def test_of_a_shared_device_only_the_span_of_who_was_erased_goes(
    tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.moving.batches.BATCH", 1)
    with workspace(tmp_path / "from", PLAN, now=NOW) as source:
        load(source, [view("shared", DAY + "10:00"), view("shared", DAY + "12:30"), view("solo", DAY + "09:00")], "one")
        known = [("bob", "09:00"), ("ann", "12:00"), ("bob", "14:00")]
        load(source, [event("shared", "identify", DAY + when, user=who) for who, when in known], "two")
        moving.settle(source, tmp_path / "to")
        with Workspace(tmp_path / "to", now=NOW, engine=engine) as target:
            with power_cut(source, 2, "moving"):
                moving.move(source, target)
            privacy.erase(source, "user", "ann")
            done = moving.move(source, target)
            assert (done.segments, done.anew) == (2, 1)
            held = target.engine.run(_plain("SELECT count(*) FROM events WHERE visitor = 'shared'")).one()
            assert held == (3,)


def test_events_of_an_older_version_go_with_the_segment_they_count_with(source: Workspace, target: Workspace) -> None:
    with source.changing("as an older version left it") as engine:
        engine.run(_plain("DELETE FROM spans WHERE segment IN ('one', 'three')"))
    moving.move(source, target)
    same(source, target)


@pytest.mark.usefixtures("broken_off")
def test_a_power_cut_in_the_middle_is_made_good(source: Workspace, target: Workspace) -> None:
    done = moving.move(source, target)
    assert done.segments > 0
    assert done.before > 0
    same(source, target)


@pytest.mark.usefixtures("broken_off")
def test_a_half_moved_workspace_says_so_and_takes_nothing_else(source: Workspace, target: Workspace) -> None:
    said = target.ask("overview").findings[0]
    assert (said.code, said.severity) == ("half_moved", "bad")
    assert said.text.startswith("events may be missing")
    assert str(source.folder) not in str(said)  # reports and share links are handed out
    with pytest.raises(UsageError, match="run it again, then load anything else"):
        load(target, [view("x", DAY + "10:00")], "own")
    moving.move(source, target)
    assert "half_moved" not in [one.code for one in target.ask("overview").findings]
    load(target, [view("x", DAY + "10:00")], "own")


def test_an_event_that_had_given_way_to_one_that_is_gone_goes_too(source: Workspace, target: Workspace) -> None:
    once = view("shown", "2024-03-06 10:00", id="x1", received_at=at("2024-03-06 12:00"))
    load(source, [once, view("other", "2024-03-06 11:00")], "five")
    moving.move(source, target)
    load(source, [{**once, "received_at": at("2024-03-06 10:30")}], "six")  # the earlier one counts
    privacy.erase(source, "visitor", "shown")
    moving.move(source, target)
    same(source, target)
    assert b"shown" not in (target.data / "store.duckdb").read_bytes()


def test_what_breaks_off_before_the_file_is_written_anew_is_done_the_next_time(
    source: Workspace, target: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(source, [view("person-of-old", "2024-03-06 10:00"), view("other", "2024-03-06 11:00")], "five")
    moving.move(source, target)
    privacy.erase(source, "visitor", "person-of-old")
    with monkeypatch.context() as broken:

        def rewrite(_: Taking) -> None:
            raise RuntimeError("power cut")

        broken.setattr(Taking, "rewrite", rewrite)
        with pytest.raises(RuntimeError):
            moving.move(source, target)
    assert b"person-of-old" in (target.data / "store.duckdb").read_bytes()
    moving.move(source, target)
    assert b"person-of-old" not in (target.data / "store.duckdb").read_bytes()


def test_who_was_erased_is_found_in_texts_of_any_alphabet(
    source: Workspace, target: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.store.state._SECONDS", 0.1)
    names = ("Александра", "山田太郎と山田花子さん", "Zoë K", "anna+news@x.org")
    for name in names:
        load(source, [view(name, "2024-03-06 10:00")], name)
    moving.move(source, target)
    for name in names:
        target.add_change(f"asked by {name}, twice")
        privacy.erase(source, "visitor", name)
    reader = sqlite3.connect(target.data / "state.sqlite", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM changes").fetchall()
    for _ in range(2):
        with pytest.raises(MachineError, match="is being read"):
            moving.move(source, target)
    reader.execute("COMMIT")
    moving.move(source, target)
    said = {row["what"] for row in target.state.read("changes")}
    assert said == {"asked by [erased], twice", *(f"asked by [erased {n}], twice" for n in (2, 3, 4))}
    held = b"".join(path.read_bytes() for path in target.data.glob("state.sqlite*"))
    assert [name for name in names if name.encode() in held] == []


def test_who_came_back_after_the_erasure_keeps_what_waits(source: Workspace, target: Workspace) -> None:
    load(source, [view("back", "2024-03-06 10:00")], "five")
    moving.move(source, target)
    privacy.erase(source, "visitor", "back")
    lines = [view("back", f"2024-{day} 10:00", received_at=at(f"2024-{day} 10:00")) for day in ("03-20", "04-02")]
    waits = ndjson(target.data / "intake" / "c0" / f"{NOW}-c0-1.web.own.ndjson", lines)
    moving.move(source, target)
    assert [json.loads(line)["time"] for line in waits.read_text().splitlines()] == [at("2024-04-02 10:00")]


def test_files_of_a_move_that_was_killed_go(source: Workspace, target: Workspace) -> None:
    moving.move(source, target)
    (target.data / "moving").mkdir()
    (target.data / "moving" / "left.parquet").write_bytes(b"someone")
    moving.move(source, target)
    assert not (target.data / "moving").exists()


def test_what_is_replayed_or_too_old_at_the_source_between_two_runs_moves_anew(tmp_path: Path) -> None:
    strict = "site: {timezone: UTC}\ncollect: {mode: strict}\nretention: {default: 60d}\n"
    segment = f"{NOW}-c0-1.web.own.ndjson"
    lines = [{"id": "a", "name": "vote", "visitor": "v", "time": NOW - 9, "received_at": NOW - 9, "source": "web"}]
    with workspace(tmp_path / "from", strict, now=NOW) as source:
        ndjson(source.data / "intake" / "c0" / segment, [{**lines[0], "held": "unknown_event"}])
        load(source, [view("old", "2024-02-05 10:00"), view("new", "2024-03-20 10:00")], "one")
    (tmp_path / "from" / "assay.yaml").write_text(strict + "events: {vote: {}}\n")
    later = at("2024-04-10 00:00")
    with Workspace(tmp_path / "from", now=NOW) as source:
        moving.settle(source, tmp_path / "to")
        with Workspace(tmp_path / "to", now=later) as target:
            moving.move(source, target)
            source.close()
            with Workspace(tmp_path / "from", now=later) as aged:
                assert privacy.expire(aged).events == 1
                done = moving.move(aged, target)
                assert (done.segments, done.anew) == (1, 1)
                assert dump(aged) == dump(target)
                assert rows(aged, LEDGER) == rows(target, LEDGER)


def test_a_half_moved_workspace_is_no_source_and_erases_nobody(
    source: Workspace, target: Workspace, tmp_path: Path
) -> None:
    unfinished.begin(target.data, str(source.folder))
    with pytest.raises(UsageError, match="finish that first"):
        moving.export(target, tmp_path / "out")
    with Workspace(tmp_path / "third", plan=target.plan) as third, pytest.raises(UsageError, match="finish that first"):
        moving.move(target, third)
    with pytest.raises(UsageError, match="erase there, then run it again"):
        privacy.erase(target, "visitor", "a")
    moving.move(source, target)
    privacy.erase(target, "visitor", "a")
    with pytest.raises(UsageError, match=r"whom .* may still have"):
        moving.move(source, target)


def test_what_is_made_for_a_move_that_cannot_begin_goes_and_nothing_else(source: Workspace, tmp_path: Path) -> None:
    def fails(place: Path, more: Callable[[], object]) -> None:
        def failing() -> None:
            with moving.settled(source, place):
                more()
                raise RuntimeError("no server")

        with pytest.raises(RuntimeError, match="no server"):
            failing()

    place = tmp_path / "srv" / "new"
    fails(place, lambda: (place / "assay.yaml").read_text())
    assert not (tmp_path / "srv").exists()
    (place / "shop").mkdir(parents=True)
    fails(place, lambda: (place / "shop" / "notes.txt").write_text("mine"))
    assert [path.relative_to(place).as_posix() for path in sorted(place.rglob("*"))] == ["shop", "shop/notes.txt"]


def test_a_plan_that_is_a_link_moves(source: Workspace, tmp_path: Path) -> None:
    (source.folder / "assay.yaml").rename(tmp_path / "shop.yaml")
    (source.folder / "assay.yaml").symlink_to(tmp_path / "shop.yaml")
    moving.settle(source, tmp_path / "linked")
    assert (tmp_path / "linked" / "assay.yaml").read_text() == PLAN


def test_what_differs_is_told(source: Workspace, target: Workspace) -> None:
    moving.move(source, target)
    with target.changing("a disk that forgets") as engine:
        engine.run(_plain("UPDATE events SET path = '/z' WHERE path = '/y'"))
        engine.run(_plain("DELETE FROM quarantine"))
    with pytest.raises(CheckFailed, match=r"2024-03-02: 4 events .*quarantine: 1 rows here, 0 there"):
        moving.move(source, target)


def test_a_target_with_other_events_or_another_plan_is_refused(
    source: Workspace, target: Workspace, tmp_path: Path
) -> None:
    load(target, [view("x", DAY + "10:00")], "own")
    with pytest.raises(UsageError, match="'own'"):
        moving.move(source, target)
    with workspace(tmp_path / "else", "site: {name: Else}\n") as other, pytest.raises(UsageError, match="plans differ"):
        moving.move(source, other)


def _plain(sql: str) -> Any:
    from assay.store.engine import Statement

    return Statement(sql, {})


EVENTS = st.lists(
    st.tuples(
        st.sampled_from("abc"), st.integers(0, 60 * 72), st.sampled_from(["page_view", "purchase", "vote"]),
        st.integers(0, 12), st.sampled_from([None, "u1", "u2"]), st.integers(0, 3),
    ),
    max_size=14,
)  # fmt: skip


@pytest.mark.soak
@settings(max_examples=examples(40), deadline=None)
@given(EVENTS)
def test_any_store_moves(tmp_path_factory: pytest.TempPathFactory, drawn: list[Any]) -> None:
    folder = tmp_path_factory.mktemp("any")
    start, batches = at("2024-03-30 00:00"), [[], [], [], []]
    for visitor, minute, name, number, user, batch in drawn:
        more = {"order_id": f"o{number}", "amount": "9.99"} if name == "purchase" else {}
        fields = {"user": user, "id": f"e{number}", "received_at": start + number, **more}
        batches[batch].append(event(visitor, name, start + minute * 60_000_000, **fields))
    with workspace(folder / "a", PLAN, *(one for one in batches if one)) as a:
        moving.settle(a, folder / "b")
        with Workspace(folder / "b", now=a.now) as b:
            moving.move(a, b)
            assert dump(a) == dump(b)
            assert rows(a, LEDGER) == rows(b, LEDGER)


# -- Parquet ----------------------------------------------------------------------------------------------------------


def test_an_exported_folder_is_plain_parquet_by_day(source: Workspace, tmp_path: Path) -> None:
    done = moving.export(source, tmp_path / "out")
    assert (done.events, done.days, done.kept) == (8, 4, 0)
    files = f"{tmp_path}/out/events/*/*.parquet"
    found = duckdb.sql(
        f"SELECT CAST(day AS VARCHAR), count(*) FROM read_parquet('{files}', hive_partitioning = true) GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert found == rows(source, "SELECT CAST(day AS VARCHAR), count(*) FROM events GROUP BY 1 ORDER BY 1")
    stars = duckdb.sql(f"SELECT props FROM read_parquet('{files}') WHERE name = 'vote'").fetchall()[0]
    assert json.loads(stars[0]) == {"stars": 4, "of": "☕"}
    assert (tmp_path / "out" / "assay.yaml").read_text() == PLAN
    again = moving.export(source, tmp_path / "out")
    assert again.kept == 4


def test_an_exported_folder_comes_back(source: Workspace, tmp_path: Path) -> None:
    moving.export(source, tmp_path / "out")
    with workspace(tmp_path / "back", PLAN, now=source.now) as back:
        brought = moving.bring(back, tmp_path / "out")
        assert (brought.days, brought.again, brought.stored, brought.duplicates) == (4, 0, 8, 0)
        assert dump(back) == dump(source)
        assert moving.bring(back, tmp_path / "out").again == 4
        for table in ("quarantine", "costs"):
            assert rows(back, f"SELECT count(*) FROM {table}") == rows(source, f"SELECT count(*) FROM {table}")
    assert dump(workspace(tmp_path / "twice", PLAN, now=source.now)) != dump(source)


def test_a_file_that_is_not_what_was_exported_loads_nothing(source: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "out"
    moving.export(source, out)
    (day, other) = sorted((out / "events").iterdir())[:2]
    (other / "events.parquet").write_bytes((day / "events.parquet").read_bytes())
    with workspace(tmp_path / "back", PLAN) as back:
        with pytest.raises(DataError, match="is not what was exported; nothing was loaded"):
            moving.bring(back, out)
        assert rows(back, "SELECT count(*) FROM events") == [(0,)]
        (out / "manifest.json").write_text("{}")
        with pytest.raises(DataError, match="no manifest"):
            moving.bring(back, out)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "photo.jpg").write_bytes(b"x")
    with pytest.raises(UsageError, match="holds something else"):
        moving.export(source, tmp_path / "full")


def test_costs_and_quarantine_of_an_export_are_checked_too(source: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "out"
    moving.export(source, out)
    for name, changed in (("costs", "amount + 1"), ("quarantine", None)):
        whole = (out / f"{name}.parquet").read_bytes()
        chosen = f"* REPLACE ({changed} AS amount)" if changed else "*"
        limit = "" if changed else " LIMIT 0"
        duckdb.sql(f"COPY (SELECT {chosen} FROM '{out}/{name}.parquet'{limit}) TO '{tmp_path}/{name}.parquet'")
        shutil.copyfile(tmp_path / f"{name}.parquet", out / f"{name}.parquet")
        with workspace(tmp_path / f"back-{name}", PLAN) as back:
            with pytest.raises(DataError, match=rf"{name}.parquet is missing or is not what was exported"):
                moving.bring(back, out)
            assert rows(back, "SELECT count(*) FROM events") == [(0,)]
        (out / f"{name}.parquet").write_bytes(whole)


def test_an_export_comes_in_only_where_money_means_the_same(source: Workspace, tmp_path: Path) -> None:
    moving.export(source, tmp_path / "out")
    with (
        workspace(tmp_path / "dollars", PLAN.replace("EUR", "USD")) as back,
        pytest.raises(UsageError, match=r"exported in EUR, .* counts in USD"),
    ):
        moving.bring(back, tmp_path / "out")
    with workspace(tmp_path / "tokyo", PLAN.replace("Europe/Berlin", "Asia/Tokyo"), now=NOW) as back:
        done = moving.bring(back, tmp_path / "out")
        assert done.stored == 8
        assert done.other[0] == "days are those of Asia/Tokyo here, of Europe/Berlin there"


def test_an_export_made_again_brings_what_changed_of_costs_and_quarantine(source: Workspace, tmp_path: Path) -> None:
    with workspace(tmp_path / "back", PLAN, now=NOW) as back:
        for broken in range(1, 4):
            moving.export(source, tmp_path / "out")
            done = moving.bring(back, tmp_path / "out")
            assert done.quarantined == broken
            assert rows(back, "SELECT count(*) FROM quarantine") == [(broken,)]
            assert rows(back, "SELECT sum(amount) FROM costs") == rows(source, "SELECT sum(amount) FROM costs")
            load(source, [{"name": "page_view", "n": broken}], f"broken {broken}")
            (source.folder / "more.csv").write_text(
                f"date,source,medium,campaign,cost\n2024-03-01,google,cpc,spring,{broken}\n"
            )
            source.import_files("costs", [source.folder / "more.csv"])
        assert moving.bring(back, tmp_path / "out").quarantined == 0


def test_costs_that_are_as_they_were_once_come_back(source: Workspace, tmp_path: Path) -> None:
    with workspace(tmp_path / "back", PLAN, now=NOW) as back:
        for n, amount in enumerate(("12.34", "15", "12.34")):
            (source.folder / "c.csv").write_text(
                f"date,source,medium,campaign,cost\n2024-03-01,google,cpc,spring,{amount}\n" + "\n" * n
            )
            source.import_files("costs", [source.folder / "c.csv"])
            moving.export(source, tmp_path / "out")
            moving.bring(back, tmp_path / "out")
            assert rows(back, "SELECT sum(amount) FROM costs") == rows(source, "SELECT sum(amount) FROM costs")


def test_exports_of_two_workspaces_of_one_name_keep_apart(source: Workspace, tmp_path: Path) -> None:
    with workspace(tmp_path / "other", PLAN, now=NOW) as other, workspace(tmp_path / "back", PLAN, now=NOW) as back:
        load(other, [{"name": "page_view", "of": "other"}, view("z", DAY + "10:00")], "theirs")
        for number, one in enumerate((source, other)):
            moving.export(one, tmp_path / f"out{number}")
            moving.bring(back, tmp_path / f"out{number}")
        assert rows(back, "SELECT count(*) FROM quarantine") == [(2,)]


def test_only_what_is_in_quarantine_comes_back_too(tmp_path: Path) -> None:
    with workspace(tmp_path / "from", PLAN, now=NOW) as ws:
        load(ws, [{"name": "page_view"}], "broken")
        moving.export(ws, tmp_path / "out")
    with workspace(tmp_path / "back", PLAN, now=NOW) as back:
        moving.bring(back, tmp_path / "out")
        assert rows(back, "SELECT count(*) FROM quarantine") == [(1,)]


def test_an_export_into_the_same_folder_takes_the_plan_as_it_is_now(source: Workspace, tmp_path: Path) -> None:
    moving.export(source, tmp_path / "out")
    (source.folder / "assay.yaml").write_text(PLAN + "goals: {voted: {event: vote}}\n")
    with Workspace(source.folder, now=NOW) as again:
        moving.export(again, tmp_path / "out")
    assert (tmp_path / "out" / "assay.yaml").read_text() == PLAN + "goals: {voted: {event: vote}}\n"


def test_an_export_that_broke_off_is_said_and_goes_on(source: Workspace, tmp_path: Path) -> None:
    with power_cut(source, 3):
        moving.export(source, tmp_path / "out")
    with workspace(tmp_path / "back", PLAN) as back, pytest.raises(DataError, match="the export broke off"):
        moving.bring(back, tmp_path / "out")
    assert moving.export(source, tmp_path / "out").kept == 2


def test_breaking_within_a_load_of_the_target_leaves_whole_segments(source: Workspace, target: Workspace) -> None:
    with pytest.raises(RuntimeError), breaking("INSERT INTO sessions"):
        moving.move(source, target)
    assert rows(target, "SELECT count(*) FROM events") == [(0,)]
    moving.move(source, target)
    same(source, target)
