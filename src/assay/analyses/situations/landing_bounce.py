"""A landing page whose visitors bounce far more than their channels let expect."""

from __future__ import annotations

from assay.analyses.situations.base import NotSeen, Site, Situation, strongest, sure
from assay.decide.words import percent
from assay.model.finding import Finding
from assay.plan.measures import Expression, Measure, Quantity, Select

_FAR = 1.25
_LEAST = 150  # sessions
_MOST = 200  # pages looked at


def look(site: Site) -> list[Finding]:
    """Bounces per entry page against what its channels and devices give on other pages of its group."""
    quantity = Quantity(
        "share", Measure("exists", Select("session", where=Expression("is_bounce", ("is_bounce",)))), unit="session"
    )
    group = ["entry_page_group"] if site.asking.plan.pages else []
    cells = site.cells(quantity, ["entry_page", "channel", "device", *group])
    sums: dict[str, list[float]] = {}
    of_channel: dict[str, list[float]] = {}
    bounces, landings = (sum(float(m.sum(v)) for m in cells.values()) for v in ("x", "y"))
    for (page, *origin), moments in cells.items():
        x, y = float(moments.sum("x")), float(moments.sum("y"))
        spread = moments.product("x", "x")
        one = of_channel.setdefault(str(origin), [0.0, 0.0])
        one[0], one[1] = one[0] + x, one[1] + y
        page_sums = sums.setdefault(str(page), [0.0, 0.0, 0.0])
        page_sums[0], page_sums[1], page_sums[2] = page_sums[0] + x, page_sums[1] + y, page_sums[2] + spread
    pages = sorted((p for p, s in sums.items() if s[1] >= _LEAST and p != "None"), key=lambda p: -sums[p][1])[:_MOST]
    if len(pages) < 2:
        raise NotSeen("fewer than two landing pages with 150 sessions")
    found = []
    for page in pages:
        bounced, seen, squares = sums[page]
        expected = variance = 0.0
        for (other, *origin), moments in cells.items():
            if str(other) == page:
                hits, all_ = of_channel[str(origin)]
                own = float(moments.sum("y"))
                left = all_ - own
                # a few landings elsewhere tell little: one more at the site's rate says so in the noise, too
                rate = (hits - float(moments.sum("x")) + bounces / landings) / (left + 1)
                expected += own * rate
                variance += own * rate * (1 - rate) * (1 + own / (left + 1))
        wide = max(1.0, squares / bounced) if bounced else 1.0  # visitors who bounce several times count together
        z = (bounced - expected) / (variance * wide) ** 0.5 if variance else 0.0
        if bounced > _FAR * expected and sure(z, len(pages)):
            text = (
                f"{page}: {percent(bounced / seen)} of {seen:,.0f} landings bounce; "
                f"pages like it, with the same channels and devices, {percent(expected / seen)}"
            )
            evidence = {"page": page, "bounce_rate": bounced / seen, "expected": expected / seen, "landings": int(seen)}
            found.append((z, Finding("landing_bounce", "warning", text, evidence, "assay pages")))
    return strongest(found)


SITUATION = Situation(
    "landing_bounce",
    "A landing page that bounces",
    ("the page does not take up what the link said", "slow first paint", "a cookie wall over the offer"),
    "Take the words of the link to the top of the page, with one next step",
    look,
)
