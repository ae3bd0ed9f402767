"""A funnel by all dimensions at once: joint cells, the effects of groups at each step, what a passing unit is worth.

What ``leaks`` and ``opportunity`` share. One pass over the data; everything else is arithmetic on the cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from assay.analyses.base import Asking, Ranged
from assay.analyses.moving import DIMENSIONS
from assay.model.answer import Definition
from assay.model.errors import Refused, UnknownName, UsageError
from assay.model.period import Period, day_of
from assay.plan.measures import Measure, Quantity, Select
from assay.plan.values import Funnel, Metric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from assay.query.funnels import Reached
    from assay.stats.logistic import Effect, Fit

YEAR = 365
Place = tuple[tuple[str, Any], ...]  # ((dimension, value), …)


@dataclass
class Ways:
    """One funnel cut by all dimensions. ``counts[cell][k]``: units that did step k+1.

    ``deff``: variance of a step's rate over that of independent units; ``least``: smallest group that is judged.
    """

    asking: Asking
    funnel: Funnel
    labels: list[str]
    period: Period
    dimensions: tuple[str, ...]
    groups: list[tuple[Any, ...]]
    counts: NDArray[np.float64]
    deff: list[float]
    least: int
    price: Fraction | None = None
    given: tuple[str, ...] = ()  # dimensions that are only allowed for: nobody can make a new visitor a returning one
    shorter: int = 0  # days at the end of the asked range whose windows are still open, left out
    fits: dict[tuple[int, str | None], Fit] = field(default_factory=dict)

    @cached_property
    def levels(self) -> dict[str, NDArray[np.int64]]:
        """Per dimension the level of each cell; levels too small to judge are one level, −1."""
        import numpy as np

        found = {}
        for i, name in enumerate(self.dimensions):
            values = [group[i] for group in self.groups]
            sizes: dict[Any, float] = {}
            for value, count in zip(values, self.counts[:, 0], strict=True):
                sizes[value] = sizes.get(value, 0.0) + count
            kept = {v: n for n, v in enumerate(sorted((v for v in sizes if sizes[v] >= self.least), key=str))}
            found[name] = np.array([kept.get(value, -1) for value in values], dtype=np.int64)
        return found

    @cached_property
    def values(self) -> dict[str, list[Any]]:
        """Per dimension the values that are large enough to judge, in the order of their levels."""
        found = {}
        for i, name in enumerate(self.dimensions):
            known = {
                int(level): group[i] for group, level in zip(self.groups, self.levels[name], strict=True) if level >= 0
            }
            found[name] = [known[level] for level in sorted(known)]
        return found

    @property
    def steps(self) -> range:
        """Transitions: from step k to step k+1, k from 1."""
        return range(1, len(self.labels))

    def model(self, k: int, without: str | None) -> Fit:
        """Main effects of all dimensions (but one) on the way from step k to step k+1."""
        from assay.stats.logistic import design, fit

        if (k, without) not in self.fits:
            used = self.counts[:, k - 1] > 0
            levels = [self.levels[name][used] for name in self.dimensions if name != without]
            made = design(levels) if levels else _ones(int(used.sum()))
            self.fits[k, without] = fit(made, self.counts[used, k], self.counts[used, k - 1])
        return self.fits[k, without]

    def inside(self, place: Place) -> NDArray[np.bool_]:
        """Which cells are in a place."""
        import numpy as np

        found = np.ones(len(self.groups), dtype=bool)
        for name, value in place:
            found &= self.levels[name] == self.values[name].index(value)
        return found

    def effect(self, k: int, place: Place) -> Effect | None:
        """What a place does at a step beyond the other dimensions (one deep), or beyond all main effects (two deep)."""
        from assay.stats.logistic import effect

        used = self.counts[:, k - 1] > 0
        model = self.model(k, place[0][0] if len(place) == 1 else None)
        made = effect(model, self.inside(place)[used].astype(float), self.counts[used, k], self.counts[used, k - 1])
        if made is None:
            return None
        wide = self.deff[k]
        return replace(made, variance=made.variance * wide, z=made.z / wide**0.5)

    def exact(self, k: int, place: Place) -> Effect:
        """The same effect by maximum likelihood: for what is shown, where the score's one step would overshoot."""
        from assay.stats.logistic import added

        used = self.counts[:, k - 1] > 0
        model = self.model(k, place[0][0] if len(place) == 1 else None)
        made = added(model, self.inside(place)[used].astype(float), self.counts[used, k], self.counts[used, k - 1])
        return replace(made, variance=made.variance * self.deff[k], z=made.z / self.deff[k] ** 0.5)

    def levels_at(self, k: int, name: str) -> dict[int, Effect]:
        """Level → its log odds at a step, all other dimensions held equal; variances as if each stood alone."""
        from assay.stats.logistic import Effect, columns_of

        used = self.counts[:, k - 1] > 0
        model, levels = self.model(k, None), [self.levels[d][used] for d in self.dimensions]
        place = self.dimensions.index(name)
        beta = {level: float(model.beta[1 + i]) for i, (d, level) in enumerate(columns_of(levels)) if d == place}
        found = {}
        for level in sorted(set(levels[place].tolist())):
            weight = float(model.weights[levels[place] == level].sum())
            if weight > 0:
                found[level] = Effect(beta.get(level, 0.0), self.deff[k] / weight, 0.0)
        return found

    def totals(self, place: Place = ()) -> NDArray[np.float64]:
        """Units by step of a place."""
        import numpy as np

        return np.asarray(self.counts[self.inside(place)].sum(axis=0))

    def onward(self, k: int, totals: NDArray[np.float64]) -> float:
        """Share of those at step k+1 that reach the end; of the whole funnel where the place has too few."""
        own = totals if totals[k] >= self.least else self.counts.sum(axis=0)
        return float(own[-1] / own[k]) if own[k] else 0.0

    def worth(self, completions: float, days: float) -> Decimal | None:
        """Money of so many completions of the range, over ``days``; None where they have no price."""
        if self.price is None:
            return None
        value = Fraction(completions) * self.price * Fraction(days) / self.period.days
        return Decimal(round(value * 100)) / 100

    @property
    def window_notes(self) -> tuple[str, ...]:
        """Says that days were left out, where some were."""
        if not self.shorter:
            return ()
        return (f"starts until {self.period.last}: the windows of later ones are still open, which is no loss",)

    @property
    def currency(self) -> str:
        """The site's currency."""
        return self.asking.plan.site.currency


