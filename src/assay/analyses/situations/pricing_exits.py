"""People leave from the price list more often than from other pages."""

from __future__ import annotations

import re

from assay.analyses.situations.base import NotSeen, Share, Site, Situation, apart, rest, sure
from assay.decide.words import percent
from assay.model.finding import Finding

_PRICING = re.compile(r"pric|plans|tarif|preis", re.IGNORECASE)
_FAR = 1.3


def look(site: Site) -> list[Finding]:
    """Exits of sessions that saw a pricing page, against those of all other pages."""
    from assay.query.cut import Cut, moments_of
    from assay.query.page_stats import page_statement
    from assay.stats.ratios import ratio_variance

    plan = site.asking.plan
    group = any(_PRICING.search(name) for name in plan.pages)
    rows = site.asking.ask(page_statement(plan, Cut(site.period, where=site.where), group)).rows
    shares = {}
    for page, _, sessions, _, _, _, *blocks in rows:
        exits = moments_of(blocks[:6])
        if page is not None and sessions >= 50:
            value = float(exits.sum("x")) / float(exits.sum("y"))
            shares[str(page)] = Share(value, ratio_variance(exits), float(sessions), rate=True)
    pricing = [name for name in shares if _PRICING.search(name)]
    if len(shares) < 3 or len(pricing) == len(shares):
        raise NotSeen("fewer than three pages with 50 sessions" if shares else "no page with 50 sessions")
    if not pricing:
        raise NotSeen("no pricing page with enough visits (a page or page group named pricing, plans or prices)")
    mean = rest({name: s for name, s in shares.items() if name not in pricing})
    assert mean is not None
    found = []
    for name in pricing:
        own = shares[name]
        if own.value > _FAR * mean.value and sure(apart(own, mean), len(pricing)):
            text = (
                f"{percent(own.value)} of the sessions that see {name} end there; "
                f"on other pages {percent(mean.value)} do"
            )
            evidence = {"page": name, "exit_rate": own.value, "others": mean.value}
            found.append(Finding("pricing_exits", "warning", text, evidence, "assay pages"))
    return found


SITUATION = Situation(
    "pricing_exits",
    "Exits on the price list",
    ("the price surprises", "plans that cannot be compared", "no next step for those who are not ready"),
    "Say what each plan is for, and offer a trial or a talk on the price list",
    look,
)
