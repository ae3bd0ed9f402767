"""The demo's files against its truth: hand-written SQL over the Parquet must give the truth's counts exactly."""

from __future__ import annotations

import csv
import json
from dataclasses import fields
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from assay.demo import build, plan
from assay.demo.calendar import LEAST_DAYS, Calendar
from assay.demo.shop import World, simulate
from assay.demo.write import write
from assay.model import event
from assay.plan.load import load, loads

VISITORS = 2_500
TYPES = {"text": "VARCHAR", "integer": "BIGINT", "boolean": "BOOLEAN", "json": "VARCHAR"}
# Sessions by the 30-minute rule, from the lines alone; l = lines once each, of people on the site.
SESSIONS = """
WITH l AS (SELECT DISTINCT ON (id) * FROM lines WHERE interactive AND NOT bot),
g AS (SELECT *, time - lag(time) OVER (PARTITION BY visitor ORDER BY time, seq) > 1800000000 AS late FROM l),
n AS (SELECT *, sum((late IS NOT false)::INT) OVER (PARTITION BY visitor ORDER BY time, seq) AS number FROM g),
s AS (
    SELECT visitor, number, min(time) AS start, max(time) AS finish, any_value(device) AS device,
        arg_min(coalesce(utm_medium, ''), (time, seq)) AS medium, arg_min(referrer, (time, seq)) AS referrer,
        count(*) FILTER (name = 'page_view') AS views, count(*) AS events,
        bool_or(name = 'begin_checkout') AS began, bool_or(name = 'add_shipping_info') AS shipped,
        bool_or(name = 'experiment_viewed' AND props LIKE '%treatment%') AS treated
    FROM n GROUP BY ALL)
"""


class Shop:
    """The written files."""

    def __init__(self, folder: Path, world: World) -> None:
        self.folder, self.world = folder, world
        self.parts = write(world, folder, part_rows=7_000)
        self.truth: dict[str, Any] = json.loads((folder / "truth.json").read_text())
        self.counts: dict[str, Any] = self.truth["counts"]
        self.engine = duckdb.connect()
        self.engine.execute(f"CREATE VIEW lines AS FROM '{folder}/events-*.parquet'")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.engine.sql(sql).fetchall()

    def one(self, sql: str) -> Any:
        return self.rows(sql)[0][0]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(tmp_path_factory.mktemp("shop"), simulate(visitors=VISITORS))


def test_the_columns_are_the_event_line_s(shop: Shop) -> None:
    described = shop.engine.sql("DESCRIBE lines").fetchall()
    assert [(name, type_) for name, type_, *_ in described] == [(f.name, TYPES[f.kind]) for f in event.FIELDS]


def test_parts_are_sorted_by_time(shop: Shop) -> None:
    assert len(shop.parts) > 2
    sql = "SELECT time FROM read_parquet('{}', file_row_number=true) ORDER BY file_row_number"
    times = [time for part in shop.parts for (time,) in shop.rows(sql.format(part))]
    assert times == sorted(times)
    assert len(times) == shop.counts["lines"]


def test_the_same_arguments_give_the_same_world(shop: Shop) -> None:
    again = simulate(visitors=VISITORS)
    other = simulate(visitors=VISITORS, seed=8)
    for f in fields(again.events):
        assert np.array_equal(getattr(again.events, f.name), getattr(shop.world.events, f.name))
    assert np.array_equal(again.received, shop.world.received)
    assert not np.array_equal(other.events.time[:50], again.events.time[:50])


def test_the_same_world_gives_the_same_lines(shop: Shop, tmp_path: Path) -> None:
    write(simulate(visitors=VISITORS), tmp_path, part_rows=7_000)
    missing = f"(SELECT * FROM lines EXCEPT ALL SELECT * FROM '{tmp_path}/events-*.parquet')"
    assert shop.one(f"SELECT count(*) FROM {missing}") == 0
    for name in ("truth.json", "costs.csv", "orders.csv", "till.csv", "ads.csv"):
        assert (tmp_path / name).read_bytes() == (shop.folder / name).read_bytes()


