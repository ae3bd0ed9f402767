"""The field's own worked cases for sessions and bounces. Another folder of cases: ``ASSAY_CASES``."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from assay.workspace import Workspace
from support import Event, event, rows, workspace

FOLDER = Path(os.environ.get("ASSAY_CASES", Path(__file__).parent.parent / "data" / "cases"))
INCLUSIVE = {
    "new session if the gap is greater than the timeout": "exclusive",
    "new session if the gap is 1800 s or more": "inclusive",
    "new visit unless last action > now - 1800 s (a gap of exactly 1800 s is new)": "inclusive",
    "new visit unless last action > now - 1800 s": "inclusive",
}
BOUNCE = {
    "visit with one pageview and no interactive custom event": "plausible",
    "session with at least one pageview and not (more than one pageview, or any autocapture event, or duration >= 10 s)": "posthog",
    "as above, threshold varied": "posthog",
}


def cases(area: str) -> list[Any]:
    found = json.loads((FOLDER / f"{area}.json").read_text(encoding="utf-8"))["cases"]
    return [pytest.param(case, id=case["id"]) for case in found]


def lines(case: dict[str, Any]) -> list[Event]:
    made = []
    for n, e in enumerate(case["events"]):
        time = round(datetime.fromisoformat(e["timestamp"]).timestamp() * 1e6)
        name = {"pageview": "page_view", "$pageview": "page_view"}.get(e["event"], e["event"])
        fields = {"id": str(n), "session": e.get("session"), "utm_campaign": e["properties"].get("utm_campaign")}
        made.append(event(e["user"], name, time, **fields))
    return made


def compare(ws: Workspace, expected: dict[str, Any]) -> None:
    sessions = rows(
        ws,
        "SELECT visitor, (end_t - start_t) / 1e6, events, page_views, is_bounce, session_key FROM sessions JOIN visitors USING (visitor_key) ORDER BY visitor, session_no",
    )
    names = rows(ws, "SELECT session_key, list(name ORDER BY t, seq) FROM events GROUP BY 1")
    known = {
        "sessions": lambda: len(sessions),
        "durations_seconds": lambda: [s[1] for s in sessions],
        "events_per_session": lambda: [dict(names)[s[5]] for s in sessions],
        "events_per_session_count": lambda: [s[2] for s in sessions],
        "is_bounce": lambda: {s[0]: int(s[4]) for s in sessions},
        "pageviews": lambda: sum(s[3] for s in sessions),
    }
    assert {key: known[key]() for key in expected} == expected


@pytest.mark.parametrize("case", cases("session"))
def test_sessions(tmp_path: Path, case: dict[str, Any]) -> None:
    rule = case["definition"]
    keys = {
        "timeout": f"{rule['timeout_seconds']}s",
        "gap": INCLUSIVE[rule["timeout_rule"]],
        "split_at_midnight": rule["midnight_split"],
        "split_on_campaign": rule["campaign_split"],
        "max": f"{rule['max_session_seconds']}s" if rule.get("max_session_seconds") else "none",
    }
    plan = f"rules: {{session: {json.dumps(keys)}}}"
    # One load per event, in the order of arrival, where the order of arrival is the point.
    batches = [[e] for e in lines(case)] if rule.get("arrival") else [lines(case)]
    compare(workspace(tmp_path, plan, *batches), case["expected"])


@pytest.mark.parametrize("case", cases("bounce"))
def test_bounces(tmp_path: Path, case: dict[str, Any]) -> None:
    rule = BOUNCE[case["definition"]["bounce"]]
    thresholds = case["definition"].get("thresholds_seconds")
    if thresholds is None:
        compare(workspace(tmp_path, f"rules: {{bounce: {rule}}}", lines(case)), case["expected"])
        return
    got = {}
    for seconds in thresholds:
        ws = workspace(
            tmp_path / str(seconds), f"rules: {{bounce: {{rule: {rule}, threshold: {seconds}s}}}}", lines(case)
        )
        ((got[str(seconds)],),) = rows(ws, "SELECT CAST(is_bounce AS INTEGER) FROM sessions")
    assert got == case["expected"]["is_bounce_by_threshold"]
