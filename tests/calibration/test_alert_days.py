"""Alerts over simulated shop-days with faults put in at known days: found, when, and with the right cause.

The short run has one world of 90 days; ``--soak`` adds 300 days and quiet worlds. ``python -m bench.alerts`` has more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from faulty import FIRST, PLAN, Fault, declines, schedule
from scoring import START, Score, raised, shop, watched

from assay.cli.run import run
from assay.jobs import run_alerts
from assay.model.errors import UnknownName, UsageError
from assay.plan.load import loads
from assay.workspace import Workspace
from support import event, workspace

DAYS, VISITORS = 90, 700
FAULTS = [
    Fault("vanished", 46, 47, "purchase", "Safari"),
    Fault("bots", 53, 53, "US"),
    Fault("emptied", 59, 60, "amount"),
    Fault("channel", 66, 67, "Paid Search"),
    Fault("doubled", 73, 73, "add_to_cart"),
    Fault("mobile", 80, 81),
    Fault("vanished", 88, 89, "begin_checkout"),
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    ws = shop(tmp_path_factory.mktemp("alerts") / "shop", DAYS, VISITORS, 5, FAULTS)
    yield ws
    ws.close()


def day(n: int) -> str:
    return str(FIRST + timedelta(n))


def test_faults_are_found_on_their_first_day_with_their_cause(world: Workspace) -> None:
    score = Score()
    score.add(raised(watched(world, DAYS), DAYS), FAULTS)
    assert (score.missed, score.wrong) == ([], [])
    assert {d for delays in score.delays.values() for d in delays} == {0}
    assert len(score.false) <= 1


def test_the_question_answers_with_the_numbers_behind_it(world: Workspace) -> None:
    answer = world.ask("alerts", **{"from": day(80), "to": day(89)})
    first = answer.findings[0]
    assert (first.code, first.evidence["cause"], first.evidence["subject"]) == ("alert", "tracking", "begin_checkout")
    assert (first.evidence["day"], first.evidence["recovered"]) == (day(88), None)
    assert first.evidence["low"] > first.evidence["value"] == 0
    assert "begin_checkout is gone while add_to_cart goes on" in first.text
    assert "and so does add_shipping_info" in first.text
    mobile = next(f for f in answer.findings if f.evidence["cause"] == "rate")
    assert (mobile.evidence["part"], mobile.evidence["day"]) == ({"device": "mobile"}, day(80))
    assert mobile.severity == "info"
    assert len(answer.sql) == 6  # names, days by part, bots, and the KPIs: by visitor, by session, orders
    assert any("false alarms stated" in note for note in answer.notes)
    assert answer.rows[0][answer.columns.index(next(c for c in answer.columns if c.name == "state"))] == "new"


def test_one_day_and_one_metric(world: Workspace) -> None:
    assert [f.evidence["part"] for f in world.ask("alerts", day=day(66)).findings] == [{"channel": "Paid Search"}]
    assert "All as expected" in world.ask("alerts", day=day(50)).sentence
    touched = world.ask("alerts", metric="aov", **{"from": day(55), "to": day(89)}).findings
    assert [f.evidence["subject"] for f in touched] == ["purchase.revenue"]
    with pytest.raises(UnknownName, match="did you mean 'aov'"):
        world.ask("alerts", metric="aow")
    with pytest.raises(UsageError, match="write a rule with by"):
        world.ask("alerts", segment="device = 'mobile'")


def test_too_little_history_is_said(world: Workspace) -> None:
    answer = world.ask("alerts", **{"from": day(0), "to": day(20)})
    first, able = (f"{one:%a} {one.day} {one:%b}" for one in map(date.fromisoformat, map(str, (day(0), day(28)))))
    assert answer.empty == f"no alert possible before {able}: an expectation needs 28 days of history, from {first}"


def test_a_run_writes_what_is_new_once(world: Workspace, capfd: pytest.CaptureFixture[str]) -> None:
    first = run_alerts(world)
    assert len(first.days) == 28
    assert [f.evidence["subject"] for f in first.new] == ["begin_checkout"]  # what is over is no news of a first run
    assert "has been judged" in run_alerts(world).reason
    folder = str(world.folder)
    known = {row["cause"] for row in world.state.read("alerts")}
    assert known == {"tracking", "volume", "rate"}
    no = next(row["no"] for row in world.state.read("alerts") if row["recovered"] is None)
    assert run(["alerts", "ack", str(no), "-w", folder]) == 0
    assert run(["alerts", "ack", "99", "-w", folder]) == 2
    assert run(["alerts", "mute", str(no), "--until", "2030-01-01", "-w", folder]) == 0
    assert run(["alerts", "mute", "evnt:purchase", "-w", folder]) == 2
    assert "muted: event:begin_checkout up to 2030-01-01" in capfd.readouterr().out
    states = world.ask("alerts", **{"from": day(87), "to": day(89)}).column("state")
    assert states == ["muted"]
    assert run(["alerts", "unmute", str(no), "-w", folder]) == 0
    assert world.ask("alerts", **{"from": day(87), "to": day(89)}).column("state") == ["acknowledged"]


def test_runs_day_by_day_tell_each_alert_once_and_its_recovery(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """From an earlier moment on, a run a day; the last two through the command line."""
    faults = [Fault("doubled", 44, 45, "add_to_cart")]
    with shop(tmp_path / "shop", 48, 300, 6, faults) as ws:
        told = []
        for n in (43, 44, 45):
            ran = run_alerts(_at(ws, n))
            told.append((len(ran.days), [f.evidence["subject"] for f in ran.new], len(ran.recovered), ran.open))
    assert told == [(16, [], 0, 0), (1, ["add_to_cart"], 0, 1), (1, [], 0, 1)]
    folder = str(tmp_path / "shop")
    capfd.readouterr()
    assert run(["alerts", "run", "--format", "json", "-w", folder]) == 0
    said = json.loads(capfd.readouterr().out)
    assert (said["days"], len(said["new"]), len(said["recovered"])) == ([day(46), day(47)], 0, 1)
    assert said["recovered"][0]["evidence"]["recovered"] == day(46)
    assert run(["alerts", "run", "-w", folder]) == 0
    assert "Nothing to judge" in capfd.readouterr().out


def _at(ws: Workspace, last: int) -> Workspace:
    """The workspace on the morning after day ``last``: what came later is not complete yet."""
    moment = datetime.combine(FIRST + timedelta(last + 1), datetime.min.time(), UTC) + timedelta(hours=6)
    ws._now = int(moment.timestamp()) * 1_000_000
    ws._span = None
    return ws


def test_a_running_day_shows_a_tag_that_broke(tmp_path: Path) -> None:
    """At noon the second step has not come since midnight; an ordinary running day raises nothing."""
    with shop(tmp_path / "shop", 45, 800, 6, [Fault("vanished", 43, 43, "add_to_cart")]) as ws:
        run_alerts(_at(ws, 41))
        quiet = run_alerts(_as_of_noon(ws, 42))
        assert (quiet.new, quiet.open) == ((), 0)
        told = run_alerts(_as_of_noon(ws, 43))
        assert [(f.evidence["subject"], f.evidence["cause"], f.evidence["day"]) for f in told.new] == [
            ("add_to_cart", "tracking", day(43))
        ]
        after = run_alerts(_at(ws, 44))
        assert ([str(d) for d in after.days], len(after.new), len(after.recovered)) == ([day(43), day(44)], 0, 1)


def _as_of_noon(ws: Workspace, today: int) -> Workspace:
    """The workspace at noon of a day, as it was then: only what had come by noon."""
    moment = datetime.combine(FIRST + timedelta(today), datetime.min.time(), UTC) + timedelta(hours=12)
    plain = ws.__class__(ws.folder, now=int(moment.timestamp()) * 1_000_000 + 1)
    real = plain.asking
    plain.asking = lambda question, as_of=None: real(question, as_of or moment)  # type: ignore[method-assign]
    return plain


def test_a_new_alert_is_exit_code_1(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with shop(tmp_path / "shop", 47, 300, 7, [Fault("channel", 45, 46, "Paid Search")]) as ws:
        folder = str(ws.folder)
    assert run(["alerts", "run", "-w", folder]) == 1
    assert "the volume changed" in capfd.readouterr().out


def test_nothing_to_judge(tmp_path: Path) -> None:
    with workspace(tmp_path, "metrics: {m: {type: simple, count: session}}\nkpis: {m: {}}") as ws:
        assert run_alerts(ws).reason == "there are no events yet"
        assert "no events" in ws.ask("alerts").sentence
    with workspace(tmp_path, "", [event("a", "sign_up", "2024-12-20 10:00")]) as ws:
        assert "needs 28 days" in run_alerts(ws).reason


@pytest.mark.soak
def test_quiet_days_stay_quiet(tmp_path: Path) -> None:
    """At most one false alarm in 30 days is stated; here are 30 days."""
    with shop(tmp_path / "shop", 72, 300, 8, []) as ws:
        assert len(raised(watched(ws, 72), 72)) <= 2


@pytest.mark.soak
def test_three_hundred_days_of_faults(tmp_path: Path) -> None:
    score = Score()
    for name, seed, faults in (("sharp", 1, schedule(1, 300)), ("slow", 2, declines(300))):
        with shop(tmp_path / name, 300, 1500, seed, faults) as ws:
            score.add(raised(watched(ws, 300), 300), faults)
    assert score.cause >= 0.9
    assert score.recall >= 0.9
    assert score.precision >= 0.8


@pytest.mark.soak
@pytest.mark.parametrize("rough", [False, True])
def test_false_alarms_stay_below_the_stated_rate(tmp_path: Path, rough: bool) -> None:
    with shop(tmp_path / "shop", 300, 1500, 9, [], rough) as ws:
        watch = watched(ws, 300)
    months = (300 - START) / 30
    for rate in (0.25, 1.0, 4.0):
        count = len(raised(watch, 300, rate))
        assert count <= rate * months + 3 * (rate * months) ** 0.5


def test_rules_of_the_plan_have_a_budget_of_their_own(world: Workspace) -> None:
    """Automatic off: only what the rules name is judged, by their parts."""
    rules = """
alerts:
  automatic: {sensitivity: off}
  buying: {metric: purchase_rate, by: device, sensitivity: low}
  way: {funnel: checkout, by: [device, customer], sensitivity: 2}
"""
    with Workspace(world.folder, now=world.now) as ws:
        ws.plan = loads(PLAN + rules)
        families = {f.name: f for f in watched(ws, DAYS).families}
        assert {name: f.rate for name, f in families.items()} == {"buying": 0.25, "way": 2.0}
        answer = ws.ask("alerts", **{"from": day(80), "to": day(81)})
    mobile = next(f for f in answer.findings if f.evidence["day"] == day(80))
    assert (mobile.evidence["part"], mobile.evidence["cause"]) == ({"device": "mobile"}, "rate")
    assert "way" in mobile.evidence["rules"]
    assert any("way by customer is not watched: steps are watched by" in note for note in answer.notes)
