"""A channel that is cheap per conversion and poor in what its customers are worth."""

from __future__ import annotations

from statistics import median

from assay.analyses.situations.base import NotSeen, Site, Situation, strongest, sure
from assay.decide.words import amount, significant
from assay.model.finding import Finding

_POOR = 0.6  # its value over the median of the other paid channels'
_FEW = 30  # customers
AGES = (90, 60, 30)  # days after the first order


def look(site: Site) -> list[Finding]:
    """Paid channels by cost per customer, and by value per customer at an age that all of them have reached."""
    from datetime import timedelta

    from assay.query.attribution import cost_statement, read_costs
    from assay.query.clv import clv_statement, read_clv
    from assay.query.cut import Cut

    asking = site.asking
    assert asking.span is not None
    value = "revenue" if asking.plan.orders.cost is None else "gross_margin"
    from assay.model.period import Period

    days = (site.period.last - asking.span.first).days + 1
    age = next((a for a in AGES if days >= 2 * a), None)
    if age is None:
        raise NotSeen("less than 60 days of data: nobody is a customer for long enough")
    whole = Period(asking.span.first, site.period.last - timedelta(age))
    cut = Cut(whole, where=site.where, matured_by=asking.matured_by())
    found = read_clv(asking.ask(clv_statement(asking.plan, cut, "first_channel", value, [age])).rows, [age])
    costs = read_costs(asking.ask(cost_statement(asking.plan, cut, "channel", None)).rows)
    paid = {}
    for name, customers in found.items():
        spent = costs.get(str(name))
        if spent is None or not spent.amount or customers.count < _FEW:
            continue
        moments = customers.worth[age]
        each = float(moments.sum("x")) / customers.count
        variance = max(0.0, moments.variance("x")) / customers.count
        paid[str(name)] = (float(spent.amount) / customers.count, each, variance)
    if len(paid) < 2:
        raise NotSeen("fewer than two paid channels with 30 customers")
    returns = {name: each / cost for name, (cost, each, _) in paid.items()}
    usual_cost, cases = median(c for c, _, _ in paid.values()), []
    for name, (cost, each, variance) in paid.items():
        others = [r for other, r in returns.items() if other != name]
        usual = median(e for other, (_, e, _) in paid.items() if other != name)
        doubt = median(v for other, (_, _, v) in paid.items() if other != name)
        error = (variance + _POOR**2 * doubt) ** 0.5
        z = (each - _POOR * usual) / error if error else 0.0
        # what costs less may well bring less: poor is what also brings less for its money
        if cost <= usual_cost and returns[name] < median(others) and z < 0 and sure(z, len(paid)):
            text = (
                f"{name} costs {amount(cost, site.currency)} per customer and brings {amount(each, site.currency)} "
                f"in {age} days; other paid channels bring {amount(usual, site.currency)} "
                f"(value over cost {significant(returns[name])} against {significant(median(others))})"
            )
            evidence = {"channel": name, "cac": cost, "value": each, "ratio": returns[name], "others": median(others),
                        "age": age}  # fmt: skip
            cases.append((z, Finding("cheap_channel_poor", "warning", text, evidence, "assay clv --by first_channel")))
    return strongest(cases)


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
