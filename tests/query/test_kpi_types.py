"""The metric types over rows made from several events, against SQL written by hand over the raw lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from world import DAY, ZONE, facts, world

from assay.workspace import Workspace
from support import Event, bought, event, value, view, workspace

FIRST, LAST = "2024-03-25", "2024-04-07"
RANGE = {"from": FIRST, "to": LAST}
IN = f"day BETWEEN DATE '{FIRST}' AND DATE '{LAST}'"
PLAN = f"""
site: {{timezone: {ZONE}}}
rules: {{session_source: own}}
events: {{sign_up: {{properties: {{plan: string, seats: integer}}}}}}
goals: {{order: {{event: purchase, kind: macro}}}}
metrics:
  repeat: {{type: repeat_purchase, within: 10d}}
  third: {{type: repeat_purchase, within: 10d, orders: 3}}
  gap: {{type: order_gap}}
  gap_median: {{type: order_gap, statistic: median}}
  each: {{type: ratio, numerator: {{count: order}}, denominator: {{count: customer}}, per: user}}
  on_page: {{type: time_on_page}}
  on_a: {{type: time_on_page, page: /a, until: page}}
  exits: {{type: exit_rate, page: /a}}
  exits_of_views: {{type: exit_rate, page: /a, of: view}}
  exits_unless: {{type: exit_rate, page: /a, not_after: [purchase, sign_up], bounces: false}}
  wait: {{type: time_to, from: sign_up, event: purchase, per: visitor, within: 3d, statistic: mean}}
  wait_median: {{type: time_to, from: sign_up, event: purchase, per: visitor, within: 3d}}
  first_wait: {{type: time_to, event: purchase, per: visitor, within: 5d, statistic: mean}}
  active: {{type: activation, event: view_item, at_least: 2, per: visitor, within: 4d}}
  steps: {{type: activation, steps: [view_item, add_to_cart, begin_checkout], at_least: 2, per: visitor, within: 4d}}
  usage: {{type: feature_usage, event: view_item, at_least: 3, per: visitor}}
  sticky: {{type: stickiness, per: visitor}}
  lapsed: {{type: product_churn, per: visitor}}
  entries: {{type: funnel_entry_rate, from: add_to_cart, event: begin_checkout, exclude: view_item, within: 2d}}
  entries_free: {{type: funnel_entry_rate, from: view_item, event: purchase, within: 1d}}
  worth: {{type: simple, sum: revenue.gross, per: visitor, from: sign_up, within: 3d}}
"""


@pytest.fixture
def ws(engine: str, opened: dict[str, Workspace], tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    if engine not in opened:
        opened[engine] = workspace(tmp_path_factory.mktemp("world"), PLAN, world(), engine=engine)
    return opened[engine]


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    made = facts(world())
    made.execute("""
CREATE TABLE pv AS SELECT *, lead(t) OVER (PARTITION BY sid ORDER BY t, seq, id) AS next_page FROM (
    SELECT *, lead(t) OVER (PARTITION BY sid ORDER BY t, seq, id) AS next_event FROM evs) WHERE name = 'page_view'""")
    yield made
    made.close()


def one(ws: Workspace, name: str, **asked: Any) -> tuple[Any, Any, Any]:
    estimate = ws.ask("metric", name, **{**RANGE, **asked}).estimates[0].estimate
    return estimate.value, estimate.numerator, estimate.denominator


def row(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    return con.execute(sql).fetchone() or ()


def test_repeat_purchases(ws: Workspace, con: duckdb.DuckDBPyConnection) -> None:
    for name, further in (("repeat", 1), ("third", 2)):
        found = row(
            con,
            f"""
WITH f AS (SELECT * FROM ord o WHERE NOT EXISTS (SELECT 1 FROM ord p WHERE p.person = o.person AND (p.t, p.oid) < (o.t, o.oid)))
SELECT count(*) FILTER (WHERE {further} <= (SELECT count(*) FROM ord o WHERE o.person = f.person AND o.oid <> f.oid AND o.t BETWEEN f.t AND f.t + {10 * DAY})), count(*)
FROM f WHERE {IN}""",
        )
        assert one(ws, name)[1:] == found
        assert found[0] > 0


def test_gaps_and_orders_per_customer(ws: Workspace, con: duckdb.DuckDBPyConnection) -> None:
    mean, median, n = row(
        con,
        f"""
