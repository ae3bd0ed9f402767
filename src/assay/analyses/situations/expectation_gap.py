"""An ad that is clicked much and converts little: it promises what the page does not keep."""

from __future__ import annotations

from assay.analyses.situations.base import NotSeen, Site, Situation, apart, rest, strongest, sure
from assay.decide.words import percent, significant
from assay.model.finding import Finding

_MORE_CLICKS = 1.5  # click-through rate over the median campaign's
_FEWER_ORDERS = 0.6  # conversion over that of the other campaigns that are clicked


def look(site: Site) -> list[Finding]:
    """Campaigns with a click-through rate far above the median and a conversion far below the others'."""
    from statistics import median

    from assay.query.situations import ad_clicks

    clicked = {
        str(name): (clicks, seen)
        for name, clicks, seen in site.asking.ask(ad_clicks(site.period)).rows
        if clicks and seen and clicks >= 100
    }
    if len(clicked) < 3:
        raise NotSeen("fewer than three campaigns with impressions and clicks (assay import costs)")
    rates = {name: clicks / seen for name, (clicks, seen) in clicked.items()}
    usual = median(rates.values())
    shares = {str(k): v for k, v in site.shares(site.conversion("session"), ["campaign"]).items() if k in rates}
    cases = []
    for name, rate in rates.items():
        own, others = shares.get(name), rest(shares, name)
        if own is None or others is None or own.units < 100 or rate < _MORE_CLICKS * usual:
            continue
        z = apart(own, others)
        if own.value < _FEWER_ORDERS * others.value and sure(z, len(rates)):
            text = (
                f"{name} is clicked {significant(rate / usual, 2)} times as often as the usual campaign "
                f"({percent(rate)}) and converts at {percent(own.value)} where others do at {percent(others.value)}"
            )
            evidence = {"campaign": name, "ctr": rate, "conversion": own.value, "others": others.value}
            cases.append((z, Finding("expectation_gap", "warning", text, evidence, "assay channels --by campaign")))
    return strongest(cases)


SITUATION = Situation(
    "expectation_gap",
    "Much clicked, little bought",
    (
        "the ad promises a price or product that the page does not show",
        "clicks by accident in placements",
        "the wrong audience",
    ),
    "Take the ad's promise to the top of its landing page",
    look,
)
