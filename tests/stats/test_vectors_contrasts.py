"""Published cases of two arms compared, to full precision."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assay.model.moments import Moments
from assay.stats.contrast import MeanContrast, p_of
from assay.stats.cuped import CupedContrast, compare_cuped
from assay.stats.margins import NonInferiority, non_inferior
from assay.stats.means import compare_means, moments_from
from assay.stats.named_tests import (
    NamedTest,
    barnard,
    boschloo,
    delta_lift,
    fisher,
    log_ratio_lift,
    pooled_t,
    pooled_z,
    welch_t,
)
from assay.stats.proportion_tests import ScoreContrast
from assay.stats.quantile import QuantileArm, compare_quantiles
from assay.stats.ratios import compare_ratios, ratio_moments_from
from assay.stats.tails import critical_value

FILE = Path(__file__).parent.parent / "data" / "cases" / "experiment-vectors.json"
VECTORS = {one["id"]: one for one in json.loads(FILE.read_text(encoding="utf-8"))["vectors"]}


def vector(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs and expectations."""
    return VECTORS[name]["inputs"], VECTORS[name]["full_precision"]


def near(value: Any) -> Any:
    return pytest.approx(value, rel=1e-9)


def ends(one: Any) -> Any:
    return [one.low, one.high]


def test_two_proportions_by_name() -> None:
    given, expected = vector("prop-z-01")
    data = (given["control"]["x"], given["control"]["n"], given["treatment"]["x"], given["treatment"]["n"])
    z, yates = pooled_z(*data), pooled_z(*data, yates=True)
    assert isinstance(z, NamedTest)
    assert isinstance(yates, NamedTest)
    assert (z.estimate, z.statistic, z.p) == near((expected["diff"], expected["z_pooled"], expected["p_pooled"]))
    assert ends(z) == near(expected["ci_pooled"])
    assert yates.p == near(expected["p_pooled_yates"])
    assert yates.p == near(expected["p_pearson_yates"])
    assert ends(yates) == near(expected["ci_pooled_yates"])
    assert fisher(*data).p == near(expected["p_fisher"])
    assert boschloo(*data).p == near(expected["p_boschloo"])
    assert barnard(*data).p == near(expected["p_barnard_pooled"])
    assert barnard(*data, ordering="unpooled").p == near(expected["p_barnard_unpooled"])


def test_welch_from_raw_values() -> None:
    given, expected = vector("welch-r-04a")
    a, b = (moments_from(len(v), sum(v), sum(x * x for x in v)) for v in (given["a"], given["b"]))
    one = welch_t(b, a)
    assert isinstance(one, MeanContrast)
    assert (one.statistic(), one.freedom, one.p()) == near((expected["t"], expected["df"], expected["p"]))
    student = pooled_t(b, a)
    assert isinstance(student, MeanContrast)
    assert student.freedom == 4


def test_one_verdict_where_another_tool_has_two() -> None:
    given, expected = vector("welch-abs-vs-rel-05")
    arms = [moments_from(v["n"], v["sum"], v["sum_squares"]) for v in (given["control"], given["treatment"])]
    one = compare_means(*arms)
    assert isinstance(one, MeanContrast)
    assert (one.difference, one.standard_error) == near((expected["abs_diff"], expected["abs_se"]))
    assert (one.statistic(), one.freedom, one.p()) == near((expected["t"], expected["df"], expected["abs_p"]))
    assert ends(one.interval()) == near(expected["abs_ci"])
    assert one.lift == near(expected["rel"])
    assert ends(one.interval(scale="relative")) == near(expected["rel_ci_fieller"])
    assert one.p(scale="relative") == one.p()
    delta = delta_lift(one)
    assert isinstance(delta, NamedTest)
    assert (delta.standard_error, delta.p) == near((expected["rel_se_delta"], expected["rel_p_delta"]))
    assert ends(delta) == near(expected["rel_ci_delta"])
    log = log_ratio_lift(*arms, normal=True)
    assert isinstance(log, NamedTest)
    assert log.p == near(expected["rel_p_log_ratio"])
    assert ends(log) == near(expected["rel_ci_log_ratio"])


