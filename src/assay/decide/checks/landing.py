"""Entry pages whose visitors convert surely less than those of all other entry pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.decide.words import percent, points
from assay.model.finding import Finding

LEAST = 100  # units on either side
LEVEL = 0.05  # false discovery rate over all pages looked at
MOST = 3


@dataclass(frozen=True)
class Landing:
    """An entry page against the rest: units, both rates, the adjusted p-value of their difference."""

    name: str
    units: int
    rate: float
    others: float
    p: float

    @property
    def missing(self) -> float:
        """Conversions that it would have had at the others' rate."""
        return (self.others - self.rate) * self.units


def converts_less(pages: Sequence[Landing], goal: str, unit: str) -> tuple[Finding, ...]:
    """A finding for each of the worst, those first that miss most conversions."""
    worse = [page for page in pages if page.p <= LEVEL and page.rate < page.others]
    return tuple(
        Finding(
            "entry_converts_less",
            "warning",
            f"{page.name}: {percent(page.rate)} of {page.units:,} {unit}s reach {goal}, "
            f"{points(page.others - page.rate)} below all other entry pages: {page.missing:,.0f} fewer than at theirs",
            {
                "page": page.name,
                "rate": page.rate,
                "others": page.others,
                "p_adjusted": page.p,
                "missing": page.missing,
            },
            "assay pages --conversion --by channel",
        )
        for page in sorted(worse, key=lambda one: -one.missing)[:MOST]
    )
