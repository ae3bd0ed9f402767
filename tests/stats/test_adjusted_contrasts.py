"""Means, ratios, CUPED and strata against scipy, tea-tasting, statsmodels and formulas written out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from assay.model.moments import Moments
from assay.stats.contrast import MeanContrast, NoContrast
from assay.stats.cuped import CupedContrast, compare_cuped
from assay.stats.means import compare_means, moments_from
from assay.stats.named_tests import NamedTest, log_ratio_lift
from assay.stats.ratios import compare_ratios
from assay.stats.strata import compare_strata

Table = dict[str, NDArray[Any]]


def moments(table: Table) -> Moments:
    names = tuple(table)
    products = [float(table[a] @ table[b]) for i, a in enumerate(names) for b in names[i:]]
    return Moments(names, len(table[names[0]]), tuple(float(table[n].sum()) for n in names), tuple(products))


def arm(seed: int, n: int, effect: float = 0.0, skew: float = 1.0) -> Table:
    """Metric x over y, with a covariate c over d from before; correlated within the unit."""
    rng = np.random.default_rng(seed)
    taste = rng.lognormal(0, skew, n)
    y, d = rng.poisson(3, n) + 1.0, rng.poisson(2, n) + 1.0
    return {
        "x": rng.poisson(taste * y * (1 + effect)).astype(float),
        "y": y,
        "c": rng.poisson(taste * d).astype(float),
        "d": d,
    }


PAIR = (arm(1, 400), arm(2, 300, 0.2))


def found(one: MeanContrast | NoContrast) -> MeanContrast:
    assert isinstance(one, MeanContrast)
    return one


@pytest.mark.parametrize("equal_var", [False, True])
@pytest.mark.parametrize("side", ["two", "greater", "less"])
def test_means_are_scipys(equal_var: bool, side: Any) -> None:
    from scipy import stats

    control, treatment = (moments({"x": t["x"]}) for t in PAIR)
    one = found(compare_means(control, treatment, equal_var=equal_var))
    other = {"two": "two-sided", "greater": "greater", "less": "less"}[side]
    theirs = stats.ttest_ind(PAIR[1]["x"], PAIR[0]["x"], equal_var=equal_var, alternative=other)
    assert (one.statistic(), one.p(side=side)) == pytest.approx((theirs.statistic, theirs.pvalue), rel=1e-9)
    low, high = theirs.confidence_interval(0.9)
    mine = one.interval(0.9, side=side)
    assert mine.low == (None if np.isinf(low) else pytest.approx(low, rel=1e-9))
    assert mine.high == (None if np.isinf(high) else pytest.approx(high, rel=1e-9))


def aggregates(m: Moments) -> Any:
    import tea_tasting.aggr

    pairs = [(a, b) for i, a in enumerate(m.names) for b in m.names[i + 1 :]]
    return tea_tasting.aggr.Aggregates(
        count_=m.n,
        mean_={n: m.mean(n) for n in m.names},
        var_={n: m.variance(n) for n in m.names},
        cov_={tuple(sorted(p)): m.covariance(*p) for p in pairs},
    )


PEERS: list[tuple[str, Any, Any]] = [
    ("mean", {"value": "x"}, lambda a, b: compare_means(a, b)),
    ("ratio", {"numer": "x", "denom": "y"}, lambda a, b: compare_ratios(a, b)),
    ("mean", {"value": "x", "covariate": "c"}, lambda a, b: compare_cuped(a, b)),
    (
        "ratio",
        {"numer": "x", "denom": "y", "numer_covariate": "c", "denom_covariate": "d"},
        lambda a, b: compare_cuped(a, b, "x", "y", "c", "d"),
    ),
    (
        "ratio",
        {"numer": "x", "denom": "y", "numer_covariate": "c"},
        lambda a, b: compare_cuped(a, b, "x", "y", "c"),
    ),
]


@pytest.mark.parametrize(("kind", "names", "compare"), PEERS)
def test_means_ratios_and_cuped_are_tea_tastings(kind: str, names: dict[str, str], compare: Any) -> None:
    pytest.importorskip("tea_tasting")
    import tea_tasting.metrics

    control, treatment = (moments(t) for t in PAIR)
    metric = (tea_tasting.metrics.Mean if kind == "mean" else tea_tasting.metrics.RatioOfMeans)(**names)
    theirs = metric.analyze_aggregates(aggregates(control), aggregates(treatment))
    one = found(compare(control, treatment))
    assert (one.control, one.treatment) == pytest.approx((theirs.control, theirs.treatment), rel=1e-9)
    assert one.difference == pytest.approx(theirs.effect_size, rel=1e-9)
    assert (one.statistic(), one.p()) == pytest.approx((theirs.statistic, theirs.pvalue), rel=1e-8)
    interval = one.interval()
    assert [interval.low, interval.high] == pytest.approx(
        [theirs.effect_size_ci_lower, theirs.effect_size_ci_upper], rel=1e-8
    )
    if "covariate" not in names and "numer_covariate" not in names:
        log = log_ratio_lift(control, treatment, "x", names.get("denom"))
        assert isinstance(log, NamedTest)
        assert [log.low, log.high] == pytest.approx(
            [theirs.rel_effect_size_ci_lower, theirs.rel_effect_size_ci_upper], rel=1e-8
        )


def test_a_mean_covariate_of_a_ratio_is_a_ratio_to_one_per_unit() -> None:
    tables = [{**t, "d": np.ones_like(t["d"])} for t in PAIR]
    control, treatment = (moments(t) for t in tables)
    a = found(compare_cuped(control, treatment, "x", "y", "c"))
    b = found(compare_cuped(control, treatment, "x", "y", "c", "d"))
    assert (a.difference, a.variance, a.covariance) == pytest.approx((b.difference, b.variance, b.covariance))


def test_cuped_keeps_the_covariance_with_the_unadjusted_control() -> None:
    """Fieller's parts against covariances of the units' own adjusted and plain values."""
    control, treatment = (moments(t) for t in PAIR)
    one = compare_cuped(control, treatment)
    assert isinstance(one, CupedContrast)
    pooled = np.cov(*(np.concatenate([t[k] for t in PAIR]) for k in ("x", "c")))
    theta = pooled[0, 1] / pooled[1, 1]
    assert one.health.theta == pytest.approx(theta)
    assert one.health.correlation == pytest.approx(pooled[0, 1] / (pooled[0, 0] * pooled[1, 1]) ** 0.5)
    a, b = (t["x"] - theta * t["c"] for t in PAIR)
    assert one.variance == pytest.approx(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
    assert one.covariance == pytest.approx(-np.cov(a, PAIR[0]["x"])[0, 1] / len(a))
    assert one.base_variance == pytest.approx(PAIR[0]["x"].var(ddof=1) / len(a))
    assert one.base == pytest.approx(PAIR[0]["x"].mean())
    assert one.lift == pytest.approx((b.mean() - a.mean()) / PAIR[0]["x"].mean())


def test_the_health_of_an_adjustment() -> None:
    control, treatment = (moments(t) for t in PAIR)
    one = compare_cuped(control, treatment)
    assert isinstance(one, CupedContrast)
    health, plain = one.health, found(compare_means(control, treatment))
    assert health.unadjusted == plain
    assert health.variance_reduction == pytest.approx(1 - one.variance / plain.variance)
    pre = found(compare_means(control, treatment, "c"))
    assert (health.pre_difference, health.pre_p) == pytest.approx((pre.difference, pre.p()))
    assert health.same_verdict == ((one.p() < 0.05) == (plain.p() < 0.05))
    # Treatment had been lower before by more than it is higher now: adjusted and plain differ in sign.
    rng = np.random.default_rng(5)
    before = [rng.normal(10, 3, 500), rng.normal(9, 3, 500)]
    after = [before[0] + rng.normal(0, 0.2, 500), before[1] + 0.4 + rng.normal(0, 0.2, 500)]
    turned = compare_cuped(*(moments({"x": a, "c": b}) for a, b in zip(after, before, strict=True)))
    assert isinstance(turned, CupedContrast)
    assert turned.health.sign_flip
    assert not turned.health.same_verdict
    assert turned.health.pre_p is not None
    assert turned.health.pre_p < 0.01


def test_covariates_that_say_nothing_are_refused() -> None:
    for constant in (0.0, 7.0):
        tables = [{"x": t["x"], "c": np.full_like(t["x"], constant)} for t in PAIR]
        one = compare_cuped(*(moments(t) for t in tables))
        assert isinstance(one, NoContrast)
        assert one.code == "no_covariate"
    same = [{"x": t["x"], "c": t["x"] * 2} for t in PAIR]
    one = compare_cuped(*(moments(t) for t in same))
    assert isinstance(one, NoContrast)
    assert one.code == "no_variance"
    nothing = compare_cuped(Moments.zero(("x", "c")), moments({"x": PAIR[0]["x"], "c": PAIR[0]["c"]}))
    assert isinstance(nothing, NoContrast)
    assert nothing.code == "empty_arm"


def test_ratios_that_cannot_be_compared_say_why() -> None:
    some = moments({"x": np.ones(4), "y": np.arange(4.0)})
    for other, code in [
        (moments({"x": np.ones(3), "y": np.zeros(3)}), "no_denominator"),
        (Moments.zero(("x", "y")), "empty_arm"),
        (moments({"x": np.ones(1), "y": np.ones(1)}), "one_unit"),
    ]:
        one = compare_ratios(some, other)
        assert isinstance(one, NoContrast)
        assert one.code == code
    alike = moments({"x": np.arange(5.0) * 0.3, "y": np.arange(5.0)})
    one = compare_ratios(alike, alike)
    assert isinstance(one, NoContrast)
    assert one.code == "no_variance"


def strata_of(seed: int, sizes: Sequence[tuple[int, int]], ratio: bool = False) -> list[tuple[Table, Table]]:
    rng = np.random.default_rng(seed)

    def one(n: int, mean: float) -> Table:
        table = {"x": rng.gamma(2, mean / 2, n)}
        return {**table, "y": rng.poisson(3, n) + 1.0} if ratio else table

    return [(one(a, 2.0 + 3 * i), one(b, 2.3 + 3 * i)) for i, (a, b) in enumerate(sizes)]


def test_post_stratification_is_the_saturated_regression() -> None:
    """The treatment's coefficient with strata centred and interacted, HC2 errors (W. Lin 2013)."""
    import statsmodels.api as sm

    cells = strata_of(4, [(90, 70), (40, 60), (20, 30)])
    one = found(compare_strata([(moments(c), moments(t)) for c, t in cells]))
    y, treated, stratum = [], [], []
    for i, cell in enumerate(cells):
        for j, table in enumerate(cell):
            y.append(table["x"])
            treated.append(np.full(len(table["x"]), float(j)))
            stratum.append(np.full(len(table["x"]), i))
    values, t, s = np.concatenate(y), np.concatenate(treated), np.concatenate(stratum)
    dummies = np.column_stack([(s == i) - np.mean(s == i) for i in (1, 2)])
    fit = sm.OLS(values, np.column_stack([np.ones_like(t), t, dummies, dummies * t[:, None]])).fit(cov_type="HC2")
    assert one.difference == pytest.approx(fit.params[1], rel=1e-9)
    assert one.standard_error == pytest.approx(fit.bse[1], rel=1e-9)
    plain = np.concatenate([c["x"] for c, _ in cells])
    assert one.base == pytest.approx(plain.mean())
    assert one.base_variance == pytest.approx(plain.var(ddof=1) / len(plain))


