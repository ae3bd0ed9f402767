"""What stands out among products: seen by many and bought by few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.decide.words import percent
from assay.model.estimate import Estimate
from assay.model.finding import Finding

LEAST_VIEWERS = 100
SHARE = 0.5  # of the rate of all products that the interval must stay below
MOST = 3


@dataclass(frozen=True)
class Seen:
    """A product, how many saw it, and how many of them bought it."""

    name: str
    viewers: int
    buy_rate: Estimate


def seen_not_bought(products: Sequence[Seen], every: Estimate) -> tuple[Finding, ...]:
    """Products that at least 100 saw and whose buy rate is surely below half of that of all products."""
    if not every.value:
        return ()
    limit = float(every.value) * SHARE
    many = [p for p in products if p.viewers >= LEAST_VIEWERS]
    low = [p for p in many if p.buy_rate.high is not None and p.buy_rate.high < limit]
    return tuple(
        Finding(
            "seen_not_bought",
            "warning",
            f"{p.name} is seen by {p.viewers:,} and bought by {percent(float(p.buy_rate.value or 0))} of them "
            f"(all products: {percent(float(every.value))}); price, stock and page are worth a look",
            {"product": p.name, "viewers": p.viewers, "buy_rate": p.buy_rate.value, "high": p.buy_rate.high},
            "assay pages --rage pages",
        )
        for p in sorted(low, key=lambda one: (-one.viewers, one.name))[:MOST]
    )
