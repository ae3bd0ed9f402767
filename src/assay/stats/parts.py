"""A change of a rate or a total taken apart so that the parts add up exactly: mix and rate, volume, factors.

All in fractions: what adds up here adds up to the last digit. Errors are standard errors of the parts, as floats.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from assay.stats.shapley import shapley

K = TypeVar("K", bound=Hashable)
_NONE = Fraction(0)


@dataclass(frozen=True)
class Side:
    """A group on one side: its numerator and denominator, and the variance of their ratio (None: unknown)."""

    top: Fraction = _NONE
    bottom: Fraction = _NONE
    variance: float | None = None

    @property
    def rate(self) -> Fraction | None:
        """Numerator / denominator; None for a group without any."""
        return self.top / self.bottom if self.bottom else None


@dataclass(frozen=True)
class Part:
    """What a group adds to the change of the whole: because its share changed, and because its own rate did."""

    mix: Fraction
    rate: Fraction
    mix_error: float | None = None
    rate_error: float | None = None

    @property
    def whole(self) -> Fraction:
        """Both together."""
        return self.mix + self.rate


def mix_and_rate(
    before: Mapping[K, Side],
    after: Mapping[K, Side],
    share_noise: Mapping[K, float] | None = None,
    rate_noise: float = 0.0,
) -> dict[K, Part]:
    """Each group's part in the change of Σ top / Σ bottom, by exact mid-points.

    R = Σ w·r with shares w and rates r. mix = Δw·(r̄ − R̄), rate = w̄·Δr, a bar being the mean of both sides: the Shapley
    value of the two factors, and the mean of the two orders of E. M. Kitagawa, JASA 50 (1955) 1168–1194. R̄ is taken off
    because shares add up to one: a group that grows adds what it is above the mean. A group on one side only has no
    change of rate. ``share_noise``: variance of a group's share beyond sampling (of both sides together);
    ``rate_noise`` the same of a rate. Raises ValueError where a side has no denominator at all.
    """
    low, high = (sum((s.bottom for s in sides.values()), _NONE) for sides in (before, after))
    if not low or not high:
        raise ValueError("a side without any unit has no rate")
    overall = [sum((s.top for s in x.values()), _NONE) / n for x, n in ((before, low), (after, high))]
    mean = (overall[0] + overall[1]) / 2
    parts = {}
    for key in dict.fromkeys((*before, *after)):
        one, two = before.get(key, Side()), after.get(key, Side())
        shares = one.bottom / low, two.bottom / high
        middle, change = _middle(one, two, mean), _change(one, two)
        parts[key] = Part(
            (shares[1] - shares[0]) * (middle - mean),
            sum(shares, _NONE) / 2 * change,
            _mix_error(shares, (low, high), float(middle - mean), (share_noise or {}).get(key, 0.0)),
            _rate_error(float(sum(shares, _NONE)) / 2, one, two, rate_noise),
        )
    return parts


def _middle(one: Side, two: Side, otherwise: Fraction) -> Fraction:
    """The mean of the rates that there are."""
    known = [rate for rate in (one.rate, two.rate) if rate is not None]
    return sum(known, _NONE) / len(known) if known else otherwise


def _change(one: Side, two: Side) -> Fraction:
    """The change of the rate; none for a group on one side only."""
    return two.rate - one.rate if one.rate is not None and two.rate is not None else _NONE


def _mix_error(
    shares: tuple[Fraction, Fraction], totals: tuple[Fraction, Fraction], above: float, noise: float
) -> float:
    spread = sum(max(0.0, float(w * (1 - w))) / float(n) for w, n in zip(shares, totals, strict=True))
    return abs(above) * math.sqrt(spread + noise)


def _rate_error(share: float, one: Side, two: Side, noise: float) -> float | None:
    if one.rate is None or two.rate is None:
        return 0.0
    if one.variance is None or two.variance is None:
        return None
    return share * math.sqrt(one.variance + two.variance + noise)


def mix_error(before: Mapping[K, Side], after: Mapping[K, Side], share_noise: Mapping[K, float] | None = None) -> float:
    """Standard error of the whole mix part: shares of one side are those of a multinomial draw, plus their noise."""
    low, high = (sum((s.bottom for s in sides.values()), _NONE) for sides in (before, after))
    overall = [sum((s.top for s in x.values()), _NONE) / n for x, n in ((before, low), (after, high))]
    mean = (overall[0] + overall[1]) / 2
    above = {
        key: float(_middle(before.get(key, Side()), after.get(key, Side()), mean) - mean)
        for key in dict.fromkeys((*before, *after))
    }
    variance = sum((share_noise or {}).get(key, 0.0) * a * a for key, a in above.items())
    for sides, total in ((before, low), (after, high)):
        shares = {key: float(side.bottom / total) for key, side in sides.items()}
        first = sum(w * above[key] for key, w in shares.items())
        variance += max(0.0, sum(w * above[key] ** 2 for key, w in shares.items()) - first * first) / float(total)
    return math.sqrt(variance)


def volume_by_group(
    before: Mapping[K, Side],
    after: Mapping[K, Side],
    count_noise: Mapping[K, float] | None = None,
    rate_noise: float = 0.0,
) -> dict[K, Part]:
    """Each group's part in the change of the total Σ top: ``mix`` what more of its units add (ΔD·r̄), ``rate`` D̄·Δr.

    ``count_noise``: variance of a group's count beyond a Poisson draw (both sides together).
    """
    parts = {}
    for key in dict.fromkeys((*before, *after)):
        one, two = before.get(key, Side()), after.get(key, Side())
        middle, change = _middle(one, two, _NONE), _change(one, two)
        units = (one.bottom + two.bottom) / 2
        # tops without units (money of nobody) change the total and nothing else
        stray = (two.top if not two.bottom else _NONE) - (one.top if not one.bottom else _NONE)
        spread = abs(float(middle)) * math.sqrt(float(one.bottom + two.bottom) + (count_noise or {}).get(key, 0.0))
        parts[key] = Part(
            (two.bottom - one.bottom) * middle + stray,
            units * change,
            spread,
            _rate_error(float(units), one, two, rate_noise),
        )
    return parts


def volume_and_rate(before: Side, after: Side) -> tuple[Fraction, Fraction]:
    """The change of a total = units × rate: what more units add, and what a higher rate adds (exact mid-point)."""
    one, two = before.rate or _NONE, after.rate or _NONE
    return (after.bottom - before.bottom) * (one + two) / 2, (before.bottom + after.bottom) / 2 * (two - one)


def factors(names: Sequence[str], before: Sequence[Fraction], after: Sequence[Fraction]) -> dict[str, Fraction]:
    """Each factor's part in the change of their product (Shapley: no order of the factors is favoured)."""
    places = {name: i for i, name in enumerate(names)}

    def product(changed: frozenset[str]) -> Fraction:
        found = Fraction(1)
        for name, i in places.items():
            found *= after[i] if name in changed else before[i]
        return found

    return shapley(list(names), product)
