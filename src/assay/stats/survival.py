"""Time to an event where some have not had it yet: the Kaplan–Meier curve, its band and its quantiles."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from assay.model.estimate import Estimate
from assay.stats.normal import z_two_sided
from assay.stats.proportions import wilson


@dataclass(frozen=True)
class Curve:
    """A Kaplan–Meier curve: at each of ``times`` (ascending) where somebody had the event, what is left.

    ``survival[i]`` is the share without the event just after ``times[i]``, ``at_risk[i]`` how many were followed until
    then without it, ``events[i]`` how many had it, ``spread[i]`` Greenwood's sum Σ d / (n (n − d)), infinite once
    nobody is left. ``n`` units in all, followed for at most ``longest``.
    """

    times: tuple[float, ...]
    survival: tuple[float, ...]
    at_risk: tuple[int, ...]
    events: tuple[int, ...]
    spread: tuple[float, ...]
    n: int
    longest: float

    def share_by(self, time: float, level: float = 0.95) -> Estimate:
        """Share that had the event within ``time``: 1 − S, with the log-log interval; no value beyond all follow-up."""
        if self.n == 0:
            return Estimate.none("no units")
        place = bisect_right(self.times, time) - 1
        left = self.survival[place] if place >= 0 else 1.0
        if time > self.longest and left > 0:
            return Estimate.none("nobody has been followed for that long")
        low, high = self._band(place, level)
        if place < 0 or left == 1.0:
            return Estimate(0.0, 0.0, wilson(0, self.n, level).high, level, "Kaplan–Meier, Wilson at none", self.n)
        variance = left * left * self.spread[place] if left > 0 else None
        if low is None or high is None:
            reason = "everybody followed had it by then: the curve has no band there"
            return Estimate(1 - left, None, None, level, "Kaplan–Meier", self.n, reason=reason)
        return Estimate(1 - left, 1 - high, 1 - low, level, "Kaplan–Meier, log-log", self.n, variance=variance)

    def quantile(self, q: float = 0.5, level: float = 0.95) -> Estimate:
        """Time by which the share ``q`` has had the event: the first at which S ≤ 1 − q; the median for 0.5.

        The interval holds the times at which the band of the curve holds 1 − q (Brookmeyer and Crowley, Biometrics 38
        (1982) 29–41, on the log-log scale). No value where the curve does not come down so far; no upper end where its
        upper band does not.
        """
        if not 0 < q < 1:
            raise ValueError(f"a quantile lies between 0 and 1, not at {q}")
        if self.n == 0:
            return Estimate.none("no units")
        wanted = 1 - q + 1e-12  # what is left of equal numbers by rounding
        value = next((t for t, s in zip(self.times, self.survival, strict=True) if s <= wanted), None)
        if value is None:
            reached = 1 - self.survival[-1] if self.survival else 0.0
            return Estimate.none(f"only {reached * 100:.3g} % have had it within the time that anybody was followed")
        ends: list[float | None] = []
        for side in (0, 1):
            found = None
            for place, time in enumerate(self.times):
                bound = self._band(place, level)[side]
                if (bound if bound is not None else self.survival[place]) <= wanted:
                    found = time
                    break
            ends.append(found)
        reason = None if ends[1] is not None else "too few are followed long enough for an upper end"
        return Estimate(value, ends[0], ends[1], level, "Kaplan–Meier, Brookmeyer–Crowley", self.n, reason=reason)

    def _band(self, place: int, level: float) -> tuple[float | None, float | None]:
        """Lower and upper bound of S: S^exp(± z·se), se = √spread / |log S|."""
        if place < 0:
            return None, None
        left = self.survival[place]
        if not 0 < left < 1:
            return None, None
        step = z_two_sided(level) * math.sqrt(self.spread[place]) / abs(math.log(left))
        return left ** math.exp(step), left ** math.exp(-step)


def kaplan_meier(durations: Iterable[tuple[float, bool, int]]) -> Curve:
    """The curve of units by (duration ≥ 0, had the event, how many such units).

    S(t) = Π (1 − dᵢ/nᵢ) over the times with events; who is last seen at the moment of an event was at risk for it.
    Source: E. L. Kaplan, P. Meier, JASA 53 (1958) 457–481; Greenwood (1926) for the variance.
    """
    had: dict[float, int] = {}
    seen: dict[float, int] = {}
    for time, event, count in durations:
        if time < 0 or count < 0:
            raise ValueError(f"a duration of {time} for {count} units is none")
        if count:
            seen[time] = seen.get(time, 0) + count
            if event:
                had[time] = had.get(time, 0) + count
    n = sum(seen.values())
    at_risk, left, spread = n, 1.0, 0.0
    rows: list[tuple[float, float, int, int, float]] = []
    for time in sorted(seen):
        events = had.get(time, 0)
        if events:
            left *= 1 - events / at_risk
            spread = spread + events / (at_risk * (at_risk - events)) if events < at_risk else math.inf
            rows.append((time, left if events < at_risk else 0.0, at_risk, events, spread))
        at_risk -= seen[time]
    times, survival, risks, counts, spreads = zip(*rows, strict=True) if rows else ((), (), (), (), ())
    return Curve(times, survival, risks, counts, spreads, n, max(seen, default=0.0))
