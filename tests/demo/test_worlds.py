"""Every world: its files, its plan, its seeds; and the answers of the public questions against its truth."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

import assay
from assay.demo import build, planted
from assay.demo.calendar import LEAST_DAYS
from assay.demo.worlds import BY_NAME, WORLDS
from assay.demo.worlds.base import Wanted
from assay.model import event
from assay.plan.check import check
from assay.plan.load import load, loads
from assay.workspace import Workspace

NAMES = [world.name for world in WORLDS]
OTHERS = ["saas", "leads"]
TYPES = {"text": "VARCHAR", "integer": "BIGINT", "boolean": "BOOLEAN", "json": "VARCHAR"}


class Files:
    """A world's files, as SQL sees them: ``lines``, ``till``, ``costs``, ``ads``."""

    def __init__(self, folder: Path, world: str, **size: Any) -> None:
        self.folder, self.raw = folder, folder / "demo-data"
        self.parts = build(folder, world=world, **size)
        self.truth: dict[str, Any] = json.loads((self.raw / "truth.json").read_text())
        self.engine = duckdb.connect()
        self.engine.execute("SET TimeZone = 'Europe/Berlin'")
        self.engine.execute(
            f"CREATE VIEW lines AS SELECT *, to_timestamp(time / 1000000)::DATE AS day FROM '{self.raw}/events-*.parquet'"
        )
        for name in ("till", "costs", "ads"):
            self.engine.execute(f"CREATE VIEW {name} AS FROM read_csv('{self.raw}/{name}.csv', header = true)")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.engine.sql(sql).fetchall()

    def one(self, sql: str) -> Any:
        return self.rows(sql)[0][0]


@pytest.fixture(scope="module", params=OTHERS)
def known(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Files, Workspace]]:
    files = Files(tmp_path_factory.mktemp(request.param), request.param, visitors=6000)
    with assay.open(files.folder) as ws:
        ws.import_files("events", files.parts)
        ws.import_files("costs", [files.raw / "costs.csv"])
        yield files, ws


def everything(files: Files) -> dict[str, str]:
    dates = files.truth["dates"]
    return {"from": dates["first_day"], "to": dates["last_day"]}


def test_the_lines_are_event_lines(known: tuple[Files, Workspace]) -> None:
    files, _ = known
    described = files.engine.sql(f"DESCRIBE FROM '{files.raw}/events-*.parquet'").fetchall()
    assert [(name, type_) for name, type_, *_ in described] == [(f.name, TYPES[f.kind]) for f in event.FIELDS]
    assert files.rows("SELECT count(*), count(DISTINCT id) FROM lines") == [(files.truth["counts"]["lines"],) * 2]
    dates = files.truth["dates"]
    assert [str(d) for d in files.rows("SELECT min(day), max(day) FROM lines")[0]] == [
        dates["first_day"],
        dates["last_day"],
    ]
    assert files.one("SELECT count(*) FROM lines WHERE received_at < time") == 0


def test_events_by_name(known: tuple[Files, Workspace]) -> None:
    files, _ = known
    assert dict(files.rows("SELECT name, count(*) FROM lines GROUP BY 1")) == files.truth["counts"]["events_by_name"]


def test_sessions_and_visitors_are_as_asked(known: tuple[Files, Workspace]) -> None:
    files, ws = known
    for metric in ("sessions", "visitors"):
        assert ws.metric(metric, **everything(files)).rows[0][0] == files.truth["counts"][metric]


def test_first_orders_and_their_money_are_as_asked(known: tuple[Files, Workspace]) -> None:
    files, ws = known
    counts = files.truth["counts"]
    money = counts["first_orders"]["revenue"] if files.truth["world"] == "saas" else counts["revenue"]
    assert Decimal(ws.metric("revenue", **everything(files)).rows[0][0]) == Decimal(money)
    assert Decimal(ws.metric("ad_cost", **everything(files)).rows[0][0]) == Decimal(counts["ad_cost"])


def test_conversions_are_as_asked(known: tuple[Files, Workspace]) -> None:
    files, ws = known
    counts = files.truth["counts"]
    pairs = {
        "saas": {"trial_signup_rate": "trials", "paid_rate": "customers"},
        "leads": {"lead_rate": "leads", "spam_lead_rate": "spam", "demo_booking_rate": "booked"},
    }
    for metric, count in pairs[files.truth["world"]].items():
        record = ws.metric(metric, **everything(files)).records()[0]
        assert record[f"{metric}_numerator"] == counts[count], metric


def test_recurring_revenue_and_pipeline_are_as_asked(known: tuple[Files, Workspace]) -> None:
    files, ws = known
    metric, count = {"saas": ("mrr", "mrr_at_the_end"), "leads": ("pipeline", "pipeline")}[files.truth["world"]]
    assert Decimal(ws.metric(metric, **everything(files)).rows[0][0]) == Decimal(files.truth["counts"][count])


def test_the_worth_of_customers_by_channel_is_as_asked(known: tuple[Files, Workspace]) -> None:
    files, ws = known
    if files.truth["world"] != "saas":
        return
    for record in ws.ask("clv", value="revenue", at="90d").records():
        if record["first_channel"] == "(all)":
            continue
        channel = files.truth["channels"][record["first_channel"]]
        assert record["customers"] == channel["settled_customers"]
        each = Decimal(channel["worth_90d"]) / channel["settled_customers"]
        assert float(record["clv_90d"]) == pytest.approx(float(each))


def test_the_till_is_the_lines_and_the_reasons(known: tuple[Files, Workspace]) -> None:
    files, _ = known
    adds_up(files)


