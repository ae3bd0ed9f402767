"""Returning visitors who never buy: they come back and it does not pay."""

from __future__ import annotations

from assay.analyses.situations.base import NotSeen, Site, Situation, apart, sure
from assay.decide.words import percent
from assay.model.finding import Finding

_MANY = 0.2  # of visitors
_HISTORY = 28  # days of data before the range, until returning can be told


def look(site: Site) -> list[Finding]:
    """Returning visitors convert below new ones, though whoever returns usually converts above."""
    span = site.asking.span
    if span is None or (site.period.first - span.first).days < _HISTORY:
        raise NotSeen("less than four weeks of data before the range: who returns cannot be told yet")
    shares = site.shares(site.conversion(), ["is_new"])
    new, returning = shares.get(True), shares.get(False)
    if new is None or returning is None or min(new.units, returning.units) < 200:
        raise NotSeen("fewer than 200 new and 200 returning visitors")
    if returning.units / (new.units + returning.units) < _MANY:
        return []
    z = apart(returning, new)
    if returning.value >= new.value or not sure(z, 1):
        return []
    text = (
        f"returning visitors convert at {percent(returning.value)}, new ones at {percent(new.value)}: "
        "who comes back does not buy"
    )
    evidence = {
        "returning": returning.value,
        "new": new.value,
        "share": returning.units / (new.units + returning.units),
    }
    return [Finding("returning_never_buy", "warning", text, evidence, "assay leaks --by is_new")]


SITUATION = Situation(
    "returning_never_buy",
    "Returning visitors who never buy",
    (
        "they come for content or support",
        "customers who log in are counted with prospects",
        "nothing new to find on return",
    ),
    "Keep the basket and the last viewed items on return, and greet with what changed",
    look,
)