SELECT avg(g), median(g), count(g) FROM (SELECT day, (t - lag(t) OVER (PARTITION BY person ORDER BY t, oid)) / 86400e6 AS g FROM ord) WHERE {IN}""",
    )
    assert one(ws, "gap")[::2] == (pytest.approx(mean), n)
    assert one(ws, "gap_median")[0] == pytest.approx(median)
    assert one(ws, "each")[1:] == row(con, f"SELECT count(*), count(DISTINCT person) FROM ord WHERE {IN}")


def test_time_on_page(ws: Workspace, con: duckdb.DuckDBPyConnection) -> None:
    """Events of one instant stand in the order of their ids, so a page can last 0; the last one is unknown."""
    total, n = row(con, f"SELECT sum(next_event - t) / 1e6, count(*) FROM pv WHERE next_page IS NOT NULL AND {IN}")
    assert one(ws, "on_page")[1:] == (pytest.approx(total), n)
    total, n = row(
        con, f"SELECT sum(next_page - t) / 1e6, count(*) FROM pv WHERE next_page IS NOT NULL AND path = '/a' AND {IN}"
    )
    assert one(ws, "on_a")[1:] == (pytest.approx(total), n)


@pytest.mark.parametrize("until", ["event", "page"])
def test_the_time_of_each_page(ws: Workspace, con: duckdb.DuckDBPyConnection, until: str) -> None:
    """Days are those of the visit: a visit over midnight stands on its first."""
    found = ws.ask("pages", until=until, **RANGE)
    rows = con.execute(f"""
SELECT path, count(*) FILTER (WHERE next_page IS NOT NULL), median(s), avg(s) FROM (
    SELECT pv.path, pv.next_page, CASE WHEN next_page IS NOT NULL THEN (next_{until} - pv.t) / 1e6 END AS s
    FROM pv JOIN (SELECT sid, day FROM ses) v USING (sid) WHERE v.{IN}) GROUP BY 1""").fetchall()
    assert {
        row["page"]: (row["timed"], pytest.approx(row["median_time"]), pytest.approx(row["mean_time"]))
        for row in found.records()
    } == {path: tuple(rest) for path, *rest in rows}
    assert {row["scroll_depth"] for row in found.records()} == {None}
    assert next(c for c in found.columns if c.name == "scroll_depth").detail


def test_exits(ws: Workspace, con: duckdb.DuckDBPyConnection) -> None:
    saw = f"FROM pv JOIN (SELECT sid, bounced FROM ses) USING (sid) WHERE path = '/a' AND {IN}"
    assert one(ws, "exits")[1:] == row(
        con, f"SELECT count(DISTINCT sid) FILTER (WHERE next_page IS NULL), count(DISTINCT sid) {saw}"
    )
    assert one(ws, "exits_of_views")[1:] == row(
        con, f"SELECT count(*) FILTER (WHERE next_page IS NULL), count(*) {saw}"
    )
    excused = "sid IN (SELECT sid FROM evs WHERE name IN ('purchase', 'sign_up'))"
    assert one(ws, "exits_unless")[1:] == row(
        con,
        f"SELECT count(DISTINCT sid) FILTER (WHERE next_page IS NULL AND NOT {excused}), count(DISTINCT sid) {saw} AND NOT bounced",
    )
    shares = {e.group["page"]: e.estimate.denominator for e in ws.ask("metric", "exits", **RANGE, by="page").estimates}
    assert shares == {"/a": one(ws, "exits")[2]}


def test_times_to_a_conversion(ws: Workspace, con: duckdb.DuckDBPyConnection) -> None:
    wait = f"""
WITH s AS (SELECT visitor, min(t) AS t0 FROM evs WHERE name = 'sign_up' AND {IN} GROUP BY 1),
w AS (SELECT (SELECT min(o.t) FROM ord o WHERE o.visitor = s.visitor AND o.t BETWEEN s.t0 AND s.t0 + {3 * DAY}) - t0 AS w FROM s)"""
    mean, median, n = row(con, f"{wait} SELECT avg(w) / 1e6, median(w) / 1e6, count(w) FROM w")
    assert one(ws, "wait")[::2] == (pytest.approx(mean), n)
    assert one(ws, "wait_median")[0] == pytest.approx(median)
    mean, n = row(
        con,
        f"""
