"""Bounces by the rules of Plausible and PostHog."""

from __future__ import annotations

from typing import Any

from cases.area_session import campaign_lines, listed
from cases.vocabulary import Case, Make, Words

RULES = {
    "visit with one pageview and no interactive custom event": "plausible",
    "session with at least one pageview and not (more than one pageview, or any autocapture event, or duration >= 10 s)": "posthog",
    "as above, threshold varied": "posthog",
}


def answer(case: Case, make: Make) -> dict[str, Any]:
    """Per session (named by its visitor) whether it bounced."""
    words = Words(case["definition"])
    rule = words.word("bounce", RULES)
    thresholds = words.get("thresholds_seconds")
    words.done()
    metrics = {"rate": {"type": "rate", "of": "session", "where": "is_bounce"}}
    got: dict[str, Any] = {}
    by_threshold: dict[str, Any] = {}
    for seconds in thresholds or [None]:
        bounce = rule if seconds is None else {"rule": rule, "threshold": f"{seconds}s"}
        ws = make({"rules": {"bounce": bounce}, "metrics": metrics}, campaign_lines(case))
        found = sorted(listed(ws, case).records(), key=lambda r: (str(r["visitor"]), str(r["start"])))
        bounced = {str(r["visitor"]): int(bool(r["is_bounce"])) for r in found}
        by_threshold[str(seconds)] = next(iter(bounced.values())) if len(bounced) == 1 else bounced
        got = {
            "is_bounce": bounced,
            "durations_seconds": [r["duration"] for r in found],
            "pageviews": sum(int(r["page_views"] or 0) for r in found),  # type: ignore[call-overload]
            "sessions": len(found),
        }
    return {**got, "is_bounce_by_threshold": by_threshold}