def test_ids_are_unique_but_for_the_planted_duplicates(shop: Shop) -> None:
    c = shop.counts
    assert shop.rows("SELECT count(*), count(DISTINCT id) FROM lines") == [(c["lines"], c["events"])]
    assert c["duplicates"] == c["lines"] - c["events"] > 0
    # a duplicate is the same line in every column
    assert shop.one("SELECT count(*) FROM (SELECT DISTINCT * FROM lines)") == c["events"]


def test_events_by_name(shop: Shop) -> None:
    found = dict(shop.rows("SELECT name, count(DISTINCT id) FROM lines WHERE NOT bot GROUP BY name"))
    assert found == shop.counts["events_by_name"]
    assert shop.one("SELECT count(DISTINCT id) FROM lines WHERE bot") == shop.counts["bot_events"]
    assert shop.one("SELECT count(DISTINCT visitor) FROM lines WHERE bot") == shop.counts["bot_sessions"]


def test_sessions_visitors_and_bounces(shop: Shop) -> None:
    c = shop.counts
    found = shop.rows(
        SESSIONS + "SELECT count(*), count(DISTINCT visitor), count(*) FILTER (number = 1), "
        "count(*) FILTER (events = 1) FROM s"
    )
    assert found == [(c["sessions"], c["visitors"], c["new_sessions"], c["bounced_sessions"])]
    # no session has one page view and other events, so the bounce rules that count pages say the same
    assert shop.one(SESSIONS + "SELECT count(*) FROM s WHERE views = 1 AND events > 1") == 0
    assert dict(shop.rows(SESSIONS + "SELECT device, count(*) FROM s GROUP BY 1")) == c["sessions_by_device"]


def test_a_session_s_own_channel_shows_in_its_first_event(shop: Shop) -> None:
    case = """CASE WHEN medium = 'cpc' THEN 'Paid Search' WHEN medium = 'paid_social' THEN 'Paid Social'
        WHEN medium = 'email' THEN 'Email' WHEN referrer IS NULL OR referrer LIKE '%paypal.%' THEN 'Direct'
        WHEN referrer LIKE '%google.%' OR referrer LIKE '%bing.%' OR referrer LIKE '%duckduckgo.%' THEN 'Organic Search'
        WHEN referrer LIKE '%.example/%' THEN 'Referral' ELSE 'Organic Social' END"""
    found = SESSIONS + f", c AS (SELECT *, {case} AS channel FROM s)"
    by_own = dict(shop.rows(found + "SELECT channel, count(*) FROM c GROUP BY 1"))
    assert by_own == shop.counts["sessions_by_own_channel"]
    taken = """, t AS (SELECT coalesce(last_value(nullif(channel, 'Direct') IGNORE NULLS) OVER (
        PARTITION BY visitor ORDER BY start), 'Direct') AS channel FROM c)"""
    by_last = dict(shop.rows(found + taken + "SELECT channel, count(*) FROM t GROUP BY 1"))
    assert by_last == shop.counts["sessions_by_channel"]


def test_time_never_runs_backwards_and_sessions_are_clear(shop: Shop) -> None:
    gap = """SELECT time - lag(time) OVER (PARTITION BY visitor ORDER BY time, seq) AS gap, seq = 0 AS first
        FROM (SELECT DISTINCT * FROM lines) WHERE interactive"""
    least, most = shop.rows(f"SELECT min(gap), max(gap) FROM ({gap}) WHERE NOT first")[0]
    assert 0 < least < most < 25 * 60_000_000
    assert shop.one(f"SELECT min(gap) FROM ({gap}) WHERE first") >= 3_600_000_000
    assert shop.one("SELECT count(*) FROM lines WHERE received_at < time") == 0
    late = shop.one("SELECT count(*) FROM lines WHERE received_at > time + 3600000000")
    assert 0.5 < late / shop.counts["lines"] / shop.truth["planted"]["late_share"] < 2


