"""Two shares: the score test against statsmodels, the exact test against scipy and by counting every table."""

from __future__ import annotations

import time
from itertools import product
from typing import Any

import numpy as np
import pytest

from assay.stats.contrast import NoContrast
from assay.stats.exact_rates import Table, _possible, exact_tail
from assay.stats.named_tests import NamedTest, barnard, boschloo, fisher, newcombe, pooled_z
from assay.stats.proportion_tests import ExactContrast, ScoreContrast, compare_proportions
from assay.stats.score import score_difference, score_ratio

DATA = [(60, 1000, 90, 1100), (400, 1000, 300, 900), (20, 30000, 45, 30000), (15, 53, 30, 47), (980, 1000, 2950, 3000)]


@pytest.mark.parametrize("data", DATA)
def test_ratio_intervals_and_p_values_are_statsmodels(data: tuple[int, int, int, int]) -> None:
    from statsmodels.stats.proportion import confint_proportions_2indep, test_proportions_2indep

    x0, n0, x1, n1 = data
    one = ScoreContrast(*data)
    for level in (0.9, 0.95, 0.999):
        low, high = confint_proportions_2indep(x1, n1, x0, n0, "score", "ratio", 1 - level, correction=True)
        found = one.interval(level, "relative")
        assert found.low is not None
        assert found.high is not None
        assert (found.low + 1, found.high + 1) == (pytest.approx(low, rel=1e-6), pytest.approx(high, rel=1e-6))
    for null in (-0.02, 0.0, 0.015):
        for side, other in (("two", "two-sided"), ("greater", "larger"), ("less", "smaller")):
            theirs = test_proportions_2indep(x1, n1, x0, n0, null + 1, "score", "ratio", other, correction=True)
            assert one.p(null, "relative", side) == pytest.approx(theirs.pvalue, rel=1e-7)  # type: ignore[arg-type]
    same = test_proportions_2indep(x1, n1, x0, n0, 0, "score", "diff", correction=True)
    assert one.p() == pytest.approx(same.pvalue, rel=1e-9)
    assert one.statistic() == pytest.approx(same.statistic, rel=1e-9)


# R. G. Newcombe, Statistics in Medicine 17 (1998) 873–890, table II, method 6 (Miettinen and Nurminen). statsmodels is
# no oracle here: its cubic (0.15) has count·δ where the paper has n·δ, which the search below tells apart.
PUBLISHED = [
    ((48, 80, 56, 70), (0.0528, 0.3382)),
    ((3, 10, 9, 10), (0.1700, 0.8406)),
    ((2, 7, 6, 7), (0.0342, 0.8534)),
    ((0, 29, 5, 56), (-0.0326, 0.1933)),
    ((0, 20, 10, 10), (0.7156, 1.0)),
    ((0, 10, 10, 10), (0.6636, 1.0)),
]


@pytest.mark.parametrize(("data", "ends"), PUBLISHED)
def test_difference_intervals_are_the_published_ones(
    data: tuple[int, int, int, int], ends: tuple[float, float]
) -> None:
    found = ScoreContrast(*data).interval()
    assert (found.low, found.high) == (pytest.approx(ends[0], abs=6e-5), pytest.approx(ends[1], abs=6e-5))


@pytest.mark.parametrize("data", [*DATA, (0, 40, 3, 30), (40, 40, 25, 30), (1, 9, 8, 9), (12, 90_000, 7, 80_000)])
@pytest.mark.parametrize("delta", [-0.4, -0.01, -1e-5, 1e-5, 0.03, 0.5])
def test_the_score_of_a_difference_uses_the_likeliest_shares(data: tuple[int, int, int, int], delta: float) -> None:
    x0, n0, x1, n1 = data
    low, high = max(0.0, -delta), min(1.0, 1 - delta)

    def slope(p: float) -> float:
        """Of the log likelihood, which is concave, in the control share."""
        found = 0.0
        for x, n, share in ((x0, n0, p), (x1, n1, p + delta)):
            found += (x / share if x else 0.0) - ((n - x) / (1 - share) if n - x else 0.0)
        return found

    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    p, q = middle, middle + delta
    variance = (p * (1 - p) / n0 + q * (1 - q) / n1) * (n0 + n1) / (n0 + n1 - 1)
    assert float(score_difference(data, delta)) == pytest.approx((x1 / n1 - x0 / n0 - delta) / variance**0.5, rel=1e-9)


