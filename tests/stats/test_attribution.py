"""Attribution models: hand-worked paths, brute force, and what must always hold."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.stats.attribution import LOST, MODELS, START, WON, Group, Move, custom, half_life, markov, to_the_cent

BY_NAME = {model.name: model for model in MODELS}
F = Fraction


def groups(keys: str, value: int = 100, direct: str = "D", days: tuple[int, ...] | None = None) -> list[Group]:
    """One conversion's touches, each as a group of its own."""
    amounts = (F(1), F(value), F(0))
    chosen = max((i for i, key in enumerate(keys) if key != direct), default=len(keys) - 1)
    ages = days or tuple(range(len(keys), 0, -1))
    halves = [F(1, 2**age) for age in ages]
    return [
        Group(
            key,
            "first" if i == 0 else "last" if i == len(keys) - 1 else "middle",
            len(keys),
            i == chosen,
            key not in keys[:i],
            len(set(keys)),
            amounts,
            tuple(halves[i] / sum(halves) * amount for amount in amounts),
        )
        for i, key in enumerate(keys)
    ]


def moves(world: list[tuple[str, int, int]]) -> list[Move]:
    """Steps of paths that were won and lost so many times."""
    made = []
    for keys, won, lost in world:
        states = [START, *keys]
        made += [Move(here, there, won + lost) for here, there in pairwise(states)]
        made += [Move(keys[-1], WON, won), Move(keys[-1], LOST, lost)]
    return [move for move in made if move.count]


# model, path (D is direct) → credit by key
WORKED = [
    ("first", "ABD", {"A": 1, "B": 0, "D": 0}),
    ("last", "ABD", {"A": 0, "B": 0, "D": 1}),
    ("last", "A", {"A": 1}),
    ("last_non_direct", "ABD", {"A": 0, "B": 1, "D": 0}),
    ("last_non_direct", "DD", {"D": 1}),
    ("linear", "ABA", {"A": F(2, 3), "B": F(1, 3)}),
    ("position", "A", {"A": 1}),
    ("position", "AB", {"A": F(1, 2), "B": F(1, 2)}),
    ("position", "ABCE", {"A": F(2, 5), "B": F(1, 10), "C": F(1, 10), "E": F(2, 5)}),
    ("j", "AB", {"A": F(1, 4), "B": F(3, 4)}),
    ("j", "ABC", {"A": F(1, 5), "B": F(1, 5), "C": F(3, 5)}),
    ("inverse_j", "AB", {"A": F(3, 4), "B": F(1, 4)}),
    ("inverse_j", "ABCE", {"A": F(3, 5), "B": F(1, 10), "C": F(1, 10), "E": F(1, 5)}),
    ("time_decay", "ABC", {"A": F(1, 7), "B": F(2, 7), "C": F(4, 7)}),
    ("shapley", "AABA", {"A": F(1, 2), "B": F(1, 2)}),
]


@pytest.mark.parametrize(("model", "path", "credit"), WORKED)
def test_a_path_worked_by_hand(model: str, path: str, credit: dict[str, Fraction]) -> None:
    assert {key: amounts[0] for key, amounts in BY_NAME[model].credits(groups(path)).items()} == credit


def test_a_half_life_is_a_quarter_of_the_window_and_at_least_a_day() -> None:
    assert [half_life(days * 86_400) for days in (1, 4, 30)] == [86_400, 86_400, 648_000]


@given(st.lists(st.tuples(st.text("ABCD", min_size=1, max_size=7), st.integers(0, 10_000)), min_size=1, max_size=8))
def test_credits_sum_to_one_and_revenue_to_the_cent(conversions: list[tuple[str, int]]) -> None:
    every = [group for keys, cents in conversions for group in groups(keys, cents)]
    steps = moves([(keys, 1, 0) for keys, _ in conversions])
    total = Decimal(sum(cents for _, cents in conversions)) / 100
    for model in MODELS:
        found = model.credits(every, steps)
        assert sum(amounts[0] for amounts in found.values()) == len(conversions), model.name
        revenue = to_the_cent({key: amounts[1] / 100 for key, amounts in found.items()}, total)
        assert sum(revenue.values()) == total, model.name
        assert all(abs(F(revenue[key]) - found[key][1] / 100) < F(1, 100) for key in found), model.name


