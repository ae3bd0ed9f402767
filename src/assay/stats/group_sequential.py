"""A few planned looks: group-sequential bounds by error spending, the power they leave, what they cost in units.

The statistics of the looks are jointly normal with correlation √(information of the earlier / of the later one). A
bound is chosen so that the chance to cross it for the first time at that look is what the spending function gives to
it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[Any]

Spending = Callable[[float, float], float]
_NODES = 10  # Gauss–Legendre nodes in each panel, which is no wider than a step's deviation: exact to 1e-14
_REACH = 9.0  # deviations beyond where the paths to a bound pass: what is left there is below a double's precision
_FAR = -300.0  # logarithm of an error so small that it is spent as if no look had gone before: a bound from above
_NOTHING = -345.0  # and of what is taken for 0 on the way: products of two stay within doubles, which keeps them fast


def obrien_fleming(alpha: float, t: float) -> float:
    """Logarithm of the error spent by information fraction ``t``: 2 − 2Φ(z₁₋α⸝₂ / √t), for one side's α.

    Nearly nothing early, nearly all at the end. Source: K. K. G. Lan, D. L. DeMets, Biometrika 70 (1983) 659–663.
    """
    from scipy.special import log_ndtr, ndtri

    return math.log(2) + float(log_ndtr(ndtri(alpha / 2) / math.sqrt(t)))


def power_family(rho: float) -> Spending:
    """Spending α·tʳʰᵒ (its logarithm, as ``obrien_fleming``): 1 evenly, 2 or 3 later. Raises ValueError unless ρ > 0.

    Source: K. Kim, D. L. DeMets, Biometrika 74 (1987) 149–154.
    """
    if not rho > 0:
        raise ValueError(f"the power of a spending function is above 0, not {rho}")

    def log_spent(alpha: float, t: float) -> float:
        return math.log(alpha) + rho * math.log(t)

    return log_spent


SPENDING: dict[str, Spending] = {"obrien_fleming": obrien_fleming, "power": power_family(2.0)}


@dataclass(frozen=True)
class Design:
    """Looks at ``fractions`` of the planned information, and the bounds of |z| (two-sided) or z (one-sided) there.

    ``spent``: total error used up by then, of all sides. A bound is infinite where nothing is left to be spent. The
    interval estimate ± bound·standard error at each look is valid at all of them together (repeated confidence
    intervals: C. Jennison, B. W. Turnbull, JRSS B 51 (1989) 305–361).
    """

    fractions: tuple[float, ...]
    bounds: tuple[float, ...]
    spent: tuple[float, ...]
    alpha: float
    sides: int


def bounds(
    fractions: Sequence[float],
    alpha: float = 0.05,
    spending: Spending | str = "obrien_fleming",
    sides: int = 2,
    last: bool = False,
) -> Design:
    """Bounds at looks with these information fractions (rising, above 0), for a total error ``alpha``.

    Each side gets α/sides; two-sided bounds are symmetric and a crossing of either ends the test. Overrun: the first
    look with a fraction of 1 or more spends all that is left (spending sees min(t, 1)), correlations follow the
    fractions as they are, and looks after it have nothing left: their bound is infinite. ``last``: the last look given
    is the final one and spends what is left even though less information came than planned. Looks of the past never
    change with those to come. ``spending``: a function or a name in ``SPENDING`` (``power`` is α·t²). Errors:
    ValueError for another name, fractions that do not rise, an α outside (0, 1), other sides than 1 or 2. Source: P.
    Armitage, C. K. McPherson, B. C. Rowe, JRSS A 132 (1969) 235–244 (the recursion); Lan and DeMets (1983). A hundred
    looks take a second or two, the work grows with their third power: for daily looks over years use ``sequential``.
    """
    times = _checked(fractions, sides)
    side = _side(alpha, sides)
    if isinstance(spending, str):
        if spending not in SPENDING:
            raise ValueError(f"no spending {spending}: {', '.join(SPENDING)}")
        spending = SPENDING[spending]
    logs = [spending(side, min(t, 1.0)) for t in times]
    if last and times[-1] < 1:
        logs[-1] = math.log(side)
    logs = list(accumulate(logs, max))
    shares = [_log_difference(now, before) for before, now in zip((-math.inf, *logs), logs, strict=False)]
    found: list[float] = []
    state = _Walk(times, 0.0, sides, max((math.sqrt(-2 * s) for s in shares if s > _FAR), default=0.0))
    for share in shares:
        found.append(state.solve(share))
        state.stop_beyond(found[-1])
    spent = tuple(min(sides * math.exp(log), alpha) for log in logs)
    return Design(times, tuple(found), spent, alpha, sides)


def crossing(
    fractions: Sequence[float], z_bounds: Sequence[float], drift: float = 0.0, sides: int = 2
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Chance to cross first at each look: (above, below) by look; ``below`` is 0 throughout for one side.

    ``drift``: expected z at information fraction 1, effect / standard error there. Any bounds will do, those of
    ``sequential.critical`` among them. Same errors, source and cost as ``bounds``.
    """
    times = _checked(fractions, sides)
    if len(z_bounds) != len(times):
        raise ValueError(f"{len(z_bounds)} bounds for {len(times)} looks")
    state = _Walk(times, drift, sides, min(max(map(abs, z_bounds)), math.sqrt(-2 * _FAR)))
    above, below = [], []
    for bound in z_bounds:
        up, down = state.tails(bound)
        above.append(up)
        below.append(down)
        state.stop_beyond(bound)
    return tuple(above), tuple(below)


