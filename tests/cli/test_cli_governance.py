"""People, periods and plans on the command line: erase, export, expire, quarantine, check --live, plan sheet."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from commands import Assay

from support import at, bought, event, ndjson, view

MOMENT = at("2024-03-01 10:00")
LINES = [
    view("dev-1", MOMENT, "/", user="ann"),
    bought("dev-1", MOMENT + 1, "o1", "10", user="ann", currency="EUR"),
    view("dev-2", MOMENT + 2, "/"),
    {
        **event("dev-2", "start_trail", MOMENT + 3),
        "props": {"plan": "pro", "seats": 2, "on": "2024-03-01T10:00:00Z", "_x": 1},
    },
]


@pytest.fixture
def filled_shop(shop: Path, assay: Assay) -> Path:
    plan = shop / "assay.yaml"
    plan.write_text(plan.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    lines = [{**line, "received_at": line["time"]} for line in LINES]
    ndjson(shop / "assay-data" / "intake" / "c0" / f"{MOMENT}-c0-1.web.own.ndjson", lines)
    assert assay("load", "-w", shop).code == 0
    return shop


def test_erase_says_first_what_would_go(assay: Assay, filled_shop: Path) -> None:
    ran = assay("erase", "--user", "ann", "--dry-run", "-w", filled_shop)
    assert (ran.code, ran.out) == (0, "user ann: 2 events, with 1 device of their own\nnothing was erased\n")
    ran = assay("erase", "--user", "ann", "-w", filled_shop)
    assert (ran.code, "--yes" in ran.err) == (2, True)
    ran = assay("erase", "--user", "ann", "--yes", "-w", filled_shop)
    assert ran.code == 0
    assert ran.out.startswith("Erased of user ann: 2 events, 2 lines of segments, 0 rows in quarantine, 0 other texts.")
    assert "Backups" in ran.out
    again = json.loads(assay("erase", "--user", "ann", "--yes", "--format", "json", "-w", filled_shop).out)
    assert again["erased"] == {"events": 0, "lines": 0, "quarantined": 0, "texts": 0, "left": {}}


@pytest.mark.parametrize("words", [[], ["--user", "a", "--visitor", "b"], ["--user", " "]])
def test_erase_needs_somebody(assay: Assay, filled_shop: Path, words: list[str]) -> None:
    ran = assay("erase", *words, "--yes", "-w", filled_shop)
    assert (ran.code, ran.err.count("\n")) == (2, 1)


def test_export_is_everything_of_somebody(assay: Assay, filled_shop: Path, tmp_path: Path) -> None:
    out = tmp_path / "ann.json"
    assert assay("export", "--user", "ann", "--out", out, "-w", filled_shop).code == 0
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["subject"] == {"kind": "user", "id": "ann", "ids": ["ann", "dev-1"], "shared_devices": []}
    assert [(one["name"], one["time"]) for one in found["events"]] == [
        ("page_view", "2024-03-01T10:00:00+00:00"), ("purchase", "2024-03-01T10:00:00.000001+00:00")
    ]  # fmt: skip
    assert [(one["order_id"], one["gross"]) for one in found["orders"]] == [("o1", "10.000000")]
    assert len(found["sessions"]) == 1
    assert assay("export", "--user", "ann", "--out", out, "-w", filled_shop).code == 2  # never over a file
    assert json.loads(assay("export", "--visitor", "nobody", "-w", filled_shop).out)["events"] == []


def test_expire_without_a_rule_keeps_everything(assay: Assay, filled_shop: Path) -> None:
    assert assay("expire", "-w", filled_shop).out == "The plan has no retention: events are kept for ever.\n"
    plan = filled_shop / "assay.yaml"
    plan.write_text(plan.read_text(encoding="utf-8") + "retention: {events: {page_view: 30d}}\n", encoding="utf-8")
    told = json.loads(assay("expire", "--format", "json", "-w", filled_shop).out)
    assert told == {"events": 2, "lines": 2}


def test_quarantine_when_it_is_empty(assay: Assay, filled_shop: Path) -> None:
    assert "Nothing is in quarantine" in assay("quarantine", "list", "-w", filled_shop).out
    assert assay("quarantine", "replay", "-w", filled_shop).out.startswith("0 events stored; 0 lines wait on")
    assert assay("quarantine", "lst", "-w", filled_shop).code == 2


def test_the_plan_held_against_what_came(assay: Assay, filled_shop: Path) -> None:
    ran = assay("check", "--live", "-w", filled_shop)
    assert ran.code == 0
    assert "entries for assay.yaml" in ran.out
    entry = ran.out.split("events:\n")[-1]
    assert entry == "  start_trail: {description: …, properties: {plan: string, seats: integer, 'on': timestamp}}\n"
    assert assay("check", "--live", "--strict", "-w", filled_shop).code == 1
    found = json.loads(assay("check", "--live", "--format", "json", "-w", filled_shop).out)
    states = {row[0]: row[1] for row in found["rows"]}
    assert (states["start_trail"], states["page_view"], states["begin_checkout"]) == ("unknown", "seen", "never seen")
    plan = filled_shop / "assay.yaml"
    plan.write_text(plan.read_text(encoding="utf-8") + "\nevents:\n" + entry, encoding="utf-8")
    found = json.loads(assay("check", "--live", "--format", "json", "-w", filled_shop).out)
    assert {row[0]: row[1] for row in found["rows"]}["start_trail"] == "seen"


def test_the_tagging_sheet(assay: Assay, filled_shop: Path) -> None:
    text = assay("plan", "sheet", "--for", "snippet", "--for", "gtag", "-w", filled_shop).out
    assert 'assay("purchase", {order_id: "A-1001", revenue: 19.9,' in text
    assert 'gtag(\'event\', "purchase", {transaction_id: "A-1001", value: 19.9,' in text
    assert "| `order_id`* | string |" in text
    refund = text.split("## refund\n")[1].split("\n## ")[0] if "## refund" in text else "curl"
    assert "curl" in refund
    assert "assay(" not in refund
    rows = list(csv.DictReader(io.StringIO(assay("plan", "sheet", "--format", "csv", "-w", filled_shop).out)))
    assert {"event", "when", "property", "type", "required", "used_by", "snippet", "curl"} == set(rows[0])
    listed = json.loads(assay("plan", "sheet", "--format", "json", "-w", filled_shop).out)["events"]
    assert "purchase" in [one["event"] for one in listed]
    assert assay("plan", "sheet", "--for", "snipet", "-w", filled_shop).err.count("did you mean 'snippet'") == 1


def test_the_sheets_code_is_taken_by_the_collector(assay: Assay, filled_shop: Path) -> None:
    """What is copied from the sheet for a server decodes to the event that it names."""
    from assay.collect.protocols import own
    from assay.collect.wire import Request

    listed = json.loads(assay("plan", "sheet", "--format", "json", "--for", "curl", "-w", filled_shop).out)["events"]
    for one in listed:
        body = one["code"]["curl"].split(" -d '")[1][:-1].encode()
        decoded = own.decode(Request("POST", "/e", {}, {"content-type": "application/json"}, body, MOMENT))
        assert ([line["name"] for line in decoded.lines], decoded.refusals) == ([one["event"]], ())
