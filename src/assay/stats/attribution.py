"""Attribution models: numbers about paths in, credit out. Exact fractions wherever a model is rational.

A conversion's credits sum to one. Per-path models give each touch a weight; what they need of a path is counted
beforehand (``Group``), so any number of conversions is credited by a few hundred groups. Markov looks at all paths.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

Amounts = tuple[Fraction, ...]
START, WON, LOST = "(start)", "(conversion)", "(null)"


@dataclass(frozen=True)
class Group:
    """Touches that stand alike in their paths.

    ``place`` first, middle or last of ``length`` touches; ``chosen``: the last touch that is not direct (the last of
    all where every touch is direct); ``fresh``: the first of its key in the path, which has ``kinds`` different keys.
    ``amounts``: what the conversions behind them are worth (their number, value, …); ``decayed``: the same, each with
    its share by time decay.
    """

    key: str
    place: str = "first"
    length: int = 1
    chosen: bool = False
    fresh: bool = False
    kinds: int = 1
    amounts: Amounts = ()
    decayed: Amounts = ()


@dataclass(frozen=True)
class Move:
    """``count`` steps from one key to the next over all paths, which run from ``START`` to ``WON`` or ``LOST``."""

    here: str
    there: str
    count: int


@dataclass(frozen=True)
class Model:
    """``weight`` of a touch in its path, or ``shares`` of all credit by key over all paths; ``needs``: what to count.

    Neither: the shares by time decay, which the groups bring along.
    """

    name: str
    words: str
    weight: Callable[[Group], Fraction] | None = None
    shares: Callable[[Sequence[Move]], dict[str, Fraction]] | None = None
    needs: frozenset[str] = frozenset()

    def credits(self, groups: Sequence[Group], moves: Sequence[Move] = ()) -> dict[str, Amounts]:
        """Credited amounts by key; also of keys that are on paths and get nothing."""
        if self.shares is not None:
            totals = touched(groups)
            return {key: tuple(share * total for total in totals) for key, share in self.shares(moves).items()}
        found: dict[str, list[Fraction]] = {}
        for group in groups:
            if self.weight is None:
                credit: Amounts = group.decayed
            else:
                weight = self.weight(group)
                credit = tuple(weight * amount for amount in group.amounts)
            sums = found.setdefault(group.key, [Fraction(0)] * len(credit))
            for place, amount in enumerate(credit):
                sums[place] += amount
        return {key: tuple(sums) for key, sums in found.items()}


def touched(groups: Iterable[Group]) -> Amounts:
    """What the conversions that have a touch are worth: each has one first touch."""
    heads = [group.amounts for group in groups if group.place == "first"]
    return tuple(sum(column, Fraction(0)) for column in zip(*heads, strict=True)) or (Fraction(0),) * 3


def ends(first: Fraction, last: Fraction) -> Callable[[Group], Fraction]:
    """Fixed shares for the ends, the rest in equal parts between; two touches share the middle's part in proportion."""

    def weight(group: Group) -> Fraction:
        if group.length == 1:
            return Fraction(1)
        if group.length == 2:
            return (first if group.place == "first" else last) / (first + last)
        middle = (1 - first - last) / (group.length - 2)
        return {"first": first, "last": last}.get(group.place, middle)

    return weight


def _first(group: Group) -> Fraction:
    return Fraction(group.place == "first")


def _last(group: Group) -> Fraction:
    return Fraction(group.place == "last" or group.length == 1)


def _chosen(group: Group) -> Fraction:
    return Fraction(group.chosen)


def _linear(group: Group) -> Fraction:
    return Fraction(1, group.length)


def _shapley(group: Group) -> Fraction:
    """Each set of keys is a coalition, worth the conversions whose paths have no other keys (Zhao, Mahboobi and Bagheri
    2018): that game is a sum of unanimity games, so a conversion is divided equally among the keys of its path."""
    return Fraction(1, group.kinds) if group.fresh else Fraction(0)


