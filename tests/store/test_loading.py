"""Loading: each segment once, each event id once, late events placed right, a crash leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay import privacy
from assay.model.errors import AssayError, MachineError
from assay.store.engine import Piece
from assay.store.engines.loading import Loading
from support import Event, at, bought, breaking, dump, event, load, ndjson, parquet, refunded, rows, view, workspace

DAY = "2024-03-01 "


def sessions(ws):
    return rows(
        ws,
        "SELECT v.visitor, session_no, s.events FROM sessions s JOIN visitors v USING (visitor_key) ORDER BY v.visitor, session_no",
    )


def test_a_segment_is_loaded_once(tmp_path: Path) -> None:
    events = [view("a", DAY + "10:00"), view("a", DAY + "10:10", "/p")]
    ws = workspace(tmp_path)
    first = load(ws, events, "one")
    before = dump(ws)
    again = load(ws, events, "one")
    assert (first.rows, first.stored, first.again) == (2, 2, False)
    assert (again.rows, again.stored, again.again) == (0, 0, True)
    assert dump(ws) == before
    assert rows(ws, "SELECT name, rows, stored FROM segments") == [("one", 2, 2)]


def test_a_name_given_twice_in_one_load_is_one_segment(tmp_path: Path) -> None:
    ws = workspace(tmp_path)
    piece = Piece("one", ndjson(tmp_path / "one.ndjson", [view("a", DAY + "10:00")]))
    loaded = ws.load([piece, piece])
    assert [one.stored for one in loaded] == [1, 1]
    assert rows(ws, "SELECT count(*) FROM events") == [(1,)]


def test_the_same_events_under_another_name_change_nothing(tmp_path: Path) -> None:
    events = [view("a", DAY + "10:00"), bought("a", DAY + "10:10", "o1", "5.00")]
    ws = workspace(tmp_path, "", events)
    before = dump(ws)
    again = load(ws, events)
    assert (again.rows, again.stored, again.duplicates, again.clashes) == (2, 0, 2, 0)
    assert dump(ws) == before


def test_numbers_of_lines_that_were_lost_are_nobody_elses(tmp_path: Path) -> None:
    a, b = view("a", DAY + "10:00"), view("b", DAY + "10:05")
    ws = workspace(tmp_path)
    load(ws, [a, a, a], "one")
    load(ws, [b], "two")
    assert rows(ws, "SELECT * FROM spans ORDER BY first_no") == [("one", 0, 3), ("two", 3, 4)]
    assert privacy.erase(ws, "visitor", "b").events == 1
    assert rows(ws, "SELECT name, stored, duplicates, erased FROM segments ORDER BY name") == [
        ("one", 1, 2, 0),
        ("two", 0, 0, 1),
    ]


def test_duplicates_within_a_segment_and_across_segments_of_a_load(tmp_path: Path) -> None:
    a, b = view("a", DAY + "10:00"), view("b", DAY + "10:00")
    ws = workspace(tmp_path)
    pieces = [Piece("x", ndjson(tmp_path / "x.ndjson", [a, a, b])), Piece("y", ndjson(tmp_path / "y.ndjson", [b, a]))]
    loaded = ws.load(pieces)
    assert sum(one.stored for one in loaded) == 2
    assert sum(one.duplicates for one in loaded) == 3
    assert all(one.rows == one.stored + one.duplicates + one.clashes + one.quarantined for one in loaded)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_on_a_clash_the_smallest_receipt_wins_whatever_came_first(tmp_path: Path, order: tuple[int, ...]) -> None:
    lines = [
        view("a", DAY + "10:00", "/late", id="same", received_at=at(DAY + "12:00")),
        view("b", DAY + "10:00", "/early", id="same", received_at=at(DAY + "11:00")),
        view("c", DAY + "10:00", "/later", id="same", received_at=at(DAY + "13:00")),
    ]
    ws = workspace(tmp_path, "", *([lines[i]] for i in order))
    assert rows(ws, "SELECT path, visitor FROM events") == [("/early", "b")]
    assert sessions(ws) == [("b", 1, 1)]
    assert rows(ws, "SELECT sum(stored), sum(duplicates), sum(clashes) FROM segments") == [(1, 0, 2)]


def test_on_a_clash_at_one_receipt_the_content_decides_alike_in_every_order(tmp_path: Path) -> None:
    lines = [view("a", DAY + "10:00", f"/{n}", id="same") for n in range(3)]
    winners = set()
    for n, order in enumerate([lines, lines[::-1]]):
        ws = workspace(tmp_path / str(n), "", *([line] for line in order))
        winners |= {path for (path,) in rows(ws, "SELECT path FROM events")}
        assert rows(ws, "SELECT sum(clashes) FROM segments") == [(2,)]
    assert len(winners) == 1


def test_the_same_content_received_twice_keeps_the_first_receipt(tmp_path: Path) -> None:
    line = view("a", DAY + "10:00", id="same")
    early, late = {**line, "received_at": at(DAY + "10:01")}, {**line, "received_at": at(DAY + "10:05")}
    for n, order in enumerate([(early, late), (late, early)]):
        ws = workspace(tmp_path / str(n), "", *([one] for one in order))
        assert rows(ws, "SELECT received_at FROM events") == [(at(DAY + "10:01"),)]
        assert rows(ws, "SELECT sum(duplicates), sum(clashes) FROM segments") == [(1, 0)]


def test_a_clash_that_takes_the_user_away_leaves_no_user_behind(tmp_path: Path) -> None:
    named = view("a", DAY + "10:00", id="same", user="u", received_at=at(DAY + "12:00"))
    plain = view("a", DAY + "10:00", id="same", received_at=at(DAY + "11:00"))
    ws = workspace(tmp_path, "", [named, view("b", DAY + "10:00", user="u")], [plain])
    assert rows(ws, "SELECT visitor, user_id, person_key = visitor_key FROM visitors ORDER BY 1") == [
        ("a", None, True),
        ("b", "u", False),
    ]


def test_a_late_event_joins_two_sessions_and_numbers_the_later_ones_again(tmp_path: Path) -> None:
    base = [view("a", DAY + "10:00"), view("a", DAY + "10:50"), view("a", DAY + "14:00"), view("b", DAY + "09:00")]
    ws = workspace(tmp_path, "", base)
    assert sessions(ws) == [("a", 1, 1), ("a", 2, 1), ("a", 3, 1), ("b", 1, 1)]
    load(ws, [view("a", DAY + "10:25")])
    assert sessions(ws) == [("a", 1, 3), ("a", 2, 1), ("b", 1, 1)]
    load(ws, [view("a", "2024-02-20 10:00")])
    assert sessions(ws) == [("a", 1, 1), ("a", 2, 3), ("a", 3, 1), ("b", 1, 1)]
    assert rows(
        ws, "SELECT is_new FROM sessions JOIN visitors USING (visitor_key) WHERE visitor = 'a' ORDER BY start_t"
    ) == [
        (True,),
        (False,),
        (False,),
    ]


def test_a_late_order_line_and_refund_reach_the_old_order(tmp_path: Path) -> None:
    ws = workspace(tmp_path, "", [view("a", DAY + "10:00"), bought("a", DAY + "10:10", "o1", None)])
    assert rows(ws, "SELECT gross, net, lines FROM orders") == [(None, 0, 1)]
    load(ws, [bought("a", DAY + "10:12", "o1", "40.00")])
    load(ws, [refunded("2024-03-20 09:00", "o1", "15.00")])
    assert rows(ws, "SELECT gross, refunded, net, lines, t FROM orders") == [(40, 15, 25, 2, at(DAY + "10:10"))]


@pytest.mark.parametrize(
    "place",
    ["INSERT INTO events", "INSERT INTO sessions", "INSERT INTO orders", "INSERT INTO segments", "UPDATE visitors"],
)
def test_a_crash_in_the_middle_leaves_the_store_as_it_was(tmp_path: Path, place: str) -> None:
    ws = workspace(tmp_path, "", [view("a", DAY + "10:00", user="u"), bought("a", DAY + "10:10", "o1", "5.00")])
    before = dump(ws)
    late = [view("a", DAY + "10:20", user="u"), bought("b", DAY + "10:00", "o1", "1.00"), view("a", DAY + "09:50")]
    with breaking(place), pytest.raises(RuntimeError, match="power cut"):
        load(ws, late, "late")
    assert dump(ws) == before
    assert rows(ws, "SELECT count(*) FROM segments") == [(1,)]
    assert load(ws, late, "late").stored == 3
    assert dump(ws) == dump(
        workspace(
            tmp_path / "whole",
            "",
            [view("a", DAY + "10:00", user="u"), bought("a", DAY + "10:10", "o1", "5.00"), *late],
        )
    )


def test_unusable_lines_go_to_quarantine(tmp_path: Path) -> None:
    good = view("a", DAY + "10:00")
    broken = [
        {**good, "id": None},
        {**good, "id": "n", "name": None},
        {**good, "id": "t", "time": None},
        {**good, "id": "m", "amount": "12,50"},
    ]
    ws = workspace(tmp_path)
    loaded = load(ws, [broken[0], good, *broken[1:]])
    assert (loaded.rows, loaded.stored, loaded.quarantined) == (5, 1, 4)
    assert rows(ws, "SELECT line, reason FROM quarantine ORDER BY line") == [
        (1, "no id, name or time"),
        (3, "no id, name or time"),
        (4, "no id, name or time"),
        (5, "the amount is no number"),
    ]
    assert rows(ws, "SELECT count(*) FROM events") == [(1,)]


def test_an_empty_segment_is_loaded(tmp_path: Path) -> None:
    ws = workspace(tmp_path)
    assert load(ws, [], "none").rows == 0
    assert load(ws, [], "none").again


def test_a_file_that_is_no_segment_is_an_error_that_loads_nothing(tmp_path: Path) -> None:
    ws = workspace(tmp_path, "", [view("a", DAY + "10:00")])
    path = tmp_path / "bad.parquet"
    path.write_text("no parquet")
    with pytest.raises(AssayError):
        ws.load([Piece("good", ndjson(tmp_path / "g.ndjson", [view("b", DAY + "10:00")])), Piece("bad", path)])
    assert rows(ws, "SELECT count(*) FROM events") == [(1,)]
    assert rows(ws, "SELECT count(*) FROM segments") == [(1,)]


RICH = [
    view(
        "a",
        DAY + "10:00",
        "/p/1",
        host="shop.example",
        referrer="https://www.google.com/",
        device="mobile",
        user="u1",
        account="acme",
    ),
    event(
        "a", "view_item", DAY + "10:00", items=[{"item_id": "x", "price": "1.50"}], props={"plan": "pro", "n": 3}, seq=2
    ),
    bought(
        "a",
        DAY + "10:05",
        "o1",
        "12.30",
        currency="USD",
        items=[{"item_id": "x", "quantity": 2}],
        props={"tax": "1.10"},
    ),
    view("b", DAY + "23:50", bot=True),
    view("b", DAY + "23:50", environment="staging"),
    view("c", DAY + "23:50", session="s1", hit=1, session_channel="Email", session_new=False, session_bounce=True),
    event(None, "note", DAY + "08:00", interactive=False, consent="granted"),
]


def test_ndjson_and_parquet_give_the_same(tmp_path: Path) -> None:
    one, two = workspace(tmp_path / "n"), workspace(tmp_path / "p")
    one.load([Piece("s", ndjson(tmp_path / "s.ndjson", RICH))])
    two.load([Piece("s", parquet(tmp_path / "s.parquet", RICH))])
    assert dump(one) == dump(two)
    again = two.load([Piece("t", ndjson(tmp_path / "t.ndjson", RICH))])
    assert (again[0].duplicates, again[0].clashes) == (len(RICH), 0)


def test_a_parquet_segment_may_lack_columns(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(
        pa.table({"id": ["1"], "name": ["page_view"], "time": [at(DAY + "10:00")], "visitor": ["a"]}),
        tmp_path / "x.parquet",
    )
    ws = workspace(tmp_path / "w")
    ws.load([Piece("x", tmp_path / "x.parquet")])
    assert rows(ws, "SELECT source, environment, bot, interactive, seq FROM events") == [
        ("unknown", "live", False, True, 0)
    ]


def test_events_without_visitor_and_user_belong_to_nobody(tmp_path: Path) -> None:
    ws = workspace(
        tmp_path, "", [event(None, "page_view", DAY + "10:00"), event(None, "page_view", DAY + "10:01", user="u")]
    )
    assert rows(ws, "SELECT visitor FROM visitors") == [("user:u",)]
    assert rows(ws, "SELECT count(*), count(visitor_key), count(session_key) FROM events") == [(2, 1, 1)]


def test_too_little_memory_for_a_load_is_given_more_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from assay.store.engines import duckdb as engine

    monkeypatch.setattr(engine, "LOAD_MEMORY", "12MB")
    limits: list[str] = []
    begin = engine.DuckDB.transaction

    def counted(self, what: str, memory: str = "12MB"):
        limits.append(memory)
        return begin(self, what, memory)

    monkeypatch.setattr(engine.DuckDB, "transaction", counted)
    events = [view(f"v{n}", at(DAY + "10:00") + n * 1_000_000) for n in range(20_000)]
    with workspace(tmp_path, "", events) as ws:
        assert rows(ws, "SELECT count(*), count(DISTINCT session_key) FROM events") == [(20_000, 20_000)]
    assert limits == ["12MB", engine.WORK_MEMORY]


MANY = 130_000  # more rows than DuckDB writes at once: after an insert of none it has lost them without a word


@pytest.mark.soak
def test_a_large_segment_after_one_without_rows(tmp_path: Path) -> None:
    ws = workspace(tmp_path)
    start = at(DAY + "10:00")
    nameless = [{"id": f"n{n}", "time": start, "visitor": "v"} for n in range(2)]
    small = [view(f"s{n}", start + n, id=f"s{n}") for n in range(2)]
    many = [view(f"v{n}", start + n * 1000, id=f"e{n}") for n in range(MANY)]

    def loaded(name: str, *segments: list[Event]) -> list[tuple[int, int, int]]:
        pieces = [Piece(f"{name}-{n}", ndjson(tmp_path / f"{name}-{n}.ndjson", one)) for n, one in enumerate(segments)]
        return [(one.stored, one.duplicates, one.quarantined) for one in ws.load(pieces)]

    assert loaded("unusable", nameless, many) == [(0, 0, 2), (MANY, 0, 0)]
    counted = "SELECT (SELECT count(*) FROM events WHERE t > 0), (SELECT count(*) FROM sessions WHERE start_t > 0)"
    assert rows(ws, counted) == [(MANY, MANY)]
    assert loaded("twice", small, many) == [(2, 0, 0), (0, MANY, 0)]
    assert loaded("again", small, [{**one, "id": f"x{one['id']}"} for one in many]) == [(0, 2, 0), (MANY, 0, 0)]
    assert rows(ws, counted) == [(2 * MANY + 2, MANY + 2)]
    bad = [{"id": f"b{n}", "time": start, "visitor": "v"} for n in range(MANY)]
    assert loaded("bad", small, bad) == [(0, 2, 0), (0, 0, MANY)]
    assert rows(ws, "SELECT count(*) FROM quarantine WHERE line > 0") == [(MANY + 2,)]


def test_a_load_after_a_replay(tmp_path: Path) -> None:
    """A replay counts with its segment, so the next load has the same number."""
    ws = workspace(tmp_path)
    waiting = view("b", DAY + "10:01", id="b")
    load(ws, [view("a", DAY + "10:00"), {**waiting, "held": "not in the plan"}], "one")
    ws.load([Piece("again", ndjson(tmp_path / "again.ndjson", [{**waiting, "line": 2}]), replays="one")])
    assert load(ws, [view("c", DAY + "10:02")], "two").stored == 1
    assert rows(ws, "SELECT name, stored, quarantined FROM segments ORDER BY name") == [("one", 2, 0), ("two", 1, 0)]
    assert rows(ws, "SELECT count(*) FROM events") == [(3,)]


def test_a_load_that_does_not_store_what_it_says_is_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ws = workspace(tmp_path, "", [view("a", DAY + "10:00")])
    before = dump(ws)
    real = Loading._insert

    def forgetful(self, pieces, counts, kept):
        real(self, pieces, counts, [0 for _ in kept])
        self._verify(sum(kept), first_no=1)

    monkeypatch.setattr(Loading, "_insert", forgetful)
    with pytest.raises(MachineError, match="1 events were to be stored and 0 are there; this load is undone"):
        load(ws, [view("b", DAY + "10:00")], "lost")
    assert dump(ws) == before
