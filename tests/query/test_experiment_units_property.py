"""Units of random worlds, counted three times: by the query, by brute force in Python, by SQL by hand over the raw lines.

Histories of visitors are drawn so that exposures, orders and refunds fall on each other's instants and on the ends of
windows; the larger worlds are those of ``query/world.py`` with exposures strewn in. Compared by arm, several and day of
exposure: units, sums (counts and money exactly) and products.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from world import START, ZONE, facts, world

from assay.query.experiments import unit_table
from assay.workspace import Workspace
from support import Event, event, workspace

SECOND = 1_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
FIRST, LAST = START + 2 * DAY, START + 24 * DAY  # bounds of the exposures
TESTS = {"narrow": ("visitor", 1), "wide": ("visitor", 9), "people": ("user", 2)}  # unit, days of the window
PLAN = f"""
site: {{timezone: {ZONE}}}
rules: {{session_source: own}}
goals: {{order: {{event: purchase, kind: macro}}}}
events:
  experiment_viewed: {{properties: {{experiment_id: string, variant: string}}}}
  sign_up: {{properties: {{plan: string, seats: integer}}}}
metrics:
  bought: {{type: conversion, goal: order, per: visitor}}
  rpv: {{type: simple, sum: revenue.net, per: visitor}}
  aov: {{type: ratio, numerator: {{sum: revenue.net}}, denominator: {{count: order}}}}
  purchase_rate: {{type: conversion, goal: order, per: session}}
  refund_rate: {{type: conversion, from: order, event: refund, per: order, within: 30d}}
experiments:
""" + "".join(f"  {name}: {{primary: bought, unit: {unit}, window: {days}d}}\n" for name, (unit, days) in TESTS.items())
METRICS = ("bought", "rpv", "aov", "purchase_rate", "refund_rate")
Key = tuple[str, bool, date]
Found = Mapping[Key, Mapping[str, tuple[Any, ...]]]  # metric → n, sums, products

# -- worlds ---------------------------------------------------------------------------------------------------------------

KINDS = ("control", "treatment", "ghost", "view", "view", "buy", "buy", "edge", "edge", "again", "refund", "refund")
STEP = st.tuples(st.sampled_from(KINDS), st.integers(0, 30), st.sampled_from((0, 0, SECOND, 29 * MINUTE, 31 * MINUTE)))


def history(visitor: str, drawn: Iterable[tuple[str, int, int]], names: Iterable[str]) -> list[Event]:
    """A visitor's events on a grid of six hours; every experiment of ``names`` is seen at once.

    ``edge``: an order at the last exposure's instant or as a window from it ends, or a microsecond later.
    """
    events: list[Event] = []
    order, shown = "", START + 2 * DAY
    for n, (kind, step, jitter) in enumerate(drawn):
        t, given_ = START + 2 * DAY + step * 6 * HOUR + jitter, {"id": f"{visitor}-{n}", "seq": n % 3}
        if kind == "edge":
            t = shown + (0, *(days for _, days in TESTS.values()))[step % 4] * DAY + (jitter > 30 * MINUTE)
        if kind in ("buy", "again", "edge"):
            order = order if kind == "again" and order else f"{visitor}-o{n}"
            amount = f"{(n * 37 + step * 101) % 9000 / 100:.2f}" if step % 4 else None
            events.append(event(visitor, "purchase", t, order_id=order, amount=amount, **given_))
        elif kind == "refund":
            events.append(
                event(None, "refund", t, order_id=order or "unknown", amount="1.25", interactive=False, **given_)
            )
        elif kind == "view":
            events.append(event(visitor, "page_view", t, path="/", **given_))
        else:
            shown = t
            for name in names:
                props = {"experiment_id": name, "variant": kind}
                events.append(
                    event(visitor, "experiment_viewed", t, **{**given_, "id": f"{visitor}-{n}-{name}"}, props=props)
                )
    return events


def drawn_world() -> list[Event]:
    events: list[Event] = []

    @settings(max_examples=140, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(STEP, min_size=1, max_size=12), st.booleans(), st.integers(0, 5))
    def collect(drawn: list[tuple[str, int, int]], bot: bool, user: int) -> None:
        visitor = f"v{len(events)}"
        more = {
            **({"bot": True} if bot and user == 0 else {}),
            **({"user": f"u{user}{len(visitor)}"} if user < 2 else {}),
        }
        events.extend({**one, **(more if one["visitor"] else {})} for one in history(visitor, drawn, TESTS))

    collect()
    return events


def strewn(seed: int, visitors: int = 90) -> list[Event]:
    """The world of ``query/world.py``; exposures at instants of other events, before and after them."""
    draw = random.Random(seed)
    events = world(seed, visitors)
    shown: list[Event] = []
    for one in draw.sample([e for e in events if e["visitor"]], len(events) // 5):
        carried = {k: one[k] for k in ("user", "account", "bot", "environment", "device", "utm_source") if k in one}
        for name in TESTS:
            t = one["time"] + draw.choice((-1, 0, 0, 1, MINUTE, -DAY, 2 * HOUR))
            arm = "control" if one["visitor"] < "v5" or draw.random() < 0.1 else "treatment"
            props = {"experiment_id": name, "variant": arm}
            shown.append(event(one["visitor"], "experiment_viewed", t, id=f"x{len(shown)}", props=props, **carried))
    return events + shown


# -- by brute force -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A line that counts, in its place."""

    t: int
    seq: int
    id: str
    visitor: str | None
    unit: str | None
    name: str
    line: Mapping[str, Any]

    @property
    def place(self) -> tuple[int, int, str]:
        return self.t, self.seq, self.id


