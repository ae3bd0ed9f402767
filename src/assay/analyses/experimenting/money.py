"""What an effect is worth a year: the verdict's interval times constants, and beside it what to expect of it.

The interval in money is the effect's interval times traffic and margin, so it says the same as the verdict. The
expectation is another thing and labelled so: drawn toward a named prior (a winner was picked for being high), with the
time that a roll-out takes and the part of the effect that fades.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from assay.decide.words import amount, percent
from assay.model.answer import Cell
from assay.model.period import Period, day_of
from assay.plan.measures import Measure, Quantity, Select
from assay.plan.values import Metric

if TYPE_CHECKING:
    from assay.analyses.experimenting.reading import Line, Reading
    from assay.stats.bayes import Prior
    from assay.stats.contrast import Contrast

YEAR = 365
YEARLY = "a year"
PRIOR_SPREAD = 0.05  # of the control's value: where fewer than five ended tests tell how large effects are here
SPREAD_WORDS = "effects of tests are normal around 0 with a spread of 5 % of the control's value"


@dataclass(frozen=True)
class Worth:
    """Money a year of one treatment. ``factor``: money a year per unit of the effect; an end is None where unbounded.

    ``expected`` and what follows it hold under ``prior``: the mean effect after shrinkage, ramp and decay; the chance
    that it loses money; the expected loss a year of shipping and of not shipping; what a week of waiting costs.
    """

    variant: str
    metric: str
    currency: str
    factor: float
    year: Decimal
    low: Decimal | None
    high: Decimal | None
    expected: Decimal
    chance_of_loss: float
    loss_ship: Decimal
    loss_stop: Decimal
    week: Decimal
    prior: str
    assumptions: tuple[str, ...]
    significant: bool
    span: str = YEARLY

    def sentence(self, effect: str) -> str:
        """For an executive."""
        if self.low is None or self.high is None:
            ends = "a sum that the data do not bound yet"
        else:
            ends = f"{_money(self.low, self.currency)} to {_money(self.high, self.currency)} {self.span}"
        traffic = " at present traffic" if self.span == YEARLY else ""
        return (
            f"{effect}, worth {ends}{traffic} by this test alone; weighed with what tests usually bring, "
            f"{percent(self.chance_of_loss)} chance that it loses money (prior: {self.prior})"
        )


def money_metric(reading: Reading) -> tuple[str, float, str] | None:
    """The metric that stands for money, money per unit of it, and words for it; None where nothing is money."""
    experiment, plan = reading.experiment, reading.plan
    value = experiment.value
    primary = experiment.primary.metric
    if value.per_conversion is not None:
        share = value.margin if value.margin is not None else 1.0
        return primary, value.per_conversion * share, f"{value.per_conversion:g} per unit of {primary}"
    named = [
        n for n in (primary, *experiment.diagnostics) if plan.metrics[n].format == "money" and n in reading.table.names
    ]
    named.sort(
        key=lambda n: (
            n != primary,
            "contribution" not in str(plan.metrics[n].quantity.numerator),
            "y" in reading.table.names[n],
        )
    )
    if not named:
        return None
    chosen = named[0]
    measure = plan.metrics[chosen].quantity.numerator
    of_margin = measure is not None and (measure.field or "") in ("contribution", "gross_margin")
    if of_margin:
        return chosen, 1.0, f"{chosen} as it is: costs are off already"
    if value.margin is not None:
        return chosen, value.margin, f"{chosen} at a margin of {percent(value.margin)}"
    return chosen, 1.0, f"{chosen} is revenue: no margin is in the plan's value:"


def worth(reading: Reading, line: Line, prior: Prior, prior_words: str = SPREAD_WORDS) -> Worth | None:
    """A treatment's money, from a line of the metric that ``money_metric`` names; None without a contrast.

    ``prior``: of true effects, over the control's value.
    """
    from assay.stats.bayes import normal
    from assay.stats.contrast import NoContrast
    from assay.stats.value import yearly_value

    found = money_metric(reading)
    if found is None or isinstance(line.contrast, NoContrast) or line.absolute is None:
        return None
    _, per, words = found
    contrast: Contrast = line.contrast
    units, basis = yearly_units(reading)
    each = _per_unit(reading, line)
    better = -1 if reading.direction(line.metric.name) == "down" else 1  # then less of it is money
    value = reading.experiment.value
    yearly = yearly_value(
        contrast.difference, line.absolute.low, line.absolute.high, units, better * per * each, eligible=value.eligible
    )
    after = normal(
        contrast.difference, contrast.standard_error, prior, "absolute", contrast.base,
        direction=reading.direction(line.metric.name),
    )  # fmt: skip
    if after.mean is None or after.chance_to_win is None or after.loss_shipped is None or after.loss_kept is None:
        return None
    lasting = (1 - value.decay / 2) * (1 - min(1.0, value.ramp / (2 * YEAR * 86_400)))
    assumptions = [words, basis]
    if value.eligible < 1:
        assumptions.append(f"{percent(value.eligible)} of the traffic is reached")
    if lasting < 1:
        assumptions.append(f"expected: {percent(lasting)} of a full year's effect, for ramp and decay")
    size = abs(yearly.factor)  # losses are losses, whichever way is better
    return Worth(
        line.variant,
        line.metric.name,
        reading.plan.site.currency,
        yearly.factor,
        _decimal(yearly.value),
        None if yearly.low is None else _decimal(yearly.low),
        None if yearly.high is None else _decimal(yearly.high),
        _decimal(yearly.factor * after.mean * lasting),
        1 - after.chance_to_win,
        _decimal(size * after.loss_shipped * lasting),
        _decimal(size * after.loss_kept * lasting),
        _decimal(size * after.loss_kept / YEAR * 7),
        prior_words,
        tuple(assumptions),
        line.absolute.excludes(0.0),
        once(reading) or YEARLY,
    )


def once(reading: Reading) -> str | None:
    """Of units that all stand on one day with their outcomes, as a file brings them: no traffic of a year is known."""
    if reading.experiment.window or len(reading.table.days) != 1:
        return None
    return f"in one run of {reading.table.units(lambda key: key.variant in reading.arms):,} {reading.experiment.who}"


def _per_unit(reading: Reading, line: Line) -> float:
    """How often a unit has what a ratio is divided by (orders per visitor for an order value); 1 for a mean."""
    if "y" not in reading.table.names[line.metric.name]:
        return 1.0
    moments = reading.moments(line.metric.name, reading.control)
    return float(moments.sum("y")) / moments.n if moments.n else 0.0


def yearly_units(reading: Reading) -> tuple[float, str]:
    """Units a year that would meet the change, and how that comes about: the test's, all traffic, the season."""
    from assay.stats.value import yearly_units as units_of_a_year

    zone = reading.plan.site.timezone
    first, last = day_of(reading.start, zone), day_of(max(reading.start, reading.end - 1), zone)
    span = reading.asking.span
    if span is not None:
        first, last = max(first, span.first), min(last, span.last)
    days = max(1, (last - first).days + 1)
    units = reading.table.units(lambda key: key.variant in reading.arms)
    traffic = reading.experiment.traffic
    if once(reading) is not None:
        return (
            units / traffic,
            f"{units:,} {reading.experiment.who} that stand on one day count once: no traffic of a year is known",
        )
    yearly = units_of_a_year(units, days, traffic)
    words = f"{units:,} {reading.experiment.who} in {days} days" + (
        f" at {percent(traffic)} of the traffic" if traffic < 1 else ""
    )
    season = _season(reading, Period(first, last))
    if season is None:
        return yearly, f"{words}, times {YEAR} days; the data hold no whole year, so no season is in it"
    return yearly * season, f"{words}, times {YEAR} days and {season:.2f} for the season (sessions of the last year)"


