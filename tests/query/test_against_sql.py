"""Every metric type, per every unit, cut in every way, against SQL written by hand over the raw lines."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from world import ZONE, facts, world

from assay.workspace import Workspace
from support import table, workspace

FIRST, LAST = "2024-03-25", "2024-04-07"
RANGE = {"from": FIRST, "to": LAST}
IN = f"day BETWEEN DATE '{FIRST}' AND DATE '{LAST}'"
UNITS = {"visitor": "visitor", "user": "person", "session": "sid", "account": "account"}

PLAN = f"""
site: {{timezone: {ZONE}}}
rules: {{session_source: own}}
events:
  sign_up: {{properties: {{plan: string, seats: integer}}}}
goals:
  order: {{event: purchase, kind: macro, journey: shop}}
  product: {{page: /p/*, kind: micro, journey: shop}}
segments: {{mobile: "device = 'mobile'", product_seen: "page = '/p/1'", paying: "order_type = 'first'", from_ads: "first_channel = 'Paid Search'"}}
metrics:
  sessions: {{type: simple, count: session}}
  visitors: {{type: simple, count: visitor}}
  users: {{type: simple, count: user}}
  accounts: {{type: simple, count: account}}
  orders: {{type: simple, count: order}}
  views: {{type: simple, count: page_view}}
  net: {{type: simple, sum: revenue.net}}
  gross: {{type: simple, sum: revenue.gross}}
  seats: {{type: simple, sum: sign_up.seats}}
  aov: {{type: ratio, numerator: {{sum: revenue.gross}}, denominator: {{count: order}}}}
  depth: {{type: ratio, numerator: {{count: page_view}}, denominator: {{count: session}}}}
  first_share: {{type: rate, of: order, where: "order_type = 'first'"}}
  bounce_rate: {{type: rate, of: session, where: is_bounce}}
  mobile_share: {{type: rate, of: visitor, where: "device = 'mobile'"}}
  time_on_site: {{type: simple, sum: session.duration, per: visitor}}
  gross_per_view: {{type: derived, expression: gross / views}}
  refund_rate: {{type: conversion, from: order, event: refund, per: order, within: 30d}}
  click_conversion: {{type: conversion, from: click, event: purchase, per: event, within: 1d}}
  capped: {{type: simple, sum: revenue.gross, per: visitor, cap: 20}}
""" + "".join(
    f"""
  net_per_{unit}: {{type: simple, sum: revenue.net, per: {unit}}}
  gross_per_{unit}: {{type: simple, sum: revenue.gross, per: {unit}}}
  views_per_{unit}: {{type: simple, count: page_view, per: {unit}}}
  pages_per_{unit}: {{type: simple, count_distinct: page_view.page, per: {unit}}}
  bought_per_{unit}: {{type: conversion, goal: order, per: {unit}}}
  saw_per_{unit}: {{type: conversion, goal: product, per: {unit}}}
  signed_per_{unit}: {{type: conversion, event: sign_up, where: "seats > 5", per: {unit}}}
  left_per_{unit}: {{type: abandonment, per: {unit}{"" if unit == "session" else ", within: 2d"}}}
"""
    + (
        ""
        if unit == "session"
        else f"  then_bought_per_{unit}: {{type: conversion, from: sign_up, event: purchase, per: {unit}, within: 3d}}\n"
    )
    for unit in UNITS
)

# measure → (rows, value over the rows of a unit, 0/1 for a share)
MEASURES = {
    "gross": ("SELECT *, gross AS v FROM ord", "sum(v)", False),
    "net": ("SELECT *, net AS v FROM ord", "sum(v)", False),
    "views": ("SELECT * EXCLUDE (device) FROM evs WHERE name = 'page_view'", "count(*)", False),
    "pages": ("SELECT * EXCLUDE (device) FROM evs WHERE name = 'page_view'", "count(DISTINCT path)", False),
    "bought": ("SELECT * FROM ord", "count(*)", True),
    "saw": ("SELECT * EXCLUDE (device) FROM evs WHERE name = 'page_view' AND path = '/p/1'", "count(*)", True),
    "signed": ("SELECT * EXCLUDE (device) FROM evs WHERE name = 'sign_up' AND seats > 5", "count(*)", True),
}
FILTERS = {
    None: "true",
    "mobile": "device = 'mobile'",
    "product_seen": "sid IN (SELECT sid FROM evs WHERE path = '/p/1')",
    "paying": "sid IN (SELECT sid FROM ord o WHERE NOT EXISTS (SELECT 1 FROM ord p WHERE p.person = o.person AND (p.t, p.oid) < (o.t, o.oid)))",
    "from_ads": "visitor IN (SELECT visitor FROM ses s WHERE s.channel = 'Paid Search' AND NOT EXISTS (SELECT 1 FROM ses p WHERE p.visitor = s.visitor AND p.t0 < s.t0))",
}


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    events = world()
    middle = len(events) // 2
    made = workspace(tmp_path_factory.mktemp("world"), PLAN, events[:middle], events[middle:])
    yield made
    made.close()


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    made = facts(world())
    yield made
    made.close()


def figures(ws: Workspace, name: str, **asked: Any) -> dict[Any, tuple[Any, Any]]:
    """Group → (numerator, denominator); of nothing else than the figures over all units."""
    answer = ws.ask("metric", name, **RANGE, **asked)
    return {
        tuple(e.group.values()): (e.estimate.numerator, e.estimate.denominator)
        for e in answer.estimates
        if e.estimate.denominator
    }


def expected(
    con: duckdb.DuckDBPyConnection, unit: str, measure: str, group: str = "0", pick: str = "first", where: str = "true"
) -> dict[Any, tuple[Any, Any]]:
    rows, value, share = MEASURES[measure]
    key = UNITS[unit]
    fold = {"first": f"arg_min({{'g': {group}}}, t0).g", "last": f"arg_max({{'g': {group}}}, t0).g", "any": group}[pick]
    x = "CASE WHEN x > 0 THEN 1 ELSE 0 END" if share else "coalesce(x, 0)"
    own = "true" if unit == "session" else f"r.{IN} AND {where}"
    found = con.execute(f"""
WITH u AS (SELECT {key} AS u, {fold} AS g FROM ses WHERE {IN} AND {key} IS NOT NULL AND {where} GROUP BY {key}{", " + group if pick == "any" else ""}),
x AS (SELECT r.{key} AS u, {value} AS x FROM ({rows}) r LEFT JOIN (SELECT sid, device, channel FROM ses) s USING (sid) WHERE {own} GROUP BY 1)
SELECT g, sum({x}), count(*) FROM u LEFT JOIN x USING (u) GROUP BY g""").fetchall()
    return {g: (x, n) for g, x, n in found}


def named(found: dict[Any, tuple[Any, Any]]) -> dict[Any, tuple[Any, Any]]:
    return {("(none)" if g is None else g,): v for g, v in found.items()}


@pytest.mark.parametrize("unit", UNITS)
def test_all_measures_per_unit(ws: Workspace, con: duckdb.DuckDBPyConnection, unit: str) -> None:
    got = {m: figures(ws, f"{m}_per_{unit}") for m in MEASURES}
    assert got == {m: {(): expected(con, unit, m)[0]} for m in MEASURES}


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("pick", ["first", "last", "any"])
@pytest.mark.parametrize("by", ["device", "channel"])
def test_by_a_dimension_of_the_visit(
    ws: Workspace, con: duckdb.DuckDBPyConnection, unit: str, pick: str, by: str
) -> None:
    for measure in ("gross", "bought"):
        want = expected(con, unit, measure, by, "first" if unit == "session" else pick)
        assert figures(ws, f"{measure}_per_{unit}", by=by, pick=pick) == named(want)
        if pick != "any":
            total = expected(con, unit, measure)[0]
            assert tuple(sum(v) for v in zip(*want.values(), strict=True)) == total


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("segment", [s for s in FILTERS if s])
def test_segments_of_every_scope_touch_both_sides(
    ws: Workspace, con: duckdb.DuckDBPyConnection, unit: str, segment: str
) -> None:
    for measure in ("gross", "views", "bought"):
        want = expected(con, unit, measure, where=FILTERS[segment])
        assert figures(ws, f"{measure}_per_{unit}", segment=segment) == {(): want[0]}, measure


@pytest.mark.parametrize("unit", ["visitor", "session"])
def test_by_page_the_first_page_decides(ws: Workspace, con: duckdb.DuckDBPyConnection, unit: str) -> None:
    key = UNITS[unit]
    found = con.execute(f"""
WITH u AS (SELECT e.{key} AS u, arg_min(e.path, (e.t, e.seq, e.id)) AS g FROM evs e JOIN ses s USING (sid) WHERE s.{IN} GROUP BY 1),
x AS (SELECT {key} AS u, sum(gross) AS x FROM ord WHERE {"true" if unit == "session" else IN} GROUP BY 1)
SELECT g, coalesce(sum(x), 0), count(*) FROM u LEFT JOIN x USING (u) GROUP BY g""").fetchall()
    assert figures(ws, f"gross_per_{unit}", by="page") == {(g,): (x, n) for g, x, n in found}


def test_by_page_a_visits_own_number_counts_once(ws: Workspace, con: duckdb.DuckDBPyConnection) -> None:
    (seconds,) = con.execute(f"SELECT sum(t1 - t0) / 1e6 FROM ses WHERE {IN}").fetchone() or ()
    whole = figures(ws, "time_on_site")[()]
    pages = figures(ws, "time_on_site", by="page")
    assert float(whole[0]) == pytest.approx(seconds)
    assert float(sum(x for x, _ in pages.values())) == pytest.approx(seconds)
    bounced = con.execute(f"SELECT count(*) FILTER (WHERE bounced), count(*) FROM ses WHERE {IN}").fetchone()
    assert figures(ws, "bounce_rate")[()] == bounced
    pages = figures(ws, "bounce_rate", by="page")
    assert tuple(sum(v) for v in zip(*pages.values(), strict=True)) == bounced


@pytest.mark.parametrize("grain", ["day", "week", "month"])
def test_by_time(ws: Workspace, con: duckdb.DuckDBPyConnection, grain: str) -> None:
    """A visitor counts in every day with a visit; what falls on a day without one of its visits is beside the units."""
    found = con.execute(f"""
WITH u AS (SELECT DISTINCT visitor AS u, CAST(date_trunc('{grain}', day) AS DATE) AS g FROM ses WHERE {IN}),
x AS (SELECT visitor AS u, CAST(date_trunc('{grain}', day) AS DATE) AS g, sum(gross) AS x FROM ord WHERE {IN} GROUP BY 1, 2)
SELECT g, sum(x), count(*) FROM u LEFT JOIN x USING (u, g) GROUP BY g""").fetchall()
    assert figures(ws, "gross_per_visitor", grain=grain) == {(g,): (x or 0, n) for g, x, n in found}
    found = con.execute(f"""
SELECT CAST(date_trunc('{grain}', s.day) AS DATE) AS g, count(DISTINCT o.sid), count(DISTINCT s.sid) FROM ses s LEFT JOIN ord o USING (sid)
WHERE s.{IN} GROUP BY g""").fetchall()
    assert figures(ws, "bought_per_session", grain=grain) == {(g,): (x, n) for g, x, n in found}
    found = con.execute(
        f"SELECT CAST(date_trunc('{grain}', day) AS DATE), coalesce(sum(gross), 0) FROM ord WHERE {IN} GROUP BY 1 ORDER BY 1"
    ).fetchall()
    rows = table(ws.ask("metric", "gross", grain=grain, **RANGE))
    assert {row[0]: row[1] for row in rows if row[1]} == {day: gross for day, gross in found if gross}
    assert set(dict(found)) <= {row[0] for row in rows}  # a period without orders is there, with 0


def test_totals(ws: Workspace, con: duckdb.DuckDBPyConnection) -> None:
    want = con.execute(f"""
SELECT (SELECT count(*) FROM ses WHERE {IN}), (SELECT count(DISTINCT visitor) FROM ses WHERE {IN}), (SELECT count(DISTINCT person) FROM ses WHERE {IN}),
    (SELECT count(DISTINCT account) FROM ses WHERE {IN}), (SELECT count(*) FROM ord WHERE {IN}), (SELECT count(*) FROM evs WHERE name = 'page_view' AND {IN}),
    (SELECT sum(net) FROM ord WHERE {IN}) - 3, (SELECT sum(gross) FROM ord WHERE {IN}), (SELECT sum(seats) FROM evs WHERE name = 'sign_up' AND {IN})
""").fetchone()
    names = ["sessions", "visitors", "users", "accounts", "orders", "views", "net", "gross", "seats"]
    together = ws.ask("metric", names, **RANGE)
    assert tuple(e.estimate.value for e in together.estimates) == want
    assert tuple(ws.ask("metric", n, **RANGE).estimates[0].estimate.value for n in names) == want
    assert [f for f in together.findings if f.evidence.get("metric") in names[:6]] == []


@pytest.mark.parametrize("segment", [None, "mobile", "product_seen"])
def test_totals_by_channel_and_property(ws: Workspace, con: duckdb.DuckDBPyConnection, segment: str | None) -> None:
    where = FILTERS[segment]
    asked = {"segment": segment} if segment else {}
    found = con.execute(
        f"SELECT channel, sum(gross) FROM ord o JOIN (SELECT sid, channel, device FROM ses) s USING (sid) WHERE {IN} AND {where} GROUP BY 1"
    ).fetchall()
    assert dict(table(ws.ask("metric", "gross", by="channel", **asked, **RANGE))) == dict(found)
    found = con.execute(
        f"SELECT e.plan, sum(e.seats) FROM evs e JOIN ses s USING (sid) WHERE e.{IN} AND name = 'sign_up' AND {where.replace('device', 's.device')} GROUP BY 1"
    ).fetchall()
    # On events, a segment of event scope holds for the event itself.
    if segment != "product_seen":
        assert dict(table(ws.ask("metric", "seats", by="plan", **asked, **RANGE))) == dict(found)


def test_ratios_rates_and_derived(ws: Workspace, con: duckdb.DuckDBPyConnection) -> None:
    gross, orders, views, sessions = (
        con.execute(f"""
SELECT (SELECT sum(gross) FROM ord WHERE {IN}), (SELECT count(*) FROM ord WHERE {IN}),
    (SELECT count(*) FROM evs WHERE name = 'page_view' AND {IN}), (SELECT count(*) FROM ses WHERE {IN})""").fetchone()
        or ()
    )
    assert figures(ws, "aov") == {(): (gross, orders)}
    assert figures(ws, "depth") == {(): (views, sessions)}
    value = ws.ask("metric", "gross_per_view", **RANGE).estimates[0].estimate.value
    assert Decimal(value) == (Decimal(gross) / views).quantize(Decimal("1e-10"))
    firsts = con.execute(f"""
SELECT count(*) FROM ord o WHERE {IN} AND NOT EXISTS (SELECT 1 FROM ord p WHERE p.person = o.person AND (p.t, p.oid) < (o.t, o.oid)) AND gross IS DISTINCT FROM 0""").fetchone()
    assert figures(ws, "first_share")[()] == (*(firsts or ()), orders)
    mobile = con.execute(
        f"SELECT count(DISTINCT visitor) FILTER (WHERE device = 'mobile'), count(DISTINCT visitor) FROM ses WHERE {IN}"
    ).fetchone()
    assert figures(ws, "mobile_share")[()] == mobile
    by = con.execute(
        f"SELECT coalesce(device, '(none)'), sum(gross), count(*) FROM ord o JOIN (SELECT sid, device FROM ses) USING (sid) WHERE {IN} GROUP BY 1"
    ).fetchall()
    assert figures(ws, "aov", by="device") == {(g,): (x, n) for g, x, n in by}


def test_a_cap_holds_per_unit(ws: Workspace, con: duckdb.DuckDBPyConnection) -> None:
    found = con.execute(f"""
WITH u AS (SELECT DISTINCT visitor FROM ses WHERE {IN}), x AS (SELECT visitor, sum(gross) AS x FROM ord WHERE {IN} GROUP BY 1)
SELECT sum(least(x, 20)) FILTER (WHERE x IS NOT NULL), count(*) FROM u LEFT JOIN x USING (visitor)""").fetchone()
    assert figures(ws, "capped")[()] == found


@pytest.mark.parametrize("unit", ["visitor", "user", "account"])
def test_conversions_that_start_with_an_event(ws: Workspace, con: duckdb.DuckDBPyConnection, unit: str) -> None:
    key = UNITS[unit]
    for metric, start, days, negate in (
        (f"then_bought_per_{unit}", "sign_up", 3, False),
        (f"left_per_{unit}", "add_to_cart", 2, True),
    ):
        found = con.execute(f"""
WITH s AS (SELECT {key} AS u, min(t) AS t0 FROM evs WHERE name = '{start}' AND {IN} AND {key} IS NOT NULL GROUP BY 1)
SELECT count(*) FILTER (WHERE {"NOT" if negate else ""} EXISTS (SELECT 1 FROM ord o WHERE o.{key} = s.u AND o.t BETWEEN s.t0 AND s.t0 + {days * 86_400_000_000})), count(*)
FROM s""").fetchone()
        assert figures(ws, metric)[()] == found, metric


def test_abandonment_per_session(ws: Workspace, con: duckdb.DuckDBPyConnection) -> None:
    found = con.execute(f"""
WITH s AS (SELECT sid AS u, min(t) AS t0 FROM evs WHERE name = 'add_to_cart' AND {IN} GROUP BY 1)
SELECT count(*) FILTER (WHERE NOT EXISTS (SELECT 1 FROM ord o WHERE o.sid = s.u AND o.t >= s.t0)), count(*) FROM s""").fetchone()
    assert figures(ws, "left_per_session")[()] == found


def test_conversions_of_orders_and_clicks(ws: Workspace, con: duckdb.DuckDBPyConnection) -> None:
    found = con.execute(f"""
SELECT count(*) FILTER (WHERE EXISTS (SELECT 1 FROM ev r WHERE r.name = 'refund' AND r.oid = o.oid AND r.t BETWEEN o.t AND o.t + 30 * 86400000000)), count(*)
FROM ord o WHERE {IN}""").fetchone()
    assert figures(ws, "refund_rate")[()] == found
    found = con.execute(f"""
SELECT count(*) FILTER (WHERE EXISTS (SELECT 1 FROM ord o WHERE o.visitor = c.visitor AND o.t BETWEEN c.t AND c.t + 86400000000)), count(*)
FROM evs c WHERE c.name = 'click' AND {IN}""").fetchone()
    assert figures(ws, "click_conversion")[()] == found


def test_what_belongs_to_no_visit_in_the_range_is_told(ws: Workspace, con: duckdb.DuckDBPyConnection) -> None:
    found = con.execute(f"""
SELECT sum(gross) FROM ord o WHERE {IN} AND NOT EXISTS (SELECT 1 FROM ses s WHERE s.visitor = o.visitor AND s.{IN})""").fetchone()
    whole = figures(ws, "gross_per_visitor")[()][0]
    (total,) = con.execute(f"SELECT sum(gross) FROM ord WHERE {IN}").fetchone() or ()
    assert whole + ((found or (0,))[0] or 0) == total
    for asked in ({"by": "device"}, {"by": "device", "pick": "last"}, {"grain": "day"}):
        answer = ws.ask("metric", "gross_per_visitor", **RANGE, **asked)
        assert sum(n for (n,) in table(answer, "gross_per_visitor_numerator")) == total


def test_two_dimensions_at_once(ws: Workspace, con: duckdb.DuckDBPyConnection) -> None:
    found = con.execute(f"""
SELECT coalesce(device, '(none)'), channel, count(DISTINCT o.sid), count(DISTINCT s.sid) FROM ses s LEFT JOIN ord o USING (sid) WHERE s.{IN} GROUP BY 1, 2""").fetchall()
    assert figures(ws, "bought_per_session", by=["device", "channel"]) == {(d, c): (x, n) for d, c, x, n in found}


@pytest.mark.parametrize("segment", [s for s in FILTERS if s])
@pytest.mark.parametrize("unit", UNITS)
def test_by_a_segment_a_visit_is_in_it_or_not(
    ws: Workspace, con: duckdb.DuckDBPyConnection, unit: str, segment: str
) -> None:
    want = expected(con, unit, "bought", f"coalesce({FILTERS[segment]}, false)")
    got: dict[str, list[int]] = {}
    for (label,), (x, n) in figures(ws, f"bought_per_{unit}", by=segment).items():
        was = got.setdefault("yes" if label == "yes" else "no", [0, 0])
        got[label if label == "yes" else "no"] = [was[0] + x, was[1] + n]
    assert got == {"yes" if g else "no": list(v) for g, v in want.items()}
