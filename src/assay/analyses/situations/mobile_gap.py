"""Mobile converts far below desktop, all else equal."""

from __future__ import annotations

from assay.analyses.situations.base import NotSeen, Site, Situation, sure
from assay.analyses.situations.equal import all_else_equal
from assay.decide.words import percent
from assay.model.finding import Finding

_FAR = 0.65  # odds of mobile over those of desktop: thumbs and small screens explain less


def look(site: Site) -> list[Finding]:
    """The odds of mobile against desktop with channel, country, entry page and newness held equal."""
    found = all_else_equal(site, "device", only=("mobile", "desktop"))
    if "mobile" not in found or "desktop" not in found:
        raise NotSeen("fewer than 100 visitors on mobile or on desktop")
    mobile, desktop = found["mobile"], found["desktop"]
    if mobile.odds >= _FAR or not sure(mobile.z, 1):
        return []
    text = (
        f"mobile converts at {percent(mobile.rate)} and desktop at {percent(desktop.rate)}: "
        f"{percent(1 - mobile.odds)} lower odds with all else equal"
    )
    evidence = {
        "dimension": "device",
        "value": "mobile",
        "rate": mobile.rate,
        "desktop": desktop.rate,
        "odds": mobile.odds,
    }
    return [Finding("mobile_gap", "warning", text, evidence, "assay leaks --by device")]


SITUATION = Situation(
    "mobile_gap",
    "Mobile far below desktop",
    (
        "a form or payment step that is hard with a thumb",
        "slow pages on mobile networks",
        "mobile visits that only look",
    ),
    "Shorten the weakest mobile step: fewer fields, wallet payment, larger targets",
    look,
)