def adds_up(files: Files) -> None:
    """Each reason by hand, over the till's rows and the orders of the lines."""
    order_event = {"shop": "purchase", "saas": "purchase", "leads": "close_convert_lead"}[files.truth["world"]]
    files.engine.execute(f"""CREATE OR REPLACE TEMP TABLE own AS
        SELECT DISTINCT order_id, amount::DECIMAL(18, 2) AS amount, day FROM lines WHERE name = '{order_event}'""")
    files.engine.execute("""CREATE OR REPLACE TEMP TABLE booked AS SELECT order_id, amount::DECIMAL(18, 2) AS amount,
        (time::TIMESTAMPTZ)::DATE AS day, channel, consent, count(*) AS times FROM till GROUP BY ALL""")
    missing = "FROM booked b WHERE NOT EXISTS (FROM own o WHERE o.order_id = b.order_id)"
    both = "FROM booked b JOIN own o USING (order_id)"
    reasons = {
        "not_tracked": f"SELECT count(*), sum(amount) {missing} AND channel = 'web' AND consent = 'granted'",
        "no_consent": f"SELECT count(*), sum(amount) {missing} AND consent = 'denied'",
        "offline": f"SELECT count(*), sum(amount) {missing} AND channel = 'phone'",
        "test_orders": f"SELECT count(*), sum(amount) {missing} AND channel = 'test'",
        "duplicates": "SELECT count(*), sum(amount) FROM booked WHERE times = 2",
        "other_amount": f"SELECT count(*), sum(b.amount - o.amount) {both} WHERE b.amount <> o.amount",
        "other_day": f"SELECT count(*), sum(b.amount) {both} WHERE b.day <> o.day",
    }
    truth = files.truth["till"]
    for reason, sql in reasons.items():
        orders, amount = files.rows(sql)[0]
        said = truth[reason]
        assert (orders, amount or Decimal(0)) == (said["orders"], Decimal(said["amount"])), reason
    assert files.one("SELECT max(times) FROM booked") <= 2
    rows, amount = files.rows("SELECT count(*), sum(amount::DECIMAL(18, 2)) FROM till")[0]
    assert (rows, str(amount)) == (truth["rows"], truth["amount"])
    assert rows == truth["orders"] + truth["duplicates"]["orders"]
    own = files.one("SELECT sum(amount) FROM own")
    assert str(own) == truth["tracked"]["amount"]
    parts = (Decimal(truth[reason]["amount"]) for reason in reasons if reason != "other_day")
    assert own + sum(parts) == amount


def test_the_ad_platforms_claim_more_than_the_last_click_has(known: tuple[Files, Workspace]) -> None:
    files, _ = known
    for channel, said in files.truth["claims"].items():
        found = files.rows(
            f"SELECT sum(conversions), sum(value::DECIMAL(18, 2))::VARCHAR FROM ads WHERE channel = '{channel}'"
        )
        assert found == [(said["conversions"], said["value"])]
    assert sum(said["conversions"] for said in files.truth["claims"].values()) > 0


@pytest.mark.parametrize("name", NAMES)
def test_a_plan_has_nothing_to_mend(name: str, tmp_path: Path) -> None:
    for quiet in (False, True):
        text = BY_NAME[name].plan(Wanted(60, 10, quiet=quiet))
        plan = loads(text)
        assert not [p for p in check(plan) if p.severity == "error"]
        assert 3 <= len(plan.kpis) <= 5
        assert all(kpi.objective in plan.objectives for kpi in plan.kpis.values())
        journeys = [goal.journey for goal in plan.goals.values() if goal.kind == "macro"]
        assert len(journeys) == len(set(journeys)) == 1
        assert ("changes:" in text) != quiet
        assert "2026-07-03" not in text or name != "saas"  # the price change of the usual days has moved


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(3))
def test_a_tiny_world_is_a_world(name: str, seed: int, tmp_path: Path) -> None:
    assert build(tmp_path, days=LEAST_DAYS, visitors=1, seed=seed, world=name)
    load(tmp_path)
    planted(tmp_path)


@pytest.mark.parametrize("name", OTHERS)
def test_the_seed_makes_the_world(name: str, tmp_path: Path) -> None:
    one, again, other = (Files(tmp_path / str(n), name, visitors=300, seed=seed) for n, seed in enumerate((1, 1, 2)))
    for file in ("truth.json", "costs.csv", "till.csv", "ads.csv"):
        assert (one.raw / file).read_bytes() == (again.raw / file).read_bytes()
    both = f"(SELECT * FROM lines EXCEPT ALL SELECT *, to_timestamp(time / 1000000)::DATE FROM '{again.raw}/events-*.parquet')"
    assert one.one(f"SELECT count(*) FROM {both}") == 0
    assert one.truth["counts"] != other.truth["counts"]


@pytest.mark.parametrize("name", NAMES)
def test_what_a_world_cannot_do_is_said(name: str, tmp_path: Path) -> None:
    for size in ({"days": LEAST_DAYS - 1}, {"days": 731}, {"visitors": 0}):
        with pytest.raises(ValueError, match="the demo"):
            build(tmp_path / "none", world=name, **size)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("name", NAMES)
def test_costs_stand_by_day_and_paid_channel(name: str, tmp_path: Path) -> None:
    build(tmp_path, days=30, visitors=200, world=name)
    with (tmp_path / "demo-data" / "costs.csv").open() as file:
        rows = list(csv.DictReader(file))
    campaigns = {(row["channel"], row["source"], row["campaign"]) for row in rows}
    assert len(rows) == 30 * len(campaigns)
    assert {channel for channel, *_ in campaigns} <= {"Paid Search", "Paid Social", "Display"}
