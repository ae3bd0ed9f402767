"""Rates of error and power by simulation, seeded: what the statistics of experiments promise is what comes out.

Statistics are computed here from cumulated moments, vectorised over runs and looks, apart from the code that users call.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from assay.stats import bayes, design, did, group_sequential, interaction, power, sequential, srm

pytestmark = pytest.mark.soak

DAYS, ALPHA = 28, 0.05
Floats = Any


def welch(n: Floats, sums: Floats, squares: Floats) -> Floats:
    """z of treatment less control; the last axis is the arm."""
    mean = sums / n
    variance = (squares - sums * mean) / (n - 1) / n
    with np.errstate(divide="ignore", invalid="ignore"):
        return (mean[..., 1] - mean[..., 0]) / np.sqrt(variance.sum(axis=-1))


def score(n: Floats, successes: Floats) -> Floats:
    """z of two proportions with the pooled variance."""
    share, pooled = successes / n, successes.sum(axis=-1) / n.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (share[..., 1] - share[..., 0]) / np.sqrt(pooled * (1 - pooled) * (1 / n).sum(axis=-1))


def rates(share: float, per_day: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(1)
    n = np.broadcast_to(per_day * np.arange(1.0, DAYS + 1)[None, :, None], (4000, DAYS, 2))
    return score(n, rng.binomial(per_day, share, (4000, DAYS, 2)).cumsum(axis=1)), n.sum(axis=-1)


def revenue(per_day: int = 120, runs: int = 1000) -> tuple[Floats, Floats]:
    """Few buy, and what they spend is skewed."""
    rng = np.random.default_rng(2)
    spent = np.exp(rng.normal(3, 1, (runs, DAYS, 2, per_day)).astype(np.float32))
    x = (spent * (rng.random(spent.shape, dtype=np.float32) < 0.1)).astype(float)
    n = np.broadcast_to(per_day * np.arange(1.0, DAYS + 1)[None, :, None], (runs, DAYS, 2))
    return welch(n, x.sum(axis=-1).cumsum(axis=1), (x * x).sum(axis=-1).cumsum(axis=1)), n.sum(axis=-1)


def ratio(per_day: int = 60, runs: int = 1000) -> tuple[Floats, Floats]:
    """Orders per session, the visitor is the unit: each has its own rate, so sessions are not independent."""
    rng = np.random.default_rng(3)
    shape = (runs, DAYS, 2, per_day)
    y = 1 + rng.poisson(1.0, shape)
    x = rng.binomial(y, rng.choice([0.02, 0.3], shape))
    n = np.broadcast_to(per_day * np.arange(1.0, DAYS + 1)[None, :, None], (runs, DAYS, 2))
    sx, sy, xx, xy, yy = (v.sum(axis=-1, dtype=float).cumsum(axis=1) for v in (x, y, x * x, x * y, y * y))
    r = sx / sy
    variance = (xx - 2 * r * xy + r * r * yy) / (n - 1) * n / sy**2
    with np.errstate(divide="ignore", invalid="ignore"):
        return (r[..., 1] - r[..., 0]) / np.sqrt(variance.sum(axis=-1)), n.sum(axis=-1)


def adjusted(per_day: int = 60, runs: int = 1000) -> tuple[Floats, Floats]:
    """CUPED: θ from both arms together at each look, on a skewed number."""
    rng = np.random.default_rng(4)
    shape = (runs, DAYS, 2, per_day)
    x = rng.exponential(1.0, shape)
    y = 0.8 * x + rng.exponential(1.0, shape)
    n = np.broadcast_to(per_day * np.arange(1.0, DAYS + 1)[None, :, None], (runs, DAYS, 2))
    sx, sy, xx, xy, yy = (v.sum(axis=-1).cumsum(axis=1) for v in (x, y, x * x, x * y, y * y))
    cxx, cxy, cyy = (a - b * c / n for a, b, c in ((xx, sx, sx), (xy, sx, sy), (yy, sy, sy)))
    theta = (cxy.sum(axis=-1) / cxx.sum(axis=-1))[..., None]
    value = (sy - theta * sx) / n
    variance = (cyy - 2 * theta * cxy + theta**2 * cxx) / (n - 1) / n
    return (value[..., 1] - value[..., 0]) / np.sqrt(variance.sum(axis=-1)), n.sum(axis=-1)


WORLDS = {
    "rate of 5 %": lambda: rates(0.05, 400),
    "rate of 1 %": lambda: rates(0.01, 200),
    "revenue per visitor": revenue,
    "orders per session": ratio,
    "CUPED": adjusted,
}


@pytest.mark.parametrize("world", list(WORLDS))
def test_confidence_sequences_keep_their_error_under_daily_looks(world: str) -> None:
    z, n = WORLDS[world]()
    n, z = n[0], np.nan_to_num(z)
    both = sequential.critical(n, ALPHA, sequential.tuning_for(n[-1], ALPHA))
    assert (np.abs(z) > both).any(axis=1).mean() <= ALPHA
    one = sequential.critical(n, ALPHA, sequential.tuning_for(n[-1], ALPHA, 1), 1)
    assert (z > one).any(axis=1).mean() <= ALPHA
    assert (-z > one).any(axis=1).mean() <= ALPHA
    assert (np.abs(z) > 1.96).any(axis=1).mean() > 0.15  # what looking every day does without it
    p = sequential.running(sequential.always_valid_p(z, n, sequential.tuning_for(n[-1], ALPHA)))
    assert ((p[:, -1] < ALPHA) == (np.abs(z) > both).any(axis=1)).all()


def walks(runs: int, fractions: Floats, drift: float, seed: int) -> Floats:
    """z at looks with these information fractions."""
    steps = np.diff(fractions, prepend=0.0)
    moves = np.random.default_rng(seed).normal(drift * steps, np.sqrt(steps), (runs, len(steps)))
    return moves.cumsum(axis=1) / np.sqrt(fractions)


@pytest.mark.parametrize("spending", ["obrien_fleming", "power"])
@pytest.mark.parametrize("fractions", [(0.2, 0.4, 0.6, 0.8, 1.0), (0.15, 0.5, 0.55, 1.2)])
def test_group_sequential_error_is_alpha_on_each_side(spending: str, fractions: tuple[float, ...]) -> None:
    made = group_sequential.bounds(fractions, ALPHA, spending)
    z = walks(60_000, np.array(fractions), 0.0, 5)
    first = (np.abs(z) > made.bounds).argmax(axis=1)
    hit = z[np.arange(len(z)), first] * (np.abs(z) > made.bounds).any(axis=1)
    assert 0.022 <= (hit > 0).mean() <= 0.028
    assert 0.022 <= (hit < 0).mean() <= 0.028


def test_group_sequential_error_on_rates() -> None:
    rng = np.random.default_rng(6)
    n = 2000.0 * np.arange(1, 6)[None, :, None] * np.ones(2)
    z = score(n, rng.binomial(2000, 0.05, (40_000, 5, 2)).cumsum(axis=1))
    hit = np.abs(z) > group_sequential.bounds([0.2, 0.4, 0.6, 0.8, 1.0], ALPHA).bounds
    assert 0.044 <= hit.any(axis=1).mean() <= 0.056


@pytest.mark.parametrize("wanted", [0.8, 0.9])
@pytest.mark.parametrize("sides", [1, 2])
def test_inflated_sizes_have_their_power(wanted: float, sides: int) -> None:
    once = power.z_critical(ALPHA, sides) - power.z_critical(wanted, 1)
    looks = np.arange(1, DAYS + 1) / DAYS
    drift = once * math.sqrt(power.always_valid_inflation(ALPHA, wanted, sides, DAYS))
    bound = sequential.critical(looks, ALPHA, sequential.tuning_for(1.0, ALPHA, sides), sides)
    assert (walks(10_000, looks, drift, 7) > bound).any(axis=1).mean() == pytest.approx(wanted, abs=0.015)
    few = [0.25, 0.5, 0.75, 1.0]
    drift = once * math.sqrt(power.group_sequential_inflation(few, ALPHA, wanted, "power", sides))
    bound = np.array(group_sequential.bounds(few, ALPHA, "power", sides).bounds)
    assert (walks(20_000, np.array(few), drift, 8) > bound).any(axis=1).mean() == pytest.approx(wanted, abs=0.01)


def test_the_sequential_sample_ratio_keeps_its_error_under_daily_looks() -> None:
    rng = np.random.default_rng(9)
    runs = 2500
    for weights in ([1, 1], [8, 1, 1]):
        added = rng.multinomial(700, np.array(weights) / sum(weights), (runs, DAYS))
        last = np.array([srm.sequential(one, weights)[-1] for one in added])
        for alpha in (0.05, 0.01):
            assert (last <= alpha).mean() <= alpha
    skewed = rng.multinomial(700, [0.47, 0.53], (200, DAYS))
    assert np.mean([srm.sequential(one, [1, 1])[-1] < 0.001 for one in skewed]) > 0.9


def test_the_fixed_sample_ratio_is_at_its_threshold() -> None:
    """Two arms: the exact chance of every split. Three: simulated."""
    from scipy.stats import binom

    for n, share in ((400, 0.5), (2000, 0.5), (2000, 0.9)):
        k = np.arange(n + 1)
        chance = binom.pmf(k, n, share)
        flagged = [bool(srm.fixed([int(i), n - int(i)], [share, 1 - share]).mismatch) for i in k[chance > 1e-9]]
        assert 0.0006 <= chance[chance > 1e-9][flagged].sum() <= 0.0014
    counts = np.random.default_rng(10).multinomial(10_000, [0.5, 0.3, 0.2], 30_000)
    expected = 10_000 * np.array([0.5, 0.3, 0.2])
    extreme = ((counts - expected) ** 2 / expected).sum(axis=1) > 13  # p < 0.0016: only these can be flagged
    flags = sum(bool(srm.fixed(row, [5, 3, 2]).mismatch) for row in counts[extreme].tolist())
    assert 0.0005 <= flags / 30_000 <= 0.0016


def found_rates(n0: float, n1: float, p0: float, p1: float, cut: float, runs: int = 20_000) -> float:
    rng = np.random.default_rng(11)
    n = np.array([math.ceil(n0), math.ceil(n1)], dtype=float)
    x = np.stack((rng.binomial(int(n[0]), p0, runs), rng.binomial(int(n[1]), p1, runs)), axis=-1)
    return float((score(n, x) > cut).mean())


@pytest.mark.parametrize("ratio", [1.0, 0.5, 3.0])
@pytest.mark.parametrize(("before", "after"), [(0.2, 0.25), (0.02, 0.025)])
def test_sizes_for_rates_have_their_power(ratio: float, before: float, after: float) -> None:
    n = power.proportions_size(before, after, power=0.8, ratio=ratio) or math.nan
    assert found_rates(n, n * ratio, before, after, 1.959964) == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize(("effect", "ratio"), [(1.0, 1.0), (0.3, 1.0), (0.3, 0.4)])
def test_sizes_for_means_have_their_power(effect: float, ratio: float) -> None:
    """Normal numbers: mean and variance of an arm are drawn as they are distributed."""
    from scipy.special import stdtrit

    exact = power.means_size(effect * 2, 2.0, power=0.9, ratio=ratio) or math.nan
    n0, n1 = math.ceil(exact), math.ceil(exact * ratio)
    rng = np.random.default_rng(12)
    freedom = n0 + n1 - 2
    spread = rng.chisquare(freedom, 20_000) / freedom
    t = (effect + rng.normal(0, math.sqrt(1 / n0 + 1 / n1), 20_000)) / np.sqrt(spread * (1 / n0 + 1 / n1))
    wanted = power.means_power(n0, effect, 1.0, ratio=n1 / n0)
    assert wanted >= 0.9 - 1e-9
    assert (np.abs(t) > stdtrit(freedom, 0.975)).mean() == pytest.approx(wanted, abs=0.01)


def test_sizes_for_ratios_have_their_power() -> None:
    """Orders per session; visitors are the units and have rates of their own."""
    rng = np.random.default_rng(13)

    def visitors(shape: tuple[int, ...], lift: float) -> tuple[Floats, Floats]:
        y = 1 + rng.poisson(1.0, shape)
        return rng.binomial(y, rng.choice([0.1, 0.3], shape) + lift), y

    def spread(lift: float) -> float:
        x, y = visitors((400_000,), lift)
        return float(np.var(x - x.sum() / y.sum() * y) / y.mean() ** 2)

    n = math.ceil(power.size(0.05, spread(0.0), power=0.8, variance_treatment=spread(0.05)) or 0)
    sides = []
    for lift in (0.0, 0.05):
        x, y = visitors((3000, n), lift)
        r = x.sum(axis=1) / y.sum(axis=1)
        sides.append((r, ((x - r[:, None] * y) ** 2).sum(axis=1) / (n - 1) * n / y.sum(axis=1) ** 2))
    (r0, v0), (r1, v1) = sides
    assert ((r1 - r0) / np.sqrt(v0 + v1) > 1.959964).mean() == pytest.approx(0.8, abs=0.02)


def test_sizes_for_adjusted_means_have_their_power() -> None:
    rng = np.random.default_rng(21)
    n = math.ceil(power.size(0.2, power.cuped_variance(1.0, 0.7), power=0.8) or 0)
    x = rng.normal(size=(6000, 2, n))
    y = 0.7 * x + math.sqrt(1 - 0.7**2) * rng.normal(size=x.shape) + np.array([0.0, 0.2])[:, None]
    mx, my = x.mean(axis=2), y.mean(axis=2)
    dx, dy = x - mx[..., None], y - my[..., None]
    theta = (dx * dy).sum(axis=(1, 2)) / (dx * dx).sum(axis=(1, 2))
    value = my - theta[:, None] * mx
    variance = ((dy - theta[:, None, None] * dx) ** 2).sum(axis=2) / (n - 1) / n
    z = (value[:, 1] - value[:, 0]) / np.sqrt(variance.sum(axis=1))
    assert (z > 1.959964).mean() == pytest.approx(0.8, abs=0.02)


def test_guardrails_have_their_power_and_their_error() -> None:
    """Refund rate 10 %, margin one point: no true effect is shown to be safe in 80 %, a loss of the margin in 5 %."""
    n = math.ceil(design.non_inferiority_size(0.01, 0.09, 0.05, 0.8, variance_treatment=0.09) or 0)
    rng = np.random.default_rng(14)
    for worse, wanted in ((0.0, 0.8), (0.01, 0.05)):
        p0, p1 = rng.binomial(n, 0.1, 20_000) / n, rng.binomial(n, 0.1 + worse, 20_000) / n
        z = (0.01 - (p1 - p0)) / np.sqrt((p0 * (1 - p0) + p1 * (1 - p1)) / n)
        assert (z > 1.644854).mean() == pytest.approx(wanted, abs=0.01)
    n = math.ceil(design.equivalence_size(0.3, 1.0, 0.05, 0.9) or 0)
    d = rng.normal(0, math.sqrt(2 / n), 20_000)
    assert (np.abs(d) < 0.3 - 1.644854 * math.sqrt(2 / n)).mean() == pytest.approx(0.9, abs=0.01)


def test_one_decision_on_a_success_metric_and_three_guardrails_has_its_power() -> None:
    """At the corrected power of each metric, whether or not they depend on each other, the decision has 80 % at least."""
    rates = design.decision_rates(0.05, 0.8, guardrails=3)
    drift = power.z_critical(0.05, 2) - power.z_critical(rates.power, 1)
    guard = power.z_critical(0.05, 1) - power.z_critical(rates.power, 1)
    rng = np.random.default_rng(15)
    for correlation in (0.0, 0.6):
        common = rng.normal(size=(20_000, 1)) * math.sqrt(correlation)
        z = common + rng.normal(size=(20_000, 4)) * math.sqrt(1 - correlation) + [drift, guard, guard, guard]
        shipped = (z > [1.959964, 1.644854, 1.644854, 1.644854]).all(axis=1).mean()
        assert 0.79 <= shipped <= 0.92


def test_chances_to_win_come_true_under_their_prior() -> None:
    rng = np.random.default_rng(16)
    runs, n, prior = 1200, 300, (3.0, 40.0)
    theta = rng.beta(*prior, (runs, 3))
    x = rng.binomial(n, theta)
    arms = [bayes.beta_binomial(row, [n] * 3, prior) for row in x.tolist()]
    chance = np.array([[arm.chance_to_win for arm in one] for one in arms])
    won = theta == theta.max(axis=1, keepdims=True)
    for low, high in ((0.0, 0.1), (0.1, 0.4), (0.4, 0.7), (0.7, 0.9), (0.9, 1.0)):
        at = (chance >= low) & (chance < high)
        error = math.sqrt(float((chance[at] * (1 - chance[at])).sum())) / at.sum()
        assert won[at].mean() == pytest.approx(chance[at].mean(), abs=3.5 * error)
    loss = np.array([[arm.expected_loss for arm in one] for one in arms])
    best = chance.argmax(axis=1)
    lost = theta.max(axis=1) - theta[np.arange(runs), best]
    expected = loss[np.arange(runs), best]
    assert lost.mean() == pytest.approx(expected.mean(), abs=3.5 * lost.std() / math.sqrt(runs))


def test_a_picked_winner_is_not_what_it_seems_until_it_is_shrunk() -> None:
    """Of those that won, the lift as measured is too high; the posterior's interval holds the truth in 95 %."""
    rng = np.random.default_rng(17)
    runs, error, prior = 12_000, 0.03, bayes.Prior(0.0, 0.02)
    true = rng.normal(prior.mean, prior.deviation, runs)
    seen = true + rng.normal(0, error, runs)
    picked = seen > 1.959964 * error
    assert (seen[picked] - true[picked]).mean() > 0.03
    after = [bayes.shrunk(float(lift), error, prior) for lift in seen[picked]]
    held = [(one.low or 0) <= t <= (one.high or 0) for one, t in zip(after, true[picked], strict=True)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.03)
    assert np.mean([one.mean or 0 for one in after]) == pytest.approx(true[picked].mean(), abs=0.003)


