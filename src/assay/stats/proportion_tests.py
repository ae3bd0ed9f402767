"""Two shares compared: the score test, and the exact test where events are few."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.stats.contrast import Contrast, Interval, NoContrast, Scale, Side, beyond, p_of, sealed
from assay.stats.proportions import wilson
from assay.stats.tails import critical_value, upper_quantile, upper_tail

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

EXACT_BELOW = 15
_POINTS = 257  # in which an interval is divided at a time
_FINE = 1e-6  # of the distance between estimate and end: how close an exact interval's end is found


def compare_proportions(
    x_control: int, n_control: int, x_treatment: int, n_treatment: int, exact_below: int = EXACT_BELOW
) -> Contrast | NoContrast:
    """Treatment share − control share of independent units, ``x`` of ``n`` each.

    Score test with the variance at the null (Miettinen and Nurminen 1985): for a difference the cubic, for a ratio the
    quadratic maximum-likelihood shares, N/(N − 1) in both; at no effect both are the same. With fewer than
    ``exact_below`` events, or units without, in either arm: the exact unconditional test with the score statistic as
    ordering (Chan and Zhang 1999). Why 15: docs/statistics.md.
    ``NoContrast``: ``empty_arm``, ``no_events`` (none in either arm), ``no_variance`` (all units in both).
    ValueError unless 0 ≤ x ≤ n.
    """
    counts = (x_control, n_control, x_treatment, n_treatment)
    for x, n in (counts[:2], counts[2:]):
        if not 0 <= x <= n:
            raise ValueError(f"{x} of {n} is no share")
    if not n_control or not n_treatment:
        return NoContrast("an arm has no units", "empty_arm")
    events, units = x_control + x_treatment, n_control + n_treatment
    if events == 0:
        return NoContrast("nothing has happened in either arm", "no_events")
    if events == units:
        return NoContrast("every unit has the event in both arms", "no_variance")
    least = min(x_control, n_control - x_control, x_treatment, n_treatment - x_treatment)
    return ExactContrast(*counts) if least < exact_below else ScoreContrast(*counts)


@dataclass(frozen=True)
class _Shares:
    """Two shares; what their tests have in common."""

    x_control: int
    n_control: int
    x_treatment: int
    n_treatment: int

    @property
    def control(self) -> float:
        """Share of the control arm."""
        return self.x_control / self.n_control

    @property
    def treatment(self) -> float:
        """Share of the treatment arm."""
        return self.x_treatment / self.n_treatment

    @property
    def base(self) -> float:
        """The control share."""
        return self.control

    @property
    def difference(self) -> float:
        """Treatment − control, a difference of shares."""
        # One division, so that equal shares of different sizes give exactly zero.
        top = self.x_treatment * self.n_control - self.x_control * self.n_treatment
        return top / (self.n_control * self.n_treatment)

    @property
    def lift(self) -> float | None:
        """Treatment / control − 1; None where control has no events."""
        return self.difference / self.base if self.x_control else None

    @property
    def standard_error(self) -> float:
        """√(p̂₁q̂₁/n₁ + p̂₀q̂₀/n₀); an arm with none or all counts with the half width of its Wilson interval / 1.96."""
        arms = ((self.x_control, self.n_control), (self.x_treatment, self.n_treatment))
        return math.sqrt(sum(wilson(x, n).variance or 0.0 for x, n in arms))

    def _null(self, null: float, scale: Scale) -> float:
        """The null that the statistic takes: a difference in [−1, 1], or a ratio of at least 0."""
        return min(max(null, -1.0), 1.0) if scale == "absolute" else max(1 + null, 0.0)


@dataclass(frozen=True)
class ScoreContrast(_Shares):
    """Miettinen and Nurminen's score test; see ``compare_proportions``."""

    method: str = "score test (Miettinen–Nurminen)"

    def statistic(self, null: float = 0.0, scale: Scale = "absolute") -> float:
        """The score statistic, standard normal at the null: a difference of shares, or a lift as a fraction ≥ −1."""
        scale = scale if null else "absolute"  # the same to the last digit
        return float(self._scores(self._null(null, scale), scale))

    def p(self, null: float = 0.0, scale: Scale = "absolute", side: Side = "two") -> float:
        """p-value of the score test, > 0."""
        return p_of(self.statistic(null, scale), side)

    def interval(
        self, level: float = 0.95, scale: Scale = "absolute", side: Side = "two", critical: float | None = None
    ) -> Interval:
        """The nulls that the score test does not reject, by dividing an interval again and again.

        Relative: no upper end where control has no events.
        """
        c = critical if critical is not None else critical_value(level, side)
        outside = self.p(side=side) < 1 - level if critical is None else beyond(self.statistic(), c, side)
        if scale == "absolute":
            low = self._crossing(c, -1.0, self.difference, scale) if side != "less" else None
            high = self._crossing(-c, self.difference, 1.0, scale) if side != "greater" else None
            return sealed(low, high, level, side, outside, self.difference)
        middle = math.log(self.treatment / self.control) if self.x_control and self.x_treatment else 0.0
        low, high = -1.0, None
        if side != "less" and self.x_treatment:
            low = math.expm1(self._crossing(c, middle - 60, middle if self.x_control else 60.0, scale))
        if side != "greater" and self.x_control:
            high = math.expm1(self._crossing(-c, middle if self.x_treatment else -60.0, middle + 60, scale))
        return sealed(low, high, level, side, outside, self.difference)

    def _scores(self, null: Array | float, scale: Scale) -> Array:
        from assay.stats.score import score_difference, score_ratio

        data = (self.x_control, self.n_control, self.x_treatment, self.n_treatment)
        return score_difference(data, null) if scale == "absolute" else score_ratio(data, null)

    def _crossing(self, target: float, low: float, high: float, scale: Scale) -> float:
        """Where the statistic, falling in the null, falls to ``target``; the null is a difference or a log ratio."""
        import numpy as np

        while True:
            points = np.linspace(low, high, _POINTS)
            at = self._scores(points if scale == "absolute" else np.exp(points), scale)
            # The last point still above the target and the one after it.
            place = min(int(np.sum(at > target)), _POINTS - 1)
            if place == 0:
                return float(points[0])
            before, after = float(points[place - 1]), float(points[place])
            if (before, after) == (low, high) or after - before <= 1e-15 * max(abs(before), abs(after), 1e-12):
                return after if target < 0 else before
            low, high = before, after