def power(fractions: Sequence[float], z_bounds: Sequence[float], drift: float, sides: int = 2) -> float:
    """Chance to cross on the side of the drift (which is ≥ 0: upwards) at any of the looks."""
    return math.fsum(crossing(fractions, z_bounds, drift, sides)[0])


def drift_for(fractions: Sequence[float], z_bounds: Sequence[float], power_wanted: float, sides: int = 2) -> float:
    """Expected z at full information with which the bounds are crossed with ``power_wanted``.

    ValueError unless that lies between the error of the bounds and 1.
    """
    from scipy.optimize import brentq

    if not power(fractions, z_bounds, 0.0, sides) < power_wanted < 1:
        raise ValueError(f"a power of {power_wanted} cannot be designed for")
    high = 4.0
    while power(fractions, z_bounds, high, sides) < power_wanted:
        high *= 2
    return float(
        brentq(lambda d: power(fractions, z_bounds, d, sides) - power_wanted, 0.0, high, xtol=1e-10, rtol=1e-12)
    )


def inflation(design: Design, power_wanted: float = 0.8) -> float:
    """Largest number of units over that of one look at the end with the same error and power: ≥ 1.

    (drift of the design / (z₁₋α⸝sides + z_power))². Source: C. Jennison, B. W. Turnbull, Group Sequential Methods
    (2000) §2.
    """
    from scipy.special import ndtri

    once = float(ndtri(power_wanted) - ndtri(_side(design.alpha, design.sides)))
    return (drift_for(design.fractions, design.bounds, power_wanted, design.sides) / once) ** 2


def expected_fraction(design: Design, drift: float = 0.0) -> float:
    """Information fraction at which the test ends on average; the last look ends it in any case."""
    above, below = crossing(design.fractions, design.bounds, drift, design.sides)
    stops = [a + b for a, b in zip(above, below, strict=True)]
    stops[-1] = 1 - math.fsum(stops[:-1])
    return math.fsum(t * p for t, p in zip(design.fractions, stops, strict=True))


def repeated_p(
    fractions: Sequence[float],
    statistics: Sequence[float],
    spending: Spending | str = "obrien_fleming",
    sides: int = 2,
    last: bool = False,
) -> float:
    """p-value after the last of the looks: the smallest α whose bounds any of the looks has crossed.

    Below α exactly when the design at α would have stopped with a rejection; 1 where none would, which for one side is
    from 1/2 on; never below 1e-268. ``statistics``: z of each look (NaN: not judged). Source: C. Jennison, B. W.
    Turnbull (2000) §9.
    """
    from scipy.optimize import brentq
    from scipy.special import log_ndtr

    if len(statistics) != len(fractions):
        raise ValueError(f"{len(statistics)} statistics for {len(fractions)} looks")
    z = [abs(s) if sides == 2 else s for s in statistics]

    # Bounds are nearly linear in this scale, so the search is short.
    def alpha(u: float) -> float:
        return sides * math.exp(float(log_ndtr(-u)))

    def margin(u: float) -> float:
        design = bounds(fractions, alpha(u), spending, sides, last)
        return max((s - b for s, b in zip(z, design.bounds, strict=True) if not math.isnan(s)), default=-math.inf)

    # No look spends more than α in all, so its bound is at least the one that α alone would have.
    low, high = 1e-9, min(max((s for s in z if not math.isnan(s)), default=0.0) + 1e-6, 35.0)
    if high <= low or margin(low) < 0:
        return 1.0
    if margin(high) >= 0:
        return alpha(high)
    return alpha(float(brentq(margin, low, high, xtol=1e-11)))