def test_one_stratum_is_no_stratification() -> None:
    for ratio in (False, True):
        ((a, b),) = strata_of(6, [(50, 60)], ratio)
        y = "y" if ratio else None
        one = found(compare_strata([(moments(a), moments(b))], "x", y))
        plain = found((compare_ratios if ratio else compare_means)(moments(a), moments(b)))
        for name in (
            "control",
            "treatment",
            "difference",
            "variance",
            "base",
            "base_variance",
            "covariance",
            "freedom",
        ):
            assert getattr(one, name) == pytest.approx(getattr(plain, name), rel=1e-9), name


def test_thin_strata_are_joined() -> None:
    cells = strata_of(7, [(50, 60), (1, 8), (0, 3), (6, 1)])
    parts = [(moments(c), moments(t)) for c, t in cells]
    thin = (parts[1][0] + parts[2][0] + parts[3][0], parts[1][1] + parts[2][1] + parts[3][1])
    a, b = found(compare_strata(parts)), found(compare_strata([parts[0], thin]))
    assert (a.difference, a.variance) == pytest.approx((b.difference, b.variance))
    alone = found(compare_strata([parts[0], parts[2]]))  # joined with the only other one
    assert alone.difference == pytest.approx(found(compare_means(parts[0][0], parts[0][1] + parts[2][1])).difference)