def test_a_ratio_by_its_unit_of_randomisation() -> None:
    given, expected = vector("ratio-delta-08")
    arms = [
        ratio_moments_from(
            v["n_users"],
            v["orders_sum"],
            v["orders_sumsq"],
            v["sessions_sum"],
            v["sessions_sumsq"],
            v["orders_sessions_sum"],
        )
        for v in (given["control"], given["treatment"])
    ]
    one = compare_ratios(*arms, equal_var=True)
    assert isinstance(one, MeanContrast)
    assert (one.control, one.treatment) == near((expected["control_ratio"], expected["treatment_ratio"]))
    assert (one.difference, one.lift) == near((expected["diff"], expected["rel"]))
    assert (one.statistic(), one.p(side="greater")) == near((expected["t"], expected["p"]))
    assert ends(one.interval(side="greater")) == [near(expected["diff_ci_lower"]), None]
    log = log_ratio_lift(*arms, "x", "y", side="greater", equal_var=True)
    assert isinstance(log, NamedTest)
    assert log.low == near(expected["rel_ci_lower_log"])
    welch = compare_ratios(*arms)
    assert isinstance(welch, MeanContrast)
    assert welch.p() == near(expected["welch_two_sided_p"])
    assert ends(welch.interval()) == near(expected["welch_two_sided_ci"])
    sessions = ScoreContrast(30, 105, 18, 89)  # as if sessions were independent: another answer
    assert p_of(sessions.difference / sessions.standard_error, "two") == near(expected["naive_session_level_p"])


def test_cuped_relative_to_the_unadjusted_control() -> None:
    given, expected = vector("cuped-10")
    control, treatment = (
        Moments(
            ("x", "c"),
            v["n"],
            (v["post_sum"], v["pre_sum"]),
            (float(v["post_sumsq"]), float(v["cross"]), float(v["pre_sumsq"])),
        )
        for v in (given["control"], given["treatment"])
    )
    one = compare_cuped(control, treatment)
    assert isinstance(one, CupedContrast)
    assert one.health.theta == near(expected["theta"])
    # The source does not centre the covariate; ours is centred at all units, which leaves the difference as it is.
    centre = one.health.theta * (control + treatment).mean("c")
    assert one.control - centre == near(expected["control_adj_mean"])
    assert one.treatment - centre == near(expected["treatment_adj_mean"])
    variances = expected["control_adj_var"] / control.n + expected["treatment_adj_var"] / treatment.n
    assert one.variance == near(variances)
    assert (one.difference, one.lift, one.p()) == near((expected["abs_diff"], expected["rel"], expected["abs_p"]))
    assert one.p(scale="relative") == one.p()
    delta = delta_lift(one)
    assert isinstance(delta, NamedTest)
    assert ends(delta) == near(expected["rel_ci_adjusted_mean_gradient"])
    raw = delta_lift(one, at=one.health.unadjusted.lift)
    assert isinstance(raw, NamedTest)
    assert ends(raw) == near(expected["rel_ci_raw_mean_gradient"])
    assert ends(raw) == near(expected["rel_ci_growthbook"])
    assert raw.p == near(expected["rel_p_growthbook"])


def test_non_inferiority_with_a_margin_taken_as_fixed() -> None:
    given, expected = vector("noninf-38")
    arms = [moments_from(v["n"], v["sum"], v["sum_squares"]) for v in (given["control"], given["treatment"])]
    one = compare_means(*arms)
    assert isinstance(one, MeanContrast)
    up = non_inferior(one, given["margin_relative"], alpha=given["alpha"], fixed_margin=True)
    down = non_inferior(one, given["margin_relative"], "relative", "decrease", given["alpha"], fixed_margin=True)
    assert isinstance(up, NonInferiority)
    assert isinstance(down, NonInferiority)
    assert one.difference == near(expected["diff"])
    assert (up.null, up.bound, up.p) == near((expected["null_increase"], expected["ci_lower"], expected["p_increase"]))
    assert (down.bound, down.p) == near((expected["ci_upper"], expected["p_decrease"]))
    assert down.p_harm == near(expected["p_superiority_increase"])
    assert 2 * up.p_harm == near(expected["p_two_sided"])
    # Not significantly worse, and yet not shown to be safe.
    assert (up.state, down.state) == ("not shown safe", "shown safe")


def test_a_quantile_from_three_order_statistics() -> None:
    given, expected = vector("quantile-40")
    # The source multiplies the variance by (n − 1)/n, which a z that much larger says too.
    arms = [
        QuantileArm(v["n"], v["p90"], v["lower"], v["upper"], critical_value(0.95) * (v["n"] / (v["n"] - 1)) ** 0.5)
        for v in (given["control"], given["treatment"])
    ]
    one = compare_quantiles(*arms)
    assert isinstance(one, MeanContrast)
    assert (one.difference, one.standard_error) == near((expected["diff"], expected["se"]))
    assert ends(one.interval(critical=critical_value(0.95))) == near(expected["ci_normal"])
    assert ends(one.interval()) == near(expected["ci_welch_t"])
