"""Two arms compared: one test per hypothesis, inverted for every scale.

"No difference" and "no lift" are the same hypothesis, so they get the same statistic, the same p-value and the same
verdict. An interval is the set of values that the test does not reject: on the absolute scale by
treatment − control = δ, on the relative scale by treatment = (1 + ρ)·control.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

from assay.stats.tails import critical_value, upper_tail

Scale = Literal["absolute", "relative"]
Side = Literal["two", "greater", "less"]

NO_BASE = "the control's value is not above zero, so nothing can be said relative to it"
WEAK_BASE = "the control's value is too close to zero for its uncertainty to bound a relative effect"


@dataclass(frozen=True)
class Interval:
    """``low`` to ``high`` in the units of its scale; None: unbounded there, or with a ``reason`` cannot be said."""

    low: float | None
    high: float | None
    level: float
    reason: str | None = None

    def excludes(self, value: float = 0.0) -> bool:
        """Whether the value lies outside."""
        return (self.low is not None and value < self.low) or (self.high is not None and value > self.high)


@dataclass(frozen=True)
class NoContrast:
    """Why two arms cannot be compared; ``code`` is for programs.

    Codes: ``empty_arm``, ``one_unit``, ``no_variance``, ``no_events``, ``no_denominator``, ``no_base``,
    ``no_covariate``, ``too_few``.
    """

    reason: str
    code: str


class Contrast(Protocol):
    """A comparison of treatment with control by one test.

    ``control`` and ``treatment`` are the arms' values (adjusted where a covariate is used), ``base`` what the relative
    effect is relative to (the unadjusted control value), ``lift`` = difference / base as a fraction, None unless base
    is above 0. ``standard_error`` is that of the difference at its estimate.
    """

    @property
    def method(self) -> str:
        """The test in words."""

    @property
    def control(self) -> float:
        """Value of the control arm."""

    @property
    def treatment(self) -> float:
        """Value of the treatment arm."""

    @property
    def base(self) -> float:
        """What the relative effect is relative to."""

    @property
    def n_control(self) -> int:
        """Units in the control arm."""

    @property
    def n_treatment(self) -> int:
        """Units in the treatment arm."""

    @property
    def difference(self) -> float:
        """Treatment − control."""

    @property
    def lift(self) -> float | None:
        """Difference / base as a fraction, None unless base is above 0."""

    @property
    def standard_error(self) -> float:
        """Of the difference at its estimate."""

    def statistic(self, null: float = 0.0, scale: Scale = "absolute") -> float:
        """Signed test statistic of "the effect is ``null``"; positive where the estimate is larger."""

    def p(self, null: float = 0.0, scale: Scale = "absolute", side: Side = "two") -> float:
        """p-value of "the effect is ``null``", > 0; ``greater``: against a larger effect."""

    def interval(
        self, level: float = 0.95, scale: Scale = "absolute", side: Side = "two", critical: float | None = None
    ) -> Interval:
        """The effects that are not rejected; ``critical`` replaces the quantile; ``greater``: a lower bound."""


@dataclass(frozen=True)
class MeanContrast:
    """A difference of two asymptotically normal values, and the control value it is relative to.

    absolute:  t(δ) = (D − δ) / √V
    relative:  t(ρ) = (D − ρB) / √(V − 2ρK + ρ²W)        (E. C. Fieller, J. R. Stat. Soc. B 16 (1954) 175–185)

    D ``difference`` with ``variance`` V, B ``base`` with ``base_variance`` W, K their ``covariance``; for independent
    arms and no adjustment W = V_control and K = −V_control. Both statistics are the same at no effect. One critical
    value for both: Student's t with ``freedom`` degrees (infinite: normal), by Welch and Satterthwaite at no
    difference, kept for every null so that intervals and p-values of both scales agree.
    """

    method: str
    control: float
    treatment: float
    base: float
    n_control: int
    n_treatment: int
    difference: float
    variance: float
    base_variance: float
    covariance: float
    freedom: float = math.inf

    @property
    def lift(self) -> float | None:
        """Difference / base as a fraction; None unless base is above 0."""
        return self.difference / self.base if self.base > 0 else None

    @property
    def standard_error(self) -> float:
        """√V, in the units of the difference."""
        return math.sqrt(self.variance)

    def statistic(self, null: float = 0.0, scale: Scale = "absolute") -> float:
        """t(null) as above: a difference in units of the metric, or a lift as a fraction."""
        if scale == "absolute":
            return (self.difference - null) / math.sqrt(self.variance)
        spread = self.variance - 2 * null * self.covariance + null * null * self.base_variance
        return (self.difference - null * self.base) / math.sqrt(spread)

    def p(self, null: float = 0.0, scale: Scale = "absolute", side: Side = "two") -> float:
        """p-value of "the effect is ``null``" from Student's t, > 0."""
        return p_of(self.statistic(null, scale), side, self.freedom)

    def interval(
        self, level: float = 0.95, scale: Scale = "absolute", side: Side = "two", critical: float | None = None
    ) -> Interval:
        """All nulls with |t| ≤ critical (one side: t ≤ critical, or t ≥ −critical).

        Relative: Fieller's set. Where the base is not significantly above zero that set is not bounded: with a
        significant difference the half-line on its side of zero is given (the base being above zero, the lift has the
        sign of the difference), otherwise neither end; both with the reason. A base of zero or less: no end, a reason.
        """
        c = critical if critical is not None else critical_value(level, side, self.freedom)
        # The verdict is that of the p-value to the last digit, so that rounding cannot make the two disagree.
        outside = self.p(side=side) < 1 - level if critical is None else beyond(self.statistic(), c, side)
        if scale == "absolute":
            half = c * math.sqrt(self.variance)
            return sealed(self.difference - half, self.difference + half, level, side, outside, self.difference)
        if self.base <= 0:
            return Interval(None, None, level, NO_BASE)
        return self._fieller(c, level, side, outside)

    def _fieller(self, c: float, level: float, side: Side, outside: bool) -> Interval:
        """Roots of ρ²(B² − c²W) − 2ρ(DB − c²K) + D² − c²V = 0."""
        d, b = self.difference, self.base
        lead = b * b - c * c * self.base_variance
        middle = d * b - c * c * self.covariance
        last = d * d - c * c * self.variance
        # (middle² − lead·last), multiplied out so that precise estimates lose no digits.
        v, w, k = self.variance, self.base_variance, self.covariance
        root = c * math.sqrt(max(v * b * b - 2 * k * d * b + w * d * d - c * c * (v * w - k * k), 0.0))
        far = middle + math.copysign(root, middle)
        if lead > 0:
            # Both roots from sums of like signs: no digits are lost where one of them is close to zero.
            ends = sorted((far / lead, last / far if far else 0.0))
            return sealed(ends[0], ends[1], level, side, outside, d)
        if not outside:
            return Interval(None, None, level, WEAK_BASE)
        candidates = [r for r in (last / far if far else None, far / lead if lead else None) if r is not None]
        near = next((r for r in candidates if r * d > 0), 0.0)
        if d > 0:
            return sealed(near, None, level, side, outside, d, WEAK_BASE)
        return sealed(None, near, level, side, outside, d, WEAK_BASE)


