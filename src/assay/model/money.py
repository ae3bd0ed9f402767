"""Exact money: Decimal and a currency; never a float."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

_NO_MINOR = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())
_THREE = frozenset("BHD IQD JOD KWD LYD OMR TND".split())

STORE_DIGITS = 6  # digits after the point that the store keeps


def digits(currency: str) -> int:
    """Digits after the point in ``currency`` (ISO 4217): 2 for EUR, 0 for JPY, 3 for KWD."""
    return 0 if currency in _NO_MINOR else 3 if currency in _THREE else 2


def text(amount: Decimal, currency: str) -> str:
    """Exact decimal text, at least the currency's own digits, no useless zeros beyond: ``2931.76``."""
    normal = amount.normalize()
    exponent = normal.as_tuple().exponent
    places = max(digits(currency), -exponent if isinstance(exponent, int) else 0)
    return f"{normal:.{places}f}"


@dataclass(frozen=True)
class Money:
    """An amount in one currency. Adding two currencies is an error, not a guess."""

    amount: Decimal
    currency: str

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.amount - other.amount, self.currency)

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")

    def rounded(self) -> Money:
        """To the currency's own digits, half to even."""
        return Money(self.amount.quantize(Decimal(1).scaleb(-digits(self.currency)), ROUND_HALF_EVEN), self.currency)

    def __str__(self) -> str:
        return f"{text(self.amount, self.currency)} {self.currency}"