def test_all_lines_lie_in_the_days(shop: Shop) -> None:
    shop.engine.execute("SET TimeZone = 'Europe/Berlin'")
    days = "to_timestamp(time / 1000000)::DATE"
    assert shop.rows(f"SELECT min({days}), max({days}) FROM lines") == [(date(2026, 7, 3), date(2026, 9, 30))]


ORDERS = """WITH p AS (SELECT DISTINCT * FROM lines WHERE name = 'purchase'),
r AS (SELECT DISTINCT order_id, amount, time, interactive, visitor, source FROM lines WHERE name = 'refund')
"""


def test_money_adds_up_exactly(shop: Shop) -> None:
    c = shop.counts
    d = "::DECIMAL(18, 2)"
    gross, cost, delivery, orders, buyers = shop.rows(
        ORDERS + f"SELECT sum(amount{d}), sum((props->>'cost'){d}), sum((props->>'shipping_cost'){d}), "
        "count(DISTINCT order_id), count(DISTINCT visitor) FROM p"
    )[0]
    refunds, refunded = shop.rows(ORDERS + f"SELECT sum(amount{d}), count(DISTINCT order_id) FROM r")[0]
    assert (orders, buyers, refunded) == (c["orders"], c["buyers"], c["refunded_orders"])
    assert c["repeat_orders"] == orders - buyers
    assert (str(gross), str(refunds)) == (c["gross_revenue"], c["refunds"])
    assert (str(cost), str(delivery)) == (c["cost"], c["shipping_cost"])
    assert str(gross - refunds) == c["net_revenue"]
    assert str(gross - refunds - cost - delivery) == c["contribution"]
    # each order's items are its goods: amount = Σ price × quantity − discount
    wrong = f"""{ORDERS}, i AS (
        SELECT order_id, sum((one->>'price'){d} * (one->>'quantity')::INT) AS goods
        FROM p, unnest(from_json(items, '["JSON"]')) AS u(one) GROUP BY 1)
        SELECT count(*) FROM p JOIN i USING (order_id) WHERE goods - (props->>'discount'){d} <> amount{d}"""
    assert shop.one(wrong) == 0


def test_refunds_come_from_the_shop_5_to_20_days_after_an_order(shop: Shop) -> None:
    days = "(r.time - p.time) / 86400e6"
    found = shop.rows(
        ORDERS + f"SELECT count(*), min({days}) >= 5, max({days}) <= 20, bool_or(r.interactive), count(r.visitor), "
        "bool_and(r.amount::DECIMAL(18, 2) <= p.amount::DECIMAL(18, 2)) FROM r JOIN p USING (order_id)"
    )
    assert found == [(shop.counts["refunded_orders"], True, True, False, 0, True)]


def test_a_person_is_known_from_the_first_order_or_sign_up_on(shop: Shop) -> None:
    found = """WITH k AS (
            SELECT visitor, min(time) AS since FROM lines WHERE name IN ('purchase', 'sign_up') GROUP BY 1)
        SELECT count(*) FROM lines LEFT JOIN k USING (visitor)
        WHERE interactive AND ("user" IS NOT NULL) <> (coalesce(time >= since, false))"""
    assert shop.one(found) == 0


def test_the_shop_has_the_orders_of_the_broken_days_too(shop: Shop) -> None:
    with (shop.folder / "orders.csv").open() as file:
        orders = list(csv.DictReader(file))
    tracked = {row[0] for row in shop.rows("SELECT DISTINCT order_id FROM lines WHERE name = 'purchase'")}
    lost = [row for row in orders if row["order_id"] not in tracked]
    broken = shop.truth["broken_tracking"]
    assert len(lost) == broken["lost_orders"]
    assert sum(Decimal(row["amount"]) for row in lost) == Decimal(broken["lost_revenue"])
    assert len(orders) == shop.counts["orders"] + len(lost)
    days = f"to_timestamp(time / 1000000)::DATE BETWEEN '{broken['first_day']}' AND '{broken['last_day']}'"
    day = f"{days} AND browser = '{broken['browser']}'"
    shop.engine.execute("SET TimeZone = 'Europe/Berlin'")
    assert shop.one(f"SELECT count(*) FROM lines WHERE name = 'purchase' AND {day}") == 0
    assert shop.one(f"SELECT count(*) FROM lines WHERE path = '/order/confirmed' AND {day}") >= len(lost)


