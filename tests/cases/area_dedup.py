"""Events are deduplicated by event id."""

from __future__ import annotations

from typing import Any

from cases.area_bounce import listed
from cases.area_session import campaign_lines
from cases.vocabulary import Case, Make, Words


def answer(case: Case, make: Make) -> dict[str, Any]:
    """Counts of page views, sessions and other events once each."""
    words = Words(case["definition"])
    words.word("deduplicate_by", {"event id (uuid)": "id"})
    words.done()
    events = campaign_lines(case)
    # In one load, and again in a load of its own: neither doubles anything.
    ws = make({}, events, [dict(e) for e in events])
    found = listed(ws, case).records()
    names = [name for r in found for name in str(r["names"]).split(" → ")]
    return {
        "pageviews": sum(int(r["page_views"] or 0) for r in found),  # type: ignore[call-overload]
        "sessions": len(found),
        "events": len(names),
        "screens": names.count("$screen"),
        "autocaptures": names.count("$autocapture"),
        "visitors": len({r["visitor"] for r in found}),
    }
