"""``assay experiment``: every verb from a draft to what was learnt, and whatever can be written wrongly."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Assay, Ran

from assay.cli.run import run
from assay.workspace import Workspace
from exposed import ZONE, arm, moment
from support import event, parquet, view

START = moment("03-04", "00:00")
PLAN = f"""
site: {{name: Shop, timezone: {ZONE}, currency: EUR}}
events: {{experiment_viewed: {{properties: {{experiment_id: string, variant: string}}}}}}
goals: {{order: {{event: purchase, kind: macro}}}}
metrics:
  bought: {{type: conversion, goal: order, per: visitor}}
  rpv: {{type: simple, sum: revenue.net, per: visitor}}
experiments:
  delivery:
    hypothesis: Free delivery sells more
    primary: {{metric: bought, mde: 20%}}
    diagnostics: [rpv]
    guardrails: [{{metric: rpv_floor, margin: 2%}}]
    window: 2d
    looks: fixed
    end: 2024-03-17
    cap: {{rpv: 500}}
    follow_up: [7d, 4000d]
  banner: {{primary: bought, window: 2d}}
""".replace("rpv_floor", "rpv").replace("diagnostics: [rpv]", "diagnostics: []")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two weeks of a test without an effect before it starts, two weeks of it, in a workspace of its own."""
    folder = tmp_path_factory.mktemp("verbs") / "shop"
    folder.mkdir()
    (folder / "assay.yaml").write_text(PLAN, encoding="utf-8")
    before = arm("delivery", "control", 700, 70, first="02-12") + arm("delivery", "treatment", 700, 70, first="02-12")
    before = [
        {
            **one,
            "visitor": f"{one['visitor']}b",
            "id": f"{one['id']}b",
            **({"order_id": one["id"]} if "order_id" in one else {}),
        }
        for one in before
    ]
    events = [*before, *arm("delivery", "control", 1400, 140), *arm("delivery", "treatment", 1400, 210)]
    events += [
        view("last", "2024-03-25 10:00"),
        event("odd", "experiment_viewed", "2024-03-10 10:00", props={"experiment_id": "banner", "variant": "contrl"}),
    ]
    for one in events:
        one["device"] = "mobile" if len(one["visitor"]) % 2 else "desktop"
    lines = parquet(folder / "lines.parquet", events)
    assert run(["import", "events", str(lines), "-w", str(folder)]) == 0
    return folder


@pytest.fixture
def shop(template: Path, tmp_path: Path) -> Path:
    import shutil

    return Path(shutil.copytree(template, tmp_path / "shop"))


@pytest.fixture
def test(assay: Assay, shop: Path) -> Callable[..., Ran]:
    """``assay experiment … -w FOLDER``."""
    return lambda *words: assay("experiment", *words, "-w", shop)


@pytest.fixture
def begun(shop: Path) -> Path:
    """Started when the data say it began; the command line knows no other moment than now."""
    with Workspace(shop) as ws:
        ws.start_experiment("delivery", at=START, force=True)
    return shop


def parsed(ran: Ran) -> dict[str, object]:
    assert ran.code == 0, ran.err
    return dict(json.loads(ran.out))


def told_off(ran: Ran, says: str, code: int = 2) -> None:
    """One line, no traceback, nothing on stdout."""
    assert (ran.code, ran.out) == (code, "")
    assert says in ran.err
    assert ran.err.count("\n") == 1
    assert "Traceback" not in ran.err
    assert "defect" not in ran.err


