"""Entry pages: goal rate, revenue and contribution by hand and against SQL over the raw lines."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from world import ZONE, facts, world

from assay.model.errors import UnknownName
from assay.stats.proportions import wilson
from assay.workspace import Workspace
from support import bought, event, table, view, workspace

DAY = "2024-03-01 "
SPAN = {"from": "2024-03-01", "to": "2024-03-02"}
PLAN = """
site: {name: Test, timezone: UTC, currency: EUR}
pages: {product: /p/*, home: /}
orders: {cost: 50%}
goals:
  order: {event: purchase, kind: macro}
  called: {event: call}
events: {call: {}}
"""
ADS = {"utm_source": "google", "utm_medium": "cpc"}
EVENTS = [
    view("a", DAY + "10:00", "/"),
    view("a", DAY + "15:00", "/p/1"),
    bought("a", DAY + "15:05", "o1", "30.00"),
    view("b", DAY + "10:00", "/p/1", **ADS),
    bought("b", DAY + "10:05", "o2", "20.00"),
    bought("b", DAY + "10:06", "o3", "10.00"),
    view("c", DAY + "10:00", "/p/2"),
    event("c", "call", DAY + "10:01"),
    event("d", "call", DAY + "10:00"),
    bought(None, DAY + "12:00", "o9", "99.00", interactive=False),
]
COLUMNS = ("conversions", "goal_rate", "revenue", "contribution")


@pytest.fixture
def ws(engine: str, opened: dict[str, Workspace], tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    if engine not in opened:
        opened[engine] = workspace(tmp_path_factory.mktemp("landing"), PLAN, EVENTS, engine=engine)
    return opened[engine]


def test_visitors_by_the_page_they_came_in_on(ws: Workspace) -> None:
    """The visitor a came in on / and bought two visits later; d saw no page."""
    found = ws.pages(conversion=True, **SPAN)
    assert table(found, "entry_page", "visitors", *COLUMNS) == [
        ("/", 1, 1, 1.0, Decimal(30), Decimal(15)),
        ("/p/1", 1, 1, 1.0, Decimal(30), Decimal(15)),
        ("/p/2", 1, 0, 0.0, Decimal(0), Decimal(0)),
        ("(none)", 1, 0, 0.0, Decimal(0), Decimal(0)),
    ]
    assert "99.00 € belong to visitors without a visit in the range: they are in no row" in found.notes
    assert found.records()[0]["goal_rate_low"] == wilson(1, 1).low
    assert found.next[0] == "assay pages --conversion --by channel --from 2024-03-01 --to 2024-03-02"


def test_sessions_and_other_goals(ws: Workspace) -> None:
    found = ws.pages(conversion=True, per="session", group=True, **SPAN)
    assert table(found, "entry_page_group", "sessions", *COLUMNS) == [
        ("product", 3, 2, pytest.approx(2 / 3), Decimal(20), Decimal(10)),
        ("(no group)", 1, 0, 0.0, Decimal(0), Decimal(0)),
        ("home", 1, 0, 0.0, Decimal(0), Decimal(0)),
    ]
    calls = ws.pages(goal="called", **SPAN)
    assert table(calls, "entry_page", "conversions") == [("/", 0), ("/p/1", 0), ("/p/2", 1), ("(none)", 1)]
    with pytest.raises(UnknownName, match="did you mean 'called'"):
        ws.pages(goal="caled", **SPAN)


def test_group_by_channel(ws: Workspace) -> None:
    found = ws.pages(by="channel", group=True, **SPAN)
    assert table(found, "entry_page_group", "channel", "visitors", "revenue") == [
        ("(no group)", "Direct", 1, Decimal(0)),
        ("home", "Direct", 1, Decimal(30)),
        ("product", "Direct", 1, Decimal(0)),
        ("product", "Paid Search", 1, Decimal(30)),
    ]


def test_without_costs_there_is_no_contribution(tmp_path: Path) -> None:
    with workspace(tmp_path, "site: {currency: EUR}", EVENTS) as ws:
        found = ws.pages(conversion=True, **SPAN)
        assert "contribution" not in [c.name for c in found.columns]
        assert any("names no costs" in note for note in found.notes)
        assert ws.pages(conversion=True, **{"from": "2030-01-01", "to": "2030-01-02"}).empty


def test_pages_that_convert_less(tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = []
    for n in range(1200):
        page = ("/good", "/fine", "/bad")[n % 3]
        lines.append(view(f"v{n}", DAY + "10:00", page))
        if n % 15 < (1 if page == "/bad" else 10):
            lines.append(bought(f"v{n}", DAY + "10:05", f"o{n}", "1"))
    with workspace(tmp_path, PLAN, lines) as ws:
        (finding,) = ws.pages(conversion=True, **SPAN).findings
        assert finding.code == "entry_converts_less"
        assert finding.text.startswith("/bad: ")
        assert ws.pages(by="channel", **SPAN).findings == ()


@pytest.fixture(scope="module")
def oracle() -> duckdb.DuckDBPyConnection:
    return facts(world())


def test_sessions_against_sql_over_the_raw_lines(
    oracle: duckdb.DuckDBPyConnection, tmp_path: Path, engine: str
) -> None:
    plan = f"site: {{timezone: {ZONE}}}\nrules: {{session_source: own}}\ngoals: {{order: {{event: purchase, kind: macro}}}}"
    expected = oracle.execute("""
WITH e AS (SELECT sid, arg_min(path, (t, seq, id)) AS entry FROM evs WHERE name = 'page_view' GROUP BY sid)
SELECT coalesce(entry, '(none)'), channel, count(*), count(n), CAST(sum(coalesce(o.net, 0)) AS DOUBLE) / count(*) FROM ses LEFT JOIN e USING (sid)
LEFT JOIN (SELECT sid, count(*) AS n, sum(net) AS net FROM ord GROUP BY sid) o USING (sid)
WHERE day BETWEEN DATE '2024-03-25' AND DATE '2024-04-07' GROUP BY ALL""").fetchall()
    with workspace(tmp_path, plan, world(), engine=engine) as ws:
        found = ws.pages(by="channel", per="session", **{"from": "2024-03-25", "to": "2024-04-07"})
        rows = table(found, "entry_page", "channel", "sessions", "conversions", "revenue")
        got = sorted((*row[:4], float(row[4])) for row in rows)
        assert [row[:4] for row in got] == [row[:4] for row in sorted(expected)]
        assert [row[4] for row in got] == pytest.approx([row[4] for row in sorted(expected)], rel=1e-9)
