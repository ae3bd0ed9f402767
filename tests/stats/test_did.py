"""Difference in differences against statsmodels' least squares with clustered errors, and what cannot be said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from assay.stats.did import panel, placebo, two_by_two


def peer(design: Any, y: Any, groups: Any) -> Any:
    """Statsmodels: CR1 errors, t with clusters − 1."""
    import statsmodels.api as sm

    return sm.OLS(y, design).fit(cov_type="cluster", cov_kwds={"groups": groups}, use_t=True)


def shops(seed: int, units: int = 12, times: int = 8, effect: float = 2.0, start: int = 5) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    unit, time = np.repeat(np.arange(units), times), np.tile(np.arange(times), units)
    treated = (unit < units // 2).astype(float)
    level, season = rng.normal(10, 3, units), rng.normal(0, 1, times)
    drift = rng.normal(0, 1, (units, times)).cumsum(axis=1).ravel() * 0.2
    y = level[unit] + season[time] + drift + rng.normal(0, 0.5, units * times) + effect * treated * (time >= start)
    return {"y": y, "unit": unit, "time": time, "treated": treated, "active": treated * (time >= start)}


@pytest.mark.parametrize("clustered", [True, False])
def test_two_groups_and_two_periods(clustered: bool) -> None:
    rng = np.random.default_rng(1)
    shop = np.repeat(np.arange(14), 30)
    treated = (shop < 5).astype(float)
    after = rng.integers(0, 2, len(shop)).astype(float)
    y = rng.normal(0, 1, len(shop)) + rng.normal(0, 1, 14)[shop] + 0.4 * treated * after
    groups = shop if clustered else np.arange(len(shop))
    one = two_by_two(y, treated, after, shop if clustered else None)
    fitted = peer(np.column_stack((treated * after, np.ones(len(y)), treated, after)), y, groups)
    cells = {(a, b): y[(treated == a) & (after == b)].mean() for a in (0, 1) for b in (0, 1)}
    assert one.estimate.value == pytest.approx(cells[1, 1] - cells[1, 0] - cells[0, 1] + cells[0, 0])
    assert one.standard_error == pytest.approx(fitted.bse[0], rel=1e-9)
    assert one.p == pytest.approx(fitted.pvalues[0], rel=1e-9)
    assert (one.estimate.low, one.estimate.high) == pytest.approx(tuple(fitted.conf_int()[0]), rel=1e-9)
    assert (one.clusters, one.degrees) == (len(np.unique(groups)), len(np.unique(groups)) - 1)


@pytest.mark.parametrize("gaps", [False, True])
def test_a_panel_is_least_squares_with_unit_and_time_effects(gaps: bool) -> None:
    """The estimate is that with a column per unit; errors are those after taking units' means out."""
    data = shops(2)
    keep = np.random.default_rng(3).random(len(data["y"])) > 0.2 if gaps else np.ones(len(data["y"]), dtype=bool)
    y, unit, time, active = (data[k][keep] for k in ("y", "unit", "time", "active"))
    one = panel(y, unit, time, active)
    units, times = (unit[:, None] == np.arange(12)).astype(float), (time[:, None] == np.arange(1, 8)).astype(float)
    full = peer(np.column_stack((active, units, times)), y, unit)
    assert one.estimate.value == pytest.approx(full.params[0], rel=1e-9)

    def within(v: Any) -> Any:
        v = v.astype(float)
        return v - np.array([v[unit == u].mean() for u in range(12)])[unit] + v.mean()

    columns = [within(active), np.ones(len(y)), *(within(time == t) for t in range(1, 8))]
    inner = peer(np.column_stack(columns), within(y), unit)
    assert one.standard_error == pytest.approx(inner.bse[0], rel=1e-9)
    assert one.p == pytest.approx(inner.pvalues[0], rel=1e-8)
    assert one.degrees == 11
    assert one.notes == ()


