"""Exact unconditional tests of two shares, for few events: score ordering, the nuisance share maximised away.

For a null (a difference δ or a ratio φ of the shares) the one-sided p-value is the largest chance, over the control
shares that the data leave possible, of a table whose score statistic is at least as large as the observed one.

Which shares are possible is an exact interval of confidence 1 − γ, and γ is added to the p-value: so it stays exact and
only tables that carry mass are counted (R. L. Berger, D. D. Boos, JASA 89 (1994) 1012–1016). Ordering: I. S. F. Chan,
Z. Zhang, Biometrics 55 (1999) 1202–1209. γ = 1e-12, so no p-value of these tests is below that.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from assay.stats.score import score_difference, score_ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

GAMMA = 1e-12
_CUT = 1e-16  # mass of the enumerated arm left out at either end
_GRID = 64
_ROUNDS = 2  # of refinement around the best of the grid
_WIDE = 20  # windows of the other arm wider than so many of the enumerated one: incomplete beta functions are cheaper
_TIE = 1e-9  # score statistics this close are equal: their order is rounding


class Table(NamedTuple):
    """Events and units of control and treatment."""

    x0: int
    n0: int
    x1: int
    n1: int


@lru_cache(maxsize=1024)
def exact_tail(table: Table, null: float, relative: bool, upper: bool) -> float:
    """One-sided exact p-value of "the difference is ``null``" (relative: the ratio is ``null`` ≥ 0), γ ≤ p ≤ 1.

    ``upper``: the chance of a score statistic as large as observed (against a larger effect), otherwise as small.
    """
    import numpy as np

    low, high = _possible(table, null, relative)
    if low > high:
        # Neither arm leaves room for the null: all that is possible lies on the side that the data are on.
        rises = float((score_ratio if relative else score_difference)(table, null)) > 0
        return GAMMA if rises == upper else 1.0
    few = 0 if _window(table, 0, null, relative, low, high)[2] <= _window(table, 1, null, relative, low, high)[2] else 1
    tail = _tail_function(table, null, relative, upper, few, low, high)
    # Equal steps of the arcsine root are equal steps in units of the shares' own standard deviation.
    grid = np.linspace(np.arcsin(np.sqrt(low)), np.arcsin(np.sqrt(high)), _GRID)
    chance = tail(np.clip(np.sin(grid) ** 2, low, high))
    best = float(chance.max())
    step = grid[1] - grid[0]
    peaks = grid[np.argsort(chance)[-3:]]
    for _ in range(_ROUNDS if step > 0 else 0):
        finer = (peaks[:, None] + np.linspace(-step, step, 17)).ravel()
        chance = tail(np.clip(np.sin(np.clip(finer, grid[0], grid[-1])) ** 2, low, high))
        best = max(best, float(chance.max()))
        peaks, step = finer[np.argsort(chance)[-2:]], step / 8
    return min(1.0, best + GAMMA)


def _treated(share: Array | float, null: float, relative: bool) -> Any:
    """The treatment share that goes with a control share under the null."""
    return share * null if relative else share + null


def _possible(table: Table, null: float, relative: bool) -> tuple[float, float]:
    """Control shares that neither arm rules out: Clopper and Pearson's interval of each arm at 1 − γ/2."""
    from scipy.special import betainccinv, betaincinv

    ends = []
    for x, n in ((table.x0, table.n0), (table.x1, table.n1)):
        low = float(betaincinv(x, n - x + 1, GAMMA / 4)) if x > 0 else 0.0
        high = float(betainccinv(x + 1, n - x, GAMMA / 4)) if x < n else 1.0
        ends.append((low, high))
    (low0, high0), (low1, high1) = ends
    if not relative:
        return max(low0, low1 - null), min(high0, high1 - null)
    if null == 0:
        return low0, high0 if low1 == 0 else -1.0
    return max(low0, low1 / null), min(high0, high1 / null)


def _window(table: Table, arm: int, null: float, relative: bool, low: float, high: float) -> tuple[int, int, int]:
    """Counts of an arm that carry mass for some possible share, and how many they are."""
    n = table.n1 if arm else table.n0
    if arm:
        low, high = (min(max(_treated(p, null, relative), 0.0), 1.0) for p in (low, high))
    first, last = _quantile(n, low, _CUT), n - _quantile(n, 1 - high, _CUT)
    return first, last, last - first + 1


