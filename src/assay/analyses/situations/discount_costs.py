"""A discount that raises the rate and lowers what is left."""

from __future__ import annotations

from assay.analyses.situations.base import NotSeen, Site, Situation, apart, sure
from assay.decide.words import amount, percent
from assay.model.finding import Finding
from assay.plan.measures import Measure, Quantity, Select

_FEW = 50  # orders with and without


def look(site: Site) -> list[Finding]:
    """More orders than before and less contribution per visitor; or contribution per order far lower with a coupon."""
    plan = site.asking.plan
    if plan.orders.cost is None:
        raise NotSeen("the plan knows no cost of goods (orders: cost), so contribution is revenue")
    found = _over_time(site)
    money = Quantity(
        "ratio", Measure("sum", Select("order"), "contribution"), Measure("count", Select("order")), unit="visitor"
    )
    shares = site.shares(money, ["coupon"])
    bare = shares.pop(None, None)
    if site.before is None and (bare is None or bare.units < _FEW or all(s.units < _FEW for s in shares.values())):
        raise NotSeen("no data before the range, and fewer than 50 orders with a coupon and 50 without")
    for name, one in sorted(shares.items(), key=lambda item: -item[1].units):
        if bare is None or min(one.units, bare.units) < _FEW:
            continue
        if one.value < 0.5 * bare.value and sure(apart(one, bare), len(shares) + 1):
            text = (
                f"orders with {name} leave {amount(one.value, site.currency)} each, those without a coupon "
                f"{amount(bare.value, site.currency)}"
            )
            evidence = {"coupon": name, "contribution": one.value, "without": bare.value, "orders": int(one.units)}
            found.append(Finding("discount_costs", "warning", text, evidence, "assay metric contribution --by coupon"))
    return found


def _over_time(site: Site) -> list[Finding]:
    contribution = Quantity("mean", Measure("sum", Select("order"), "contribution"), unit="visitor")
    bought = Quantity("share", Measure("exists", Select("order")), unit="visitor")
    then, now = (site.shares(bought, before=b).get(()) for b in (True, False))
    left_then, left_now = (site.shares(contribution, before=b).get(()) for b in (True, False))
    if then is None or now is None or left_then is None or left_now is None:
        return []
    if sure(apart(now, then, site.drift(bought)), 2) and now.value > then.value and left_now.value < left_then.value:
        if not sure(apart(left_now, left_then, site.drift(contribution)), 2):
            return []
        text = (
            f"more visitors buy ({percent(then.value)} → {percent(now.value)}) and less is left of each visitor "
            f"({amount(left_then.value, site.currency)} → {amount(left_now.value, site.currency)})"
        )
        evidence = {"rate": [then.value, now.value], "contribution": [left_then.value, left_now.value]}
        return [Finding("discount_costs", "warning", text, evidence, "assay why contribution_per_visitor")]
    return []


SITUATION = Situation(
    "discount_costs",
    "A discount that costs more than it brings",
    ("buyers who would have bought anyway", "a discount on what has the least margin", "free delivery on small orders"),
    "Test a minimum order value, or the discount for new customers only",
    look,
)
