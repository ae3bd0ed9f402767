"""Rage clicks: per click whether it fires."""

from __future__ import annotations

from typing import Any

from cases.vocabulary import Case, Make, UnknownWord, Words, lines
from support import table

MILLISECOND = 1000
RULES = (
    "each click must be closer than both limits to the click before it; a burst fires once, on the third click, and re-arms only when a limit is passed",
)
TIMES = ("milliseconds from page start",)


def answer(case: Case, make: Make) -> dict[str, Any]:
    words = Words(case["definition"])
    words.word("rule", RULES, RULES[0])
    asked = {
        "rage_count": words.get("clicks", 3),
        "rage_ms": words.get("max_ms_between_neighbours", 1000),
        "rage_px": words.get("max_px_between_neighbours_manhattan", 30),
    }
    words.done()
    if case.get("timestamps", TIMES[0]) not in TIMES:
        raise UnknownWord(f"timestamps: {case['timestamps']!r} is not in the vocabulary")
    plan = {"events": {"click": {"properties": {"x": "number", "y": "number"}}}}
    ws = make(plan, lines(case, unit=MILLISECOND))
    found = ws.ask("pages", rage="clicks", limit=10_000, **{"from": "1970-01-01", "to": "2024-12-31"}, **asked)
    clicks = case["events"]
    order = sorted(range(len(clicks)), key=lambda n: (clicks[n]["timestamp"], n))
    fired = dict(zip(order, (fires for (fires,) in table(found, "fires")), strict=True))
    return {"fires": [fired[n] for n in range(len(clicks))]}
