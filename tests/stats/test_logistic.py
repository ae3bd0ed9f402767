"""Main effects and score tests against statsmodels, and by simulation."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from assay.stats.logistic import Effect, added, design, effect, fit, shifted, shrunk
from assay.stats.power import sample_size


def cells(seed: int = 3):
    rng = np.random.default_rng(seed)
    a, b = (x.ravel().astype(np.int64) for x in np.meshgrid(np.arange(3), np.arange(4)))
    n = rng.integers(40, 400, 12).astype(float)
    truth = 1 / (1 + np.exp(-(-1 + 0.5 * (a == 1) - 0.3 * (b == 2))))
    return (a, b), rng.binomial(n.astype(int), truth).astype(float), n


def test_main_effects_are_those_of_a_known_library() -> None:
    sm = pytest.importorskip("statsmodels.api")
    (a, b), y, n = cells()
    made = design((a, b))
    model = sm.GLM(np.column_stack([y, n - y]), made, family=sm.families.Binomial()).fit(tol=1e-12)
    assert fit(made, y, n).rates == pytest.approx(model.fittedvalues, abs=2e-6)
    assert fit(made, y, n).beta == pytest.approx(model.params, abs=1e-4)
    extra = (a == 2).astype(float) * (b == 1)
    wider = sm.GLM(np.column_stack([y, n - y]), np.column_stack([made, extra]), family=sm.families.Binomial()).fit()
    one = added(fit(made, y, n), extra, y, n)
    assert (one.log_odds, one.variance**0.5) == pytest.approx((wider.params[-1], wider.bse[-1]), rel=1e-3)
    assert one.z**2 == pytest.approx(2 * (wider.llf - model.llf), rel=1e-3)
    score = model.score_test(exog_extra=extra[:, None])
    assert effect(fit(made, y, n), extra, y, n).z ** 2 == pytest.approx(float(np.squeeze(score[0])), rel=1e-3)


def test_the_score_test_holds_its_level() -> None:
    rng = np.random.default_rng(8)
    a, b = (x.ravel().astype(np.int64) for x in np.meshgrid(np.arange(3), np.arange(4)))
    n = np.full(12, 150.0)
    truth = 1 / (1 + np.exp(-(-1 + 0.8 * (a == 1) - 0.5 * (b == 2))))
    extra = ((a == 0) & (b == 0)).astype(float)
    found = []
    for _ in range(1500):
        y = rng.binomial(150, truth).astype(float)
        found.append(abs(effect(fit(design((a, b)), y, n), extra, y, n).z) > 1.96)
    assert 0.035 < np.mean(found) < 0.065


def test_a_group_that_the_model_holds_has_no_effect_of_its_own() -> None:
    (a, b), y, n = cells()
    assert effect(fit(design((a, b)), y, n), (a == 1).astype(float), y, n) is None


def test_effects_known_badly_are_drawn_to_the_mean() -> None:
    calm = shrunk([Effect(0.0, 0.01, 0), Effect(0.1, 0.01, 0), Effect(2.0, 4.0, 0), Effect(-0.8, 0.01, 0)])
    assert calm[2][0] < 0.6
    assert calm[3][0] == pytest.approx(-0.8, abs=0.1)
    assert all(variance <= 4.0 for _, variance in calm)
    assert shrunk([]) == []


def test_equal_effects_shrink_to_one() -> None:
    calm = shrunk([Effect(0.1, 1.0, 0), Effect(-0.1, 1.0, 0), Effect(0.05, 1.0, 0)])
    assert max(v for v, _ in calm) - min(v for v, _ in calm) < 1e-12


def test_shifting_a_rate() -> None:
    assert shifted(0.5, np.log(3)) == pytest.approx(0.75)
    assert (shifted(0.0, 2.0), shifted(1.0, -2.0)) == (0.0, 1.0)


@pytest.mark.parametrize(("before", "after", "wanted"), [(0.1, 0.12, 3841), (0.5, 0.6, 388), (0.396, 0.771, 26)])
def test_sample_sizes_of_the_textbook_formula(before: float, after: float, wanted: int) -> None:
    assert sample_size(before, after) == wanted
    assert sample_size(0.2, 0.2) is None


def test_the_likelihood_root_holds_its_level_in_the_far_tail_of_small_groups() -> None:
    """A group with three failures expected: the score test cries wolf about ten times too often, the root does not."""
    from scipy.stats import norm

    rng = np.random.default_rng(12)
    n = np.array([1000.0, 60.0])
    inside = np.array([0.0, 1.0])
    made, score, root = np.ones((2, 1)), 0, 0
    far = norm.ppf(0.001)

    @cache
    def told(first: int, second: int) -> tuple[bool, bool]:
        y = np.array([first, second], dtype=float)
        model = fit(made, y, n)
        return bool(effect(model, inside, y, n).z < far), bool(added(model, inside, y, n).z < far)

    for _ in range(6000):
        by_score, by_root = told(*rng.binomial(n.astype(int), 0.95).tolist())
        score += by_score
        root += by_root
    assert score > 18
    assert root <= 14
