"""Moments: what SQL returns per group and all that statistics need. The third of the four waists.

For each unit of independence (visitor, user, order …) there is one vector of numbers, one entry per variable. Moments
hold how many units there were, the sum of each variable and the sum of each product of two. They add up over disjoint
units, so a total is the sum of its groups, and days add up to weeks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

Number = int | float | Decimal


@dataclass(frozen=True)
class Moments:
    """``n`` units, ``sums[i]`` = Σ xᵢ (exact: int or Decimal where the source is), ``products`` = Σ xᵢ·xⱼ.

    ``products`` is the upper triangle, row by row: (0,0), (0,1), …, (0,k−1), (1,1), ….
    """

    names: tuple[str, ...]
    n: int
    sums: tuple[Number, ...]
    products: tuple[float, ...]

    @classmethod
    def zero(cls, names: tuple[str, ...]) -> Moments:
        """No unit at all."""
        k = len(names)
        return cls(names, 0, (0,) * k, (0.0,) * (k * (k + 1) // 2))

    def __add__(self, other: Moments) -> Moments:
        if self.names != other.names:
            raise ValueError(f"moments of {other.names} do not add to moments of {self.names}")
        return Moments(
            self.names,
            self.n + other.n,
            tuple(_add(a, b) for a, b in zip(self.sums, other.sums, strict=True)),
            tuple(a + b for a, b in zip(self.products, other.products, strict=True)),
        )

    def index(self, name: str) -> int:
        """Place of a variable."""
        return self.names.index(name)

    def sum(self, name: str) -> Number:
        """Σ x."""
        return self.sums[self.index(name)]

    def mean(self, name: str) -> float:
        """Σ x / n; not a number when n = 0."""
        return float(self.sum(name)) / self.n if self.n else math.nan

    def product(self, a: str, b: str) -> float:
        """Σ x·y."""
        i, j = sorted((self.index(a), self.index(b)))
        k = len(self.names)
        return self.products[i * k - i * (i - 1) // 2 + (j - i)]

    def covariance(self, a: str, b: str) -> float:
        """Sample covariance (n − 1 below); not a number when n < 2."""
        if self.n < 2:
            return math.nan
        value = (self.product(a, b) - float(self.sum(a)) * float(self.sum(b)) / self.n) / (self.n - 1)
        return max(value, 0.0) if a == b else value

    def variance(self, name: str) -> float:
        """Sample variance (n − 1 below)."""
        return self.covariance(name, name)


def _add(a: Number, b: Number) -> Number:
    if isinstance(a, Decimal) or isinstance(b, Decimal):
        if isinstance(a, float) or isinstance(b, float):
            return float(a) + float(b)
        return Decimal(a) + Decimal(b)
    return a + b
