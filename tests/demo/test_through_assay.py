"""The demo's known truth against the answers, through the ordinary import and the public questions."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import assay
from assay.cli.demo import lock_tests
from assay.demo import build
from assay.workspace import Workspace

ALL = {"from": "2026-07-03", "to": "2026-09-30"}


def shop(folder: Path, visitors: int, seed: int) -> tuple[Workspace, dict[str, Any]]:
    files = build(folder, visitors=visitors, seed=seed)
    plan = folder / "assay.yaml"
    gross = "  gross_aov: {type: ratio, numerator: {sum: revenue.gross}, denominator: {count: order}}\n"
    plan.write_text(plan.read_text().replace("\nmetrics:\n", "\nmetrics:\n" + gross))
    ws = assay.open(folder)
    ws.import_files("events", files)
    ws.import_files("costs", [folder / "demo-data" / "costs.csv"])
    lock_tests(ws)
    return ws, json.loads((folder / "demo-data" / "truth.json").read_text())


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, dict[str, Any]]]:
    ws, truth = shop(tmp_path_factory.mktemp("shop"), 3000, 7)
    with ws:
        yield ws, truth


@pytest.mark.parametrize(
    ("metric", "count"),
    [("sessions", "sessions"), ("visitors", "visitors"), ("revenue", "net_revenue"), ("contribution", "contribution")],
)
def test_totals(known: tuple[Workspace, dict[str, Any]], metric: str, count: str) -> None:
    ws, truth = known
    assert Decimal(ws.metric(metric, **ALL).rows[0][0]) == Decimal(truth["counts"][count])


def test_sessions_by_channel(known: tuple[Workspace, dict[str, Any]]) -> None:
    ws, truth = known
    assert dict(ws.metric("sessions", by="channel", **ALL).rows) == truth["counts"]["sessions_by_channel"]


def test_bounces_orders_and_new_sessions(known: tuple[Workspace, dict[str, Any]]) -> None:
    ws, truth = known
    counts = truth["counts"]
    bounce, new, rate = (ws.metric(n, **ALL).records()[0] for n in ("bounce_rate", "new_share", "aov"))
    assert bounce["bounce_rate_numerator"] == counts["bounced_sessions"]
    assert new["new_share_numerator"] == counts["new_sessions"]
    assert rate["aov_denominator"] == counts["orders"]


def test_planted_mobile_drop_is_found(known: tuple[Workspace, dict[str, Any]]) -> None:
    ws, truth = known
    planted = truth["planted"]["steps"]["add_shipping_info | begin_checkout"]
    found = {
        r[0]: (r[3], r[4], r[5])
        for r in ws.funnel("checkout_steps", by="device", **ALL).rows
        if r[1] == "add_shipping_info"
    }
    assert found["mobile"][0] < found["desktop"][0] - 0.15
    assert abs(found["desktop"][0] - planted["desktop"]) < 0.1


def covered(ws: Workspace, truth: dict[str, Any]) -> dict[str, bool]:
    """Quantity → whether assay's 95 % interval holds the truth."""
    found = {}
    steps = truth["planted"]["steps"]
    untested = {"from": "2026-08-31", "to": "2026-09-30"}  # the test moves these steps while it runs
    for device, step, _, _, low, high, *_ in ws.funnel("checkout_steps", by="device", **untested).rows:
        shipping = steps["add_shipping_info | begin_checkout"][device]
        rates = {
            "add_shipping_info": shipping,
            "add_payment_info": shipping * steps["add_payment_info | add_shipping_info"][device],
        }
        if step in rates and device != "tablet":
            found[f"{device} {step}"] = low <= rates[step] <= high
    after = {"from": "2026-08-31", "to": "2026-09-09"}  # the test is over, and all refunds have come in
    refunds = ws.metric("refund_rate", **after).records()[0]
    refunded = truth["planted"]["refund_probability"]
    found["refund rate"] = refunds["refund_rate_low"] <= refunded <= refunds["refund_rate_high"]
    effects = truth["experiment"]["relative_effect"]
    for row in ws.ask("experiment-readout", "free_shipping").records():
        if row["metric"] in ("purchase_rate_visitor", "contribution_per_visitor"):
            effect = effects[str(row["metric"]).removesuffix("_visitor" if "purchase" in row["metric"] else "?")]
            low, high = row["lift_low"], row["lift_high"]  # an end is missing where there is none
            found[f"test: {row['metric']}"] = (low is None or low <= effect) and (high is None or effect <= high)
    goods = ws.metric("gross_aov", **ALL).records()[0]
    found["order value"] = goods["gross_aov_low"] <= truth["planted"]["order"]["amount"] <= goods["gross_aov_high"]
    return found


def tally(folder: Path, seeds: range, visitors: int) -> Counter[str]:
    hits: Counter[str] = Counter()
    for seed in seeds:
        ws, truth = shop(folder / str(seed), visitors, seed)
        with ws:
            hits.update(name for name, hit in covered(ws, truth).items() if hit)
    return hits


@pytest.mark.soak
def test_intervals_cover_the_truth_on_some_seeds(tmp_path: Path) -> None:
    hits = tally(tmp_path, range(8), 3000)
    assert min(hits.values(), default=0) >= 5, hits  # 5 of 8 fails by chance once in 2,700


@pytest.mark.soak
def test_intervals_cover_the_truth_on_a_hundred_seeds(tmp_path: Path) -> None:
    hits = tally(tmp_path, range(100, 200), 6000)
    assert min(hits.values(), default=0) >= 88, hits  # 88 of 100 fails by chance once in 400