WITH s AS (SELECT visitor, min(t) AS t0, arg_min(day, t) AS day FROM evs GROUP BY 1),
w AS (SELECT (SELECT min(o.t) FROM ord o WHERE o.visitor = s.visitor AND o.t BETWEEN s.t0 AND s.t0 + {5 * DAY}) - t0 AS w FROM s WHERE {IN})
SELECT avg(w) / 1e6, count(w) FROM w""",
    )
    assert one(ws, "first_wait")[::2] == (pytest.approx(mean), n)


def test_activation_and_what_follows(ws: Workspace, con: duckdb.DuckDBPyConnection) -> None:
    starts = f"WITH s AS (SELECT visitor, min(t) AS t0 FROM evs WHERE name = 'sign_up' AND {IN} GROUP BY 1)"
    inside = f"e.visitor = s.visitor AND e.t BETWEEN s.t0 AND s.t0 + {4 * DAY}"
    assert one(ws, "active")[1:] == row(
        con,
        f"""
{starts} SELECT count(*) FILTER (WHERE 2 <= (SELECT count(*) FROM evs e WHERE {inside} AND e.name = 'view_item')), count(*) FROM s""",
    )
    assert one(ws, "steps")[1:] == row(
        con,
        f"""
{starts} SELECT count(*) FILTER (WHERE 2 <= (SELECT count(DISTINCT name) FROM evs e WHERE {inside} AND e.name IN ('view_item', 'add_to_cart', 'begin_checkout'))), count(*) FROM s""",
    )
    assert one(ws, "worth")[1:] == row(
        con,
        f"""
{starts} SELECT sum((SELECT coalesce(sum(o.gross), 0) FROM ord o WHERE o.visitor = s.visitor AND o.t BETWEEN s.t0 AND s.t0 + {3 * DAY})), count(*) FROM s""",
    )


def test_usage_stickiness_and_churn(ws: Workspace, con: duckdb.DuckDBPyConnection) -> None:
    assert one(ws, "usage")[1:] == row(
        con,
        f"""
SELECT count(*) FILTER (WHERE n >= 3), count(*) FROM (SELECT visitor, (SELECT count(*) FROM evs e WHERE e.visitor = s.visitor AND e.name = 'view_item' AND e.{IN}) AS n
FROM (SELECT DISTINCT visitor FROM ses WHERE {IN}) s)""",
    )
    assert one(ws, "sticky")[1:] == row(
        con, f"SELECT count(DISTINCT (visitor, day)), count(DISTINCT visitor) * 14 FROM evs WHERE {IN}"
    )
    before = "day BETWEEN DATE '2024-03-11' AND DATE '2024-03-24'"
    assert one(ws, "lapsed")[1:] == row(
        con,
        f"""
SELECT count(*) FILTER (WHERE visitor NOT IN (SELECT visitor FROM evs WHERE {IN})), count(*) FROM (SELECT DISTINCT visitor FROM evs WHERE {before})""",
    )
    weeks = {
        str(e.group["week"]): e.estimate
        for e in ws.ask("metric", ["sticky", "lapsed"], **RANGE, grain="week").estimates
        if e.metric == "lapsed"
    }
    lost, units = row(
        con,
        """
SELECT count(*) FILTER (WHERE visitor NOT IN (SELECT visitor FROM evs WHERE day BETWEEN DATE '2024-04-01' AND DATE '2024-04-07')), count(*)
FROM (SELECT DISTINCT visitor FROM evs WHERE day BETWEEN DATE '2024-03-25' AND DATE '2024-03-31')""",
    )
    assert (weeks["2024-04-01"].numerator, weeks["2024-04-01"].denominator) == (lost, units)


@pytest.mark.parametrize(
    ("name", "start", "goal", "leave", "days"),
    [("entries", "add_to_cart", "begin_checkout", "view_item", 2), ("entries_free", "view_item", "purchase", None, 1)],
)
def test_entries_are_those_of_a_walk_through_the_events(
    ws: Workspace, con: duckdb.DuckDBPyConnection, name: str, start: str, goal: str, leave: str | None, days: int
) -> None:
    goals = (
        f"SELECT visitor, t, '{goal}' AS name FROM ord"
        if goal == "purchase"
        else f"SELECT visitor, t, name FROM evs WHERE name = '{goal}'"
    )
    found: dict[str, list[tuple[int, str]]] = {}
    for visitor, t, what in con.execute(f"""