def test_counts_that_cannot_be_compared_say_why() -> None:
    for data, code in [
        ((0, 0, 1, 9), "empty_arm"),
        ((1, 9, 0, 0), "empty_arm"),
        ((0, 9, 0, 8), "no_events"),
        ((9, 9, 8, 8), "no_variance"),
    ]:
        found = compare_proportions(*data)
        assert isinstance(found, NoContrast)
        assert found.code == code
    with pytest.raises(ValueError, match="no share"):
        compare_proportions(5, 4, 1, 9)


def test_few_events_or_few_without_take_the_exact_test() -> None:
    assert isinstance(compare_proportions(14, 9000, 60, 9000), ExactContrast)
    assert isinstance(compare_proportions(60, 9000, 14, 9000), ExactContrast)
    assert isinstance(compare_proportions(8990, 9000, 8900, 9000), ExactContrast)
    assert isinstance(compare_proportions(15, 9000, 60, 9000), ScoreContrast)
    assert isinstance(compare_proportions(14, 9000, 60, 9000, exact_below=0), ScoreContrast)


SMALL = [(3, 10, 7, 12), (0, 10, 4, 12), (6, 15, 0, 9), (2, 14, 13, 15), (1, 1, 0, 1)]


@pytest.mark.parametrize("data", SMALL)
def test_the_exact_test_of_no_effect_is_barnards(data: tuple[int, int, int, int]) -> None:
    """Barnard's test orders by the same statistic; its maximum over all shares is never below ours over the possible."""
    for upper, side in ((True, "greater"), (False, "less")):
        theirs = barnard(*data, side=side)  # type: ignore[arg-type]
        ours = exact_tail(Table(*data), 0.0, False, upper)
        if theirs.p < 0.5:  # scipy's search is for the tail that matters
            assert ours == pytest.approx(theirs.p, rel=1e-5)


def chances(n0: int, n1: int, p0: float, p1: float) -> Any:
    from scipy.stats import binom

    return np.outer(binom.pmf(np.arange(n0 + 1), n0, p0), binom.pmf(np.arange(n1 + 1), n1, p1))


@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("data", [(2, 9, 7, 12), (9, 30, 3, 8), (1, 40, 5, 25), (20, 24, 11, 24)])
def test_exact_tails_are_those_of_every_table_counted(data: tuple[int, int, int, int], relative: bool) -> None:
    """The largest chance over a fine grid of the control shares that are possible."""
    from scipy.stats import binom

    x0, n0, x1, n1 = data
    a, b = np.meshgrid(np.arange(n0 + 1), np.arange(n1 + 1), indexing="ij")
    for null in (0.6, 1.0, 1.7) if relative else (-0.2, 0.0, 0.15):
        scores = (score_ratio if relative else score_difference)((a, n0, b, n1), null)
        for upper in (True, False):
            extreme = scores >= scores[x0, x1] - 1e-9 if upper else scores <= scores[x0, x1] + 1e-9
            low, high = _possible(Table(*data), null, relative)
            shares = np.linspace(low, high, 1501)
            others = np.clip(shares * null if relative else shares + null, 0, 1)
            control, treated = binom.pmf(a[:, :1], n0, shares), binom.pmf(b[:1].T, n1, others)
            best = float(np.sum((extreme @ treated) * control, axis=0).max())
            found = exact_tail(Table(*data), null, relative, upper)
            assert found == pytest.approx(best, abs=1e-4)


@pytest.mark.parametrize(("n0", "n1"), [(7, 7), (12, 5), (6, 17)])
def test_the_exact_test_never_errs_more_often_than_its_level(n0: int, n1: int) -> None:
    tables = [(x0, n0, x1, n1) for x0, x1 in product(range(n0 + 1), range(n1 + 1)) if 0 < x0 + x1 < n0 + n1]
    for null, relative in ((0.0, False), (0.1, False), (-0.3, False), (0.7, True), (2.0, True)):
        p = np.ones((2, n0 + 1, n1 + 1))
        for x0, _, x1, _ in tables:
            for upper in (True, False):
                p[int(upper), x0, x1] = exact_tail(Table(x0, n0, x1, n1), null, relative, upper)
        for share in np.linspace(0.01, 0.99, 50):
            other = share * null if relative else share + null
            if 0 <= other <= 1:
                weight = chances(n0, n1, share, other)
                for alpha in (0.025, 0.1):
                    for upper in (0, 1):
                        assert weight[p[upper] <= alpha].sum() <= alpha + 1e-12, (null, share)


