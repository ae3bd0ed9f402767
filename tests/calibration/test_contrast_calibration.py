"""How often two arms are called different without a difference, and how often intervals hold a true one.

Rates: every table with its chance, no simulation. Means: many runs at once, by the public functions' formulas over
arrays, which are held against the public functions on a sample.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import stdtrit
from scipy.stats import binom

from assay.model.moments import Moments
from assay.stats.contrast import Contrast, MeanContrast, NoContrast
from assay.stats.cuped import CupedContrast, compare_cuped
from assay.stats.exact_rates import Table, exact_tail
from assay.stats.margins import NonInferiority, non_inferior
from assay.stats.means import compare_means
from assay.stats.proportion_tests import EXACT_BELOW, compare_proportions
from assay.stats.ratios import compare_ratios
from assay.stats.score import score_difference, score_ratio
from assay.stats.tails import critical_value

pytestmark = pytest.mark.soak

Floats = NDArray[np.float64]
Z = critical_value(0.95)


def sure(one: Contrast | NoContrast) -> Any:
    assert not isinstance(one, NoContrast)
    return one


# -- rates: every table ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tables:
    """All tables that carry mass with their chance, events of control along the first axis."""

    x0: Any
    n0: int
    x1: Any
    n1: int
    chance: Floats

    @classmethod
    def of(cls, n0: int, p0: float, n1: int, p1: float) -> Tables:
        ranges = [
            np.arange(int(binom.ppf(1e-10, n, p)), int(binom.isf(1e-10, n, p)) + 1) for n, p in ((n0, p0), (n1, p1))
        ]
        x0, x1 = np.meshgrid(*ranges, indexing="ij")
        return cls(x0, n0, x1, n1, np.outer(binom.pmf(ranges[0], n0, p0), binom.pmf(ranges[1], n1, p1)))

    def of_score(self, null: float, relative: bool) -> Floats:
        data = (self.x0, self.n0, self.x1, self.n1)
        return score_ratio(data, 1 + null) if relative else score_difference(data, null)

    def rejected(self, relative: bool) -> tuple[Any, Any]:
        """Winners and losers at 2.5 % a side: the score test, and below the threshold the exact one.

        Tables hardly ever seen, or far from the limit, keep the score test's verdict.
        """
        score = self.of_score(0.0, relative)
        won, lost = score > Z, score < -Z
        close = (np.abs(score) > 1.7) & (np.abs(score) < 2.8) & (self.chance > 1e-7)
        for place in zip(*np.nonzero(close & (np.minimum(self.x0, self.x1) < EXACT_BELOW)), strict=True):
            table = Table(int(self.x0[place]), self.n0, int(self.x1[place]), self.n1)
            up = bool(score[place] > 0)
            rejected = exact_tail(table, 0.0, False, up) < 0.025
            won[place], lost[place] = up and rejected, not up and rejected
        return won, lost

    def sample(self, seed: int, count: int) -> Iterator[tuple[Any, tuple[int, int, int, int]]]:
        """Places and tables, drawn by their chance."""
        rng = np.random.default_rng(seed)
        for flat in rng.choice(self.chance.size, count, p=(self.chance / self.chance.sum()).ravel()):
            place = np.unravel_index(flat, self.chance.shape)
            yield place, (int(self.x0[place]), self.n0, int(self.x1[place]), self.n1)


RATES = [
    ("5 % of 1,500", 0.05, 1500, 1500, 0.022, 0.028),
    ("2 % of 2,000", 0.02, 2000, 2000, 0.022, 0.028),
    ("5 % of 9,000 and 1,000", 0.05, 9000, 1000, 0.015, 0.035),
    ("5 % of 1,000 and 9,000", 0.05, 1000, 9000, 0.015, 0.035),
    ("2 % of 9,000 and 1,000", 0.02, 9000, 1000, 0.015, 0.035),
]


@pytest.mark.parametrize(("name", "p", "n0", "n1", "least", "most"), RATES, ids=[r[0] for r in RATES])
def test_rates_win_and_lose_by_chance_as_often_as_they_should(
    name: str, p: float, n0: int, n1: int, least: float, most: float
) -> None:
    tables = Tables.of(n0, p, n1, p)
    views = [tables.rejected(relative) for relative in (False, True)]
    for won, lost in views:
        assert least <= tables.chance[won].sum() <= most
        assert least <= tables.chance[lost].sum() <= most
    assert all((a == b).all() for a, b in zip(*views, strict=True))
    for place, data in tables.sample(1, 12):
        one = sure(compare_proportions(*data))
        assert (one.p() < 0.05) == (views[0][0][place] or views[0][1][place])
        for scale in ("absolute", "relative"):
            interval = one.interval(0.95, scale)
            assert (interval.low > 0, interval.high < 0) == (views[0][0][place], views[0][1][place])


def test_few_events_never_win_or_lose_too_often() -> None:
    """90 : 10 with 5 events expected in the small arm, where the score test alone calls 3.4 % winners."""
    tables = Tables.of(9000, 0.005, 1000, 0.005)
    won, lost = tables.rejected(False)
    assert tables.chance[won].sum() < 0.03
    assert tables.chance[lost].sum() < 0.025
    score = tables.of_score(0.0, False)
    assert tables.chance[score > Z].sum() > 0.03


def test_the_linear_lift_of_other_tools_finds_too_many_losers() -> None:
    tables = Tables.of(1500, 0.05, 1500, 0.05)
    p0, p1 = tables.x0 / 1500, tables.x1 / 1500
    v0, v1 = p0 * (1 - p0) / 1500, p1 * (1 - p1) / 1500
    t = (p1 / p0 - 1) / np.sqrt(v1 / p0**2 + v0 * p1**2 / p0**4)
    assert tables.chance[t < -Z].sum() > 0.04
    assert tables.chance[t > Z].sum() < 0.012


EFFECTS = [(0.05, 1500, 0.06, 1500), (0.02, 2000, 0.03, 2000), (0.3, 400, 0.2, 600)]


@pytest.mark.parametrize(("p0", "n0", "p1", "n1"), EFFECTS)
def test_intervals_of_rates_hold_the_true_effect(p0: float, n0: int, p1: float, n1: int) -> None:
    tables = Tables.of(n0, p0, n1, p1)
    for scale, truth in (("absolute", p1 - p0), ("relative", p1 / p0 - 1)):
        held = np.abs(tables.of_score(truth, scale == "relative")) <= Z
        assert 0.94 <= tables.chance[held].sum() <= 0.96
        for place, data in tables.sample(2, 6):
            if min(data[0], data[2]) >= EXACT_BELOW:
                assert sure(compare_proportions(*data)).interval(0.95, scale).excludes(truth) != held[place]


def test_a_guardrail_of_a_rate_errs_and_succeeds_as_designed() -> None:
    """Margin 10 % of a rate of 5 %, 5 % error, 80 % power without an effect: n = (z₀.₉₅ + z₀.₈)²·q(1 + φ²)/(p(1 − φ)²)."""
    p, ratio = 0.05, 0.9
    z = critical_value(0.95, "greater")
    n = math.ceil((z + critical_value(0.8, "greater")) ** 2 * (1 - p) * (1 + ratio**2) / (p * (1 - ratio) ** 2))
    for share, least, most in ((p * ratio, 0.045, 0.055), (p, 0.78, 0.82)):
        tables = Tables.of(n, p, n, share)
        safe = tables.of_score(ratio - 1, True) > z
        assert least <= tables.chance[safe].sum() <= most
        for place, data in tables.sample(3, 6):
            found = non_inferior(sure(compare_proportions(*data)), 1 - ratio)
            assert isinstance(found, NonInferiority)
            assert (found.state == "shown safe") == safe[place]


# -- means: many runs ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Runs:
    """The parts of a mean's comparison, one entry per run."""

    difference: Floats
    variance: Floats
    base: Floats
    base_variance: Floats
    covariance: Floats
    freedom: Floats

    @classmethod
    def of(
        cls, n0: int, n1: int, values: tuple[Floats, Floats], variances: tuple[Floats, Floats], base: Any = None
    ) -> Runs:
        """From values of the arms and their unit variances; ``base`` = (value, variance, covariance) when adjusted."""
        v0, v1 = variances[0] / n0, variances[1] / n1
        freedom = (v0 + v1) ** 2 / (v0**2 / (n0 - 1) + v1**2 / (n1 - 1))
        parts = base if base is not None else (values[0], v0, -v0)
        return cls(values[1] - values[0], v0 + v1, *parts, freedom)

    def statistic(self, null: float, relative: bool) -> Floats:
        if not relative:
            return (self.difference - null) / np.sqrt(self.variance)
        spread = self.variance - 2 * null * self.covariance + null * null * self.base_variance
        return (self.difference - null * self.base) / np.sqrt(spread)

    def fieller(self) -> tuple[Floats, Floats]:
        """Both ends of the relative interval at 95 %."""
        c = stdtrit(self.freedom, 0.975)
        lead = self.base**2 - c * c * self.base_variance
        assert (lead > 0).all()
        middle = self.difference * self.base - c * c * self.covariance
        root = np.sqrt(middle**2 - lead * (self.difference**2 - c * c * self.variance))
        return (middle - root) / lead, (middle + root) / lead

    def errors(self) -> dict[str, tuple[float, float]]:
        """Shares of runs won and lost, in the absolute and in the relative view."""
        c = stdtrit(self.freedom, 0.975)
        low, high = self.fieller()
        t = self.statistic(0.0, False)
        return {
            "absolute": (float((t > c).mean()), float((t < -c).mean())),
            "relative": (float((low > 0).mean()), float((high < 0).mean())),
        }

    def held(self, truth: float, relative: bool) -> float:
        return float((np.abs(self.statistic(truth, relative)) <= stdtrit(self.freedom, 0.975)).mean())

    def agrees(self, run: int, one: MeanContrast, truth: float = 0.1) -> None:
        """The public function says the same of a run."""
        for scale, relative in (("absolute", False), ("relative", True)):
            assert one.statistic(truth, scale) == pytest.approx(self.statistic(truth, relative)[run], rel=1e-6)
        assert one.freedom == pytest.approx(self.freedom[run], rel=1e-9)
        interval = one.interval(0.95, "relative")
        assert [interval.low, interval.high] == pytest.approx([e[run] for e in self.fieller()], rel=1e-6)