def brute(events: list[Event], name: str) -> Found:
    """Every unit by itself, every row against every other."""
    unit, days = TESTS[name]
    user = {e["visitor"]: e["user"] for e in events if e.get("user")}  # everybody here has one name or none
    lines = {
        e["id"]: Line(e["time"], e.get("seq", 0), e["id"], e["visitor"],
                      user.get(e["visitor"], e["visitor"]) if unit == "user" else e["visitor"], e["name"], e)
        for e in events if not e.get("bot") and not e.get("environment")
    }.values()  # fmt: skip
    of: dict[str, list[Line]] = defaultdict(list)
    for one in sorted(lines, key=lambda line: line.place):
        if one.unit is not None:
            of[one.unit].append(one)
    refunds = [one for one in lines if one.name == "refund"]
    bought: dict[str, list[Line]] = defaultdict(list)
    for one in sorted(lines, key=lambda line: line.place):
        if one.name == "purchase":
            bought[one.line["order_id"]].append(one)
    groups: dict[Key, list[dict[str, tuple[Any, ...]]]] = defaultdict(list)
    for who, own in of.items():
        seen = [one for one in own if one.name == "experiment_viewed" and one.line["props"]["experiment_id"] == name
                and FIRST <= one.t < LAST]  # fmt: skip
        if not seen:
            continue
        t0, variants = seen[0].t, {one.line["props"]["variant"] for one in seen}
        day = datetime.fromtimestamp(t0 // SECOND, ZoneInfo(ZONE)).date()
        close = t0 + days * DAY
        orders = [(order, told) for order, told in bought.items() if told[0].unit == who and t0 <= told[0].t <= close]
        net = sum(
            (worth(told, [r for r in refunds if r.line["order_id"] == order]) for order, told in orders), Decimal(0)
        )
        back = sum(
            any(r.line["order_id"] == order and told[0].t <= r.t <= told[0].t + 30 * DAY for r in refunds)
            for order, told in orders
        )
        visits = [v for v in visits_of(own) if v[-1].t >= t0 and v[0].t <= close]
        ordering = [v for v in visits if any(told[0] in v for _, told in orders)]
        groups[seen[0].line["props"]["variant"], len(variants) > 1, day].append({
            "bought": (int(bool(orders)),), "rpv": (net,), "aov": (net, len(orders)),
            "purchase_rate": (len(ordering), len(visits)), "refund_rate": (back, len(orders)),
        })  # fmt: skip
    return {key: {m: folded([one[m] for one in members]) for m in METRICS} for key, members in groups.items()}


def worth(told: list[Line], refunds: list[Line]) -> Decimal:
    """The first amount that was sent, less what came back."""
    amounts = [Decimal(one.line["amount"]) for one in told if one.line["amount"] is not None]
    return (amounts[0] if amounts else Decimal(0)) - sum((Decimal(r.line["amount"]) for r in refunds), Decimal(0))


def visits_of(own: list[Line]) -> list[list[Line]]:
    """Events of each visitor with gaps of at most half an hour."""
    made: list[list[Line]] = []
    for visitor in {one.visitor for one in own}:
        before: Line | None = None
        for one in (line for line in own if line.visitor == visitor):
            if before is None or one.t - before.t > 30 * MINUTE:
                made.append([])
            made[-1].append(one)
            before = one
    return made


def folded(units: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    """n, sums, upper triangle of the sums of products."""
    k = len(units[0])
    sums = tuple(sum(one[i] for one in units) for i in range(k))
    return len(units), sums, tuple(float(sum(one[i] * one[j] for one in units)) for i in range(k) for j in range(i, k))


# -- by SQL over the raw lines --------------------------------------------------------------------------------------------


def by_sql(events: list[Event], name: str) -> Found:
    """From the tables that ``facts`` makes of the raw lines."""
    unit, days = TESTS[name]
    key = {"visitor": "visitor", "user": "person"}[unit]
    con = facts(events)
    con.execute("CREATE TABLE said (id VARCHAR, variant VARCHAR)")
    rows = {(e["id"], e["props"]["variant"]) for e in events
            if e["name"] == "experiment_viewed" and e["props"]["experiment_id"] == name}  # fmt: skip
    con.executemany("INSERT INTO said VALUES (?, ?)", sorted(rows))
    con.execute(f"""
CREATE TABLE u AS SELECT {key} AS u, min(t) AS t0, min(t) + {days * DAY} AS t1, arg_min(day, t) AS day, arg_min(variant, (t, seq, id)) AS variant,
    count(DISTINCT variant) > 1 AS several FROM ev JOIN said USING (id) WHERE t >= {FIRST} AND t < {LAST} AND {key} IS NOT NULL GROUP BY 1;
CREATE TABLE o AS SELECT u.u, o.oid, o.sid, o.net, (SELECT count(*) FROM ev r WHERE r.name = 'refund' AND r.oid = o.oid AND r.t BETWEEN o.t AND o.t + {30 * DAY}) > 0 AS back
    FROM ord o JOIN u ON u.u = o.{key} AND o.t BETWEEN u.t0 AND u.t1;
CREATE TABLE s AS SELECT u.u, s.sid FROM ses s JOIN u ON u.u = s.{key} AND s.t1 >= u.t0 AND s.t0 <= u.t1;
CREATE TABLE each AS SELECT u.*, coalesce(n, 0) AS orders, coalesce(net, 0) AS net, coalesce(back, 0) AS back, coalesce(visits, 0) AS visits, coalesce(with_order, 0) AS with_order
FROM u LEFT JOIN (SELECT u, count(*) AS n, sum(net) AS net, count(*) FILTER (WHERE back) AS back FROM o GROUP BY u) USING (u)
    LEFT JOIN (SELECT u, count(*) AS visits, count(*) FILTER (WHERE sid IN (SELECT sid FROM o)) AS with_order FROM s GROUP BY u) USING (u)""")
    columns = {"bought": ["CAST(orders > 0 AS INT)"], "rpv": ["net"], "aov": ["net", "orders"],
               "purchase_rate": ["with_order", "visits"], "refund_rate": ["back", "orders"]}  # fmt: skip
    found: dict[Key, dict[str, tuple[Any, ...]]] = defaultdict(dict)
    for metric, own in columns.items():
        products = [f"sum(CAST(({a}) * ({b}) AS DOUBLE))" for i, a in enumerate(own) for b in own[i:]]
        sql = f"SELECT variant, several, day, count(*), {', '.join(f'sum({c})' for c in own)}, {', '.join(products)} FROM each GROUP BY ALL"
        for variant, several, day, n, *numbers in con.execute(sql).fetchall():
            found[variant, several, day][metric] = (n, tuple(numbers[: len(own)]), tuple(numbers[len(own) :]))
    con.close()
    return found


# -- by the query ---------------------------------------------------------------------------------------------------------


def by_query(ws: Workspace, name: str) -> Found:
    chosen = [ws.plan.metrics[m] for m in METRICS]
    table = unit_table(ws.plan, ws.plan.experiments[name], chosen, ws.engine.run, start=FIRST, end=LAST)
    return {
        (key.variant, key.several, key.day): {
            name: (n, one.sums, one.products) for name, one in zip(METRICS, moments, strict=True)
        }
        for key, (n, moments, _) in table.rows.items()
    }


def rounded(found: Found) -> Any:
    """Products to eleven digits; everything else as it is."""
    return {
        key: {m: (n, sums, [float(f"{p:.11g}") for p in products]) for m, (n, sums, products) in of.items()}
        for key, of in found.items()
    }


def agree(ws: Workspace, events: list[Event], name: str) -> None:
    got = rounded(by_query(ws, name))
    assert got == rounded(brute(events, name))
    assert got == rounded(by_sql(events, name))
    assert {key[0] for key in got} >= {"control", "treatment"}
    assert {key[1] for key in got} == {False, True}


@pytest.fixture(scope="module")
def drawn() -> list[Event]:
    return drawn_world()


@pytest.fixture
def ws(
    engine: str, drawn: list[Event], opened: dict[str, Workspace], tmp_path_factory: pytest.TempPathFactory
) -> Workspace:
    if engine not in opened:
        half = len(drawn) // 2
        opened[engine] = workspace(tmp_path_factory.mktemp(engine), PLAN, drawn[half:], drawn[:half], engine=engine)
    return opened[engine]


@pytest.mark.parametrize("name", TESTS)
def test_drawn_histories(ws: Workspace, drawn: list[Event], name: str) -> None:
    agree(ws, drawn, name)


@pytest.fixture(scope="module", params=[3, *(pytest.param(n, marks=pytest.mark.soak) for n in range(20, 32))])
def larger(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Workspace, list[Event]]]:
    events = strewn(request.param)
    folder: Path = tmp_path_factory.mktemp(f"strewn{request.param}")
    made = workspace(folder, PLAN, events[::2], events[1::2])
    yield made, events
    made.close()


@pytest.mark.parametrize("name", TESTS)
def test_larger_worlds(larger: tuple[Workspace, list[Event]], name: str) -> None:
    agree(*larger, name)


def test_the_worlds_hold_what_they_are_for(drawn: list[Event]) -> None:
    """Orders at the instant of an exposure and at the last of a window, refunds, bots, users with several visitors."""
    con: duckdb.DuckDBPyConnection = facts(drawn)
    shown = {(e["visitor"], e["time"]) for e in drawn if e["name"] == "experiment_viewed"}
    orders = {(e["visitor"], e["time"]) for e in drawn if e["name"] == "purchase"}
    for days in (0, 1, 2, 9):
        assert {(v, t + days * DAY) for v, t in shown} & orders
    ((several,),) = con.execute(
        "SELECT count(*) FROM (SELECT person FROM ev GROUP BY 1 HAVING count(DISTINCT visitor) > 1)"
    ).fetchall()
    assert several > 0
    assert any(e.get("bot") for e in drawn)
    con.close()
