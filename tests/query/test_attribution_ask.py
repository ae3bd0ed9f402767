"""Attribution through ``ask``: against SQL written by hand over a random world, and small tables."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pytest

from assay.model.errors import UnknownName, UsageError
from assay.stats.attribution import MODELS
from assay.workspace import Workspace
from support import Event, at, bought, event, refunded, table, view, workspace

PLAN = """
site: {name: Test, currency: EUR}
rules: {session_source: own}
events: {booked: {properties: {worth: money}}, ad_seen: {}}
goals:
  order: {event: purchase, kind: macro}
  lead: {event: generate_lead, value: 12.5}
  booking: {event: booked, value: worth}
  thanks: {page: /thanks}
"""
RANGE = {"from": "2024-03-10", "to": "2024-03-20"}
DAY = 86_400_000_000
SOURCES = ("google", "news", "partner", None)


def world(seed: int) -> list[Event]:
    """Forty visitors; visits at least a day apart from 60 days before the range on, orders within visits or on their own."""
    draw = random.Random(seed)
    events = []
    for v in range(40):
        for day in sorted(draw.sample(range(75), draw.randint(1, 7))):
            t = at("2024-01-10 08:00") + day * DAY + draw.randrange(60) * 60_000_000
            source = draw.choice(SOURCES)
            events.append(view(f"v{v}", t, utm_source=source))
            for n in range(draw.choice((0, 0, 0, 1, 2))):
                events.append(
                    bought(f"v{v}", t + (n + 1) * 60_000_000, f"o{v}-{day}-{n}", str(draw.randint(1, 9999) / 100))
                )
    events += [bought(None, "2024-03-12 10:00", "nobody", "5.55"), bought("alone", "2024-03-13 10:00", "alone", "7.77")]
    return events


BY_HAND = """
WITH touches AS (
    SELECT visitor, time AS t, coalesce(src, '(none)') AS key FROM ev WHERE name = 'page_view'
    UNION ALL SELECT visitor, time, '(none)' FROM ev WHERE visitor = 'alone'
), conversions AS (
    SELECT id, visitor, time AS t, amount FROM ev WHERE name = 'purchase' AND time >= $first AND time < $last
), pairs AS (
    SELECT c.id, c.amount, p.key, p.t, count(*) OVER (PARTITION BY c.id) AS n, max(p.t) OVER (PARTITION BY c.id) AS latest
    FROM conversions c JOIN touches p ON p.visitor = c.visitor AND p.t BETWEEN c.t - $window AND c.t
)
SELECT key, sum(CASE WHEN t = latest THEN 1 ELSE 0 END), sum(CASE WHEN t = latest THEN amount ELSE 0 END),
    sum(1.0 / n), sum(amount / n) FROM pairs GROUP BY key
