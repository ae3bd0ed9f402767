"""Taking a difference apart among causes, so that no order of the causes is favoured and the parts add up exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import combinations
from math import factorial


def shapley(players: Sequence[str], value: Callable[[frozenset[str]], Fraction]) -> dict[str, Fraction]:
    """Each player's part of ``value(all) − value(none)``; the parts add up to it exactly.

    A part is the mean over all orders of what the player adds when it joins (Shapley 1953). ``value`` is asked once for
    each of the 2ⁿ sets.
    """
    n = len(players)
    worth = {
        frozenset(chosen): value(frozenset(chosen)) for size in range(n + 1) for chosen in combinations(players, size)
    }
    parts = {}
    for player in players:
        total = Fraction(0)
        for chosen, without in worth.items():
            if player not in chosen:
                weight = Fraction(factorial(len(chosen)) * factorial(n - len(chosen) - 1), factorial(n))
                total += weight * (worth[chosen | {player}] - without)
        parts[player] = total
    return parts