@given(st.dictionaries(st.text("ABCD", min_size=1, max_size=4), st.integers(1, 50), min_size=1, max_size=6))
def test_shapley_is_the_mean_marginal_contribution_over_all_orders(counts: dict[str, int]) -> None:
    keys = sorted({key for path in counts for key in path})

    def worth(coalition: set[str]) -> int:
        return sum(count for path, count in counts.items() if set(path) <= coalition)

    brute: dict[str, Fraction] = defaultdict(Fraction)
    orders = list(permutations(keys))
    for order in orders:
        for place, key in enumerate(order):
            brute[key] += F(worth(set(order[: place + 1])) - worth(set(order[:place])), len(orders))
    every = [
        Group(g.key, g.place, g.length, g.chosen, g.fresh, g.kinds, (F(count),))
        for path, count in counts.items()
        for g in groups(path)
    ]
    assert {key: one[0] for key, one in BY_NAME["shapley"].credits(every).items()} == dict(brute)


def test_markov_by_hand() -> None:
    # A → B → won, A → lost, B → won. From the start: A 2/3, B 1/3; A → B 1/2, A → lost 1/2; B always wins: 2/3.
    # Without A: 1/3, so A's effect is 1/2; without B nothing is won: 1. Shares 1/3 and 2/3.
    steps = moves([("AB", 1, 0), ("A", 0, 1), ("B", 1, 0)])
    assert {key: float(share) for key, share in markov(steps).items()} == pytest.approx({"A": 1 / 3, "B": 2 / 3})


@given(st.lists(st.tuples(st.text("ABC", min_size=1, max_size=4), st.integers(0, 4), st.integers(0, 4)), max_size=6))
def test_markov_against_walking_the_chain(world: list[tuple[str, int, int]]) -> None:
    steps = moves(world)
    chain: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for step in steps:
        chain[step.here][step.there] += step.count

    def wins(without: str | None) -> float:
        mass, won = {START: 1.0}, 0.0
        for _ in range(4000):
            following: dict[str, float] = defaultdict(float)
            for here, amount in mass.items():
                for there, weight in chain[here].items():
                    part = amount * weight / sum(chain[here].values())
                    if there == WON:
                        won += part
                    elif there not in (LOST, without):
                        following[there] += part
            mass = following
            if sum(mass.values()) < 1e-13:
                break
        return won

    every = wins(None)
    if every <= 0:
        assert markov(steps) == {}
        return
    effects = {key: 1 - wins(key) / every for key in {step.here for step in steps} - {START}}
    found = {key: float(share) for key, share in markov(steps).items()}
    assert found == pytest.approx({key: one / sum(effects.values()) for key, one in effects.items()}, abs=1e-6)


def test_cents_go_to_the_largest_remainders() -> None:
    third = {"a": F(100, 3), "b": F(100, 3), "c": F(100, 3)}
    assert to_the_cent(third, Decimal(100)) == {"a": Decimal("33.34"), "b": Decimal("33.33"), "c": Decimal("33.33")}
    assert to_the_cent({"a": F(1, 2), "b": F(1, 2)}, Decimal(1), 0) == {"a": Decimal(1), "b": Decimal(0)}
    assert to_the_cent({"a": F(-1, 3), "b": F(4, 3)}, Decimal(1)) == {"a": Decimal("-0.33"), "b": Decimal("1.33")}


def test_own_shares_for_first_between_and_last() -> None:
    model = custom("30/50/20")
    assert model is not None
    path = [Group("a", "first", 4), Group("b", "middle", 4), Group("c", "middle", 4), Group("d", "last", 4)]
    assert [model.weight(g) for g in path] == [Fraction(3, 10), Fraction(1, 4), Fraction(1, 4), Fraction(1, 5)]
    assert [model.weight(Group("a", place, 2)) for place in ("first", "last")] == [Fraction(3, 5), Fraction(2, 5)]
    assert model.weight(Group("a", "first", 1)) == 1
    assert [custom(name) for name in ("30/50/30", "0/100/0", "30/70", "a/b/c")] == [None] * 4
