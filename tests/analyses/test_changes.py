"""The change log: what is known, where it is written, how it is marked on trends."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from assay.analyses.changelog import known_changes
from assay.model.errors import DataError, PlanError, UnknownName, UsageError
from assay.plan.holidays import between, problem
from assay.plan.load import loads
from assay.plan.values import Change
from assay.workspace import Workspace
from support import table, view, workspace

PLAN = """
site: {name: Test, timezone: Europe/Berlin, currency: EUR, holidays: [DE, AT]}
metrics: {sessions: {type: simple, count: session}}
objectives: {grow: {goal: Grow}}
kpis: {sessions: {objective: grow}}
changes:
  - {date: 2024-03-28, kind: price, what: Free shipping from 30 €, link: "https://example.com/1"}
  - {date: 2024-05-01, kind: deploy, what: Search}
"""
EVENTS = [view(f"v{d}", f"2024-03-{d:02} 10:00") for d in range(4, 32)]
SPAN = {"from": "2024-03-18", "to": "2024-03-31"}
# 2024: Good Friday 29 March (public holiday in Germany, not in Austria), Easter Monday 1 April in both.
GOOD_FRIDAY = (date(2024, 3, 29), "holiday", "Good Friday (DE)", "calendar", None)


@pytest.fixture
def ws(tmp_path: Path) -> Any:
    with workspace(tmp_path, PLAN, EVENTS) as made:
        yield made


def test_plan_noted_and_holidays_in_one_list_latest_first(ws: Workspace) -> None:
    ws.add_change("New checkout", date="2024-03-20")
    answer = ws.ask("changes", **SPAN)
    assert table(answer, "date", "kind", "what", "origin", "no") == [
        GOOD_FRIDAY,
        (date(2024, 3, 28), "price", "Free shipping from 30 €", "plan", None),
        (date(2024, 3, 20), "deploy", "New checkout", "noted", 1),
    ]
    assert answer.sentence == (
        "2 changes and 1 holiday, 18 to 31 Mar 2024; the latest: Free shipping from 30 €, price, Thu 28 Mar 2024."
    )
    assert answer.notes == ("1 outside of these days: --from 2024-03-18 --to 2024-05-01",)
    only = ws.ask("changes", kind="holiday", **{"from": "2024-04-01", "to": "2024-04-01"})
    assert table(only, "what") == [("Easter Monday (AT, DE)",)]


def test_the_default_range_is_that_of_the_other_questions(ws: Workspace) -> None:
    assert ws.ask("changes").period == ws.ask("metric", "sessions").period == (date(2024, 3, 4), date(2024, 3, 31))


def test_fresh_data_reach_today(tmp_path: Path) -> None:
    """What was deployed this morning is in the list, though today is no complete day."""
    now = 1_711_965_600_000_000  # Mon 1 Apr 2024 12:00 in Berlin
    with workspace(tmp_path, PLAN, EVENTS, now=now) as ws:
        change, new = ws.add_change("Hot fix", "fix")
        assert (change, new) == (Change(date(2024, 4, 1), "fix", "Hot fix"), True)
        assert "Hot fix" in ws.ask("changes").column("what")


def test_a_build_job_may_run_again(ws: Workspace) -> None:
    assert ws.add_change("New checkout", date="2024-03-20")[1]
    assert not ws.add_change(" New  checkout ", date=date(2024, 3, 20), link="https://example.com/7")[1]
    (row,) = ws.state.read("changes")
    assert (row["what"], row["link"]) == ("New checkout", "https://example.com/7")
    ws.remove_change(1)
    assert ws.state.read("changes") == []
    with pytest.raises(UsageError, match="no noted change has the number 1"):
        ws.remove_change(1)


def test_what_plan_and_state_both_say_stands_once(ws: Workspace) -> None:
    ws.add_change("search", date="2024-05-01", link="https://example.com/2")
    asking = ws.asking("changes")
    first, *rest = known_changes(asking, date(2024, 5, 1), date(2024, 5, 1))
    assert first == Change(date(2024, 5, 1), "deploy", "Search", "https://example.com/2")
    assert [(c.date, c.kind) for c in rest] == [(date(2024, 5, 1), "holiday")] * len(rest)
    (row,) = ws.ask("changes", kind="deploy", **{"from": "2024-05-01", "to": "2024-05-01"}).records()
    assert (row["origin"], row["no"]) == ("plan", 1)


def test_nothing_known_is_an_answer(ws: Workspace) -> None:
    answer = ws.ask("changes", kind="campaign", **SPAN)
    assert answer.empty == "no change of the kind campaign is known in 18 to 31 Mar 2024"
    assert answer.next == ('assay changes add "New checkout" --kind deploy',)


def test_a_workspace_without_events_has_a_change_log(tmp_path: Path) -> None:
    with workspace(tmp_path, "site: {name: Test}") as ws:
        assert ws.ask("changes").empty
        ws.add_change("Start")
        assert ws.ask("changes").column("what") == ["Start"]


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({"kind": "deply"}, UnknownName, "did you mean 'deploy'"),
        ({"date": "3/4"}, UsageError, "is not a day"),
        ({"what": "  "}, UsageError, "say in a few words"),
    ],
)
def test_what_cannot_be_noted(ws: Workspace, given: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        ws.add_change(**{"what": "x", **given})
    assert ws.state.read("changes") == []


def test_a_file_all_or_nothing(ws: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("﻿Date;Kind;What;Link\n2024-03-19;deploy;A, with a comma;\n2024-03-20;FIX;B;https://example.com\n")
    assert ws.import_changes(path) == (2, 2)
    assert ws.import_changes(path) == (2, 0)
    rows = [(r["date"], r["kind"], r["what"], r["link"]) for r in ws.state.read("changes")]
    assert rows == [
        ("2024-03-19", "deploy", "A, with a comma", None),
        ("2024-03-20", "fix", "B", "https://example.com"),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "log.csv:1: the column date is missing"),
        ("date,kind,what,url\n", r"log.csv:1: there is no column 'url'"),
        ("date,kind,what\n2024-03-19,deploy,Fine\n2024-03-20,deply,x\n", "log.csv:3: .*did you mean 'deploy'"),
        ("date,kind,what\n2024-03-19,deploy,x,y,z\n", "log.csv:2: more values than columns"),
        ("date,kind,what\n19.3.,deploy,x\n", "log.csv:2: '19.3.' is not a day"),
    ],
)
def test_a_file_with_a_mistake_notes_nothing(ws: Workspace, tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "log.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=says):
        ws.import_changes(path)
    assert ws.state.read("changes") == []
    with pytest.raises(DataError, match="No such file"):
        ws.import_changes(tmp_path / "none.csv")


def test_trends_are_marked(ws: Workspace) -> None:
    ws.add_change("New checkout", date="2024-03-20", link="https://example.com/7")
    marks = [
        {"date": "2024-03-20", "kind": "deploy", "what": "New checkout"},
        {"date": "2024-03-28", "kind": "price", "what": "Free shipping from 30 €"},
        {"date": "2024-03-29", "kind": "holiday", "what": "Good Friday (DE)"},
    ]
    said = ["Thu 28 Mar 2024: Free shipping from 30 € (price)", "Wed 20 Mar 2024: New checkout (deploy)"]
    for answer in (ws.metric("sessions", grain="day", **SPAN), ws.overview(**SPAN)):
        assert answer.chart is not None
        assert answer.chart["marks"] == marks
        assert [f.text for f in answer.findings if f.code == "known_change"] == said
        assert "holidays in the range: Fri 29 Mar 2024 Good Friday (DE)" in answer.notes
    plain = ws.metric("sessions", **SPAN)
    assert plain.chart is not None
    assert "marks" not in plain.chart
    assert plain.findings == ()


def test_many_changes_are_counted(ws: Workspace) -> None:
    for n in range(8):
        ws.add_change(f"Release {n}", date=date(2024, 3, 18 + n))
    found = [f.text for f in ws.metric("sessions", grain="day", **SPAN).findings]
    assert len(found) == 6
    assert found[-1] == "4 further known changes, Mon 18 Mar 2024 to Thu 21 Mar 2024"


def test_holidays_by_country_and_part() -> None:
    days = (date(2024, 1, 1), date(2024, 1, 31))
    assert [(c.date.day, c.what) for c in between(["DE", "DE-BY"], *days)] == [
        (1, "New Year's Day (DE, DE-BY)"),
        (6, "Epiphany (DE-BY)"),
    ]
    assert between([], *days) == []


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("DE", None),
        ("DE-BY", None),
        ("de-by", "did you mean 'DE-BY'"),
        ("germany", "did you mean 'DE'"),
        ("ZZ", "ISO 3166"),
        ("DE-XX", "no part 'XX'"),
    ],
)
def test_countries_are_checked(code: str, says: str | None) -> None:
    found = problem(code)
    assert (found is None) if says is None else (says in str(found))


def test_a_wrong_country_is_a_mistake_of_the_plan() -> None:
    with pytest.raises(PlanError, match=r"site.holidays: there is no calendar .* for 'germany'; did you mean 'DE'"):
        loads("site: {holidays: [DE, germany]}")
    assert loads("site: {holidays: NO}").site.holidays == ("NO",)