"""


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("days", [5, 30])
def test_last_and_linear_against_sql(tmp_path: Path, seed: int, days: int) -> None:
    events = world(seed)
    con = duckdb.connect()
    con.execute("CREATE TABLE ev (id VARCHAR, visitor VARCHAR, name VARCHAR, time BIGINT, src VARCHAR, amount DOUBLE)")
    con.executemany(
        "INSERT INTO ev VALUES (?, ?, ?, ?, ?, ?)",
        [
            (e["id"], e["visitor"], e["name"], e["time"], e.get("utm_source"), float(e.get("amount") or 0))
            for e in events
        ],
    )
    bounds = {"first": at("2024-03-10 00:00"), "last": at("2024-03-21 00:00"), "window": days * DAY}
    found = con.execute(BY_HAND, bounds).fetchall()
    with workspace(tmp_path, PLAN, events) as ws:
        got = ws.ask("attribution", model=["last", "linear"], by="source", lookback=f"{days}d", **RANGE)
        rows = {row["source"]: row for row in got.records()}
        assert rows.pop("(no touch)")["conversions_last"] == 1
        assert sorted(rows) == sorted(row[0] for row in found)
        for key, last, last_revenue, linear, linear_revenue in found:
            row = rows[key]
            assert row["conversions_last"] == last
            assert float(row["revenue_last"]) == pytest.approx(last_revenue, abs=1e-6)
            assert row["conversions_linear"] == pytest.approx(linear)
            assert float(row["revenue_linear"]) == pytest.approx(linear_revenue, abs=0.01)


@pytest.mark.parametrize("seed", range(3))
def test_every_model_sums_to_all_conversions_and_all_revenue(tmp_path: Path, seed: int) -> None:
    events = world(seed)
    bounds = at("2024-03-10 00:00"), at("2024-03-21 00:00")
    inside = [e for e in events if e["name"] == "purchase" and bounds[0] <= e["time"] < bounds[1]]
    with workspace(tmp_path, PLAN, events) as ws:
        for more in ({}, {"exclude_direct": True}, {"transform": ["exposure", "remove_if_not_all=news"]}):
            got = ws.ask("attribution", model=["all"], by="source", **more, **RANGE)
            for model in MODELS:
                assert sum(got.column(f"conversions_{model.name}")) == pytest.approx(len(inside))  # type: ignore[arg-type]
                revenue = sum(got.column(f"revenue_{model.name}"))  # type: ignore[arg-type]
                assert revenue == sum(Decimal(e["amount"]) for e in inside), model.name


def ask(ws: Workspace, *columns: str, **params: Any) -> list[tuple[Any, ...]]:
    return table(ws.ask("attribution", **{"by": "source", **RANGE, **params}), *columns)


def three(*more: Event) -> list[Event]:
    """Visits from google, news and without a source, the last with an order of 10 €; more events may follow."""
    return [
        view("a", "2024-02-20 10:00", utm_source="google"),
        view("a", "2024-03-05 10:00", utm_source="news"),
        view("a", "2024-03-11 10:00"),
        bought("a", "2024-03-11 10:10", "o1", "10.00"),
        *more,
    ]


def test_the_lookback_reaches_before_the_range_and_includes_its_end(tmp_path: Path) -> None:
    with workspace(tmp_path, PLAN, three()) as ws:
        first = [("google", 1), ("(none)", 0), ("news", 0)]
        assert ask(ws, "source", "conversions", model=["first"]) == first
        exactly = f"{20 * 86_400 + 600}s"
        assert ask(ws, "source", "conversions", model=["first"], lookback=exactly) == first
        less = f"{20 * 86_400 + 599}s"
        assert ask(ws, "source", "conversions", model=["first"], lookback=less) == [("news", 1), ("(none)", 0)]


def test_direct_is_left_out_only_where_there_are_others(tmp_path: Path) -> None:
    alone = [view("b", "2024-03-12 09:00"), bought("b", "2024-03-12 09:01", "o2", "5.00")]
    with workspace(tmp_path, PLAN, three(*alone)) as ws:
        got = ask(ws, "channel", "conversions", by="channel", exclude_direct=True, model=["last"])
        assert sorted(got) == [("Direct", 1), ("Organic Search", 0), ("Unassigned", 1)]
        assert sorted(ask(ws, "channel", "conversions", by="channel", model=["last_non_direct"])) == sorted(got)
        assert ask(ws, "channel", "conversions", by="channel", model=["last"])[0] == ("Direct", 2)


def test_paths_and_their_transforms(tmp_path: Path) -> None:
    visits = [view("a", f"2024-03-0{day} 10:00", utm_source=s) for day, s in enumerate("ABBACA", start=1)]
    with workspace(tmp_path, PLAN, [*visits, bought("a", "2024-03-10 10:00", "o", "9.00", utm_source="C")]) as ws:
        for transform, path in (
            ([], "A > B > B > A > C > A > C"),
            (["exposure"], "A > B > A > C > A > C"),
            (["first"], "A > B > C"),
            (["remove_if_last_and_not_all=C"], "A > B > B > A > C > A"),
            (["remove_if_not_all=A"], "B > B > C > C"),
            (["remove_if_not_all=A", "exposure"], "B > C"),
        ):
            got = ask(ws, "path", "touches", "conversions", "revenue", "share", paths=True, transform=transform)
            assert got == [(path, path.count(">") + 1, 1, Decimal("9.00"), 1.0)]


def test_a_path_of_one_value_survives_its_removal(tmp_path: Path) -> None:
    events = [view("a", "2024-03-09 10:00", utm_source="A"), bought("a", "2024-03-10 10:00", "o", "9", utm_source="A")]
    with workspace(tmp_path, PLAN, events) as ws:
        for name in ("remove_if_not_all", "remove_if_last_and_not_all"):
            assert ask(ws, "path", paths=True, transform=[f"{name}=A"]) == [("A > A",)]


def test_only_sessions_with_an_event_are_touches(tmp_path: Path) -> None:
    seen = event("a", "ad_seen", "2024-03-05 10:01")
    with workspace(tmp_path, PLAN, three(seen)) as ws:
        assert ask(ws, "source", "conversions", touch="ad_seen") == [("news", 1)]
        with pytest.raises(UnknownName, match="did you mean"):
            ask(ws, "source", "conversions", touch="ad_sen")
        assert ask(ws, "source", "conversions", touch="sign_up") == [("(no touch)", 1)]


def test_a_user_has_the_touches_of_all_devices(tmp_path: Path) -> None:
    events = [
        view("phone", "2024-03-01 10:00", utm_source="news", user="u"),
        view("desk", "2024-03-11 10:00", utm_source="google", user="u"),
        bought("desk", "2024-03-11 10:05", "o", "8.00", user="u"),
    ]
    with workspace(tmp_path, PLAN, events) as ws:
        assert ask(ws, "source", "conversions") == [("google", 1)]
        assert ask(ws, "source", "conversions", per="user") == [("google", 0.5), ("news", 0.5)]


def test_goals_events_and_what_they_are_worth(tmp_path: Path) -> None:
    events = [
        view("a", "2024-03-05 10:00", utm_source="news"),
        event("a", "generate_lead", "2024-03-11 10:00", id="1"),
        event("a", "generate_lead", "2024-03-11 10:00", id="2"),
        event("a", "booked", "2024-03-11 10:00", props={"worth": "3.50"}),
        view("a", "2024-03-11 10:01", path="/thanks"),
    ]
    with workspace(tmp_path, PLAN, events) as ws:
        news = {"model": ["first"]}
        assert ask(ws, "source", "conversions", "revenue", goal="lead", **news)[0] == ("news", 2, Decimal("25.00"))
        assert ask(ws, "source", "conversions", "revenue", goal="booking", **news)[0] == ("news", 1, Decimal("3.50"))
        assert ask(ws, "source", "conversions", goal="thanks", **news)[0] == ("news", 1)
        counted = ws.ask("attribution", goal="generate_lead", by="source", **RANGE)
        assert "revenue" not in [c.name for c in counted.columns]


def test_net_and_gross_and_orders_that_do_not_count(tmp_path: Path) -> None:
    more = [
        refunded("2024-03-12 10:00", "o1", "4.00"),
        bought("a", "2024-03-11 11:00", "o9", "100", props={"order_type": "test"}),
    ]
    with workspace(tmp_path, PLAN, three(*more)) as ws:
        assert ask(ws, "revenue", model=["first"])[0] == (Decimal("6.00"),)
        assert ask(ws, "revenue", model=["first"], value="gross")[0] == (Decimal("10.00"),)


COSTS = "date,channel,campaign,cost,currency\n2024-03-11,Paid Search,c1,30,EUR\n2024-03-11,Display,c2,5,EUR\n"


def shop() -> list[Event]:
    """Two visitors by an ad of 11 March; one buys on the 12th, one on the 28th, after the range. A third pays without it."""
    ad = {"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "c1"}
    return [
        view("a", "2024-03-11 10:00", **ad),
        bought("a", "2024-03-12 10:00", "o1", "20.00", **ad),
        view("b", "2024-03-11 10:00", **ad),
        bought("b", "2024-03-28 10:00", "o2", "40.00", utm_source="google", utm_medium="cpc"),
        bought("c", "2024-03-13 10:00", "o3", "9.00", utm_source="news", utm_medium="email"),
    ]


def test_costs_by_date_of_touch_and_of_conversion(tmp_path: Path) -> None:
    with workspace(tmp_path, PLAN, shop()) as ws:
        costs = tmp_path / "costs.csv"
        costs.write_text(COSTS)
        ws.import_files("costs", [costs])
        wanted = ("channel", "cost", "conversions", "cpa", "cac", "roas")
        by_touch = {row[0]: row[1:] for row in ask(ws, *wanted, by="channel", model=["first"])}
        assert by_touch["Paid Search"] == (30, 1, 15, 15, 2.0)  # both orders belong to touches of the range
        assert by_touch["Display"] == (5, 0, None, None, 0.0)
        assert by_touch["Email"] == (None, 1, None, None, None)
        by_order = {row[0]: row[1:] for row in ask(ws, *wanted, by="channel", model=["first"], date="conversion")}
        assert by_order["Paid Search"] == (30, 1, 30, 30, pytest.approx(2 / 3))
        campaigns = dict(ask(ws, "campaign", "cpa", by="campaign", model=["first"]))
        assert campaigns["c1"] == 15
        answer = ws.ask("attribution", by="channel", model=["first"], **RANGE)
        reasons = {(e.metric, e.group.get("channel")): e.estimate.reason for e in answer.estimates}
        assert reasons["cpa", "Email"] == "no cost row"
        assert reasons["cpa", "Display"] == "no conversions"
        blended = next(e.estimate for e in answer.estimates if e.metric == "cac_blended")
        assert blended.value == Decimal("17.5")  # 35 € for two new customers in the range, paid or not
        assert Fraction(answer.records()[0]["dated_conversions"]) == 2  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        ({"model": ["shaply"]}, UnknownName, "did you mean 'shapley'"),
        ({"lookback": "0d"}, UsageError, "lookback"),
        ({"lookback": "month"}, UsageError, "30m or 7d"),
        ({"by": "channel", "transform": ["remove_if_not_all=Drect"]}, UnknownName, "Direct"),
        ({"transform": ["expose"]}, UnknownName, "exposure"),
        ({"transform": ["remove_if_not_all"]}, UsageError, "needs a value"),
        ({"transform": ["first=news"]}, UsageError, "takes no value"),
        ({"goal": "oder"}, UnknownName, "did you mean 'order'"),
        ({"goal": "thanks", "value": "net"}, UsageError, "no revenue"),
        ({"goal": "thanks", "value": "goal"}, UsageError, "no value"),
    ],
)
def test_bad_input_says_what_to_do(tmp_path: Path, params: dict[str, Any], error: type[Exception], words: str) -> None:
    with workspace(tmp_path, PLAN, three()) as ws, pytest.raises(error, match=words):
        ask(ws, "source", **params)


def test_nothing_converted(tmp_path: Path) -> None:
    with workspace(tmp_path, PLAN, three()) as ws:
        answer = ws.ask("attribution", goal="lead", **RANGE)
        assert answer.empty == "no conversions in 10 to 20 Mar 2024"
