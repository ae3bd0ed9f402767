"""The timeline of one visitor, user, account or order, on events worked out by hand and against the raw lines."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from world import ZONE, world

from assay.model.errors import UsageError
from assay.query import timeline
from assay.workspace import Workspace
from support import bought, event, refunded, rows, table, view, workspace

PLAN = """
site: {timezone: Europe/Berlin, currency: EUR}
events: {sign_up: {properties: {plan: string}}}
"""
DAY = "2024-03-05 "
EVENTS = [
    view("a1", DAY + "10:00", "/?x=1", utm_source="google", utm_medium="cpc"),
    event("a1", "sign_up", DAY + "10:05", user="anna", account="acme", props={"plan": "pro", "seats": 3}),
    bought("a1", DAY + "10:10", "o1", "30.00"),
    view("a2", "2024-03-06 09:00", "/p/1", user="anna"),
    bought("a2", "2024-03-06 09:01", "o2", "20.00", user="anna"),
    refunded("2024-03-08 12:00", "o1", "10.00"),
    # On the shared device Ben signs in later: his events are not Anna's.
    view("a2", "2024-03-07 09:00", "/ben", user="ben"),
    view("anna", "2024-03-09 09:00", "/namesake"),
    view("bot", DAY + "11:00", "/", bot=True),
]
ALL = {"columns": ("event", "page", "order", "money")}


@pytest.fixture
def ws(engine: str, opened: dict[str, Workspace], tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    if engine not in opened:
        opened[engine] = workspace(tmp_path_factory.mktemp("timeline"), PLAN, EVENTS, engine=engine)
    return opened[engine]


def sums(answer: Any) -> dict[str, Any]:
    return {one.metric: one.estimate.value for one in answer.estimates}


def test_a_user_over_devices_with_refunds(ws: Workspace) -> None:
    found = ws.user("anna")
    assert table(found, "time", "session", "channel", "event", "page", "order", "money", "about") == [
        ("2024-03-05T11:00:00.000+01:00", 1, "Paid Search", "page_view", "/", None, None, None),
        ("2024-03-05T11:05:00.000+01:00", 1, "Paid Search", "sign_up", None, None, None, "plan=pro, seats=3"),
        ("2024-03-05T11:10:00.000+01:00", 1, "Paid Search", "purchase", None, "o1", Decimal(30), None),
        ("2024-03-06T10:00:00.000+01:00", 1, "Direct", "page_view", "/p/1", None, None, None),
        ("2024-03-06T10:01:00.000+01:00", 1, "Direct", "purchase", None, "o2", Decimal(20), None),
        ("2024-03-08T13:00:00.000+01:00", None, None, "refund", None, "o1", Decimal(-10), None),
    ]
    assert sums(found) == {"events": 6, "sessions": 2, "orders": 2, "net_revenue": 40, "refunded": 10}
    assert sum(m for m in found.column("money") if m is not None) == 40
    assert found.sentence == (
        "User anna on 2 devices: first seen Tue 5 Mar 2024, last Fri 8 Mar 2024; "
        "2 sessions, 6 events, 2 orders, 40.00 € net revenue, 10.00 € refunded."
    )
    assert "there is a visitor of that id too: --as visitor" in found.notes


@pytest.mark.parametrize(
    ("name", "asked", "pages", "money"),
    [
        ("anna", {"as": "visitor"}, ["/namesake"], 0),
        ("a1", {}, ["/"], 20),
        ("a2", {}, ["/p/1", "/ben"], 20),
        ("ben", {}, ["/ben"], 0),
        ("acme", {}, ["/"], 20),
        ("o2", {}, ["/p/1"], 20),
        ("bot", {}, ["/"], 0),
    ],
)
def test_it_finds_by_itself_what_an_id_is(
    ws: Workspace, name: str, asked: dict[str, Any], pages: list[str], money: int
) -> None:
    found = ws.user(name, **asked)
    assert [page for page in found.column("page") if page] == pages
    assert sums(found)["net_revenue"] == money == sum(m for m in found.column("money") if m is not None)


def test_bots_are_listed_and_count_nowhere(ws: Workspace) -> None:
    found = ws.user("bot")
    assert table(found, "session", "about", "counts") == [(None, "a bot", False)]
    assert sums(found) == {"events": 1, "sessions": 0, "orders": 0, "net_revenue": 0, "refunded": 0}


def test_pages_and_days(ws: Workspace) -> None:
    first, second = ws.user("anna", limit=4), ws.user("anna", limit=4, page=2)
    assert first.rows + second.rows == ws.user("anna").rows
    assert "page 1 of 2, 6 events in all" in first.notes
    assert first.next[0] == "assay user anna --as user --limit 4 --page 2"
    assert ws.user("anna", limit=4, page=3).empty == "no events of user anna on page 3"
    one = ws.user("anna", **{"from": "2024-03-06", "to": "2024-03-06"})
    assert (len(one.rows), sums(one)["events"]) == (2, 6)
    assert ws.user("anna", **{"from": "2024-04-01"}).empty == "no events of user anna in these days"
    with pytest.raises(UsageError, match="after its end"):
        ws.user("anna", **{"from": "2024-03-06", "to": "2024-03-05"})


@pytest.mark.parametrize(
    ("name", "asked", "says"),
    [
        ("an", {}, "did you mean the user 'anna' or the visitor 'anna'"),
        ("an", {"as": "visitor"}, "there is no visitor 'an'; did you mean the visitor 'anna'"),
        ("o", {}, "did you mean the order 'o1' or the order 'o2'"),
        ("zoe", {}, "assay sessions lists visitors"),
        ("o1", {"as": "visitor"}, "there is an order of that id: --as order"),
        ("", {}, "there is no visitor, user"),
    ],
)
def test_did_you_mean(ws: Workspace, name: str, asked: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        ws.user(name, **asked)


def test_no_events_yet(tmp_path: Path) -> None:
    with workspace(tmp_path, PLAN) as ws:
        assert ws.user("anna").empty == "no events yet"


def test_every_visitor_of_a_random_world(tmp_path: Path) -> None:
    """Each event with a visitor stands in exactly one timeline; the money of all is that of the orders with a visitor."""
    with workspace(tmp_path, f"site: {{timezone: {ZONE}}}", world(4, 40)) as ws:
        visitors = [v for (v,) in rows(ws, "SELECT DISTINCT visitor FROM events WHERE visitor IS NOT NULL")]
        found = [ws.user(v, limit=10_000, **{"as": "visitor"}) for v in visitors]
        count = rows(ws, "SELECT count(*) FROM events WHERE visitor IS NOT NULL")[0][0]
        refunds = rows(
            ws, "SELECT count(*) FROM refunds r JOIN orders o USING (order_id) WHERE o.visitor_key IS NOT NULL"
        )
        assert sum(sums(one)["events"] for one in found) == count + refunds[0][0]
        assert all(len(one) == sums(one)["events"] for one in found)
        net = rows(ws, "SELECT sum(net) FROM orders WHERE counted AND visitor_key IS NOT NULL")[0][0]
        assert sum(sums(one)["net_revenue"] for one in found) == net
        assert sum(m for one in found for m in one.column("money") if m is not None) == net


@pytest.mark.parametrize(
    ("kind", "column", "held"),
    [("visitor", "visitor", "events"), ("user", "user_id", "events"), ("order", "order_id", "orders")],
)
def test_where_it_looks_is_where_everything_is(
    tmp_path: Path, kind: str, column: str, held: str, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same answers as from a look at all events: also where somebody else paid, or nobody who is known."""
    paid = [
        bought("a1", DAY + "12:00", "o9", None, user="anna"),
        bought("till", DAY + "12:30", "o9", "25.00", user="carl"),
        bought("a2", DAY + "13:00", "o10", None, user="anna"),
        {**bought("x", DAY + "13:30", "o10", "35.00"), "visitor": None, "type": "backend"},
        {**bought("x", DAY + "14:00", "o11", "6.00"), "visitor": None, "type": "backend"},
        *[bought("often", 1_709_700_000_000_000 + n * 60_000_000, f"many{n}", "10") for n in range(6)],
        *[refunded("2024-03-08 12:00", f"many{n}", "5") for n in range(4)],
    ]
    with workspace(tmp_path, f"site: {{timezone: {ZONE}}}", [*world(4, 25), *EVENTS, *paid], engine=engine) as ws:
        ids = [one for (one,) in rows(ws, f"SELECT DISTINCT {column} FROM {held} WHERE {column} IS NOT NULL")]
        seen = []
        for most in (500, 9, 0):  # all that a unit has; not all of those who order often; nothing
            monkeypatch.setattr(timeline, "MOST", most)
            found = [ws.user(one, limit=10_000, **{"as": kind}) for one in ids]
            seen.append([(one.rows, sums(one), one.sentence) for one in found])
    assert seen[0] == seen[1] == seen[2]
    assert len(ids) > 3
    assert kind != "order" or {"o9", "o10", "o11"} <= set(ids)
