"""Slow pages: the largest paint comes late, and sessions that wait convert less."""

from __future__ import annotations

from assay.analyses.situations.base import NotSeen, Site, Situation, strongest, sure
from assay.decide.words import percent, significant
from assay.model.finding import Finding

NAMES = ("lcp_ms", "lcp", "largest_contentful_paint")
_GOOD = 2500.0  # ms at the 75th percentile: the limit of good in web.dev's Core Web Vitals
_LEAST = 100


def look(site: Site) -> list[Finding]:
    """Page groups (or pages) where surely more than one view in four paints after 2.5 s, and what slow sessions do."""
    from assay.query.situations import speed

    plan = site.asking.plan
    name = next((n for n in NAMES if n in plan.properties()), None)
    if name is None:
        raise NotSeen("no declared property lcp_ms or lcp")
    rows = [
        r for r in site.asking.ask(speed(plan, site.cut(), name, site.macro(), bool(plan.pages))).rows if r[1] >= _LEAST
    ]
    if not rows:
        raise NotSeen("no page with 100 measured views")
    found = []
    for page, views, p75, more, squares, slow, slow_won, fast, fast_won in rows:
        z = float(more) / float(squares) ** 0.5 if squares else 0.0
        if float(p75) <= _GOOD or z <= 0 or not sure(z, len(rows)):
            continue
        lost = ""
        if slow >= _LEAST and fast >= _LEAST:
            lost = f"; sessions that wait convert at {percent(slow_won / slow)}, others at {percent(fast_won / fast)}"
        text = f"{page}: three in four views paint within {significant(float(p75) / 1000, 2)} s only{lost}"
        rates = {"slow": slow_won / slow if slow else None, "fast": fast_won / fast if fast else None}
        evidence = {"page": str(page), "p75_ms": float(p75), "views": int(views), **rates}
        found.append((float(p75), Finding("slow_pages", "warning", text, evidence, "assay pages")))
    return strongest(found)


SITUATION = Situation(
    "slow_pages",
    "Slow pages",
    ("large pictures above the fold", "scripts that block", "a slow server for some countries"),
    "Make the first picture small and early, and test the page against the old one",
    look,
)
