"""channels: what each channel (source, medium, campaign) brings and costs, with the rule set that named it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from assay.analyses.base import Asking, Question, Ranged
from assay.analyses.estimates import estimate
from assay.decide.words import group_name, percent
from assay.model.answer import Answer, Cell, Column, Definition, Labelled
from assay.model.estimate import Estimate
from assay.plan.measures import Expression, Measure, Quantity, Select
from assay.plan.values import Metric, Plan

if TYPE_CHECKING:
    from assay.query.cut import Cell as Sums
    from assay.query.cut import Cut


class Params(Ranged):
    """What a row is."""

    by: Literal["channel", "source", "medium", "campaign"] = Field("channel", description="what a row is")


def answer(asking: Asking, params: Params) -> Answer:
    """One row per channel: sessions, visitors, new share, conversion, orders, revenue; with ad costs CPA and ROAS too.

    Everything belongs to the session in which it happened (no attribution over several sessions).
    """
    from assay.query.cut import Cut

    period = asking.period(params)
    if asking.without(period):
        return asking.empty("channels", params, period)
    cut = Cut(period, (params.by,), None, asking.segment(params.segment), matured_by=asking.matured_by())
    metrics = _metrics(asking.plan)
    found = asking.cells(list(metrics.values()), cut)
    groups = {group[0] for cells in found.values() for group in cells}
    sessions = {key: _value(found["sessions"], key) or 0 for key in groups}
    if not any(sessions.values()):
        reason = f"no sessions in {period}"
        return replace(asking.empty("channels", params, period), empty=reason, sentence=f"There are {reason}.")
    costs = _costs(asking, params, cut)
    order = sorted({*groups, *costs}, key=lambda k: (-sessions.get(k, 0), str(k)))
    rows, labelled = [], []
    for key in order:
        name = group_name(key)
        cells, estimates = _row(metrics, found, key)
        rows.append((name, *cells, *(_costed(costs.get(key), estimates) if costs else ())))
        labelled += [Labelled(metric, {params.by: name}, one) for metric, one in estimates.items()]
    definition = _definition(asking.plan, params)
    return asking.answer(
        "channels",
        params,
        columns=_columns(asking.plan, params, definition, bool(costs)),
        rows=tuple(rows),
        estimates=tuple(labelled),
        definitions=(definition, *(replace(asking.definition(m), id=_id(m)) for m in metrics.values())),
        sentence=_sentence(rows, str(period)),
        notes=_notes(asking.plan, bool(costs), _named_by_source(asking, cut)),
        next=("assay attribution", f"assay channels --by {'campaign' if params.by == 'channel' else 'channel'}"),
        chart={"kind": "bars", "x": params.by, "y": "sessions"},
    )


def _metrics(plan: Plan) -> dict[str, Metric]:
    from assay.plan.draft import goal_rows

    new = Select("session", where=Expression("is_new", ("is_new",)))
    goal = next((g for g in plan.goals.values() if g.kind == "macro"), None)
    reached = goal_rows(goal) if goal else Select("event", (plan.orders.event,))
    converted = goal.name if goal else plan.orders.event

    def made(name: str, quantity: Quantity, words: tuple[str, str], form: str = "number") -> Metric:
        metric = Metric(name, "channels", quantity, words, format=form)
        return replace(metric, id=_id(metric))

    return {
        "sessions": made("sessions", Quantity("total", Measure("count", Select("session"))), ("sessions", "")),
        "visitors": made("visitors", Quantity("total", Measure("count", Select("visitor"))), ("visitors", "")),
        "new_share": made(
            "new_share",
            Quantity("share", Measure("exists", new), unit="session"),
            ("new sessions", "sessions"),
            "percent",
        ),
        "conversion": made(
            "conversion",
            Quantity("share", Measure("exists", reached), unit="session"),
            (f"sessions with {converted}", "sessions"),
            "percent",
        ),
        "orders": made("orders", Quantity("total", Measure("count", Select("order"))), ("orders", "")),
        "revenue": made(
            "revenue", Quantity("total", Measure("sum", Select("order"), "revenue.net")), ("net revenue", ""), "money"
        ),
    }


def _id(metric: Metric) -> str:
    from assay.query.sql import digest

    return digest("channels", metric.name, metric.words)


def _row(metrics: dict[str, Metric], found: dict[str, Any], key: Any) -> tuple[list[Cell], dict[str, Estimate]]:
    estimates: dict[str, Estimate] = {}
    cells: list[Cell] = []
    for name, metric in metrics.items():
        cell = found[name].get((key,))
        one = estimate(metric, cell.all) if cell is not None and cell.all.n else None
        if metric.quantity.kind == "total":
            nothing: Cell = Decimal(0) if metric.format == "money" else 0
            cells.append(nothing if one is None else one.value)
        else:
            one = one or Estimate.none("no sessions")
            cells += [one.value, one.low, one.high]
        estimates[name] = one if one is not None else Estimate(0)
    return cells, estimates


def _value(cells: dict[tuple[Any, ...], Sums], key: Any) -> Any:
    cell = cells.get((key,))
    return None if cell is None else cell.all.sum("x")


def _costs(asking: Asking, params: Params, cut: Cut) -> dict[Any, Decimal | None]:
    from assay.query.attribution import cost_statement, read_costs
    from assay.query.touches import NOTHING

    if cut.where is not None:
        return {}
    found = read_costs(asking.ask(cost_statement(asking.plan, cut, params.by, None)).rows)
    return {None if key == NOTHING else key: spent.amount for key, spent in found.items()}


def _costed(cost: Decimal | None, estimates: dict[str, Estimate]) -> tuple[Cell, ...]:
    """Cost, cost per order and revenue per cost; each missing with its reason."""
    orders, revenue = estimates["orders"].value or 0, estimates["revenue"].value or 0
    if cost is None:
        estimates["cpa"] = estimates["roas"] = Estimate.none("no cost row")
    else:
        estimates["cpa"] = Estimate(cost / int(orders)) if orders else Estimate.none("no conversions", cost, 0)
        estimates["roas"] = Estimate(float(revenue) / float(cost)) if cost else Estimate.none("no cost")
    return cost, estimates["cpa"].value, estimates["roas"].value


def _definition(plan: Plan, params: Params) -> Definition:
    from assay.query.channels import rule_set
    from assay.query.sql import digest

    rules = {"channels": plan.rules.channels, "session_source": plan.rules.session_source}
    own = [rule.channel for rule in plan.channels]
    rules |= {"own rules first": ", ".join(own)} if own else {}
    said = rule_set(plan.rules.channels).summary
    text = f"{params.by} of a session by rule set {plan.rules.channels} ({said})" + (", own rules first" if own else "")
    return Definition(
        digest("channels", params.by, rules, [rule.where.text for rule in plan.channels]),
        params.by,
        text,
        unit="session",
        zone=plan.site.timezone,
        rules=rules,
    )


def _columns(plan: Plan, params: Params, definition: Definition, costs: bool) -> tuple[Column, ...]:
    ids = {name: metric.id for name, metric in _metrics(plan).items()}
    currency = plan.site.currency

    def rate(name: str, label: str) -> tuple[Column, ...]:
        low, high = f"{name}_low", f"{name}_high"
        return (
            Column(name, "rate", label, ids[name]),
            Column(low, "rate", "from", ids[name], detail=True),
            Column(high, "rate", "to", ids[name], detail=True),
        )

    spent = (Column("cost", "money", currency=currency), Column("cpa", "money", "CPA", currency=currency),
             Column("roas", "number", "ROAS"))  # fmt: skip
    return (
        Column(params.by, definition=definition.id),
        Column("sessions", "count", definition=ids["sessions"]),
        Column("visitors", "count", definition=ids["visitors"]),
        *rate("new_share", "new"),
        *rate("conversion", "conversion"),
        Column("orders", "count", definition=ids["orders"]),
        Column("revenue", "money", definition=ids["revenue"], currency=currency),
        *(spent if costs else ()),
    )


def _named_by_source(asking: Asking, cut: Cut) -> bool:
    from assay.query.channels import named_by_source

    return bool(asking.ask(named_by_source(cut.period)).one()[0])


def _notes(plan: Plan, costs: bool, by_source: bool) -> tuple[str, ...]:
    rules = f"rule set {plan.rules.channels}"
    named = f"channels as the imported source named them; {rules} for the rest" if by_source else f"channels by {rules}"
    made = [named, "orders and revenue belong to the session they came in"]
    if plan.channels:
        names = ", ".join(dict.fromkeys(rule.channel for rule in plan.channels))
        made.append(f"own rules come first: {names}")
    made += ["a visitor of several channels counts for the first in the range"]
    made += (
        ["CPA and ROAS: orders of the same sessions; credit over several sessions: assay attribution"] if costs else []
    )
    return tuple(made)


def _sentence(rows: list[tuple[Any, ...]], period: str) -> str:
    total = sum(row[1] for row in rows)
    name, sessions = rows[0][0], rows[0][1]
    share = percent(sessions / total) if total else "0 %"
    return f"{name} brings most sessions ({sessions:,} of {total:,}, {share}), {period}."


QUESTION = Question("channels", "What each channel brings and costs.", Params, answer)
