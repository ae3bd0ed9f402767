"""clv: what acquired customers were worth by age, against what they cost: LTV:CAC and payback, by first touch."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from assay.analyses.base import Asking, Question, Ranged
from assay.decide.words import group_name, value_words
from assay.model.answer import Answer, Cell, Column, Definition, Labelled
from assay.model.errors import UsageError
from assay.model.estimate import Estimate
from assay.model.period import Period

if TYPE_CHECKING:
    from assay.query.clv import Customers

ALL = "(all)"
MONTH = 30  # days
LONGEST = 36  # months that payback is looked for in
SETTLED = 90  # days that the default range leaves for customers to age


class Params(Ranged):
    """Which customers, by what, and at which ages."""

    by: Literal["first_channel", "first_source", "first_campaign"] = Field("first_channel", description="what a row is")
    at: str = Field("30d,90d,180d,360d", description="ages at which the worth is told")
    value: Literal["gross_margin", "contribution", "revenue"] | None = Field(
        None, description="what is cumulated; default: gross profit, without costs in the plan net revenue"
    )


def answer(asking: Asking, params: Params) -> Answer:
    """One row per source of first touch: customers, worth by age, cost per customer, LTV:CAC, months to pay back.

    Only ages that every customer of the row has reached have a value.
    """
    from assay.query.attribution import cost_statement, read_costs
    from assay.query.clv import clv_statement, read_clv
    from assay.query.cut import Cut

    ages = _ages(params.at)
    value = params.value or _default_value(asking)
    period = _period(asking, params)
    if asking.without(period):
        return asking.empty("clv", params, period)
    cut = Cut(period, where=asking.segment(params.segment), matured_by=asking.matured_by())
    every = sorted({*ages, *(MONTH * k for k in range(1, LONGEST + 1))})
    whole = read_clv(asking.ask(clv_statement(asking.plan, cut, None, value, every)).rows, every)
    if not whole:
        words = f"nobody ordered for the first time in {period}"
        empty = asking.empty("clv", params, period)
        return replace(empty, empty=words, sentence=f"{words[0].upper()}{words[1:]}.")
    found = read_clv(asking.ask(clv_statement(asking.plan, cut, params.by, value, every)).rows, every)
    by_cost = params.by.removeprefix("first_")
    costs = read_costs(asking.ask(cost_statement(asking.plan, cut, by_cost, None)).rows)
    spent = {key: one.amount for key, one in costs.items() if one.amount is not None}
    if params.segment is not None:
        spent = {}  # ad cost belongs to no segment of customers
    definition = _definition(asking, params, value)
    rows, labelled = [], []
    named: list[tuple[str, Customers, Any]] = [(ALL, whole[None], sum(spent.values(), Decimal(0)) if spent else None)]
    for key, one in sorted(found.items(), key=lambda item: (-item[1].count, str(item[0]))):
        named.append((str(group_name(key)), one, spent.get(str(key))))
    for name, customers, cost in named:
        estimates = {f"clv_{age}d": _worth(customers, age, asking.matured_by()) for age in ages}
        rows.append(_row(asking, name, customers, cost, estimates, every))
        labelled += [Labelled(metric, {params.by: name}, one) for metric, one in estimates.items()]
    return asking.answer(
        "clv",
        params,
        columns=_columns(asking, params, ages, definition),
        rows=tuple(rows),
        estimates=tuple(labelled),
        definitions=(definition,),
        sentence=_sentence(asking, rows[0], ages, str(period)),
        notes=_notes(value, bool(spent), params),
        next=(
            "assay attribution --by channel",
            *(["assay metric repeat_purchase_rate"] if "repeat_purchase_rate" in asking.plan.metrics else []),
        ),
        chart={"kind": "line", "x": "age", "y": [f"clv_{age}d" for age in ages]},
    )


def _ages(text: str) -> list[int]:
    from assay.analyses.behaviour import seconds

    found = sorted({seconds(part.strip(), "age") for part in text.split(",") if part.strip()})
    if not found or any(one % 86_400 for one in found):
        raise UsageError(f"ages are whole days such as 30d,90d, not {text!r}")
    return [one // 86_400 for one in found]


def _default_value(asking: Asking) -> Literal["gross_margin", "revenue"]:
    return "revenue" if asking.plan.orders.cost is None else "gross_margin"


def _period(asking: Asking, params: Params) -> Period:
    """Without a range: all customers old enough to be looked at for 90 days, if there are such days."""
    if params.from_ is not None or params.to is not None or asking.span is None:
        return asking.period(params)
    last = asking.complete_day()
    settled = last - timedelta(SETTLED + 1)
    return Period(asking.span.first, settled if settled > asking.span.first else max(last, asking.span.first))


def _worth(customers: Customers, age: int, by: int) -> Estimate:
    from assay.stats.ratios import ratio

    if not customers.reached(age, by):
        return Estimate.none(f"not every customer is {age} days old", None, customers.count)
    return ratio(customers.worth[age])


def _row(
    asking: Asking, name: str, customers: Customers, cost: Any, estimates: dict[str, Estimate], every: list[int]
) -> tuple[Cell, ...]:
    from assay.stats.ratios import quotient

    by = asking.matured_by()
    cac = quotient(Decimal(cost), customers.count) if cost is not None else None
    reached = [age for age in every if customers.reached(age, by)]
    latest = customers.worth[reached[-1]] if reached else None
    multiple = None
    if latest is not None and cac:
        multiple = float(quotient(Decimal(latest.sum("x")), customers.count)) / float(cac)
    months = None
    if cac is not None:
        paid = (a for a in reached if a % MONTH == 0 and Decimal(customers.worth[a].sum("x")) >= Decimal(cost))
        months = next((a // MONTH for a in paid), None)
    cells: list[Cell] = [name, customers.count]
    for one in estimates.values():
        cells += [one.value, one.low, one.high]
    return (*cells, reached[-1] if reached else None, cost, cac, multiple, months)


def _columns(asking: Asking, params: Params, ages: list[int], definition: Definition) -> tuple[Column, ...]:
    currency = asking.plan.site.currency
    found = [Column(params.by), Column("customers", "count")]
    for age in ages:
        found += [
            Column(f"clv_{age}d", "money", f"{age} d", definition.id, currency),
            Column(f"clv_{age}d_low", "money", "from", definition.id, currency, detail=True),
            Column(f"clv_{age}d_high", "money", "to", definition.id, currency, detail=True),
        ]
    return (
        *found,
        Column("reached_days", "count", "age all reached", detail=True),
        Column("cost", "money", "cost", currency=currency, detail=True),
        Column("cac", "money", "CAC", currency=currency),
        Column("ltv_cac", "number", "LTV:CAC"),
        Column("payback_months", "count", "payback (months)"),
    )


_WORDS = {
    "gross_margin": "net revenue less cost of goods",
    "contribution": "contribution",
    "revenue": "net revenue",
}


def _definition(asking: Asking, params: Params, value: str) -> Definition:
    from assay.query.sql import digest

    plan = asking.plan
    top, below = f"{_WORDS[value]} since the first order", "customers with their first order ever in the range"
    rules = {"orders": plan.rules.orders, "refunds": plan.rules.refunds, "currency": plan.site.currency}
    meaning = ("clv", value, params.by, repr(plan.orders), plan.site.timezone, rules)
    return Definition(
        digest(*meaning), "clv", f"{top} / {below}", top, below, "user", "", plan.site.timezone, rules
    )  # fmt: skip


def _sentence(asking: Asking, whole: tuple[Any, ...], ages: list[int], period: str) -> str:
    text = f"{whole[1]:,} customers were acquired in {period}"
    told = [(age, whole[2 + 3 * n]) for n, age in enumerate(ages) if whole[2 + 3 * n] is not None]
    if not told:
        return f"{text}; not all of them are {ages[0]} days old yet."
    age, worth = told[-1]
    return f"{text}; after {age} days one was worth {value_words(worth, 'money', asking.plan.site.currency)}."


def _notes(value: str, costs: bool, params: Params) -> tuple[str, ...]:
    notes = [
        f"worth is {_WORDS[value]}, cumulated from the first order on; only ages that all of a row have reached",
        f"LTV:CAC at the oldest age that all have reached; payback: the first {MONTH} days at which worth covers cost",
    ]
    if value == "revenue":
        notes.append("the plan names no cost of goods (orders: {cost: 55%}): this is revenue, not profit")
    if not costs:
        why = "ad cost belongs to no segment" if params.segment else "no ad cost in the range"
        notes.append(f"{why}: no CAC, which is not 0")
    return tuple(notes)


QUESTION = Question(
    "clv", "What customers are worth by age, LTV:CAC and payback by first touch.", Params, answer, over_days=True
)