def revenue(rng: np.random.Generator, runs: int, n: int, effect: float = 0.0) -> tuple[Floats, Floats]:
    """Σx and Σx² of n visitors, 5 % of whom buy for a lognormal amount with σ = 1."""
    sums, squares = [], []
    for _ in range(0, runs, 2000):
        buyers = rng.binomial(n, 0.05, 2000)
        amounts = np.exp(rng.standard_normal(int(buyers.sum()), dtype=np.float32)).astype(float) * (1 + effect)
        starts = np.concatenate([[0], np.cumsum(buyers)[:-1]])
        sums.append(np.add.reduceat(amounts, starts))
        squares.append(np.add.reduceat(amounts**2, starts))
    return np.concatenate(sums)[:runs], np.concatenate(squares)[:runs]


def revenue_runs(seed: int, runs: int, n0: int, n1: int, effect: float = 0.0) -> Runs:
    rng = np.random.default_rng(seed)
    arms = [revenue(rng, runs, n0), revenue(rng, runs, n1, effect)]
    means = tuple(s / n for (s, _), n in zip(arms, (n0, n1), strict=True))
    variances = tuple((q - s * s / n) / (n - 1) for (s, q), n in zip(arms, (n0, n1), strict=True))
    made = Runs.of(n0, n1, means, variances)  # type: ignore[arg-type]
    for run in range(0, runs, runs // 10):
        one = compare_means(
            *(Moments(("x",), n, (s[run],), (float(q[run]),)) for (s, q), n in zip(arms, (n0, n1), strict=True))
        )
        made.agrees(run, sure(one))
    return made


def test_skewed_revenue_wins_and_loses_by_chance_as_often_as_it_should() -> None:
    for won, lost in revenue_runs(7, 40_000, 3000, 3000).errors().values():
        assert 0.022 <= won <= 0.028
        assert 0.022 <= lost <= 0.028


def test_skewed_revenue_split_90_to_10() -> None:
    """A thousand buyers in the small arm; with 300 it is 1.5 and 4.1 %."""
    for won, lost in revenue_runs(8, 10_000, 180_000, 20_000).errors().values():
        assert 0.015 <= won <= 0.035
        assert 0.015 <= lost <= 0.035


def test_intervals_of_skewed_revenue_hold_the_true_effect() -> None:
    made = revenue_runs(9, 20_000, 3000, 3000, 0.2)
    mean = 0.05 * math.exp(0.5)
    assert 0.94 <= made.held(0.2 * mean, False) <= 0.96
    assert 0.94 <= made.held(0.2, True) <= 0.96


def test_a_guardrail_of_revenue_errs_as_designed() -> None:
    """A loss of exactly the margin is called safe in 5 % of the runs, an equal arm with the power planned for."""
    margin, z = 0.25, critical_value(0.95, "greater")
    mean, variance = 0.05 * math.exp(0.5), 0.05 * math.exp(2) - 0.0025 * math.e
    n = math.ceil((z + critical_value(0.8, "greater")) ** 2 * variance * (1 + (1 - margin) ** 2) / (margin * mean) ** 2)
    at_margin = revenue_runs(10, 16_000, n, n, -margin).statistic(-margin, True)
    assert 0.04 <= float((at_margin > z).mean()) <= 0.06
    equal = revenue_runs(11, 16_000, n, n).statistic(-margin, True)
    assert 0.77 <= float((equal > z).mean()) <= 0.83


def unit_runs(
    seed: int, runs: int, n: int, make: Callable[[np.random.Generator, int, int], dict[str, Floats]]
) -> Iterator[dict[str, Floats]]:
    """Units of one arm in pieces of runs × n."""
    rng = np.random.default_rng(seed)
    for _ in range(0, runs, 1000):
        yield make(rng, 1000, n)


def sums(tables: Iterator[dict[str, Floats]]) -> tuple[dict[str, Floats], dict[tuple[str, str], Floats]]:
    """Sums and products per run."""
    totals: dict[str, list[Floats]] = {}
    products: dict[tuple[str, str], list[Floats]] = {}
    for table in tables:
        names = list(table)
        for i, a in enumerate(names):
            totals.setdefault(a, []).append(table[a].sum(axis=1))
            for b in names[i:]:
                products.setdefault((a, b), []).append(np.einsum("ij,ij->i", table[a], table[b]))
    return {k: np.concatenate(v) for k, v in totals.items()}, {k: np.concatenate(v) for k, v in products.items()}


def moments(arm: Any, n: int, run: int) -> Moments:
    totals, products = arm
    return Moments(
        tuple(totals), n, tuple(float(v[run]) for v in totals.values()), tuple(float(v[run]) for v in products.values())
    )


def covariance(arm: Any, n: int, a: str, b: str) -> Floats:
    totals, products = arm
    found: Floats = (products[a, b] - totals[a] * totals[b] / n) / (n - 1)
    return found


def orders_per_session(effect: float) -> Callable[[np.random.Generator, int, int], dict[str, Floats]]:
    def make(rng: np.random.Generator, runs: int, n: int) -> dict[str, Floats]:
        sessions = rng.geometric(0.5, (runs, n)).astype(float)
        taste = rng.gamma(2.0, 0.05, (runs, n)) * (1 + effect)
        return {"x": rng.poisson(taste * sessions).astype(float), "y": sessions}

    return make


def test_intervals_of_ratios_hold_the_true_effect_and_errors_are_nominal() -> None:
    """Orders per session, each user with a rate of its own, so that sessions are not independent."""
    runs, n = 8000, 600
    for effect, seed in ((0.0, 21), (0.3, 23)):
        arms = [sums(unit_runs(seed + i, runs, n, orders_per_session(e))) for i, e in enumerate((0.0, effect))]
        values, variances = [], []
        for arm in arms:
            ratio = arm[0]["x"] / arm[0]["y"]
            spread = covariance(arm, n, "x", "x") - 2 * ratio * covariance(arm, n, "x", "y")
            spread = spread + ratio**2 * covariance(arm, n, "y", "y")
            values.append(ratio)
            variances.append(spread / (arm[0]["y"] / n) ** 2)
        made = Runs.of(n, n, (values[0], values[1]), (variances[0], variances[1]))
        for run in (0, 4000):
            made.agrees(run, sure(compare_ratios(moments(arms[0], n, run), moments(arms[1], n, run))))
        assert 0.94 <= made.held(0.1 * effect, False) <= 0.96
        assert 0.94 <= made.held(effect, True) <= 0.96


def before_and_after(effect: float) -> Callable[[np.random.Generator, int, int], dict[str, Floats]]:
    """Correlation √0.5 between the covariate c and the metric x."""

    def make(rng: np.random.Generator, runs: int, n: int) -> dict[str, Floats]:
        own = rng.standard_normal((runs, n))
        return {"x": (5 + own + rng.standard_normal((runs, n))) * (1 + effect), "c": 3 + own}

    return make


def test_cuped_halves_the_variance_and_its_intervals_hold_the_true_effect() -> None:
    runs, n = 8000, 400
    for effect, seed in ((0.0, 31), (0.05, 33)):
        arms = [sums(unit_runs(seed + i, runs, n, before_and_after(e))) for i, e in enumerate((0.0, effect))]
        total = tuple({k: a[k] + b[k] for k in a} for a, b in zip(*arms, strict=True))
        theta = covariance(total, 2 * n, "x", "c") / covariance(total, 2 * n, "c", "c")
        values, variances = [], []
        for arm in arms:
            values.append((arm[0]["x"] - theta * arm[0]["c"]) / n)
            cross = covariance(arm, n, "x", "c")
            variances.append(covariance(arm, n, "x", "x") - 2 * theta * cross + theta**2 * covariance(arm, n, "c", "c"))
        plain = covariance(arms[0], n, "x", "x")
        shared = -(plain - theta * covariance(arms[0], n, "x", "c")) / n
        base = (arms[0][0]["x"] / n, plain / n, shared)
        made = Runs.of(n, n, (values[0], values[1]), (variances[0], variances[1]), base)
        reduced = []
        for run in range(0, runs, 400):
            one = compare_cuped(moments(arms[0], n, run), moments(arms[1], n, run))
            assert isinstance(one, CupedContrast)
            made.agrees(run, one, 0.05)
            reduced.append(one.health.variance_reduction)
        assert float(np.mean(reduced)) == pytest.approx(0.5, abs=0.02)
        unadjusted = (arms[1][0]["x"] - arms[0][0]["x"]) / n
        assert float(made.difference.var() / unadjusted.var()) == pytest.approx(0.5, abs=0.03)
        assert 0.94 <= made.held(5 * effect, False) <= 0.96
        assert 0.94 <= made.held(effect, True) <= 0.96