def _ones(count: int) -> NDArray[np.float64]:
    import numpy as np

    return np.ones((count, 1))


def funnel_named(asking: Asking, name: str | None) -> Funnel:
    """The funnel; the plan's first one without a name. Optional steps are left out of the way."""
    plan = asking.plan
    if name is None:
        if not plan.funnels:
            raise UsageError("the plan has no funnel; add one under funnels:, such as assay init --template shop shows")
        name = next(iter(plan.funnels))
    if name not in plan.funnels:
        raise UnknownName("funnel", name, plan.funnels)
    funnel = plan.funnels[name]
    if funnel.order == "unordered":
        raise Refused(f"{name} is unordered: it has no steps that are lost between; ask assay funnel {name}")
    if any(step.optional for step in funnel.steps):
        steps = tuple(step for step in funnel.steps if not step.optional)
        funnel = replace(funnel, steps=steps, exclusions=())
    return funnel


def load(
    asking: Asking, funnel: Funnel, params: Ranged, by: Sequence[str], least: int, matured: bool = False
) -> Ways | None:
    """Follow the funnel once by all dimensions. None where nobody begins it.

    ``matured``: without the days at the end whose windows are still open. Groups held against each other need that not:
    they are open alike.
    """
    from assay.query.cut import Cut
    from assay.query.funnels import FunnelQuery, step_labels

    asked = asking.period(params)
    period = closed(asking, funnel, asked) if matured else asked
    names = tuple(by or (d for d in DIMENSIONS if d != "entry_page_group" or asking.plan.pages))
    cut = Cut(period, names, where=asking.segment(params.segment))
    reached = FunnelQuery(asking.plan, funnel, cut, asking.ask).reached(timed=False)
    if not reached:
        return None
    made = made_of(asking, funnel, period, names, reached, least)
    made.labels = step_labels(funnel.steps)
    made.given = () if by else ("is_new",)
    made.shorter = (asked.last - period.last).days
    made.price = price(asking, funnel, params, period, float(made.counts[:, -1].sum()))
    return made