def test_from_a_draft_to_what_was_learnt(test: Callable[..., Ran], assay: Assay, shop: Path) -> None:
    assert "2 experiments: 2 draft." in test().out
    design = test("design", "delivery")
    assert (design.code, "delivery needs " in design.out) == (0, True)
    ready = test("qa", "delivery")
    assert (ready.code, "is ready: all" in ready.out) == (0, True)
    started = test("start", "delivery")
    assert started.code == 0
    assert started.out.startswith("delivery is started and locked as ")
    assert "; planned: " in started.out
    assert "; rpv counts up to 500 per unit\n" in started.out
    assert "next: assay experiment readout delivery" in started.out
    told_off(test("start", "delivery"), "delivery runs since ")
    assert test("stop", "delivery", "--reason", "long enough").out.startswith("delivery is stopped\n")
    told_off(test("stop", "delivery"), "delivery does not run: it is ended")
    told_off(test("start", "delivery"), "delivery has run before: a second run is an experiment of its own")
    assert test("note", "delivery", "phones were slow").out == "noted with delivery\n"
    assert test("note", "delivery", "the new button", "--screenshot", "b.png").code == 0
    decided = test("decide", "delivery", "do-not-ship", "--note", "too little came", "--revisit-by", "2027-03-31")
    assert decided.out.startswith("delivery: do-not-ship (the verdict: treatment: ")
    assert "2 experiments: 1 draft, 1 decided." in test().out
    found = assay("learnings", "slow", "--format", "csv", "-w", shop)
    assert found.code == 0
    assert "too little came; phones were slow" in found.out
    assert "2027-03-31" in found.out
    assert "no decided test holds 'parrot'" in assay("learnings", "parrot", "-w", shop).out.lower()
    assert "No change was shipped after a test yet." in test("value").out


def test_the_gate_holds_the_start(test: Callable[..., Ran]) -> None:
    bad = test("qa", "banner")
    assert (bad.code, "banner is not ready:" in bad.out) == (0, True)
    held = test("start", "banner")
    told_off(held, "banner is not ready: ", code=1)
    assert "assay experiment qa banner shows it; --force starts anyway" in held.err
    assert test("start", "banner", "--force").code == 0


def test_the_readout(test: Callable[..., Ran], begun: Path) -> None:
    found = test("readout", "delivery")
    assert found.code == 0
    assert "10.0 % → 15.0 %" in found.out
    answer = parsed(test("readout", "delivery", "--format", "json"))
    columns = [column["name"] for column in answer["columns"]]  # type: ignore[attr-defined,index]
    (first, *_) = answer["rows"]  # type: ignore[misc]
    row = dict(zip(columns, first, strict=True))  # type: ignore[has-type]
    assert (row["metric"], row["state"], row["control"], row["treatment"]) == ("bought", "better", 0.1, 0.15)
    assert row["units_control"] == 1400


@pytest.mark.parametrize(
    "words",
    [
        (), ("design", "delivery"), ("design", "delivery", "--weeks", "3"), ("qa", "delivery"), ("qa", "banner"),
        ("readout", "delivery"), ("readout", "delivery", "--daily"), ("readout", "delivery", "--by", "device"),
        ("readout", "delivery", "--bayes", "--add", "rpv"), ("readout", "delivery", "--as-of", "2024-03-12"),
        ("readout", "banner"), ("follow-up", "delivery"), ("follow-up", "delivery", "--days", "30"),
        ("follow-up", "banner"), ("value",), ("interaction", "delivery", "banner"),
    ],
)  # fmt: skip
def test_every_answer_is_json(test: Callable[..., Ran], begun: Path, words: tuple[str, ...]) -> None:
    answer = parsed(test(*words, "--format", "json"))
    assert answer["sentence"]
    assert all(one["severity"] in ("good", "info", "warning", "bad") for one in answer["findings"])  # type: ignore[attr-defined]


def test_follow_ups_say_when_they_are_due(test: Callable[..., Ran], begun: Path) -> None:
    out = test("follow-up", "delivery").out
    assert "after 7, 4000 days" in out
    assert "provisional until" in out
    answer = parsed(test("follow-up", "delivery", "--format", "json"))
    columns = [column["name"] for column in answer["columns"]]  # type: ignore[attr-defined,index]
    rows = [dict(zip(columns, row, strict=True)) for row in answer["rows"]]  # type: ignore[attr-defined]
    assert [(row["after"], row["metric"], row["state"]) for row in rows] == [
        (7, "rpv", "shown safe"),
        (4000, None, "not due yet"),
    ]
    none = test("follow-up", "banner")
    assert (none.code, "banner names no follow-up; add follow_up: [30d, 60d, 90d], or ask --days 30." in none.out) == (
        0,
        True,
    )


