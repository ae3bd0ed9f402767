"""A channel that is cheap per conversion and poor in what its customers are worth."""

from __future__ import annotations

from statistics import median

from assay.analyses.situations.base import NotSeen, Site, Situation
from assay.decide.words import amount, significant
from assay.model.finding import Finding

_POOR = 0.6  # its value per cost over the median paid channel's
_FEW = 30  # customers
AGE = 30  # days in a step of ages


def look(site: Site) -> list[Finding]:
    """Paid channels by cost per customer, and by value per customer at the oldest age that all have reached."""
    import math

    from assay.query.attribution import cost_statement, read_costs
    from assay.query.clv import clv_statement, read_clv
    from assay.query.cut import Cut

    asking = site.asking
    assert asking.span is not None
    value = "revenue" if asking.plan.orders.cost is None else "gross_margin"
    from assay.model.period import Period

    whole = Period(asking.span.first, site.period.last)
    cut = Cut(whole, where=site.where, matured_by=asking.matured_by())
    ages = [AGE * k for k in range(1, 13)]
    found = read_clv(asking.ask(clv_statement(asking.plan, cut, "first_channel", value, ages)).rows, ages)
    costs = read_costs(asking.ask(cost_statement(asking.plan, cut, "channel", None)).rows)
    paid = {}
    for name, customers in found.items():
        spent = costs.get(str(name))
        if spent is None or not spent.amount or customers.count < _FEW:
            continue
        moments = customers.worth[ages[-1]]
        each = float(moments.sum("x")) / customers.count
        error = math.sqrt(max(0.0, moments.variance("x")) / customers.count)
        paid[str(name)] = (float(spent.amount) / customers.count, each, error, customers.count)
    if len(paid) < 2:
        raise NotSeen("fewer than two paid channels with 30 customers")
    returns = {name: each / cost for name, (cost, each, _, _) in paid.items()}
    usual_cost, cases = median(c for c, *_ in paid.values()), []
    for name, (cost, each, error, _) in paid.items():
        others = [r for other, r in returns.items() if other != name]
        other_values = [e for other, (_, e, _, _) in paid.items() if other != name]
        cheap = cost <= usual_cost
        z = (each - _POOR * median(other_values)) / error if error else 0.0
        if cheap and each < _POOR * median(other_values) and z < -2.9:
            text = (
                f"{name} costs {amount(cost, site.currency)} per customer and brings {amount(each, site.currency)}; "
                f"other paid channels bring {amount(median(other_values), site.currency)} "
                f"(value over cost {significant(returns[name])} against {significant(median(others))})"
            )
            evidence = {"channel": name, "cac": cost, "value": each, "ratio": returns[name], "others": median(others)}
            cases.append((z, Finding("cheap_channel_poor", "warning", text, evidence, "assay clv --by first_channel")))
    return [finding for _, finding in sorted(cases, key=lambda case: case[0])]


SITUATION = Situation(
    "cheap_channel_poor",
    "Cheap conversions, poor customers",
    (
        "bargain hunters who leave at full price",
        "incentives that attract the wrong people",
        "a channel that takes credit for others",
    ),
    "Bid on the value of customers after ninety days instead of on conversions",
    look,
)
