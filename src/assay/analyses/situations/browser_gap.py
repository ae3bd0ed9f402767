"""One browser, or one release of it, converts far below the rest, all else equal."""

from __future__ import annotations

from assay.analyses.situations.base import NotSeen, Site, Situation, strongest, sure
from assay.analyses.situations.equal import all_else_equal
from assay.decide.words import percent
from assay.model.finding import Finding

_FAR = 0.7  # odds over those of all other browsers


def look(site: Site) -> list[Finding]:
    """Each browser against all others together, with device, channel, country and newness held equal."""
    found = all_else_equal(site, "browser", ("device", "channel", "country", "is_new"))
    if len(found) < 2:
        raise NotSeen("fewer than two browsers with enough visits")
    cases = []
    for name, one in found.items():
        if one.odds < _FAR and sure(one.z, len(found)):
            text = (
                f"{name} converts at {percent(one.rate)}: {percent(1 - one.odds)} lower odds than other browsers, "
                "all else equal"
            )
            evidence = {"dimension": "browser", "browser": name, "value": name, "rate": one.rate, "odds": one.odds}
            cases.append((one.z, Finding("browser_gap", "warning", text, evidence, "assay leaks --by browser")))
    return strongest(cases)


SITUATION = Situation(
    "browser_gap",
    "One browser far below the rest",
    (
        "a script that fails in this browser",
        "a tag that is blocked there: look at assay why",
        "a layout that hides a button",
    ),
    "Repair the page in this browser and hold it against the others before and after",
    look,
)
