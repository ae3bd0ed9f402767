"""An estimate: a number with its uncertainty, or the reason why there is no number."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Estimate:
    """``value`` with the interval ``low`` to ``high`` at ``level``; or ``value`` None and a ``reason``.

    Never a neutral number for "cannot say". ``numerator`` and ``denominator`` are exact where the data are.
    """

    value: float | Decimal | int | None
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    method: str = ""
    n: int = 0
    numerator: float | Decimal | int | None = None
    denominator: float | Decimal | int | None = None
    variance: float | None = None
    reason: str | None = None

    @classmethod
    def none(
        cls,
        reason: str,
        numerator: float | Decimal | int | None = None,
        denominator: float | Decimal | int | None = None,
    ) -> Estimate:
        """No value, and why."""
        return cls(None, numerator=numerator, denominator=denominator, reason=reason)