def _season(reading: Reading, test: Period) -> float | None:
    """Sessions a day over the last year against those of the test's days; None without a year of data."""
    from assay.query.cut import Cut

    span = reading.asking.span
    last = reading.asking.complete_day()
    if span is None or (last - span.first).days < YEAR - 1:
        return None
    sessions = Metric("sessions", "season", Quantity("total", Measure("count", Select("session"))), ("sessions", ""))

    def daily(period: Period) -> float:
        cells = reading.asking.cells([sessions], Cut(period))["sessions"]
        return sum(float(cell.all.sum("x")) for cell in cells.values()) / period.days

    here = daily(test)
    return daily(Period(last - timedelta(YEAR - 1), last)) / here if here else None


def cells(one: Worth | None) -> tuple[Cell, ...]:
    """Year, from, to, expected."""
    if one is None:
        return (None,) * 4
    return (one.year, one.low, one.high, one.expected)


def evidence(one: Worth) -> dict[str, Any]:
    """Everything as plain values."""
    values = {
        name: getattr(one, name) for name in ("variant", "metric", "currency", "factor", "chance_of_loss", "prior")
    }
    sums = ("year", "low", "high", "expected", "loss_ship", "loss_stop", "week")
    return {**values, **{n: None if getattr(one, n) is None else str(getattr(one, n)) for n in sums},
            "assumptions": list(one.assumptions)}  # fmt: skip


def _decimal(value: float) -> Decimal:
    return Decimal(round(value * 100)) / 100


def _money(value: Decimal, currency: str) -> str:
    return amount(value, currency, whole=100)
