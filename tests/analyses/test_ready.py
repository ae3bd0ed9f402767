"""Ready ranges, days as people write them, and the questions that the definitions' and the data's pages ask."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from assay.analyses.base import ready
from assay.model.errors import UsageError
from assay.model.words import amount, dated, days
from assay.workspace import Workspace
from support import at, event, load, view, workspace

PLAN = """
site: {name: Test}
metrics: {visitors: {type: simple, count: visitor}, views: {type: simple, count: page_view}}
kpis: {visitors: {}}
"""


@pytest.mark.parametrize(
    ("name", "last", "found"),
    [
        ("7d", date(2026, 3, 3), (date(2026, 2, 25), date(2026, 3, 3))),
        ("90d", date(2026, 9, 30), (date(2026, 7, 3), date(2026, 9, 30))),
        ("month", date(2026, 9, 30), (date(2026, 9, 1), date(2026, 9, 30))),
        ("last-month", date(2026, 3, 31), (date(2026, 2, 1), date(2026, 2, 28))),
        ("last-month", date(2026, 1, 15), (date(2025, 12, 1), date(2025, 12, 31))),
        ("quarter", date(2026, 9, 30), (date(2026, 7, 1), date(2026, 9, 30))),
        ("quarter", date(2026, 1, 31), (date(2026, 1, 1), date(2026, 1, 31))),
        ("year", date(2026, 12, 31), (date(2026, 1, 1), date(2026, 12, 31))),
    ],
)
def test_a_ready_range_ends_where_the_data_do(name: str, last: date, found: tuple[date, date]) -> None:
    assert ready(name, last) == found


def test_a_range_is_asked_for_instead_of_days(tmp_path: Path) -> None:
    lines = [view(f"v{day}", f"2024-03-{day:02d} 10:00") for day in range(1, 21)]
    with workspace(tmp_path, PLAN, lines) as ws:
        answer = ws.ask("metric", "visitors", range="7d")
        assert (answer.period, answer.rows[0][0]) == ((date(2024, 3, 14), date(2024, 3, 20)), 7)
        assert ws.ask("metric", "visitors", range="month").period == (date(2024, 3, 1), date(2024, 3, 20))
        assert "--range 7d" in answer.next[1]
        with pytest.raises(UsageError, match="either range, or from and to"):
            ws.ask("metric", "visitors", range="7d", **{"from": "2024-03-01"})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("rpv fell, 2026-09-03 to 2026-09-30 against 2026-08-06 to 2026-09-02.", "rpv fell, 3 to 30 Sep against 6 Aug to 2 Sep."),
        ("lowest (2026-09-12)", "lowest (Sat 12 Sep)"),
        ("by Thu 31 Dec 2026: reached", "by Thu 31 Dec: reached"),
        ("by Thu 31 Dec 2025", "by Thu 31 Dec 2025"),
        ("2025-12-30 to 2025-12-31", "30 to 31 Dec 2025"),
        ("nothing in 2026-09-12 is in it", "nothing on Sat 12 Sep is in it"),
        ("no data in 2026-09-01 to 2026-09-02: later", "no data in 1 to 2 Sep: later"),
        ("--from 2026-07-13 --to 2026-09-30", "--from 2026-07-13 --to 2026-09-30"),
        ("received by 2026-09-12 10:00", "received by 2026-09-12 10:00"),
        ("as of 2026-09-12T10:00:00Z", "as of 2026-09-12T10:00:00Z"),
        ("/blog/2026-09-12-news and day='2026-09-12'", "/blog/2026-09-12-news and day='2026-09-12'"),
        ("2026-13-45", "2026-13-45"),
    ],
)  # fmt: skip
def test_days_in_sentences(text: str, found: str) -> None:
    assert dated(text, 2026) == found


def test_ranges_and_money_in_words() -> None:
    assert days(date(2026, 9, 3), date(2026, 9, 3), 2026) == "3 Sep"
    assert days(date(2025, 12, 3), date(2026, 1, 3), 2026) == "3 Dec 2025 to 3 Jan 2026"
    assert [amount(v, "EUR") for v in (110595.46, -36551.3, 987654321, 999.5)] == [
        "111,000 €", "−36,600 €", "988,000,000 €", "999.50 €"
    ]  # fmt: skip
    assert amount(110595.46, "EUR", exact=True) == "110,595.46 €"


def test_the_check_of_the_plan_is_an_answer(tmp_path: Path) -> None:
    with workspace(tmp_path, PLAN, [view("v", "2024-03-01 10:00")]) as ws:
        answer = ws.ask("review")
        from assay.plan.check import check

        assert sorted(answer.column("what" if "what" in [c.name for c in answer.columns] else "text")) == sorted(
            one.text for one in check(ws.plan)
        )
        assert len(answer.rows) > 0


def test_versions_say_since_when_and_trends_mark_it(tmp_path: Path) -> None:
    workspace(tmp_path, PLAN, [view("v", "2024-03-01 10:00")], now=at("2024-03-02 00:00")).close()
    (tmp_path / "assay.yaml").write_text(PLAN.replace("count: visitor}", "count: session}"), encoding="utf-8")
    with Workspace(tmp_path, now=at("2024-03-20 12:00")) as ws:
        load(ws, [view("w", "2024-03-19 10:00"), view("w", "2024-03-20 10:00")], "later")
        rows = ws.ask("versions", "visitors").records()
        now, before = rows
        assert (now["since"], now["until"], now["definition"]) == (
            date(2024, 3, 20), None, ws.plan.metrics["visitors"].id
        )  # fmt: skip
        assert (before["since"], before["until"]) == (date(2024, 3, 2), date(2024, 3, 20))
        assert (before["meaning"], now["meaning"]) == ("visitors", "sessions")
        assert before["changed"] is None
        assert "numerator.select.of: visitor → session" in now["changed"]
        assert ws.ask("versions", "visitors").sentence == "1 of 1 metrics changed their meaning since they are noted."
        made = ws.ask("metric", "visitors", grain="day", **{"from": "2024-03-19", "to": "2024-03-20"})
        (mark,) = (one for one in (made.chart or {})["marks"] if one["kind"] == "definition")
        assert mark["date"] == "2024-03-20"
        assert mark["what"].startswith("definition of visitors changed: ")


def test_a_definition_that_comes_back_is_the_latest_again(tmp_path: Path) -> None:
    other = PLAN.replace("count: visitor}", "count: session}")
    workspace(tmp_path, PLAN, [view("v", "2024-03-01 10:00")], now=at("2024-03-02 00:00")).close()
    for day, plan in ((10, other), (15, PLAN), (16, PLAN)):
        (tmp_path / "assay.yaml").write_text(plan, encoding="utf-8")
        with Workspace(tmp_path, now=at(f"2024-03-{day} 12:00")) as ws:
            load(ws, [view("w", f"2024-03-{day} 10:00")], f"of-{day}")
            rows = ws.ask("versions", "visitors").records()
    assert [(row["meaning"], row["since"].day) for row in rows] == [("visitors", 15), ("sessions", 10), ("visitors", 2)]


def test_definitions_noted_before_texts_were_kept(tmp_path: Path) -> None:
    import sqlite3

    from assay.store import schema

    (tmp_path / "assay.yaml").write_text(PLAN, encoding="utf-8")
    path = tmp_path / "assay-data" / "state.sqlite"
    path.parent.mkdir()
    with sqlite3.connect(path) as state:  # a file as an older version left it
        for name in (one for one in schema.migrations("state") if int(one[:4]) < 12):
            for sql in schema.statements("state", name):
                state.execute(sql)
            state.execute(f"PRAGMA user_version = {int(name[:4])}")
        state.execute("INSERT INTO definitions VALUES ('visitors', 'abc', 1709000000000000)")
    with Workspace(tmp_path, now=at("2024-03-20 12:00")) as ws:
        with sqlite3.connect(path) as state:
            state.execute(
                f"INSERT INTO definitions VALUES ('views', '{ws.plan.metrics['views'].id}', 1709000000000000)"
            )
        (held,) = ws.ask("versions", "views").records()
        assert "page_view" in held["meaning"]  # what still holds is said by the plan
        load(ws, [view("w", "2024-03-19 10:00")])
        now, before = ws.ask("versions", "visitors").records()
    assert (before["meaning"], before["definition"], now["meaning"]) == (None, "abc", "visitors")
    assert "noted before" in now["changed"]


def test_nothing_waits(tmp_path: Path) -> None:
    with workspace(tmp_path, PLAN, [event("v", "sign_up", "2024-03-01 10:00")]) as ws:
        assert ws.ask("waiting").empty == "nothing is in quarantine"


def test_the_same_statement_is_run_once_for_an_answer(tmp_path: Path) -> None:
    with workspace(tmp_path, PLAN, [view(f"v{n}", f"2024-03-{n + 1:02d} 10:00") for n in range(20)]) as ws:
        asking = ws.asking("overview")
        plain, daily = (
            ws.ask("overview", daily=daily, **{"from": "2024-03-08", "to": "2024-03-14"}) for daily in (False, True)
        )
        assert len(set(daily.sql)) == len(daily.sql) == len(plain.sql)  # the days were asked for already
        course = (daily.chart or {})["course"]["visitors"]
        assert course == [[f"2024-03-{day:02d}", 1.0, False] for day in range(8, 15)]
        assert "course" not in (plain.chart or {})
        assert asking.ran == {}
