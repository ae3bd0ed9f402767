"""Visitors are devices; visitors of one user are one person."""

from __future__ import annotations

from pathlib import Path

from support import event, load, rows, view, workspace

DAY = "2024-03-01 "


def persons(ws) -> list[set[str]]:
    return sorted(
        ({*names} for (names,) in rows(ws, "SELECT list(visitor) FROM visitors GROUP BY person_key")),
        key=lambda s: sorted(s),
    )


def test_visitors_of_one_user_are_one_person(tmp_path: Path) -> None:
    events = [
        view("a", DAY + "10:00"),
        view("a", DAY + "10:01", user="u"),
        view("b", DAY + "11:00", user="u"),
        view("c", DAY + "12:00"),
    ]
    ws = workspace(tmp_path, "", events)
    assert persons(ws) == [{"a", "b"}, {"c"}]
    load(ws, [event(None, "login", DAY + "13:00", user="u")])
    assert persons(ws) == [{"a", "b", "user:u"}, {"c"}]


def test_a_visitor_belongs_to_the_first_user_on_it_also_when_that_event_comes_late(tmp_path: Path) -> None:
    ws = workspace(
        tmp_path,
        "",
        [view("a", DAY + "10:00", user="u1"), view("b", DAY + "10:00", user="u2"), view("c", DAY + "10:00", user="u1")],
    )
    assert persons(ws) == [{"a", "c"}, {"b"}]
    load(ws, [view("a", DAY + "09:00", user="u2")])
    assert persons(ws) == [{"a", "b"}, {"c"}]


def test_the_latest_account_counts(tmp_path: Path) -> None:
    ws = workspace(
        tmp_path,
        "",
        [view("a", DAY + "10:00", account="old"), view("a", DAY + "11:00", account="new"), view("a", DAY + "12:00")],
    )
    assert rows(ws, "SELECT account FROM visitors") == [("new",)]
