"""Families of tests against statsmodels, and intervals that agree with the decisions."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri

from assay.stats.multiple import METHODS, adjust, benjamini_hochberg, interval_level
from support import examples

PEERS = {
    "bonferroni": "bonferroni", "sidak": "sidak", "holm": "holm", "holm_sidak": "holm-sidak",
    "hochberg": "simes-hochberg", "bh": "fdr_bh", "by": "fdr_by",
}  # fmt: skip
FAMILIES = st.lists(st.one_of(st.floats(0, 1), st.floats(1e-12, 1e-2)), min_size=1, max_size=25)


@settings(max_examples=examples(150), deadline=None, derandomize=True)
@given(FAMILIES, st.sampled_from(sorted(PEERS)))
def test_adjusted_p_values_are_those_of_statsmodels(p_values: list[float], method: str) -> None:
    from statsmodels.stats.multitest import multipletests

    peer = multipletests(p_values, method=PEERS[method])[1]
    assert adjust(p_values, method) == pytest.approx(peer.tolist(), rel=1e-9, abs=1e-300)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(FAMILIES)
def test_steps_are_never_less_powerful_and_all_keep_the_order(p_values: list[float]) -> None:
    made = {method: adjust(p_values, method) for method in METHODS}
    slack = 1 + 1e-12
    for better, plain in (
        ("sidak", "bonferroni"), ("holm", "bonferroni"), ("holm_sidak", "sidak"), ("hochberg", "holm"),
        ("hochberg_sidak", "holm_sidak"), ("bh", "hochberg"), ("bh", "by"),
    ):  # fmt: skip
        assert all(a <= b * slack for a, b in zip(made[better], made[plain], strict=True)), (better, plain)
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    for method, adjusted in made.items():
        assert all(0 < p <= 1 for p in adjusted), method
        assert all(adjusted[a] <= adjusted[b] * slack for a, b in pairwise(order)), method
        assert all(a >= p * (1 - 1e-12) for a, p in zip(adjusted, p_values, strict=True)), method


def test_one_test_is_its_own_family_and_the_old_name_still_holds() -> None:
    assert all(adjust([0.03], method) == [pytest.approx(0.03)] for method in METHODS)
    assert adjust([], "holm") == benjamini_hochberg([]) == []
    assert benjamini_hochberg([0.01, 0.04, 0.03]) == pytest.approx(adjust([0.01, 0.04, 0.03], "bh"))
    assert adjust([0.0, 1e-300], "sidak") == [5e-324, pytest.approx(2e-300)]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.floats(-6, 6), min_size=1, max_size=20), st.floats(0.001, 0.2), st.sampled_from(sorted(METHODS)))
def test_intervals_and_decisions(z: list[float], alpha: float, method: str) -> None:
    """One-step intervals leave 0 out exactly where the test rejects; those of steps never where it does not."""
    from assay.stats.normal import p_two_sided

    level = interval_level(len(z), method, alpha)
    bound = -float(ndtri((1 - level.level) / 2))
    for value, p in zip(z, adjust([p_two_sided(v) for v in z], method), strict=True):
        if abs(p - alpha) < 1e-9 or abs(abs(value) - bound) < 1e-9:
            continue
        if level.agrees:
            assert (abs(value) > bound) == (p < alpha)
        else:
            assert p < alpha or abs(value) <= bound
    assert (level.note is None) == level.agrees


def test_what_is_no_family_is_an_error() -> None:
    for p_values, method in (([0.1], "tukey"), ([1.2], "holm"), ([float("nan")], "holm")):
        with pytest.raises(ValueError):
            adjust(p_values, method)
    for tests, method, alpha in ((0, "holm", 0.05), (2, "tukey", 0.05), (2, "holm", 1.0)):
        with pytest.raises(ValueError):
            interval_level(tests, method, alpha)
