"""Parts of a change: worked by hand, and adding up exactly whatever comes."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.stats.parts import Side, factors, mix_and_rate, mix_error, volume_and_rate


def side(top: int, bottom: int) -> Side:
    rate = top / bottom if bottom else 0
    return Side(Fraction(top), Fraction(bottom), rate * (1 - rate) / bottom if bottom else None)


def test_an_influencer_day_is_pure_mix() -> None:
    # Search converts 10 of 100 on both days; a push brings 100 visitors who convert 1 of 100.
    before = {"search": side(10, 100), "social": side(1, 100)}
    after = {"search": side(10, 100), "social": side(4, 400)}
    parts = mix_and_rate(before, after)
    assert all(part.rate == 0 for part in parts.values())
    assert sum(part.mix for part in parts.values()) == Fraction(14, 500) - Fraction(11, 200)
    assert parts["social"].mix < 0 and parts["search"].mix < 0  # noqa: PT018


def test_a_group_that_is_new_has_mix_only() -> None:
    parts = mix_and_rate({"a": side(10, 100)}, {"a": side(10, 100), "b": side(0, 100)})
    assert parts["b"].rate == 0
    assert parts["a"].whole + parts["b"].whole == Fraction(10, 200) - Fraction(10, 100)


def test_the_error_of_a_rate_part_is_that_of_its_difference() -> None:
    parts = mix_and_rate({"a": side(20, 100)}, {"a": side(30, 100)})
    assert parts["a"].rate_error == pytest.approx((0.2 * 0.8 / 100 + 0.3 * 0.7 / 100) ** 0.5)
    assert parts["a"].mix_error == 0


def test_the_error_of_the_mix_by_simulation() -> None:
    import numpy as np

    rng = np.random.default_rng(5)
    rates = np.array([0.1, 0.02, 0.05])
    drawn = []
    for _ in range(4000):
        one, two = (rng.multinomial(1000, [0.5, 0.3, 0.2]) for _ in range(2))
        drawn.append(((two - one) / 1000) @ rates)
    sides = {
        n: Side(Fraction(float(r)) * c, Fraction(c), 0.0) for n, r, c in zip("abc", rates, (500, 300, 200), strict=True)
    }
    assert mix_error(sides, sides) == pytest.approx(float(np.std(drawn)), rel=0.05)


def test_no_units_on_a_side() -> None:
    with pytest.raises(ValueError, match="no rate"):
        mix_and_rate({"a": side(0, 0)}, {"a": side(1, 2)})


COUNTS = st.dictionaries(
    st.sampled_from("abcdef"), st.tuples(st.integers(0, 50), st.integers(0, 60)), min_size=1, max_size=6
)


@given(COUNTS, COUNTS)
def test_mix_and_rate_add_up_exactly(one: dict[str, tuple[int, int]], two: dict[str, tuple[int, int]]) -> None:
    before, after = ({k: side(min(t, b), b) for k, (t, b) in counts.items()} for counts in (one, two))
    if not all(sum(s.bottom for s in sides.values()) for sides in (before, after)):
        return
    low, high = (
        sum(s.top for s in sides.values()) / sum(s.bottom for s in sides.values()) for sides in (before, after)
    )
    assert sum(part.whole for part in mix_and_rate(before, after).values()) == high - low


@given(st.lists(st.tuples(st.fractions(0, 5), st.fractions(0, 5)), min_size=1, max_size=5))
def test_factors_add_up_exactly(pairs: list[tuple[Fraction, Fraction]]) -> None:
    names = [str(i) for i in range(len(pairs))]
    before, after = [p[0] for p in pairs], [p[1] for p in pairs]
    whole = Fraction(1)
    start = Fraction(1)
    for low, high in pairs:
        start, whole = start * low, whole * high
    assert sum(factors(names, before, after).values()) == whole - start


def test_two_factors_are_the_mid_point() -> None:
    parts = factors(["rate", "order value"], [Fraction(1, 50), Fraction(100)], [Fraction(1, 40), Fraction(80)])
    assert parts == {"rate": Fraction(1, 200) * 90, "order value": Fraction(-20) * Fraction(9, 400)}
    assert volume_and_rate(Side(Fraction(10), Fraction(100)), Side(Fraction(30), Fraction(200))) == (
        Fraction(100) * Fraction(1, 8), Fraction(150) * Fraction(1, 20),
    )  # fmt: skip
