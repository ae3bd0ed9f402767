"""Declared properties are typed columns that come, change type and go with the plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.workspace import Workspace
from support import NOW, breaking, event, load, rows, workspace

PLAN = "events: {{start_trial: {{properties: {{{}}}}}}}\n"
EVENTS = [
    event(
        "a",
        "start_trial",
        "2024-01-01 10:00",
        props={"seats": "3", "plan": "pro", "when": "2024-01-01T00:00:00Z", "x": 1},
    ),
    event("b", "start_trial", "2024-01-01 11:00", props={"seats": "many", "plan": None}),
    event("c", "start_trial", "2024-01-01 12:00"),
]


def column(ws: Workspace, name: str) -> list[object]:
    return [value for (value,) in rows(ws, f'SELECT "p_{name}" FROM events ORDER BY t')]


def reopened(ws: Workspace, properties: str) -> Workspace:
    ws.close()
    (ws.folder / "assay.yaml").write_text(PLAN.format(properties))
    return Workspace(ws.folder, now=NOW)


def columns(ws: Workspace) -> set[str]:
    return {
        name
        for (name,) in rows(
            ws,
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'events' AND column_name LIKE 'p\\_%' ESCAPE '\\'",
        )
    }


def test_a_property_appears_changes_type_and_vanishes(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAN.format("seats: integer"), EVENTS)
    assert column(ws, "seats") == [3, None, None]
    ws = reopened(ws, "seats: string, plan: string")
    assert column(ws, "seats") == ["3", "many", None]
    assert column(ws, "plan") == ["pro", None, None]
    ws = reopened(ws, "when: timestamp, seats: money")
    assert columns(ws) == {"p_when", "p_seats"}
    assert str(column(ws, "when")[0]) == "2024-01-01 00:00:00"
    assert str(column(ws, "seats")[0]) == "3.000000"
    ws = reopened(ws, "")
    assert columns(ws) == set()


def test_columns_are_filled_while_loading_in_whatever_order_they_came(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAN.format("zebra: string"))
    assert columns(ws) == {"p_zebra"}
    ws = reopened(ws, "zebra: string, apple: integer")
    load(ws, [event("a", "start_trial", "2024-01-01 10:00", props={"zebra": "z", "apple": 1})])
    assert rows(ws, "SELECT p_zebra, p_apple FROM events") == [("z", 1)]


def test_a_crash_between_adding_and_filling_a_column_is_made_good(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAN.format("seats: integer"), EVENTS)
    with breaking("UPDATE events SET"), pytest.raises(RuntimeError, match="power cut"):
        columns(reopened(ws, "seats: integer, plan: string"))
    ws = reopened(ws, "seats: integer, plan: string")
    assert column(ws, "plan") == ["pro", None, None]


def test_names_with_quotes_and_blanks(tmp_path: Path) -> None:
    ws = workspace(
        tmp_path, PLAN.format("'a \"b': string"), [event("a", "start_trial", "2024-01-01 10:00", props={'a "b': "yes"})]
    )
    assert rows(ws, 'SELECT "p_a ""b" FROM events') == [("yes",)]
