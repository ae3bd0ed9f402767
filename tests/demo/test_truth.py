"""What is planted is what comes out: intervals cover the truth at their nominal rate over 100 seeds."""

from __future__ import annotations

from collections.abc import Iterator
from math import log, sqrt

import numpy as np
import pytest

from assay.demo import rates, visits
from assay.demo.shop import World, simulate
from assay.demo.truth import basket, truth

SEEDS = 100
Z = 1.959964
# 95 of 100 are expected; an honest 95 % interval covers fewer than 88 times in one of 700 runs
LEAST = 88


@pytest.fixture(scope="module")
def worlds() -> list[dict[str, float | bool]]:
    return [dict(_covered(simulate(visitors=4_000, seed=seed))) for seed in range(SEEDS)]


def _share(x: int, n: int, p: float) -> bool:
    """Does the score interval of x of n cover p?"""
    return bool(abs(x - n * p) <= Z * sqrt(n * p * (1 - p)))


def _mean(values: np.ndarray, expected: float) -> bool:
    return bool(abs(values.mean() - expected) <= Z * values.std(ddof=1) / sqrt(len(values)))


def _covered(world: World) -> Iterator[tuple[str, float | bool]]:
    known = truth(world)
    steps = known["counts"]["steps_by_device"]["untouched"]
    for code, device in ((0, "desktop"), (1, "mobile")):
        s = steps[device]
        yield f"shipping {device}", _share(s["add_shipping_info"], s["begin_checkout"], rates.SHIPPING[code])
        yield f"payment {device}", _share(s["add_payment_info"], s["add_shipping_info"], rates.PAYMENT[code])
        yield f"purchase {device}", _share(s["purchase"] + s["came_back"], s["add_payment_info"], rates.PURCHASE[code])
    yield from _browsing(world)
    arms = known["experiment"]["counts"]
    a, b = arms["control"], arms["treatment"]
    ratio = log(b["buyers"] / b["exposed"] / (a["buyers"] / a["exposed"]))
    error = sqrt(sum(1 / arm["buyers"] - 1 / arm["exposed"] for arm in (a, b)))
    yield "uplift", abs(ratio - log(1 + known["experiment"]["relative_effect"]["purchase_rate"])) <= Z * error
    yield "log ratio", ratio
    carts = world.carts
    ordered = carts.order >= 0
    yield "order value", _mean(carts.amount[ordered], basket()["amount"])
    # orders whose refund would have come by now
    ripe = ordered & carts.tracked & (carts.ordered_at < world.calendar.end - 20 * 86_400_000)
    earned = carts.amount - carts.refund - carts.cost - carts.shipping_cost
    for code, name in enumerate(rates.VARIANTS):
        rows = ripe & (carts.treated == (code == 1))
        yield f"refunds {name}", _share(int((carts.refund[rows] > 0).sum()), int(rows.sum()), rates.REFUND[code])
        planted = known["experiment"]["contribution_per_order"][name] * 100
        yield f"contribution {name}", _mean(earned[rows], planted)
        yield f"earned {name}", float(earned[rows].mean()) - planted


def _browsing(world: World) -> Iterator[tuple[str, bool]]:
    """New mobile visitors from a paid social ad: bounce and product view as planted."""
    s, device = world.sessions, world.people.device
    own = (s.kind == visits.ORDINARY) & s.first & (s.channel == rates.PAID_SOCIAL) & (device[s.visitor] == 1)
    bounce = rates.BOUNCE[0][rates.PAID_SOCIAL] * rates.BOUNCE[1][1] * rates.BOUNCE[2][0]
    view = rates.VIEW[0][rates.PAID_SOCIAL] * rates.VIEW[1][1] * rates.VIEW[2][0]
    yield "bounce", _share(int((own & s.bounce).sum()), int(own.sum()), bounce)
    stayed = own & ~s.bounce
    yield "view", _share(int((stayed & (s.views > 0)).sum()), int(stayed.sum()), view)


@pytest.mark.parametrize(
    "name",
    [
        "shipping desktop", "shipping mobile", "payment desktop", "payment mobile", "purchase desktop",
        "purchase mobile", "bounce", "view", "uplift", "order value", "refunds control", "refunds treatment",
        "contribution control", "contribution treatment",
    ],
)  # fmt: skip
def test_intervals_cover_the_truth(worlds: list[dict[str, float | bool]], name: str) -> None:
    covered = sum(bool(w[name]) for w in worlds)
    assert covered >= LEAST, f"{covered} of {SEEDS}"


@pytest.mark.parametrize("name", ["earned control", "earned treatment"])
def test_contribution_has_no_bias(worlds: list[dict[str, float | bool]], name: str) -> None:
    values = np.array([w[name] for w in worlds])
    assert abs(values.mean()) < 4 * values.std(ddof=1) / sqrt(SEEDS)


def test_the_uplift_has_no_bias(worlds: list[dict[str, float | bool]]) -> None:
    values = np.array([w["log ratio"] for w in worlds])
    assert abs(values.mean() - log(rates.UPLIFT)) < 4 * values.std(ddof=1) / sqrt(SEEDS)


def test_the_experiment_sells_more_and_earns_less() -> None:
    effect = truth(simulate(visitors=200))["experiment"]["relative_effect"]
    assert effect["purchase_rate"] > 0.1
    assert effect["contribution_per_visitor"] < -0.05


def test_probabilities_are_probabilities() -> None:
    for table in (rates.BOUNCE, rates.VIEW, rates.CART, rates.CHECKOUT):
        assert max(table[0]) * max(table[1]) * max(table[2]) < 1
    assert max(rates.SHIPPING) * rates.UPLIFT < 1
    device = np.repeat(np.arange(3), 2)
    complete = np.prod(np.stack(visits.completion(device, np.tile([0, 1], 3))), axis=0)
    assert (rates.RECOVERED / (1 - rates.RECOVERED) * complete / (1 - complete) < 1).all()
