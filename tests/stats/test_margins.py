"""Guardrails: shown safe, not shown safe, harmed; and equivalence by two one-sided tests."""

from __future__ import annotations

import math

import pytest

from assay.stats.contrast import MeanContrast, NoContrast
from assay.stats.margins import Equivalence, NonInferiority, equivalent, non_inferior
from assay.stats.proportion_tests import compare_proportions


def contrast(difference: float, error: float = 1.0, base: float = 100.0) -> MeanContrast:
    return MeanContrast(
        "any", base, base + difference, base, 900, 900, difference, error**2, error**2 / 2, -(error**2) / 2
    )


def guard(difference: float, **more: object) -> NonInferiority:
    found = non_inferior(contrast(difference), 0.04, **more)  # type: ignore[arg-type]
    assert isinstance(found, NonInferiority)
    return found


def test_states() -> None:
    assert guard(0.0).state == "shown safe"
    assert guard(-2.0).state == "shown safe"  # two errors above the margin
    assert guard(-2.5).state == "harmed"  # one and a half above the margin, two and a half below zero
    assert guard(-4.0).state == "harmed"
    wide = non_inferior(contrast(-2.0, 3.0), 0.04)
    assert isinstance(wide, NonInferiority)
    assert wide.state == "not shown safe"


def test_a_certain_loss_within_the_margin_is_safe_and_still_visible() -> None:
    found = non_inferior(contrast(-1.0, 0.3), 0.04)
    assert isinstance(found, NonInferiority)
    assert found.state == "shown safe"
    assert found.p_harm < 0.05


def test_the_bound_says_what_the_p_value_says() -> None:
    for difference in (-5, -3, -2.4, -2.35, -1, 0, 2):
        for scale, margin in (("relative", 0.04), ("absolute", 4.0)):
            for alpha in (0.01, 0.05):
                found = non_inferior(contrast(difference), margin, scale, "increase", alpha)  # type: ignore[arg-type]
                assert isinstance(found, NonInferiority)
                assert found.bound is not None
                assert (found.bound > -margin) == (found.p < alpha)
                turned = non_inferior(contrast(-difference), margin, scale, "decrease", alpha)  # type: ignore[arg-type]
                assert isinstance(turned, NonInferiority)
                assert turned.bound is not None
                assert (turned.bound < margin) == (turned.p < alpha)


def test_where_lower_is_better_a_rise_harms() -> None:
    assert guard(3.0, direction="decrease").state == "harmed"
    assert guard(-3.0, direction="decrease").state == "shown safe"


def test_rates_and_few_events_have_guardrails_too() -> None:
    rates = compare_proportions(1000, 20_000, 1010, 20_000)
    assert not isinstance(rates, NoContrast)
    found = non_inferior(rates, 0.1)
    assert isinstance(found, NonInferiority)
    assert found.state == "shown safe"
    few = compare_proportions(9, 400, 8, 400)
    assert not isinstance(few, NoContrast)
    found = non_inferior(few, 0.1)
    assert isinstance(found, NonInferiority)
    assert found.state == "not shown safe"


def test_a_relative_margin_of_nothing_is_none() -> None:
    empty = compare_proportions(0, 900, 3, 900)
    assert not isinstance(empty, NoContrast)
    for found in (non_inferior(empty, 0.1), equivalent(empty, -0.1, 0.1)):
        assert isinstance(found, NoContrast)
        assert found.code == "no_base"
    assert isinstance(non_inferior(empty, 0.1, "absolute"), NonInferiority)


def test_margins_and_levels_that_are_none_are_errors() -> None:
    for margin, alpha in ((-0.1, 0.05), (0.1, 0.0), (0.1, 0.7)):
        with pytest.raises(ValueError, match="is none"):
            non_inferior(contrast(0), margin, alpha=alpha)
    for low, high in ((0.1, 0.2), (-0.2, 0.0)):
        with pytest.raises(ValueError, match="equivalence"):
            equivalent(contrast(0), low, high)


def test_equivalence_is_both_sides_within_the_interval() -> None:
    for difference in (-3, -2.3, 0, 1, 2.5):
        found = equivalent(contrast(difference), -0.04, 0.04)
        assert isinstance(found, Equivalence)
        assert found.low is not None
        assert found.high is not None
        assert found.shown == (found.low > -0.04 and found.high < 0.04)
    none = MeanContrast("any", 1, 1, 1, 9, 9, 0, 4.0, 4.0, -2.0, math.inf)
    found = equivalent(none, -0.5, 0.5)
    assert isinstance(found, Equivalence)
    assert not found.shown
    assert found.reason
