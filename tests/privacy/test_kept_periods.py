"""Events go when their period is over: from the store, its file and the segments; what comes too old is not taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay import privacy
from assay.jobs import load_intake
from assay.model.errors import PlanError
from assay.plan.load import FILE, loads
from assay.workspace import Workspace
from support import at, event, ndjson, view

DAY = 86_400_000_000
NOW = at("2024-06-01")
PLAN = "site: {name: Shop, timezone: UTC, currency: EUR}\nevents: {keep_me: {}}\n"
RULE = "retention: {default: 30d, events: {scroll: 7d, keep_me: none}}\n"


def filled(folder: Path, plan: str) -> Workspace:
    (folder / FILE).write_text(plan, encoding="utf-8")
    lines = []
    for days in (1, 10, 40):
        moment = NOW - days * DAY
        lines += [view("v", moment, f"/{days}"), event("v", "scroll", moment + 1), event("v", "keep_me", moment + 2)]
    for n, line in enumerate(lines):
        line |= {"id": str(n), "received_at": line["time"]}
        ndjson(folder / "assay-data" / "intake" / "c0" / f"{line['time']}-c0-{n + 1}.web.own.ndjson", [line])
    ws = Workspace(folder, now=NOW)
    load_intake(ws)
    return ws


LEFT = [("keep_me", 1), ("keep_me", 10), ("keep_me", 40), ("page_view", 1), ("page_view", 10), ("scroll", 1)]


def there(ws: Workspace) -> list[tuple[str, int]]:
    from assay.store.engine import Statement

    rows = ws.engine.run(Statement("SELECT name, t FROM events")).rows
    return sorted((name, round((NOW - t) / DAY)) for name, t in rows)


def sums(ws: Workspace) -> tuple[int, ...]:
    answer = ws.ask("ledger")
    names = [column.name for column in answer.columns]
    return tuple(
        sum(row[names.index(t)] for row in answer.rows) for t in ("received", "stored", "expired", "difference")
    )


def test_old_events_go_from_the_store_and_the_segments(tmp_path: Path) -> None:
    ws = filled(tmp_path, PLAN)
    assert len(there(ws)) == 9
    ws.close()
    (tmp_path / FILE).write_text(PLAN + RULE, encoding="utf-8")
    with Workspace(tmp_path, now=NOW) as ws:
        assert privacy.expire(ws) == privacy.Expired(3, 3)
        assert there(ws) == LEFT
        assert sums(ws) == (9, 6, 3, 0)
        assert privacy.expire(ws) == privacy.Expired(0, 0)
    left = list((tmp_path / "assay-data" / "segments").rglob("*.ndjson"))
    assert len(left) == 6


def test_what_is_too_old_when_it_comes_is_counted_and_not_taken(tmp_path: Path) -> None:
    with filled(tmp_path, PLAN + RULE) as ws:
        assert there(ws) == LEFT
        assert sums(ws) == (9, 6, 3, 0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("retention: {default: 3}", "duration"),
        ("retention: {events: {scrol: 7d}}", "did you mean 'scroll'?"),
        ("retention: {default: 2h}", "less than a day"),
        ("retention: {defualt: 7d}", "did you mean 'default'?"),
        ("collect: {mode: strikt}", "strict"),
        ("collect: {internal: {addresses: [10.0.0.0/40]}}", "is no network"),
        ("collect: {block: [user]}", "is a field of the event"),
        ("collect: {consent: {honour: [gcp]}}", "gpc"),
    ],
)
def test_mistakes_are_told(text: str, says: str) -> None:
    with pytest.raises(PlanError, match=says.replace("?", r"\?")):
        loads(text)