@pytest.mark.parametrize(("n0", "n1"), [(6, 5), pytest.param(9, 7, marks=pytest.mark.soak)])
def test_exact_intervals_cover_at_least_as_often_as_they_say(n0: int, n1: int) -> None:
    found = {}
    for x0, x1 in product(range(n0 + 1), range(n1 + 1)):
        if 0 < x0 + x1 < n0 + n1:
            one = ExactContrast(x0, n0, x1, n1)
            found[x0, x1] = [(i.low, i.high) for i in (one.interval(0.9), one.interval(0.9, "relative"))]
    for p0, p1 in product((0.1, 0.35, 0.8), (0.15, 0.5, 0.9)):
        weight = chances(n0, n1, p0, p1)
        truth = (p1 - p0, p1 / p0 - 1)
        for scale in (0, 1):
            for end in (0, 1):
                missed = 0.0
                for (x0, x1), ends in found.items():
                    bound = ends[scale][end]
                    if bound is not None and (bound > truth[scale] if end == 0 else bound < truth[scale]):
                        missed += weight[x0, x1]
                assert missed <= 0.05 + 1e-9, (p0, p1, scale, end)


def test_events_and_non_events_and_arms_are_exchangeable() -> None:
    one, turned = ExactContrast(3, 40, 9, 55), ExactContrast(9, 55, 3, 40)
    assert one.p() == pytest.approx(turned.p(), rel=1e-9)
    assert one.interval().low == pytest.approx(-(turned.interval().high or 0), abs=1e-5)
    other = ExactContrast(37, 40, 46, 55)
    assert one.p() == pytest.approx(other.p(), rel=1e-9)
    assert one.interval().high == pytest.approx(-(other.interval().low or 0), abs=1e-5)


def test_no_events_in_the_control_bound_the_lift_from_below_only() -> None:
    one = compare_proportions(0, 20_000, 9, 20_000)
    assert not isinstance(one, NoContrast)
    assert one.lift is None
    found = one.interval(scale="relative")
    assert found.low is not None
    assert found.low > 0
    assert found.high is None
    other = compare_proportions(9, 20_000, 0, 20_000)
    assert not isinstance(other, NoContrast)
    assert other.interval(scale="relative").low == -1.0


def test_exact_intervals_are_quick_for_many_units() -> None:
    start = time.perf_counter()
    for data in [(8, 20_000, 30, 20_000), (14, 10**6, 3, 10**5), (5, 100, 20_000, 40_000), (9, 50_000, 5_000, 50_000)]:
        one = compare_proportions(*data)
        assert isinstance(one, ExactContrast)
        one.interval()
        one.interval(scale="relative")
    assert time.perf_counter() - start < 15  # about one second on an idle core


def test_tests_by_name_are_scipys_and_statsmodels() -> None:
    from scipy import stats
    from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

    data = (19, 53, 13, 47)
    x0, n0, x1, n1 = data
    z = pooled_z(*data)
    assert isinstance(z, NamedTest)
    theirs = proportions_ztest([x1, x0], [n1, n0])
    assert (z.statistic, z.p) == (pytest.approx(theirs[0]), pytest.approx(theirs[1]))
    table = [[x1, x0], [n1 - x1, n0 - x0]]
    yates = pooled_z(*data, yates=True)
    assert isinstance(yates, NamedTest)
    assert yates.p == pytest.approx(stats.chi2_contingency(table, correction=True).pvalue, rel=1e-10)
    for side, other in (("two", "two-sided"), ("greater", "greater"), ("less", "less")):
        assert fisher(*data, side=side).p == pytest.approx(stats.fisher_exact(table, other).pvalue)  # type: ignore[arg-type]
    # More events in treatment are "greater" in every one of them.
    more = (3, 40, 15, 40)
    assert (
        max(one.p for one in (fisher(*more, "greater"), barnard(*more, "greater"), boschloo(*more, "greater"))) < 0.01
    )
    assert min(one.p for one in (fisher(*more, "less"), barnard(*more, "less"), boschloo(*more, "less"))) > 0.9
    assert (barnard(*more).statistic or 0) > 0
    low, high = confint_proportions_2indep(x1, n1, x0, n0, "newcomb", "diff", 0.05)
    assert newcombe(*data) == (pytest.approx(low, rel=1e-9), pytest.approx(high, rel=1e-9))
    assert isinstance(pooled_z(0, 9, 0, 9), NoContrast)
    assert isinstance(pooled_z(0, 0, 0, 9), NoContrast)
    with pytest.raises(ValueError, match="no units"):
        newcombe(0, 0, 1, 2)
