"""What every situation of the playbook is made of, and the figures of the site that it looks at.

A situation is one file with a ``SITUATION`` and a line in ``SITUATIONS``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assay.analyses.base import Asking
from assay.model.finding import Finding
from assay.plan.measures import Expression, Measure, Quantity, Select
from assay.plan.values import Goal, Metric

if TYPE_CHECKING:
    from assay.model.moments import Moments
    from assay.model.period import Period
    from assay.query.cut import Cut

SURE = 0.004  # two-sided, for each situation over all its own looks: twelve of them stay quiet at about 5 %


class NotSeen(Exception):
    """The data do not hold what a situation looks at; the text says what is missing."""


@dataclass(frozen=True)
class Situation:
    """A named situation: how it reads, its usual causes, an idea to test, and the function that looks for it.

    ``look`` returns a finding per case, the strongest first; raises NotSeen where the data cannot show it.
    """

    code: str
    title: str
    causes: tuple[str, ...]
    idea: str
    look: Callable[[Site], list[Finding]]


@dataclass(frozen=True)
class Share:
    """A figure of one group: its value, variance and the units behind it. ``rate``: it lies between 0 and 1."""

    value: float
    variance: float
    units: float
    rate: bool = False

    @property
    def wider(self) -> float:
        """Its variance over that of independent units; at least 1."""
        plain = self.value * (1 - self.value)
        return max(1.0, self.variance * self.units / plain) if plain > 0 and self.units else 1.0


@dataclass
class Site:
    """The site over a range and, for changes, over the range before; figures are asked once."""

    asking: Asking
    period: Period
    before: Period | None
    where: Expression | None
    _asked: dict[Any, Any] = field(default_factory=dict)

    @property
    def currency(self) -> str:
        """The site's currency."""
        return self.asking.plan.site.currency

    def cut(self) -> Cut:
        """The range and the segment."""
        from assay.query.cut import Cut

        return Cut(self.period, where=self.where, matured_by=self.asking.matured_by())

    def cells(self, quantity: Quantity, by: Sequence[str] = (), before: bool = False) -> dict[Any, Moments]:
        """Group → moments of a quantity made on the spot; of one dimension the bare value is the key."""
        from assay.query.cut import Cut

        period = self.before if before else self.period
        if period is None:
            return {}
        key = (repr(quantity), tuple(by), before)
        if key not in self._asked:
            metric = Metric("figure", "patterns", quantity, ("figure", ""))
            cut = Cut(period, tuple(by), where=self.where, matured_by=self.asking.matured_by())
            found = self.asking.cells([metric], cut)["figure"]
            self._asked[key] = {
                group[0] if len(by) == 1 else group: cell.matured if quantity.within and cell.matured else cell.all
                for group, cell in found.items()
                if cell.all.n
            }
        made: dict[Any, Moments] = self._asked[key]
        return made

    def shares(self, quantity: Quantity, by: Sequence[str] = (), before: bool = False) -> dict[Any, Share]:
        """Group → rate, mean or ratio with its variance (clustered by the unit of independence)."""
        from assay.stats.ratios import quotient, ratio_variance

        found = {}
        for group, moments in self.cells(quantity, by, before).items():
            if units := moments.sum("y"):
                value = float(quotient(moments.sum("x"), units))
                found[group] = Share(value, ratio_variance(moments), float(units), quantity.kind == "share")
        return found

    def drift(self, quantity: Quantity) -> float:
        """Variance that good and bad days add to a figure's difference between both periods."""
        from assay.analyses.estimates import daily_noise

        if self.before is None:
            return 0.0
        key = (repr(quantity), "drift")
        if key not in self._asked:
            metric = Metric("figure", "patterns", quantity, ("figure", ""))
            daily = daily_noise(self.asking, [metric], self.before, self.where)["figure"]
            self._asked[key] = daily * (1 / self.period.days + 1 / self.before.days)
        return float(self._asked[key])

    def macro(self) -> Goal:
        """The first macro goal; NotSeen where the plan has none."""
        goal = next((g for g in self.asking.plan.goals.values() if g.kind == "macro"), None)
        if goal is None:
            raise NotSeen("the plan has no macro goal")
        return goal

    def conversion(self, unit: str = "visitor", goal: Goal | None = None) -> Quantity:
        """Share of units with the goal; default: the macro goal."""
        from assay.plan.draft import goal_rows

        return Quantity("share", Measure("exists", goal_rows(goal or self.macro())), unit=unit)

    def events(self, name: str) -> float:
        """How many events of a name there are in the range."""
        total = Quantity("total", Measure("count", Select("event", (name,))))
        return float(sum(float(m.sum("x")) for m in self.cells(total).values()))


def apart(one: Share, other: Share, drift: float = 0.0) -> float:
    """Standard errors between two shares of different units; 0 where the noise is unknown.

    Rates are held against each other as if they were equal (score test): none of a hundred has a noise, too. ``drift``:
    variance that comes on top.
    """
    variance = one.variance + other.variance
    if one.rate and other.rate and one.units and other.units and not math.isnan(variance):
        common = (one.value * one.units + other.value * other.units) / (one.units + other.units)
        variance = common * (1 - common) * (one.wider / one.units + other.wider / other.units)
    error = math.sqrt(variance + drift)
    return (one.value - other.value) / error if error > 0 and not math.isnan(error) else 0.0


def rest(shares: Mapping[Any, Share], key: Any = None) -> Share | None:
    """All groups but one (None: but none), together."""
    others = [s for k, s in shares.items() if k != key and not math.isnan(s.variance)]
    units = sum(s.units for s in others)
    if not units:
        return None
    value = sum(s.value * s.units for s in others) / units
    variance = sum(s.variance * s.units**2 for s in others) / units**2
    return Share(value, variance, units, all(s.rate for s in others))


def sure(z: float, looks: int) -> bool:
    """Beyond noise over so many looks of one situation."""
    from assay.stats.normal import p_two_sided

    return p_two_sided(z) * max(1, looks) <= SURE


def strongest(cases: Iterable[tuple[float, Finding]]) -> list[Finding]:
    """The findings of (how far it lies from the usual, finding), the farthest first."""
    return [finding for _, finding in sorted(cases, key=lambda case: -abs(case[0]))]