SELECT visitor, t, name FROM evs WHERE name = '{start}' AND {IN} UNION ALL {goals}
UNION ALL SELECT visitor, t, name FROM evs WHERE name = '{leave}' ORDER BY 2""").fetchall():
        found.setdefault(visitor, []).append((t, what))
    entered = won = 0
    for events in found.values():
        free = -1
        for t0 in (t for t, what in events if what == start):
            if t0 <= free:
                continue
            entered += 1
            ends = [(t, what) for t, what in events if what in (goal, leave) and t0 <= t <= t0 + days * DAY]
            free = min((t for t, _ in ends), default=t0 + days * DAY)
            won += any(t == free and what == goal for t, what in ends)
    assert one(ws, name)[1:] == (won, entered)
    assert 0 < won < entered


SUBSCRIPTIONS = """
site: {timezone: Europe/Berlin, currency: EUR}
events:
  subscribe: {interactive: false, properties: {mrr: money}}
  renew: {properties: {mrr: money}}
  upgrade: {properties: {mrr: money}}
  downgrade: {properties: {mrr: money}}
  cancel_subscription: {properties: {reason: string}}
metrics:
  mrr: {type: mrr}
  arpa: {type: mrr, statistic: mean}
  churn: {type: subscription_churn, involuntary: "reason = 'failed'"}
  forced: {type: subscription_churn, involuntary: "reason = 'failed'", kind: involuntary}
  both: {type: subscription_churn, involuntary: "reason = 'failed'", kind: all}
  gross: {type: revenue_retention, rule: gross}
  net: {type: revenue_retention}
  growth: {type: revenue_retention, rule: expansion}
  upgrades: {type: upgrade_rate}
"""


def subscriber(user: str, *happened: tuple[str, str, str | None]) -> list[Event]:
    lines = []
    for name, time, said in happened:
        props = {} if said is None else {"reason" if name == "cancel_subscription" else "mrr": said}
        lines.append(event(None, name, f"{time} 12:00", user=user, interactive=False, props=props))
    return lines


# In January nobody; in February a to f pay 10 when it begins.
MONTHS = [
    *subscriber("a", ("subscribe", "2024-01-10", "10"), ("renew", "2024-02-10", None)),
    *subscriber("b", ("subscribe", "2024-01-10", "10"), ("upgrade", "2024-02-03", "25.50")),
    *subscriber("c", ("subscribe", "2024-01-10", "10"), ("downgrade", "2024-02-03", "4")),
    *subscriber("d", ("subscribe", "2024-01-10", "10"), ("cancel_subscription", "2024-02-29", "price")),
    *subscriber("e", ("subscribe", "2024-01-10", "10"), ("cancel_subscription", "2024-02-03", "failed")),
    *subscriber("f", ("subscribe", "2024-01-10", "10"), ("cancel_subscription", "2024-02-03", "price"), ("subscribe", "2024-02-20", "10")),
    *subscriber("g", ("subscribe", "2024-01-10", "10"), ("cancel_subscription", "2024-01-31", "price")),
    *subscriber("h", ("subscribe", "2024-02-05", "8"), ("cancel_subscription", "2024-02-07", "price")),
    *subscriber("i", ("subscribe", "2024-02-05", "7"), ("upgrade", "2024-02-09", "9")),
    view("z", "2024-03-10 10:00"),
]  # fmt: skip


@pytest.mark.everywhere
def test_subscriptions_worked_out_by_hand(engine: str, tmp_path: Any) -> None:
    ws = workspace(tmp_path, SUBSCRIPTIONS, MONTHS, engine=engine)

    def month(name: str, first: str, last: str) -> tuple[str, ...]:
        estimate = ws.ask("metric", name, **{"from": first, "to": last}).estimates[0].estimate
        return tuple("-" if v is None else f"{float(v):g}" for v in (estimate.numerator, estimate.denominator))

    february = {n: month(n, "2024-02-01", "2024-02-29") for n in ("mrr", "arpa", "churn", "forced", "both", "gross", "net", "growth", "upgrades")}  # fmt: skip
    assert february == {
        "mrr": ("58.5", "-"),  # a 10, b 25.5, c 4, f 10, i 9
        "arpa": ("58.5", "5"),
        "churn": ("2", "6"),  # d and f, who came back; h joined inside
        "forced": ("1", "6"),
        "both": ("3", "6"),
        "gross": ("34", "60"),  # a 10, b 10, c 4, f 10
        "net": ("49.5", "60"),
        "growth": ("15.5", "60"),
        "upgrades": ("1", "6"),  # i joined inside
    }
    assert month("churn", "2024-01-01", "2024-01-31") == ("0", "0")
    january = ws.ask("metric", "net", **{"from": "2024-01-01", "to": "2024-01-31"}).estimates[0].estimate
    assert january.value is None
    assert january.reason
    series = ws.ask("metric", ["mrr", "churn"], grain="month", **{"from": "2024-01-01", "to": "2024-02-29"})
    found = {(e.metric, str(e.group["month"])): (e.estimate.value, e.estimate.denominator) for e in series.estimates}
    assert [float(found["mrr", m][0]) for m in ("2024-01-01", "2024-02-01")] == [60, 58.5]
    assert found["churn", "2024-02-01"] == (pytest.approx(2 / 6), 6)
    ws.close()


PAGES = """
site: {timezone: UTC}
metrics:
  on_page: {type: time_on_page}
  depth: {type: scroll_depth}
  half: {type: scroll_depth, reach: 50}
  attached: {type: attach_rate, base: "item_category = 'phone'", attached: "item_category in ('case', 'phone')"}
  wait: {type: time_to, event: purchase, per: visitor, within: 2d, statistic: mean}