def closed(asking: Asking, funnel: Funnel, period: Period) -> Period:
    """The range without the days at its end on which a window is still open; whole where nothing would be left."""
    if funnel.window is None:
        return period
    cut = day_of(asking.matured_by() - funnel.window * 1_000_000, asking.plan.site.timezone) - timedelta(1)
    return Period(period.first, min(period.last, cut)) if cut >= period.first else period


def made_of(
    asking: Asking,
    funnel: Funnel,
    period: Period,
    names: tuple[str, ...],
    reached: Mapping[tuple[Any, ...], Reached],
    least: int,
) -> Ways:
    """The cells as arrays."""
    import numpy as np

    groups = sorted(reached, key=str)
    counts = np.array([reached[g].units for g in groups], dtype=float)
    return Ways(asking, funnel, [], period, names, groups, counts, _deff(list(reached.values())), least)


def _deff(cells: list[Reached]) -> list[float]:
    """Per step the variance of its rate over that of independent units, from the sums per visitor; at least 1."""
    found = [1.0]
    for k in range(1, len(cells[0].units)):
        spread = binomial = 0.0
        x, z = (float(sum(one.units[i] for one in cells)) for i in (k, k - 1))
        if any(one.products is None for one in cells) or not 0 < x < z:
            found.append(1.0)
            continue
        rate = x / z
        for one in cells:
            assert one.products is not None
            own, before = one.products[k], one.products[k - 1]
            spread += own.xx - 2 * rate * own.xz + rate * rate * before.xx
        binomial = z * rate * (1 - rate)
        found.append(max(1.0, spread / binomial))
    return found


def price(asking: Asking, funnel: Funnel, params: Ranged, period: Period, completed: float) -> Fraction | None:
    """Net revenue per unit that completes the funnel, or the value of the goal that its last step is."""
    from assay.query.cut import Cut

    plan, last = asking.plan, funnel.steps[-1]
    if last.event == plan.orders.event:
        quantity = Quantity("total", Measure("sum", Select("order"), "revenue.net"))
        revenue = Metric("revenue", "ways", quantity, ("net revenue", ""), format="money")
        cell = asking.cells([revenue], Cut(period, where=asking.segment(params.segment)))["revenue"].get(())
        return Fraction(cell.all.sum("x")) / Fraction(completed) if cell is not None and completed else None
    for goal in plan.goals.values():
        if goal.event == last.event and goal.event is not None and goal.value is not None:
            try:
                return Fraction(str(goal.value))
            except ValueError:
                return None
    return None


def definition(ways: Ways, question: str, name: str, text: str, numerator: str) -> Definition:
    """What a question says of the funnel, with the funnel's own unit, window and rules."""
    from assay.analyses.funnel import define
    from assay.query.sql import digest

    base = define(ways.funnel, ways.asking.plan)
    made = digest(question, base.id, ways.dimensions)
    return Definition(made, name, text, numerator, "", ways.funnel.per, base.window, base.zone, base.rules)


def said(place: Place) -> str:
    """A place in words: ``device mobile × browser Safari``."""
    from assay.decide.words import group_name

    return " × ".join(f"{name} {group_name(value)}" for name, value in place) or "everybody"


def place_values(place: Place) -> dict[str, Any]:
    """A place as evidence."""
    from assay.decide.words import group_name

    return {name: group_name(value) for name, value in place}