def _quantile(n: int, share: float, mass: float) -> int:
    """The largest k with P(X < k) ≤ mass for X binomial: by bisection."""
    from scipy.special import betaincc

    if share <= 0:
        return 0
    low, high = 0, n
    while low < high:
        k = (low + high + 1) // 2
        # P(X ≤ k − 1) = 1 − I_share(k, n − k + 1)
        if float(betaincc(k, n - k + 1, share)) <= mass:
            low = k
        else:
            high = k - 1
    return low


def _tail_function(
    table: Table, null: float, relative: bool, upper: bool, few: int, low: float, high: float
) -> Callable[[Array], Array]:
    """Chance of a table as extreme as the observed one, by control share (an array).

    The statistic rises with the events of treatment and falls with those of control, so for each count of the arm with
    few possible ones the others that are as extreme begin at one count, and their chance is a binomial tail.
    """
    import numpy as np

    statistic = score_ratio if relative else score_difference
    first, last, _ = _window(table, few, null, relative, low, high)
    own = np.arange(first, last + 1, dtype=float)
    n_own, n_other = (table.n1, table.n0) if few else (table.n0, table.n1)
    observed = float(statistic(table, null))
    rising = upper == (few == 0)  # extreme tables: many events of the other arm
    start, stop, _ = _window(table, 1 - few, null, relative, low, high)

    def extreme(other: Array) -> Array:
        at = statistic((own, n_own, other, n_other) if few == 0 else (other, n_other, own, n_own), null)
        return at >= observed - _TIE if upper else at <= observed + _TIE

    # Smallest extreme count (rising) or largest (falling) of the other arm, for every own count at once.
    below, above = np.full(own.shape, start - 1.0), np.full(own.shape, stop + 1.0)
    while float((above - below).max()) > 1:
        middle = np.floor((below + above) / 2)
        moves = above - below > 1
        hit = extreme(np.clip(middle, 0, n_other)) == rising
        above = np.where(moves & hit, middle, above)
        below = np.where(moves & ~hit, middle, below)
    edge = above if rising else below

    def chance(control: Array) -> Array:
        shares = np.clip(_treated(control, null, relative), 0, 1)
        p_own, p_other = (shares, control) if few else (control, shares)
        if stop - start > _WIDE * len(own):
            return np.asarray((_masses(own, n_own, p_own) * _tails(edge, n_other, p_other, rising)).sum(axis=1))
        masses = _masses(np.arange(start, stop + 1.0), n_other, p_other)
        masses = masses[:, ::-1] if rising else masses
        # Column j: the j outermost counts; the window leaves out less than the cut.
        sums = np.cumsum(np.pad(masses, ((0, 0), (1, 0))), axis=1)
        place = (stop + 1 - edge if rising else edge - start + 1).astype(int)
        return np.asarray((_masses(own, n_own, p_own) * sums[:, place]).sum(axis=1))

    return chance


def _masses(counts: Array, n: int, shares: Array) -> Array:
    """Binomial chances: a row per share, a column per count."""
    import numpy as np
    from scipy.special import betaln

    log_share = np.log(np.maximum(shares, 1e-300))[:, None]
    log_rest = np.where(shares < 0.5, np.log1p(-np.minimum(shares, 0.5)), np.log(np.maximum(1 - shares, 1e-300)))
    ways = -np.log(n + 1) - betaln(n - counts + 1, counts + 1)
    return np.asarray(np.exp(ways + counts * log_share + (n - counts) * log_rest[:, None]))


def _tails(edges: Array, n: int, shares: Array, rising: bool) -> Array:
    """P(X ≥ edge) (rising) or P(X ≤ edge): a row per share, a column per edge, by incomplete beta functions."""
    import numpy as np
    from scipy.special import betainc, betaincc

    below = edges if rising else edges + 1  # P(X ≥ below), or what it lacks to 1
    k = np.clip(below, 1, n)
    inner = (betainc if rising else betaincc)(k, n - k + 1, shares[:, None])
    none, every = (1.0, 0.0) if rising else (0.0, 1.0)
    return np.asarray(np.where(below <= 0, none, np.where(below > n, every, inner)))
