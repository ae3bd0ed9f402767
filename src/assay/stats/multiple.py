"""Many tests at once: adjusted p-values of one family, and the levels of the intervals that go with them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assay.stats.tails import LEAST_P


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values that hold the false discovery rate; same order as given.

    Source: Y. Benjamini, Y. Hochberg, JRSS B 57 (1995) 289–300.
    """
    return _step_up(p_values, lambda p, rank, count: p * count / rank)


def adjust(p_values: Sequence[float], method: str = "holm") -> list[float]:
    """Adjusted p-values of one family, same order as given: reject those ≤ α, and the family's error rate is α.

    The family is all p-values that are read together; adjusting one at a time corrects nothing. ``method``, m tests:

    - ``bonferroni`` min(1, m·p); ``sidak`` 1 − (1 − p)ᵐ: family-wise error rate in one step (Šidák: where the tests are
      independent or positively dependent). Z. Šidák, JASA 62 (1967) 626–633.
    - ``holm``, ``holm_sidak``: step down, the same with m, m − 1, … from the smallest on; never less powerful.
      S. Holm, Scandinavian Journal of Statistics 6 (1979) 65–70.
    - ``hochberg``, ``hochberg_sidak``: step up from the largest; need independence or positive dependence.
      Y. Hochberg, Biometrika 75 (1988) 800–802.
    - ``bh``: false discovery rate under independence or positive dependence (Benjamini and Hochberg 1995); ``by``:
      under any dependence, times Σ 1/i (Y. Benjamini, D. Yekutieli, Annals of Statistics 29 (2001) 1165–1188).

    Never 0. Raises ValueError for an unknown method or a value outside [0, 1].
    """
    if method not in METHODS:
        raise ValueError(f"no method {method}: {', '.join(METHODS)}")
    if not all(0 <= p <= 1 for p in p_values):
        raise ValueError("p-values lie between 0 and 1")
    return [min(1.0, max(p, LEAST_P)) for p in METHODS[method](p_values)] if p_values else []


@dataclass(frozen=True)
class Level:
    """Confidence level of each interval of a family. ``agrees``: an interval leaves its null out exactly where the
    adjusted p-value is below α; otherwise ``note`` says what holds instead."""

    level: float
    agrees: bool
    note: str | None = None


def interval_level(tests: int, method: str = "holm", alpha: float = 0.05) -> Level:
    """Level at which ``tests`` two-sided intervals hold their truths together with probability 1 − α.

    Bonferroni 1 − α/m, Šidák (1 − α)^(1/m); both agree with their adjusted p-values. Stepwise methods have no such
    intervals: theirs are Bonferroni's (``by``: of α/Σ 1/i), which never leave out a null that the method keeps.
    ValueError for an unknown method, fewer than one test, or an α outside (0, 1).
    """
    if method not in METHODS:
        raise ValueError(f"no method {method}: {', '.join(METHODS)}")
    if tests < 1 or not 0 < alpha < 1:
        raise ValueError(f"{tests} tests at an error rate of {alpha} have no level")
    if method == "sidak":
        return Level(math.exp(math.log1p(-alpha) / tests), True)
    level = 1 - alpha / tests / (_harmonic(tests) if method == "by" else 1)
    if method == "bonferroni" or tests == 1:
        return Level(level, True)
    why = f"intervals are Bonferroni's: {method} has none of its own and may reject a null that they hold"
    return Level(level, False, why)


def _bonferroni(p: float, count: int) -> float:
    return min(1.0, p * count)


def _sidak(p: float, count: int) -> float:
    return -math.expm1(count * math.log1p(-p)) if p < 1 else 1.0


def _order(p_values: Sequence[float]) -> list[int]:
    return sorted(range(len(p_values)), key=lambda i: p_values[i])


def _one_step(p_values: Sequence[float], grown: Callable[[float, int], float]) -> list[float]:
    return [grown(p, len(p_values)) for p in p_values]


def _step_down(p_values: Sequence[float], grown: Callable[[float, int], float]) -> list[float]:
    adjusted, largest = [0.0] * len(p_values), 0.0
    for place, index in enumerate(_order(p_values)):
        largest = max(largest, grown(p_values[index], len(p_values) - place))
        adjusted[index] = largest
    return adjusted


def _step_up(p_values: Sequence[float], grown: Callable[[float, int, int], float]) -> list[float]:
    """``grown``: (p, its rank from the smallest, how many)."""
    count = len(p_values)
    adjusted, smallest = [0.0] * count, 1.0
    for rank, index in sorted(enumerate(_order(p_values), start=1), reverse=True):
        smallest = min(smallest, grown(p_values[index], rank, count))
        adjusted[index] = smallest
    return adjusted


def _harmonic(count: int) -> float:
    return math.fsum(1 / i for i in range(1, count + 1))


def _benjamini_yekutieli(p_values: Sequence[float]) -> list[float]:
    factor = _harmonic(len(p_values))
    return _step_up(p_values, lambda p, rank, count: p * factor * count / rank)


METHODS: dict[str, Callable[[Sequence[float]], list[float]]] = {
    "bonferroni": lambda p: _one_step(p, _bonferroni),
    "sidak": lambda p: _one_step(p, _sidak),
    "holm": lambda p: _step_down(p, _bonferroni),
    "holm_sidak": lambda p: _step_down(p, _sidak),
    "hochberg": lambda p: _step_up(p, lambda p, rank, count: _bonferroni(p, count - rank + 1)),
    "hochberg_sidak": lambda p: _step_up(p, lambda p, rank, count: _sidak(p, count - rank + 1)),
    "bh": benjamini_hochberg,
    "by": _benjamini_yekutieli,
}
