"""An effect in money a year: the interval of the effect times constants, so that it says what the verdict says."""

from __future__ import annotations

from dataclasses import dataclass

YEAR = 365


@dataclass(frozen=True)
class Yearly:
    """Money a year, and the ends of its interval (None: unbounded). ``factor``: money a year per unit of effect."""

    value: float
    low: float | None
    high: float | None
    factor: float


def yearly_units(units: float, days: float, traffic: float = 1.0, season: float = 1.0) -> float:
    """Units a year that meet a change: ``units`` of all arms in ``days``, at the share ``traffic`` of all that came.

    units / traffic / days × 365 × season; ``season``: traffic of a whole year over that of the test's days. ValueError
    unless days and traffic are above 0.
    """
    if not (days > 0 and 0 < traffic <= 1):
        raise ValueError(f"{days} days at {traffic} of the traffic are no test")
    return units / traffic / days * YEAR * season


def yearly_value(
    difference: float,
    low: float | None,
    high: float | None,
    units_a_year: float,
    per_unit: float = 1.0,
    margin: float = 1.0,
    eligible: float = 1.0,
) -> Yearly:
    """Effect per unit × units a year × money per unit of effect × margin × share that the change reaches.

    ``difference`` with its interval ``low`` to ``high``, absolute, per unit of the test (so is a lift times the
    control's value). Constants only: it leaves out 0 exactly when the effect's interval does. Nothing is said of ramp,
    decay or of having been picked: see ``bayes`` for what to expect.
    """
    factor = units_a_year * per_unit * margin * eligible
    low_, high_ = (None if end is None else end * factor for end in (low, high))
    ends = (low_, high_) if factor >= 0 else (high_, low_)
    return Yearly(difference * factor, ends[0], ends[1], factor)
