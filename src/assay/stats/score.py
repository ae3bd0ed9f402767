"""Score statistics of two shares: Miettinen and Nurminen's, for the difference and for the ratio, in closed form.

Source: O. S. Miettinen, M. Nurminen, Statistics in Medicine 4 (1985) 213–226; the cubic of the difference also in
C. P. Farrington, G. Manning, Statistics in Medicine 9 (1990) 1447–1454. All functions work on arrays that broadcast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[Any]
    Data = tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike]  # x control, n control, x treatment, n treatment


def score_difference(data: Data, delta: ArrayLike) -> Array:
    """(p̂₁ − p̂₀ − δ) / √((p̃₁q̃₁/n₁ + p̃₀q̃₀/n₀)·N/(N − 1)), p̃ the likeliest shares with p̃₁ − p̃₀ = δ, −1 ≤ δ ≤ 1."""
    import numpy as np

    x0, n0, x1, n1, null = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (*data, delta)))
    p0 = _control_share(x0, n0, x1, n1, null)
    return _standardised(x1 / n1 - x0 / n0 - null, p0, n0, np.clip(p0 + null, 0, 1), n1, 1.0)


def score_ratio(data: Data, ratio: ArrayLike) -> Array:
    """(p̂₁ − φp̂₀) / √((p̃₁q̃₁/n₁ + φ²p̃₀q̃₀/n₀)·N/(N − 1)), p̃ the likeliest shares with p̃₁ = φ·p̃₀, φ ≥ 0."""
    import numpy as np

    x0, n0, x1, n1, null = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (*data, ratio)))
    b = n1 * null + x1 + n0 + x0 * null
    root = np.sqrt(np.maximum(b * b - 4 * (n0 + n1) * null * (x0 + x1), 0))
    p0 = np.clip(2 * (x0 + x1) / (b + root), 0, 1)
    return _standardised(x1 / n1 - null * (x0 / n0), p0, n0, np.clip(null * p0, 0, 1), n1, null)


def score_bounds(data: Data, critical: ArrayLike, relative: bool = False) -> tuple[Array, Array]:
    """Ends of the score intervals of many tables at once: shapes of ``data`` and ``critical`` broadcast, 1-d.

    Differences in [−1, 1], or lifts as fractions ≥ −1 (``relative``; infinite above where control has no events). The
    same intervals as one table's, by halving all of them together until nothing moves; what a curve of thousands of
    looks is drawn by.
    """
    import numpy as np

    x0, n0, x1, n1, c = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (*data, critical)))
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = np.log((x1 / n1) / (x0 / n0)) if relative else x1 / n1 - x0 / n0
    floor, ceiling = (-60.0, 60.0) if relative else (-1.0, 1.0)
    middle = np.clip(np.nan_to_num(middle, nan=0.0, posinf=ceiling, neginf=floor), floor, ceiling)

    def end(target: Array, low: Array, high: Array) -> Array:
        # The statistic falls in the null; 60 halvings of at most 120 leave less than a double can tell.
        for _ in range(60):
            half = (low + high) / 2
            at = score_ratio((x0, n0, x1, n1), np.exp(half)) if relative else score_difference((x0, n0, x1, n1), half)
            above = at > target
            low, high = np.where(above, half, low), np.where(above, high, half)
        return np.asarray((low + high) / 2)

    low, high = end(c, np.full_like(middle, floor), middle), end(-c, middle, np.full_like(middle, ceiling))
    if not relative:
        return low, high
    return np.where(x1 > 0, np.expm1(low), -1.0), np.where(x0 > 0, np.expm1(high), np.inf)


def _control_share(x0: Array, n0: Array, x1: Array, n1: Array, delta: Array) -> Array:
    """The likeliest control share: the middle root of a cubic by cosines, then made exact by Newton's steps."""
    import numpy as np

    n, x = n0 + n1, x0 + x1
    b = ((n1 + 2 * n0) * delta - n - x) / (3 * n)
    c = ((n0 * delta - n - 2 * x0) * delta + x) / n
    d = x0 * delta * (1 - delta) / n
    p = b**3 - b * c / 2 + d / 2
    q = np.copysign(np.sqrt(np.maximum(b * b - c / 3, 1e-60)), p)
    angle = (np.pi + np.arccos(np.clip(p / q**3, -1, 1))) / 3
    low, high = np.maximum(0, -delta), np.minimum(1, 1 - delta)
    share = np.clip(2 * q * np.cos(angle) - b, low, high)
    share = np.where(delta == 0, x / n, share)
    for _ in range(3):
        # The derivative of the likelihood times its denominators: products, so nothing cancels near the ends.
        own, other = 1 - share, share + delta
        rest = 1 - other
        first = x0 * own - (n0 - x0) * share
        second = x1 * rest - (n1 - x1) * other
        value = first * other * rest + second * share * own
        slope = -n0 * other * rest + first * (rest - other) - n1 * share * own + second * (own - share)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.where(slope < 0, value / slope, 0.0)
        share = np.clip(share - step, low, high)
    return np.asarray(np.where(x == 0, low, np.where(x == n, high, share)))


def _standardised(top: Array, p0: Array, n0: Array, p1: Array, n1: Array, weight: Array | float) -> Array:
    import numpy as np

    n = n0 + n1
    spread = (p1 * (1 - p1) / n1 + weight * weight * p0 * (1 - p0) / n0) * n / (n - 1)
    top = np.where(np.abs(top) < 1e-15, 0.0, top)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(top == 0, 0.0, top / np.sqrt(spread))