WRONG: list[tuple[tuple[str, ...], str]] = [
    (("readout",), "NAME is missing: an experiment of the plan"),
    (("readout", "delvery"), "the plan has no experiment 'delvery'; did you mean 'delivery'?"),
    (("design", "delvery"), "did you mean 'delivery'?"),
    (("qa", "delvery"), "did you mean 'delivery'?"),
    (("start", "delvery"), "did you mean 'delivery'?"),
    (("stop", "delvery"), "did you mean 'delivery'?"),
    (("stop", "banner"), "banner does not run: it is not started"),
    (("decide", "delvery", "ship"), "did you mean 'delivery'?"),
    (("decide", "delivery", "shipp"), "'shipp' is no decision; did you mean 'ship'"),
    (("decide", "delivery", "keep"), "decisions: ship, do-not-ship, iterate, abandon"),
    (("decide", "delivery"), "missing argument"),
    (
        ("decide", "delivery", "ship", "--revisit-by", "spring"),
        "--revisit-by 'spring' is no day; write it as 2027-03-31",
    ),
    (("note", "delvery", "x"), "did you mean 'delivery'?"),
    (("note", "delivery"), "missing argument"),
    (("follow-up", "delvery"), "did you mean 'delivery'?"),
    (("follow-up", "delivery", "--days", "many"), "many"),
    (("follow-up", "delivery", "--days", "0"), "days"),
    (("follow-up", "delivery", "--days", "-3"), "days"),
    (("design", "delivery", "--weeks", "0"), "weeks"),
    (("readout", "delivery", "--by", "colour"), "colour"),
    (("readout", "delivery", "--by", "order_type"), "order_type belongs to an order"),
    (
        ("readout", "delivery", "--by", "device", "--by", "channel", "--by", "source"),
        "--by takes one or two dimensions",
    ),
    (("readout", "delivery", "--add", "rvp"), "did you mean 'rpv'?"),
    (("readout", "delivery", "--as-of", "2124-01-01"), "lies in the future"),
    (("readout", "delivery", "--dayly"), "--daily"),
    (("interaction", "delivery"), "name two experiments or more"),
    (("reedout", "delivery"), "readout"),
]


@pytest.mark.parametrize(("words", "says"), WRONG, ids=[" ".join(words) for words, _ in WRONG])
def test_wrong_use_is_told_in_one_line(test: Callable[..., Ran], words: tuple[str, ...], says: str) -> None:
    ran = test(*words)
    told_off(ran, says)


@pytest.mark.parametrize("words", [("readout", "delvery"), ("decide", "delivery", "shipp"), ("start", "banner")])
def test_errors_are_json_too(test: Callable[..., Ran], words: tuple[str, ...]) -> None:
    ran = test(*words, *(("--format", "json") if words[0] == "readout" else ()))
    assert ran.code in (1, 2)
    if words[0] == "readout":
        assert json.loads(ran.out)["error"]["message"]


def test_a_workspace_without_events(assay: Assay, tmp_path: Path) -> None:
    (tmp_path / "assay.yaml").write_text(PLAN, encoding="utf-8")
    for words in (("readout", "delivery"), ("design", "delivery"), ("qa", "delivery"), ("follow-up", "delivery")):
        ran = assay("experiment", *words, "-w", tmp_path)
        assert (ran.code, "There are no events in this workspace yet." in ran.out) == (0, True)
    assert assay("experiment", "start", "delivery", "-w", tmp_path).out.startswith("delivery is started and locked as ")
    assert assay("experiment", "decide", "delivery", "abandon", "-w", tmp_path).code == 0
    assert assay("learnings", "-w", tmp_path).code == 0
    assert assay("experiment", "value", "-w", tmp_path).code == 0
