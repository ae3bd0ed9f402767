"""Retention: rows are cohorts, column j those that returned j periods later; a triangle that ends with the last interval."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from cases.vocabulary import Case, Make, Words, lines
from support import at, table

COHORTS = {"recurring": "recurring", "first time ever": "first"}
MONDAY, SUNDAY = "monday", "sunday"
WEEK_STARTS = {MONDAY: MONDAY, SUNDAY: SUNDAY, "Monday": MONDAY, "Sunday": SUNDAY, 0: SUNDAY, 1: MONDAY}


def answer(case: Case, make: Make) -> dict[str, Any]:
    words = Words(case["definition"])
    period = words.word("period", ("day", "week", "month"), "day")
    first = date.fromisoformat(str(words.get("first_interval"))[:10])
    count = int(words.get("intervals"))
    cohort = words.word("cohort", COHORTS, "recurring")
    cumulative = words.word("cumulative", (True, False), False)
    start, back = words.get("start_event"), words.get("return_event")
    zone = words.get("timezone", "UTC")
    named = SUNDAY if first.weekday() == 6 else MONDAY  # a first interval is the start of one
    week_start = words.word("week_start", WEEK_STARTS, named if period == "week" else MONDAY)
    persons = words.get("identities", {})
    words.done()
    first -= timedelta((first.weekday() + (week_start == SUNDAY)) % 7 if period == "week" else 0)
    first = first.replace(day=1) if period == "month" else first
    last = first
    for _ in range(count):
        last = following(last, period)
    events = lines(case)
    for one in events:
        # An alias and its person are one known user; everybody else is a user of their own.
        one["user"] = persons.get(one["visitor"], one["visitor"])
    plan = {
        "site": {"timezone": zone, "week_start": week_start},
        "events": {one["name"]: {} for one in events} | {name: {} for name in (start, back) if name},
    }
    ws = make(plan, events)
    asked: dict[str, Any] = {
        "period": period,
        "periods": count,
        "cohort": cohort,
        "cumulative": cumulative,
        "per": "user",
    }
    asked |= {key: name for key, name in (("start", start), ("return", back)) if name}
    end = at(f"{last} 00:00", zone)
    if any(one["time"] >= end for one in events):  # what happens after the last interval is not known yet
        asked["as_of"] = datetime.fromtimestamp(end / 1e6, UTC) - timedelta(microseconds=1)
    found = ws.ask("retention", **{"from": first, "to": last - timedelta(1)}, **asked)
    columns = ("size", *(f"period_{j}_units" for j in range(1, count)))
    rows = [row[1:] for row in table(found, "cohort", *columns) if row[0] != "average"] if found.columns else []
    if not rows:  # nobody started
        rows = [(0,) * count] * count
    return {"rows": [list(row[: count - i]) for i, row in enumerate(rows)]}


def following(day: date, period: str) -> date:
    """The first day of the next period."""
    if period == "month":
        return date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return day + timedelta(1 if period == "day" else 7)