"""


@pytest.mark.everywhere
def test_pages_and_baskets_worked_out_by_hand(engine: str, tmp_path: Any) -> None:
    def beat(visitor: str, time: str, ms: int) -> Event:
        return event(visitor, "user_engagement", time, props={"engagement_time_msec": ms}, interactive=False)

    def scroll(visitor: str, time: str, percent: int) -> Event:
        return event(visitor, "scroll", time, props={"percent_scrolled": percent})

    phone, case = {"item_category": "phone"}, {"item_category": "case"}
    events = [
        view("a", "2024-01-01 10:00", "/1"), beat("a", "2024-01-01 10:00:20", 5000), beat("a", "2024-01-01 10:00:40", 2500),
        view("a", "2024-01-01 10:01", "/2"), scroll("a", "2024-01-01 10:01:10", 25), scroll("a", "2024-01-01 10:01:30", 75),
        view("a", "2024-01-01 10:03", "/3"), beat("a", "2024-01-01 10:04", 1000),
        view("b", "2024-01-01 10:00", "/1"),
        bought("b", "2024-01-01 11:00", "1", "5", items=[phone, case]),
        bought("b", "2024-01-01 12:00", "2", "5", items=[phone]),
        bought("b", "2024-01-01 13:00", "3", "5", items=[phone, phone]),
        bought("b", "2024-01-01 14:00", "4", "5", items=[case]),
        view("c", "2024-01-04 12:00", "/1"), bought("c", "2024-01-04 13:00", "5", None),
        view("z", "2024-01-05 00:00", "/1"),
    ]  # fmt: skip
    ws = workspace(tmp_path, PAGES, events, engine=engine)
    days = {"from": "2024-01-01", "to": "2024-01-04"}
    # /1 has beats (7.5 s), /2 a gap of 10 s to the scroll, /3 beats (1 s); b's only page and c's are unknown
    assert one(ws, "on_page", **days)[1:] == (pytest.approx(18.5), 3)
    assert one(ws, "depth", **days)[1:] == (75, 5)
    assert one(ws, "half", **days)[1:] == (1, 5)
    assert one(ws, "attached", **days)[1:] == (2, 3)
    assert one(ws, "wait", **days)[1:] == (pytest.approx(3600), 1)  # c's window is open, converted or not
    pages = ws.ask("pages", **days)
    assert {row["page"]: (row["median_time"], row["mean_time"], row["timed"], row["scroll_depth"]) for row in pages.records()} == {
        "/1": (7.5, 7.5, 1, 0.0), "/2": (10.0, 10.0, 1, 0.75), "/3": (1.0, 1.0, 1, 0.0),
    }  # fmt: skip
    (two,) = (row for row in ws.ask("pages", until="page", **days).records() if row["page"] == "/2")
    assert two["mean_time"] == 120
    nothing = ws.ask("metric", "half", **{"from": "2024-01-04", "to": "2024-01-04"}).estimates[0].estimate
    assert nothing.value is None  # no page told how far: unknown, not 0
    assert value(ws.ask("metric", "attached", **{"from": "2024-01-04", "to": "2024-01-04"})) is None
    ws.close()