def markov(moves: Sequence[Move]) -> dict[str, Fraction]:
    """Shares by removal effect (Anderl et al. 2016): how much less often a first-order chain through the paths ends in
    a conversion when visits to the key end it, over the sum of that of all keys.

    Paths that ended without a conversion count; without any the effect is the share of conversions that pass the key.
    """
    import numpy as np

    keys = sorted({m.here for m in moves} | {m.there for m in moves} - {WON, LOST})
    place = {key: i for i, key in enumerate(keys)}
    if START not in place:
        return {}
    size = len(place)
    chances = np.zeros((size, size))
    won, out = np.zeros(size), np.zeros(size)
    for move in moves:
        out[place[move.here]] += move.count
        if move.there == WON:
            won[place[move.here]] += move.count
        elif move.there != LOST:
            chances[place[move.here], place[move.there]] += move.count
    chances, won = chances / out[:, None], won / out
    start = place[START]

    def converts(removed: int | None) -> float:
        chain, ends_well = chances.copy(), won.copy()
        if removed is not None:
            chain[:, removed] = 0
            ends_well[removed] = 0
        return float(np.linalg.solve(np.eye(size) - chain, ends_well)[start])

    every = converts(None)
    if every <= 0:
        return {}
    effects = {key: Fraction(max(0.0, 1 - converts(place[key]) / every)) for key in keys if key != START}
    total = sum(effects.values())
    return {key: effect / total for key, effect in effects.items()} if total else {}


def _parts(first: int, last: int) -> Callable[[Group], Fraction]:
    return ends(Fraction(first, 100), Fraction(last, 100))


KINDS, CHOSEN, DECAY, MOVES = "kinds", "chosen", "decay", "moves"

MODELS: tuple[Model, ...] = (
    Model("first", "all to the first touch", _first),
    Model("last", "all to the last touch", _last),
    Model("last_non_direct", "all to the last touch that is not direct", _chosen, needs=frozenset({CHOSEN})),
    Model("linear", "equal parts to every touch", _linear),
    Model("position", "40 % first, 40 % last, 20 % between (two touches: half and half)", _parts(40, 40)),
    Model("j", "20 % first, 60 % last, 20 % between (two touches: 25 and 75)", _parts(20, 60)),
    Model("inverse_j", "60 % first, 20 % last, 20 % between (two touches: 75 and 25)", _parts(60, 20)),
    Model("time_decay", "half as much for each half-life before the conversion", needs=frozenset({DECAY})),
    Model(
        "shapley", "equal parts to the different values on the path (Shapley value)", _shapley, needs=frozenset({KINDS})
    ),
    Model("markov", "by removal effect in a first-order Markov chain", shares=markov, needs=frozenset({MOVES})),
)
ALIASES = {"u_shaped": "position", "j_shaped": "j", "inverse_j_shaped": "inverse_j"}


def custom(name: str) -> Model | None:
    """The model of shares like ``30/40/30``: per cent for the first touch, those between, the last. None: no shares."""
    parts = name.split("/")
    if len(parts) != 3 or not all(part.strip().isdigit() for part in parts):
        return None
    first, middle, last = (int(part) for part in parts)
    if first + middle + last != 100 or first + last == 0:
        return None
    return Model(f"{first}/{middle}/{last}", f"{first} % first, {last} % last, {middle} % between", _parts(first, last))


def half_life(window: int) -> int:
    """Seconds in which time decay halves: a quarter of the window, at least one day."""
    return max(window // 4, 86_400)


def to_the_cent(amounts: Mapping[str, Fraction], total: Decimal, digits: int = 2) -> dict[str, Decimal]:
    """Amounts rounded so that they sum to the total as rounded: largest remainders get what is left over.

    Half a cent of the total goes to the even side, as everywhere money is shown.
    """
    unit = Decimal(1).scaleb(-digits)
    scaled = {key: amount * 10**digits for key, amount in amounts.items()}
    floors = {key: value.numerator // value.denominator for key, value in scaled.items()}
    left = int(total.quantize(unit).scaleb(digits)) - sum(floors.values())
    order = sorted(scaled, key=lambda key: (floors[key] - scaled[key], key))
    extra: dict[str, int] = defaultdict(int)
    for turn in range(abs(left)):
        # Float models may be off by less than a cent in sum either way.
        extra[order[turn % len(order)] if left > 0 else order[-1 - turn % len(order)]] += 1 if left > 0 else -1
    return {key: (Decimal(floors[key] + extra[key])).scaleb(-digits) for key in amounts}