def test_strata_that_cannot_be_compared_say_why() -> None:
    zeros = moments_from(5, 0, 0)
    for strata, code in [
        ([], "empty_arm"),
        ([(Moments.zero(("x",)), zeros)], "empty_arm"),
        ([(zeros, zeros)], "no_events"),
    ]:
        one = compare_strata(strata)
        assert isinstance(one, NoContrast)
        assert one.code == code
    ones, twos = moments_from(5, 5, 5), moments_from(5, 10, 20)
    one = compare_strata([(ones, ones), (twos, twos)])
    assert isinstance(one, NoContrast)
    assert one.code == "no_variance"


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.sampled_from([0.8, 0.95, 0.99]), st.floats(-0.3, 0.5))
def test_adjusted_contrasts_have_one_verdict(seed: int, level: float, effect: float) -> None:
    control, treatment = moments(arm(seed, 60)), moments(arm(seed + 1, 50, effect))
    every = [
        compare_means(control, treatment),
        compare_ratios(control, treatment),
        compare_cuped(control, treatment),
        compare_cuped(control, treatment, "x", "y", "c", "d"),
        compare_strata([(control, treatment), (moments(arm(seed + 2, 20)), moments(arm(seed + 3, 20)))], "x", "y"),
    ]
    for one in map(found, every):
        significant = one.p() < 1 - level
        assert one.interval(level).excludes(0) == significant
        assert one.interval(level, "relative").excludes(0) == significant
