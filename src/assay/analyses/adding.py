"""Parts as cells: fractions become the numbers that people see and still add up."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from assay.model.answer import Cell

PLACES = 6  # of money, behind the point


def money_cells(parts: Sequence[Fraction], places: int = PLACES) -> list[Decimal]:
    """Amounts whose sum is the rounded sum of the parts: what is cut off goes to those that lost most of it."""
    unit = Fraction(1, 10**places)
    cut = [part // unit for part in parts]
    left = round(sum(parts, Fraction(0)) / unit) - sum(cut)
    for place in sorted(range(len(parts)), key=lambda i: cut[i] * unit - parts[i])[: max(left, 0)]:
        cut[place] += 1
    return [Decimal(int(one)).scaleb(-places) for one in cut]


def cells(parts: Sequence[Fraction], money: bool) -> list[Cell]:
    """Parts of a metric as numbers of its kind: money as exact decimals, whole numbers whole, the rest as floats."""
    if money:
        return list(money_cells(parts))
    return [int(part) if part.denominator == 1 else float(part) for part in parts]