@pytest.mark.parametrize("tests", [8, 60])
def test_a_prior_from_past_tests_is_good_enough_for_the_next(tests: int) -> None:
    rng = np.random.default_rng(18)
    held, spread = [], []
    for _ in range(60):
        true, errors = rng.normal(0.01, 0.02, tests + 20), rng.uniform(0.01, 0.04, tests + 20)
        seen = true + rng.normal(0, errors)
        past = bayes.prior_of_past(seen[:tests], errors[:tests])
        assert past.prior is not None
        spread.append(past.spread)
        for lift, error, truth in zip(seen[tests:], errors[tests:], true[tests:], strict=True):
            one = bayes.shrunk(float(lift), float(error), past.prior)
            held.append((one.low or 0) <= truth <= (one.high or 0))
    assert 0.91 <= np.mean(held) <= 0.98
    assert 0.015 <= np.median(spread) <= 0.03


def test_before_and_after_keeps_its_error_with_a_dozen_clusters() -> None:
    """Shops drift from day to day, so that their days are not independent."""
    rng = np.random.default_rng(19)
    units, times, runs = 12, 10, 600
    unit, time = np.repeat(np.arange(units), times), np.tile(np.arange(times), units)
    active = ((unit < 6) & (time >= 5)).astype(float)
    hits = 0
    for _ in range(runs):
        drift = rng.normal(0, 1, (units, times)).cumsum(axis=1).ravel()
        y = rng.normal(0, 2, units)[unit] + drift + rng.normal(0, 0.5, units * times)
        hits += (did.panel(y, unit, time, active).p or 1) < ALPHA
    assert 0.02 <= hits / runs <= 0.085


def test_interactions_keep_their_error() -> None:
    rng = np.random.default_rng(20)
    runs, n = 4000, 60
    for shape in ((2, 2), (2, 3)):
        x = rng.exponential(1.0, (runs, *shape, n)) * (1 + np.arange(shape[0]))[None, :, None, None]
        mean, variance = x.mean(axis=-1).tolist(), x.var(axis=-1, ddof=1).tolist()
        hits = 0
        for m, v in zip(mean, variance, strict=True):
            table = [
                [interaction.Cell(n, a, b) for a, b in zip(row_m, row_v, strict=True)]
                for row_m, row_v in zip(m, v, strict=True)
            ]
            hits += (interaction.between_tests(table).p or 1) < ALPHA
        assert 0.035 <= hits / runs <= 0.065
