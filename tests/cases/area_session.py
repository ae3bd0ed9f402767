"""Sessions: how many, how long, and which events are in each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from assay.model.answer import Answer
from assay.workspace import Workspace
from cases.vocabulary import Case, Make, Words, instant, lines
from support import Event

TIMEOUT_RULES = {
    "new session if the gap is greater than the timeout": "exclusive",
    "new session if the gap is 1800 s or more": "inclusive",
    "new visit unless last action > now - 1800 s (a gap of exactly 1800 s is new)": "inclusive",
    "new visit unless last action > now - 1800 s": "inclusive",
}
VIEWS = {"pageview": "page_view", "$pageview": "page_view"}


def session_rule(words: Words) -> dict[str, Any]:
    """The plan's session rule from a definition's words."""
    most = words.get("max_session_seconds")
    return {
        "timeout": f"{words.get('timeout_seconds', 1800)}s",
        "gap": words.word("timeout_rule", TIMEOUT_RULES, "exclusive"),
        "split_at_midnight": words.word("midnight_split", (True, False), False),
        "split_on_campaign": words.word("campaign_split", (True, False), False),
        "max": "none" if most is None else f"{most}s",
    }


def campaign_lines(case: Case) -> list[Event]:
    """Event lines with page views under assay's name and the campaign in its field."""
    made = lines(case, lambda name: VIEWS.get(name, name))
    for line in made:
        line["utm_campaign"] = (line.get("props") or {}).get("utm_campaign")
    return made


def everything(case: Case) -> dict[str, str]:
    """A range that holds every event of the case, whatever the zone."""
    days = sorted(instant(one["timestamp"]) // 86_400_000_000 for one in case["events"])
    first, last = ((day * 86_400) for day in (days[0] - 1, days[-1] + 1))
    return {"from": str(datetime.fromtimestamp(first, UTC).date()), "to": str(datetime.fromtimestamp(last, UTC).date())}


def listed(ws: Workspace, case: Case) -> Answer:
    """Every session of the case, through the public question."""
    return ws.ask("sessions", limit=0, **everything(case))


def answer(case: Case, make: Make) -> dict[str, Any]:
    """Sessions in order of visitor and time."""
    words = Words(case["definition"])
    arrival = words.word("arrival", {"in the order listed": True}, False)
    plan = {"rules": {"session": session_rule(words)}, "metrics": {"sessions": {"type": "simple", "count": "session"}}}
    words.done()
    events = campaign_lines(case)
    # One load per event where the order of arrival is the point.
    ws = make(plan, *([[e] for e in events] if arrival else [events]))
    found = sorted(listed(ws, case).records(), key=lambda r: (str(r["visitor"]), str(r["start"])))
    counted = ws.ask("metric", ["sessions"], **everything(case)).estimates[0].estimate.value
    names = [str(r["names"]).split(" → ") for r in found]
    return {
        "sessions": counted if counted == len(found) else (counted, len(found)),
        "durations_seconds": [r["duration"] for r in found],
        "events_per_session": names,
        "events_per_session_count": [r["events"] for r in found],
    }