def test_costs_are_of_the_paid_channels_and_add_up(shop: Shop) -> None:
    with (shop.folder / "costs.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 90 * 5
    assert {row["channel"] for row in rows} == {"Paid Search", "Paid Social"}
    assert str(sum(Decimal(row["amount"]) for row in rows)) == shop.counts["ad_cost"]
    assert sum(int(row["clicks"]) for row in rows) == shop.counts["ad_clicks"]
    assert all(int(row["impressions"]) >= int(row["clicks"]) for row in rows)


def test_the_experiment_s_counts(shop: Shop) -> None:
    test = shop.truth["experiment"]
    found = """WITH x AS (SELECT visitor, any_value(props->>'variant') AS variant, min(time) AS since FROM lines
            WHERE name = 'experiment_viewed' AND props->>'experiment_id' = 'free_shipping' GROUP BY 1),
        p AS (SELECT DISTINCT visitor, order_id, amount, time FROM lines WHERE name = 'purchase')
        SELECT variant, count(DISTINCT x.visitor), count(DISTINCT p.visitor), count(p.order_id),
            sum(amount::DECIMAL(18, 2))::VARCHAR
        FROM x LEFT JOIN p ON p.visitor = x.visitor AND p.time > since GROUP BY 1"""
    keys = ("exposed", "buyers", "orders", "gross_revenue")
    expected = {name: tuple(arm[k] for k in keys) for name, arm in test["counts"].items()}
    assert {name: tuple(rest) for name, *rest in shop.rows(found)} == expected
    times = "SELECT min(to_timestamp(time / 1000000)::DATE), max(to_timestamp(time / 1000000)::DATE) FROM lines"
    shop.engine.execute("SET TimeZone = 'Europe/Berlin'")
    first, last = shop.rows(times + " WHERE name = 'experiment_viewed'")[0]
    assert date(2026, 7, 13) <= first <= last <= date(2026, 8, 31)


def test_steps_by_device_from_the_lines(shop: Shop) -> None:
    found = shop.rows(
        SESSIONS + "SELECT device, count(*), count(*) FILTER (shipped) FROM s WHERE began AND NOT treated GROUP BY 1"
    )
    steps = shop.counts["steps_by_device"]["untouched"]
    assert {d: (b, s) for d, b, s in found} == {
        d: (row["begin_checkout"], row["add_shipping_info"]) for d, row in steps.items() if row["begin_checkout"]
    }


def test_the_plan_loads_and_moves_with_the_days(tmp_path: Path) -> None:
    calendar = Calendar(30, date(2027, 2, 1))
    moved = loads(plan(calendar))
    assert moved.experiments["free_shipping"].guardrails[0].metric == "refund_rate"
    assert "2026" not in plan(calendar)
    shares: list[float] = []
    parts = build(tmp_path, days=LEAST_DAYS, visitors=50, seed=1, progress=shares.append)
    assert shares[-1] == 1
    assert all(part.is_file() for part in parts)
    own = load(tmp_path)
    assert own.site.timezone == "Europe/Berlin"
    assert own.orders.shipping is not None


@pytest.mark.parametrize(("days", "visitors"), [(LEAST_DAYS - 1, 10), (90, 0), (731, 10)])
def test_what_the_demo_cannot_do_is_said(days: int, visitors: int) -> None:
    with pytest.raises(ValueError, match="the demo"):
        simulate(days, visitors)


@pytest.mark.parametrize("seed", range(5))
def test_a_tiny_shop_is_a_shop(seed: int, tmp_path: Path) -> None:
    assert write(simulate(days=LEAST_DAYS, visitors=1, seed=seed), tmp_path)
