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


USERS = """
metrics:
  users: {type: simple, count: user}
  visitors: {type: simple, count: visitor}
  views: {type: simple, count: page_view, per: user}
"""


def views_of(ws) -> dict[str, int]:
    """Page views by the user they belong to."""
    found = rows(
        ws,
        "SELECT coalesce(p.user_id, p.visitor), count(*) FROM events e JOIN persons p ON p.visitor_key = e.visitor_key "
        "AND e.t >= p.since_t AND e.t < p.until_t GROUP BY 1",
    )
    return dict(found)


def test_events_before_the_first_identification_belong_to_that_user_later_ones_to_the_latest(tmp_path: Path) -> None:
    events = [
        view("a", DAY + "10:00"),
        view("a", DAY + "10:01", user="u1"),
        view("a", DAY + "10:02"),
        view("a", DAY + "10:03", user="u2"),
        view("a", DAY + "10:04"),
        view("b", DAY + "10:00", user="u1"),
    ]
    ws = workspace(tmp_path, USERS, events)
    assert views_of(ws) == {"u1": 4, "u2": 2}
    load(ws, [view("a", DAY + "09:00", user="u2")])  # then the device was u2's from the beginning
    assert views_of(ws) == {"u2": 4, "u1": 3}


def test_a_merge_keeps_the_numbers_of_visitors(tmp_path: Path) -> None:
    events = [view(v, DAY + f"1{n}:00") for n, v in enumerate("abc")]
    ws = workspace(tmp_path, USERS, events)
    day = {"from": "2024-03-01", "to": "2024-03-01"}
    counted = [ws.metric([name], **day).estimates[0].estimate.value for name in ("visitors", "users")]
    load(ws, [view("a", DAY + "15:00", user="u"), view("b", DAY + "15:00", user="u")])
    after = [ws.metric([name], **day).estimates[0].estimate.value for name in ("visitors", "users")]
    assert (counted, after) == ([3, 3], [3, 2])


def test_the_latest_account_counts(tmp_path: Path) -> None:
    ws = workspace(
        tmp_path,
        "",
        [view("a", DAY + "10:00", account="old"), view("a", DAY + "11:00", account="new"), view("a", DAY + "12:00")],
    )
    assert rows(ws, "SELECT account FROM visitors") == [("new",)]
