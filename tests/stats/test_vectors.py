"""Numbers that others have published for experiment statistics, each against the public function that gives it.

``full_precision`` where it is right; what a peer gets wrong on purpose ("trap") must not come out. Every vector of the file
has a test somewhere, named in ``COVERED``: a new one fails until it has one, too. Another folder: ``ASSAY_CASES``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assay.stats import bayes, group_sequential, multiple, power, sequential, srm, value

FOLDER = Path(os.environ.get("ASSAY_CASES") or Path(__file__).parent.parent / "data" / "cases")
VECTORS: dict[str, dict[str, Any]] = {
    one["id"]: one for one in json.loads((FOLDER / "experiment-vectors.json").read_text(encoding="utf-8"))["vectors"]
}
HERE = "tests/stats/test_vectors.py"
CONTRASTS = "tests/stats/test_vectors_contrasts.py"
COVERED = {
    "prop-z-01": CONTRASTS,
    "welch-r-04a": CONTRASTS,
    "welch-abs-vs-rel-05": CONTRASTS,
    "ratio-delta-08": CONTRASTS,
    "cuped-10": CONTRASTS,
    "seq-cs-13": HERE,
    "seq-boundary-16": HERE,
    "group-seq-18": HERE,
    "bayes-beta-20": HERE,
    "bayes-normal-23": HERE,
    "srm-25": HERE,
    "srm-zero-weight-27": HERE,
    "power-prop-28": HERE,
    "samplesize-mean-30": HERE,
    "samplesize-evan-32": HERE,
    "multi-37": HERE,
    "noninf-38": CONTRASTS,
    "quantile-40": CONTRASTS,
    "money-42": HERE,
    "window-44": "tests/query/test_experiment_units.py",
    "srm-sequential-47": HERE,
}


def near(value: Any, rel: float = 1e-9) -> Any:
    return pytest.approx(value, rel=rel, abs=0)


def vector(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    if name not in VECTORS:
        pytest.skip(f"{name} is not in {FOLDER}")
    return VECTORS[name]["inputs"], VECTORS[name]["full_precision"]


def test_every_vector_has_its_test() -> None:
    assert sorted(set(VECTORS) - set(COVERED)) == []


def test_those_that_are_said_to_be_here_are() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [name for name, where in COVERED.items() if where == HERE and f'vector("{name}")' not in text] == []


def test_a_confidence_sequence_relative_and_absolute() -> None:
    given, expected = vector("seq-cs-13")
    arms = [(a["n"], a["sum"], a["sum_squares"]) for a in (given["control"], given["treatment"])]
    n = sum(arm[0] for arm in arms)
    alpha, tuning = given["alpha"], sequential.tuning_for(given["tuning_N"], given["alpha"])
    bound = float(sequential.critical(n, alpha, tuning))
    z = expected["rel"] / expected["rel_se"]
    relative = [expected["rel"] - bound * expected["rel_se"], expected["rel"] + bound * expected["rel_se"]]
    assert relative == near(expected["rel_ci"])
    assert float(np.exp(sequential.log_e_value(z, n, tuning))) == near(expected["e_value"])
    assert float(sequential.always_valid_p(z, n, tuning)) == expected["rel_p"]
    variances = [(squares - total**2 / count) / (count - 1) / count for count, total, squares in arms]
    difference, error = arms[1][1] / arms[1][0] - arms[0][1] / arms[0][0], sum(variances) ** 0.5
    one = sequential.looks([difference], [error], [n], alpha, tuning)
    assert [float(one.low[0]), float(one.high[0])] == near(expected["abs_ci"])


def test_the_normal_mixture_boundary() -> None:
    given, expected = vector("seq-boundary-16")
    for sides, name in ((2, "two_sided"), (1, "one_sided")):
        rho = sequential.best_rho(given["v_opt"], given["alpha_opt"], sides)
        if sides == 2:
            assert rho == near(expected["rho_two_sided"])
        mixture = sequential.log_mixture(given["s"], given["v"], rho, sides)
        assert float(mixture) == near(expected[f"log_mixture_{name}"])
        bound = sequential.mixture_bound(given["v"], given["alpha"], rho, sides)
        assert float(bound) == near(expected[f"bound_{name}"])


def test_group_sequential_bounds() -> None:
    """The bounds given with the vector are right to 5e-8 only: its second is 4.83328096679 by adaptive quadrature."""
    given, expected = vector("group-seq-18")
    made = group_sequential.bounds(
        given["information_fractions"], given["alpha"], group_sequential.power_family(2), given["sides"]
    )
    assert made.bounds == near(expected["z_bounds"], 1e-7)
    assert made.bounds[0] == near(expected["z_bounds"][0])
    assert made.bounds[1] == near(4.83328096679, 1e-11)


def test_the_chance_to_win_of_two_rates() -> None:
    given, expected = vector("bayes-beta-20")
    red, green = bayes.beta_binomial(
        [given["red"]["x"], given["green"]["x"]], [given["red"]["n"], given["green"]["n"]], tuple(given["prior"])
    )
    assert red.chance_to_win == near(expected["red"], 1e-12)
    assert green.chance_to_win == near(expected["green"], 1e-12)


def test_the_normal_posterior() -> None:
    given, expected = vector("bayes-normal-23")
    (n0, x0), (n1, x1) = ((a["n"], a["x"]) for a in (given["control"], given["treatment"]))
    p0, p1 = x0 / n0, x1 / n1
    v0, v1 = p0 * (1 - p0) / n0, p1 * (1 - p1) / n1
    lift, error = p1 / p0 - 1, (v1 / p0**2 + v0 * p1**2 / p0**4) ** 0.5
    assert (lift, error) == near((expected["expected"], expected["se"]))
    one = bayes.normal(lift, error)
    assert (one.mean, one.deviation, one.chance_to_win) == near((lift, error, expected["chance_to_win"]))
    assert [one.low, one.high] == near(expected["ci"])
    assert (one.loss_kept, one.loss_shipped) == near((expected["risk_control"], expected["risk_treatment"]))
    exact = bayes.beta_binomial([x0, x1], [n0, n1])
    assert exact[1].chance_to_win == near(expected["exact_beta_binomial_chance"])


def test_the_fixed_sample_ratio() -> None:
    given, expected = vector("srm-25")
    for case in ("a", "b"):
        one = srm.fixed(given[f"case_{case}"], given["weights"])
        assert (one.statistic, one.p) == near((expected[f"chi2_{case}"], expected[f"p_{case}"]))


def test_an_arm_without_weight_is_no_degree_of_freedom_and_its_units_are_a_mismatch() -> None:
    given, expected = vector("srm-zero-weight-27")
    a = srm.fixed(given["case_a"]["obs"], given["case_a"]["weights"])
    assert a.p == near(expected["correct_p_a"])
    assert (a.degrees, a.leaked, a.mismatch) == (1, 0, False)
    b = srm.fixed(given["case_b"]["obs"], given["case_b"]["weights"])
    assert (b.mismatch, b.leaked, b.p) == (True, 50, 5e-324)
    assert b.reason


def test_power_and_size_of_two_proportions() -> None:
    given, expected = vector("power-prop-28")
    one, two, three = given["cases"]
    assert power.proportions_power(one["n"], one["p1"], one["p2"]) == near(expected["power"])
    assert power.proportions_size(two["p1"], two["p2"], power=two["power"]) == near(expected["n_per_group"])
    assert power.proportions_detectable(three["n"], three["p1"], power=three["power"]) == near(expected["p2"])


def test_the_size_for_a_mean() -> None:
    given, expected = vector("samplesize-mean-30")
    found = [
        power.means_size(row["relative_mde"], row["std"], given["alpha"], given["power"], mean=row["mean"])
        for row in given["rows"]
    ]
    assert found == near(expected["n_per_arm"])


def test_the_size_by_the_baselines_variance() -> None:
    given, expected = vector("samplesize-evan-32")
    for name, variance in (("n_evan_formula", "baseline"), ("n_pooled_formula", "pooled")):
        found = [
            power.proportions_size(row["base"], row["base"] + row["abs_mde"], variance=variance)
            for row in given["rows"]
        ]
        assert found == near(expected[name])


def test_one_family_of_tests() -> None:
    given, expected = vector("multi-37")
    names = {
        "bh": "bh", "by": "by", "holm_bonferroni": "holm", "holm_sidak": "holm_sidak",
        "hochberg_bonferroni": "hochberg", "hochberg_sidak": "hochberg_sidak",
    }  # fmt: skip
    for name, method in names.items():
        assert multiple.adjust(given["p_values"], method) == near(expected[name])


def test_the_sample_ratio_at_every_look() -> None:
    given, expected = vector("srm-sequential-47")
    found = srm.sequential(given["daily_counts"], given["null"], given["dirichlet_concentration"])
    assert found.tolist() == near(expected["p"])
    fixed = np.cumsum(given["daily_counts"], axis=0)
    assert [srm.fixed(row, given["null"]).p for row in fixed.tolist()] == near(expected["fixed_chi2_p"])


def test_money_a_year_carries_the_interval_of_the_effect() -> None:
    given, want = vector("money-42")
    units = value.yearly_units(
        given["users_in_variation"] / given["split"], given["days"], given["traffic_in_experiment"]
    )
    base = given["baseline_per_user"]
    made = value.yearly_value(given["relative_uplift"] * base, -0.01 * base, 0.21 * base, units)
    assert made.value == near(want["impact_per_year"])
    # the trap: a lift of -1 % to 21 % is a sum of that range
    assert (made.low, made.high) == (near(-6517.857142857143), near(136875.0))
    less = value.yearly_value(-1.0, -2.0, None, 100.0, per_unit=-3.0)
    assert (less.value, less.low, less.high) == (300.0, None, 600.0)