class _Walk:
    """The density of the sum S = z·√t over the paths that have not crossed yet, on Gauss–Legendre nodes."""

    def __init__(self, times: tuple[float, ...], drift: float, sides: int, highest: float) -> None:
        """``highest``: about the largest bound that will be asked for."""
        self.times, self.drift, self.sides, self.highest = times, drift, sides, highest
        self.steps = [math.sqrt(b - a) for a, b in zip((0.0, *times[:-1]), times, strict=True)]
        self.look = 0
        self.nodes: Floats | None = None  # of the look before; None: all at 0
        self.mass: Floats | None = None  # weight · density there

    def tails(self, bound: float) -> tuple[float, float]:
        """Chance to be above, and below −bound, at this look and never before."""
        import numpy as np
        from scipy.special import ndtr

        up, down = self._arguments(bound)
        mass = np.ones(1) if self.mass is None else self.mass
        return float(mass @ ndtr(up)), float(mass @ ndtr(down)) if self.sides == 2 else 0.0

    def solve(self, log_share: float) -> float:
        """The bound crossed upwards with this log probability."""
        from scipy.optimize import brentq
        from scipy.special import ndtri_exp

        if log_share == -math.inf:
            return math.inf
        alone = -float(ndtri_exp(log_share))  # if no look had gone before: a bound from above
        if self.mass is None or log_share < _FAR:
            return alone

        def excess(bound: float) -> float:
            up = self.tails(bound)[0]
            return (math.log(up) if up > 0 else -800.0) - log_share

        low = alone - 0.5
        while excess(low) < 0:
            if low < -40:
                return -math.inf  # even the certain is less than what is to be spent
            low -= 1.0
        return float(brentq(excess, low, alone + 1e-9, xtol=1e-14, rtol=1e-15)) if excess(alone) < 0 else alone

    def stop_beyond(self, bound: float) -> None:
        """Go on to the next look with what is inside."""
        import numpy as np

        if self.look + 1 < len(self.times):
            nodes, weights = self._grid(bound)
            self.nodes, self.mass = nodes, weights * self._density(nodes)
        else:
            self.nodes, self.mass = np.zeros(0), np.zeros(0)
        self.look += 1

    def _arguments(self, bound: float) -> tuple[Any, Any]:
        import numpy as np

        here, step = np.zeros(1) if self.nodes is None else self.nodes, self.steps[self.look]
        edge, moved = bound * math.sqrt(self.times[self.look]), here + self.drift * step * step
        return (moved - edge) / step, (-edge - moved) / step

    def _density(self, at: Floats) -> Floats:
        import numpy as np

        step = self.steps[self.look]
        here, mass = (np.zeros(1), np.ones(1)) if self.nodes is None or self.mass is None else (self.nodes, self.mass)
        apart = (at[:, None] - here[None, :] - self.drift * step * step) / step
        log_kernel = -apart * apart / 2
        kernel = np.exp(np.where(log_kernel < _NOTHING, -np.inf, log_kernel))
        density = kernel @ mass / (step * math.sqrt(2 * math.pi))
        return np.where(density < math.exp(_NOTHING), 0.0, density)

    def _grid(self, bound: float) -> tuple[Floats, Floats]:
        """Nodes and weights between the bounds, as far as the walk can be for any purpose."""
        import numpy as np

        t = self.times[self.look]
        middle, root = self.drift * t, math.sqrt(t)
        reach = (self.highest + _REACH) * root
        high = min(bound * root, middle + reach)
        low = max(-bound * root, middle - reach) if self.sides == 2 else middle - (_REACH + 4) * root
        if high <= low:
            return np.zeros(0), np.zeros(0)
        width = min(self.steps[self.look], self.steps[self.look + 1])
        panels = max(2, math.ceil((high - low) / width))
        x, w = _gauss_legendre()
        edges = np.linspace(low, high, panels + 1)
        half = (edges[1] - edges[0]) / 2
        return ((edges[:-1, None] + half) + half * x[None, :]).ravel(), np.tile(half * w, panels)


@cache
def _gauss_legendre() -> tuple[Floats, Floats]:
    import numpy as np

    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return nodes, weights


def _checked(fractions: Sequence[float], sides: int) -> tuple[float, ...]:
    times = tuple(float(t) for t in fractions)
    if not times or times[0] <= 0 or any(b <= a for a, b in pairwise(times)):
        raise ValueError("information fractions rise and are above 0")
    if sides not in (1, 2):
        raise ValueError(f"a test has one side or two, not {sides}")
    return times


def _side(alpha: float, sides: int) -> float:
    if not 0 < alpha < sides / 2:
        raise ValueError(f"an error rate of {alpha} is none for {sides} side{'s' * (sides - 1)}")
    return alpha / sides


def _log_difference(later: float, earlier: float) -> float:
    if later <= earlier:
        return -math.inf
    return later + math.log(-math.expm1(earlier - later))