def p_of(statistic: float, side: Side, freedom: float = math.inf) -> float:
    """p-value of a signed statistic under Student's t (infinite ``freedom``: the normal); ``two``: both tails."""
    if side == "two":
        return min(1.0, 2 * upper_tail(abs(statistic), freedom))
    return upper_tail(statistic if side == "greater" else -statistic, freedom)


def beyond(statistic: float, critical: float, side: Side) -> bool:
    """Whether a signed statistic is rejected."""
    return {"two": abs(statistic), "greater": statistic, "less": -statistic}[side] > critical


def sealed(
    low: float | None,
    high: float | None,
    level: float,
    side: Side,
    outside: bool,
    difference: float,
    reason: str | None = None,
) -> Interval:
    """An interval with the ends that its side has, on the side of zero that the test says.

    ``outside``: zero is rejected. Only rounding ever moves an end here, and then by less than rounding error.
    """
    low = None if side == "less" else low
    high = None if side == "greater" else high
    tiny = math.ulp(0.0)
    if outside and difference > 0 and low is not None:
        low = max(low, tiny)
    elif outside and difference < 0 and high is not None:
        high = min(high, -tiny)
    elif not outside:
        low = None if low is None else min(low, 0.0)
        high = None if high is None else max(high, 0.0)
    return Interval(low, high, level, reason)


def welch_freedom(parts: list[tuple[float, int]]) -> float:
    """Degrees of freedom of a sum of independent variances: (Σ vᵢ)² / Σ vᵢ²/(nᵢ − 1), parts (vᵢ, nᵢ), some vᵢ > 0.

    Source: F. E. Satterthwaite, Biometrics Bulletin 2 (1946) 110–114; B. L. Welch, Biometrika 34 (1947) 28–35.
    """
    total = sum(v for v, _ in parts)
    return 1 / sum((v / total) ** 2 / (n - 1) for v, n in parts if v > 0)
