"""Many looks at once."""

from __future__ import annotations

from collections.abc import Sequence


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values that hold the false discovery rate; same order as given.

    Source: Y. Benjamini, Y. Hochberg, JRSS B 57 (1995) 289–300.
    """
    count = len(p_values)
    adjusted = [0.0] * count
    smallest = 1.0
    for rank, index in sorted(enumerate(sorted(range(count), key=lambda i: p_values[i])), reverse=True):
        smallest = min(smallest, p_values[index] * count / (rank + 1))
        adjusted[index] = smallest
    return adjusted