def test_two_periods_of_a_panel_are_the_differences_of_the_units() -> None:
    """With two times the panel is the comparison of differences: its errors are not blown up by the units' levels."""
    from scipy.stats import ttest_ind

    data = shops(4, units=40, times=2, start=1)
    one = panel(data["y"], data["unit"], data["time"], data["active"])
    change = data["y"][1::2] - data["y"][::2]
    welch = ttest_ind(change[:20], change[20:], equal_var=False)
    assert one.estimate.value == pytest.approx(change[:20].mean() - change[20:].mean())
    assert one.standard_error == pytest.approx(abs(one.estimate.value) / abs(welch.statistic), rel=0.03)


def test_names_and_clusters_may_be_anything() -> None:
    data = shops(5)
    names = np.array([f"shop {u}" for u in data["unit"]])
    days = np.array(["2024-01-01"], dtype="datetime64[D]") + data["time"]
    plain = panel(data["y"], data["unit"], data["time"], data["active"])
    named = panel(data["y"], names, days, data["active"])
    assert named.estimate.value == pytest.approx(plain.estimate.value)
    assert named.p == pytest.approx(plain.p)
    wider = panel(data["y"], data["unit"], data["time"], data["active"], data["unit"] // 2)
    assert wider.clusters == 6
    assert wider.estimate.value == pytest.approx(plain.estimate.value)


def test_a_placebo_finds_nothing_where_nothing_was_and_a_drift_where_one_was() -> None:
    data = shops(6, units=30, times=12, start=8)
    quiet = placebo(data["y"], data["unit"], data["time"], data["treated"], start=8)
    assert quiet.p is not None
    assert quiet.p > 0.01
    drifting = data["y"] + data["treated"] * data["time"]
    loud = placebo(drifting, data["unit"], data["time"], data["treated"], start=8)
    assert loud.p is not None
    assert loud.p < 1e-6
    early = data["time"] < 8
    same = panel(
        data["y"][early], data["unit"][early], data["time"][early], (data["treated"] * (data["time"] >= 4))[early]
    )
    assert quiet.estimate == same.estimate
    assert placebo(data["y"], data["unit"], data["time"], data["treated"], start=1).estimate.reason


def test_staggered_starts_and_few_clusters_are_told() -> None:
    data = shops(7, units=6)
    staggered = data["treated"] * (data["time"] >= 3 + data["unit"])
    one = panel(data["y"], data["unit"], data["time"], staggered)
    assert len(one.notes) == 2
    assert "different times" in one.notes[0]
    assert "3 clusters" in one.notes[1]


def test_what_cannot_be_said_has_a_reason() -> None:
    data = shops(8)
    everybody = panel(data["y"], data["unit"], data["time"], data["time"] >= 5)
    assert everybody.estimate.value is None
    assert everybody.estimate.reason
    empty = two_by_two([1.0, 2, 3], [0, 1, 1], [0, 0, 1])
    assert empty.estimate.value is None
    alone = panel(data["y"], data["unit"], data["time"], (data["unit"] == 0) & (data["time"] >= 5))
    assert alone.estimate.value is not None
    assert (alone.estimate.low, alone.p) == (None, None)
    assert alone.estimate.reason
    exact = panel(data["unit"] + 2.0 * data["active"], data["unit"], data["time"], data["active"])
    assert exact.estimate.value == pytest.approx(2.0)
    assert exact.p is None
    assert exact.estimate.reason


@pytest.mark.parametrize(
    "work",
    [
        lambda: two_by_two([1.0, 2.0], [0, 2], [0, 1]),
        lambda: panel([1.0, 2.0], [1, 1], [1, 1], [0, 1]),
        lambda: panel([1.0, 2.0], [1, 1], [1, 2], [0, 1], [1, 2]),
        lambda: panel([1.0, 2.0], [1], [1, 2], [0, 1]),
        lambda: panel([1.0, 2.0], [1, 1], [1, 2], [0.5, 1]),
    ],
)
def test_what_is_no_panel_is_an_error(work: Any) -> None:
    with pytest.raises(ValueError):
        work()