@dataclass(frozen=True)
class ExactContrast(_Shares):
    """The exact unconditional test with the score statistic as ordering; see ``compare_proportions``.

    One-sided p-values are exact: each is at most α with chance at most α, whatever the shares. Two-sided: twice the
    smaller. Intervals have at most the error of their level on each side.
    """

    method: str = "exact unconditional test (score ordering)"

    def statistic(self, null: float = 0.0, scale: Scale = "absolute") -> float:
        """The normal quantile of the smaller one-sided p-value, signed; 0 where neither is below a half."""
        at = self._null(null, scale)
        above, below = self._tail(at, scale, True), self._tail(at, scale, False)
        if min(above, below) >= 0.5:
            return 0.0
        return upper_quantile(above) if above < below else -upper_quantile(below)

    def p(self, null: float = 0.0, scale: Scale = "absolute", side: Side = "two") -> float:
        """Exact p-value, never below 1e-12 (see ``exact_rates``)."""
        at = self._null(null, scale)
        if side == "two":
            return min(1.0, 2 * min(self._tail(at, scale, True), self._tail(at, scale, False)))
        return self._tail(at, scale, side == "greater")

    def interval(
        self, level: float = 0.95, scale: Scale = "absolute", side: Side = "two", critical: float | None = None
    ) -> Interval:
        """The nulls whose one-sided p-values are above the error of that side; ends to a millionth of the half width.

        Relative: no upper end where control has no events.
        """
        error = (1 - level) / (2 if side == "two" else 1) if critical is None else upper_tail(critical)
        low = self._end(error, scale, True) if side != "less" else None
        high = self._end(error, scale, False) if side != "greater" else None
        outside = self.p(side=side) < 1 - level if critical is None else beyond(self.statistic(), critical, side)
        return sealed(low, high, level, side, outside, self.difference)

    def _tail(self, null: float, scale: Scale, upper: bool) -> float:
        from assay.stats.exact_rates import Table, exact_tail

        table = Table(self.x_control, self.n_control, self.x_treatment, self.n_treatment)
        if scale == "relative" and null != 1:
            return exact_tail(table, null, True, upper)
        return exact_tail(table, null if scale == "absolute" else 0.0, False, upper)

    def _end(self, error: float, scale: Scale, lower: bool) -> float | None:
        """The end of the interval on one side of the estimate; differences as they are, ratios by their logarithm."""
        from assay.stats.exact_rates import GAMMA

        relative = scale == "relative"
        if error <= GAMMA:  # no table is as rare as that
            return None if relative and not lower else -1.0 if lower else 1.0
        if relative and not (self.x_treatment if lower else self.x_control):
            return -1.0 if lower else None
        limit = math.inf if relative else 1.0
        away = -1.0 if lower else 1.0  # where rejected nulls lie
        goal = -upper_quantile(error)

        def margin(u: float) -> float:
            """Above 0 where the null is not rejected; nearly linear."""
            return -upper_quantile(min(self._tail(math.exp(u) if relative else u, scale, lower), 1 - 1e-15)) - goal

        if not relative:
            estimate = self.difference
        elif self.x_control and self.x_treatment:
            estimate = math.log(self.treatment / self.control)
        else:
            estimate = -away * 60.0
        step = self.standard_error if not relative else 0.5
        at_zero = margin(0.0)
        if at_zero <= 0:
            # Zero is rejected, so the end lies between it and the estimate, on every scale.
            inside, outside = _step_until(margin, 0.0, -away * step, estimate, True), 0.0
            start = inside
        else:
            start = min(estimate, 0.0) if lower else max(estimate, 0.0)
            inside, outside = start, _step_until(margin, start, away * step, away * limit, False)
            if abs(outside) >= limit and margin(outside) > 0:
                return away
        end = _bisect(margin, inside, outside, _FINE * abs(outside - start))
        return math.expm1(end) if relative else end


def _step_until(margin: Callable[[float], float], start: float, step: float, limit: float, inside: bool) -> float:
    """The first of the points start + step, + 2 steps, + 4 …, at most the limit, that is inside (or outside)."""
    while True:
        point = start + step
        if abs(point - start) >= abs(limit - start):
            return limit
        if (margin(point) > 0) == inside:
            return point
        step *= 2


def _bisect(margin: Callable[[float], float], inside: float, outside: float, close: float) -> float:
    """Where the margin falls to 0, from its outer side: by secants, and by halves as the chances have steps."""
    at_inside, at_outside = margin(inside), margin(outside)
    if at_inside <= 0:
        return inside
    for turn in range(200):
        if abs(inside - outside) <= close:
            break
        part = at_outside / (at_outside - at_inside) if turn % 3 else 0.5
        point = outside + min(max(part, 0.02), 0.98) * (inside - outside)
        found = margin(point)
        if found > 0:
            inside, at_inside = point, found
        else:
            outside, at_outside = point, found
    return outside
