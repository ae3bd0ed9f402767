"""Verbs about the plan and the store: init, check, plan, rebuild, rollup, doctor, demo."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from commands import Assay

from assay.plan.load import load
from assay.store.engines import choose
from support import view, workspace


@pytest.mark.parametrize("name", ["Shop", 'Müller\'s "Shop": {a} # b', "да", "null"])
def test_init_writes_a_plan_that_passes_every_check(assay: Assay, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "a" / "b"
    ran = assay("init", folder, "--name", name, "--timezone", "Europe/Berlin", "--currency", "CHF")
    assert (ran.code, ran.err) == (0, "")
    plan = load(folder)
    assert (plan.site.name, plan.site.timezone, plan.site.currency) == (name, "Europe/Berlin", "CHF")
    assert (folder / ".gitignore").read_text() == "assay-data/\n"
    assert json.loads((folder / "assay-data" / "plan.schema.json").read_text())["title"] == "assay measurement plan"
    ran = assay("check", folder, "--strict")
    assert (ran.code, ran.out) == (0, "The plan is in order.\n")


def test_init_overwrites_nothing(assay: Assay, tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.pyc")
    assert assay("init", tmp_path).code == 0
    assert (tmp_path / ".gitignore").read_text() == "*.pyc\nassay-data/\n"
    before = (tmp_path / "assay.yaml").read_bytes()
    ran = assay("init", tmp_path, "--name", "Other")
    assert ran.code == 2
    assert "is already there and stays as it is" in ran.err
    assert (tmp_path / "assay.yaml").read_bytes() == before


@pytest.mark.parametrize(("option", "value"), [("--timezone", "Europe/Berln"), ("--currency", "EURO")])
def test_init_refuses_what_would_be_no_plan(assay: Assay, tmp_path: Path, option: str, value: str) -> None:
    ran = assay("init", tmp_path / "shop", option, value)
    assert ran.code == 2
    assert "did you mean" in ran.err
    assert not (tmp_path / "shop").exists()


def test_check_tells_file_line_and_severity(assay: Assay, shop: Path) -> None:
    plan = shop / "assay.yaml"
    plan.write_text(plan.read_text() + "\ncohorts:\n  Late-Comers: {did: page_view}\n")
    number = plan.read_text().splitlines().index("  Late-Comers: {did: page_view}") + 1
    ran = assay("check", shop)
    assert ran.code == 0
    assert ran.out.startswith(f"{plan}:{number}: warning: 'Late-Comers' in cohorts is not snake_case")
    assert ran.out.endswith("1 warning.\n")
    assert assay("check", shop, "--strict").code == 1
    found = json.loads(assay("check", shop, "--format", "json").out)
    assert [(one["line"], one["severity"]) for one in found["problems"]] == [(number, "warning")]


def test_check_fails_on_errors(assay: Assay, shop: Path) -> None:
    plan = shop / "assay.yaml"
    plan.write_text(plan.read_text().replace("steps: [view_item,", "steps: [view_itm,"))
    ran = assay("check", "-w", shop)
    assert ran.code == 1
    assert "did you mean 'view_item'" in ran.out


def test_plan_diff(assay: Assay, shop: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text((shop / "assay.yaml").read_text().replace("window: 7d", "window: 1d"))
    assert assay("plan", "diff", shop, shop).out == "The two plans mean the same and say the same.\n"
    ran = assay("plan", "diff", shop, other)
    assert ran.code == 0
    assert "funnels.checkout changed its meaning" in ran.out


def test_plan_schema_is_what_init_writes(assay: Assay, shop: Path) -> None:
    assert json.loads(assay("plan", "schema").out) == json.loads((shop / "assay-data" / "plan.schema.json").read_text())


def test_rebuild_says_what_it_made(assay: Assay, filled: Path) -> None:
    before = assay("metric", "sessions", "rpv", "-w", filled).out
    ran = assay("rebuild", "-w", filled)
    assert ran.code == 0
    assert ran.out.startswith("Derived again from 31 events: 22 sessions of 8 visitors, 2 orders, 0 refunds.")
    assert assay("metric", "sessions", "rpv", "-w", filled).out == before


def test_doctor(assay: Assay, filled: Path, shop: Path, tmp_path: Path) -> None:
    ran = assay("doctor", "-w", filled)
    assert ran.code == 0
    state = dict(json.loads(assay("doctor", "-w", filled, "--format", "json").out)["rows"])
    assert state["plan"].startswith(load(filled).id)
    assert state["days with events"] == "2024-03-01 to 2024-03-02"
    assert {"assay", "python", "duckdb", "memory limit of the store", "free disk", "size of the data"} <= state.keys()
    assert dict(json.loads(assay("doctor", "-w", shop, "--format", "json").out)["rows"])["store"].startswith("empty")
    ran = assay("doctor", "-w", tmp_path)
    assert ran.code == 1
    assert "problem: there is no plan" in ran.out


def test_doctor_of_a_store_elsewhere(assay: Assay, tmp_path: Path) -> None:
    with workspace(tmp_path, "site: {timezone: UTC}\n", [view("v1", "2024-03-01 10:00")], engine="clickhouse"):
        choose(tmp_path / "assay-data", "clickhouse")
    state = dict(json.loads(assay("doctor", "-w", tmp_path, "--format", "json").out)["rows"])
    assert state["store"] == "1 events, 1 sessions, 0 orders"
    assert state["engine"] == "clickhouse, in the workspace"
    assert "chdb" in state
    assert "memory limit of the store" not in state
    (tmp_path / "assay-data" / "store.json").write_text(
        '{"engine": "clickhouse", "place": "clickhouse://me:secret@127.0.0.1:1/x"}'
    )
    ran = assay("doctor", "-w", tmp_path)
    assert (ran.code, ran.err) == (1, "")
    assert "secret" not in ran.out
    said = "clickhouse://me:…@127.0.0.1:1/x: no ClickHouse answers there"
    if find_spec("clickhouse_connect") is None:
        said = "the clickhouse engine needs the package clickhouse-connect"
    assert said in " ".join(ran.out.split())


def test_a_store_without_rollups_says_so(assay: Assay, filled: Path) -> None:
    ran = assay("rollup", "-w", filled)
    assert ran.code == 2
    assert "only a lake (assay move --to spark:DIR) keeps rollups" in ran.err


def test_demo_refuses_a_folder_with_something_in_it(assay: Assay, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    ran = assay("demo", tmp_path)
    assert ran.code == 2
    assert "is not empty and no demo shop; nothing was written" in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_demo_says_what_it_needs(assay: Assay, tmp_path: Path) -> None:
    assert assay("demo").err.startswith("assay: DIR is missing")
    assert "the demo has 14 to 730 days, not 3" in assay("demo", tmp_path / "d", "--days", 3).err


def test_demo_builds_a_shop_and_shows_its_scorecard(assay: Assay, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    words = ["demo", folder, "--days", 30, "--visitors", 600]
    ran = assay(*words)
    assert (ran.code, ran.err) == (0, "")
    assert "KPI" in ran.out
    assert f"next: assay -w {folder} funnel checkout --by device" in ran.out
    assert assay(*words).code == 0  # once more doubles nothing
    assert assay("demo", folder, "--days", 30, "--visitors", 600, "--seed", 8).code == 2
    assert assay("check", folder).code == 0
