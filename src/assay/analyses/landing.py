"""What visits that begin on a page bring: goal rate, revenue and contribution per entry page; a view of ``pages``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from assay.analyses.base import Asking
from assay.analyses.estimates import cell_estimate
from assay.decide.words import amount, group_name, percent
from assay.model.answer import Answer, Cell, Column, Labelled
from assay.model.errors import UnknownName
from assay.model.estimate import Estimate
from assay.plan.measures import Measure, Quantity, Select
from assay.plan.values import Goal, Metric, Plan

if TYPE_CHECKING:
    from assay.analyses.pages import Params
    from assay.model.finding import Finding
    from assay.query.cut import Cell as Sums
    from assay.query.cut import Cut

Found = dict[str, dict[tuple[Any, ...], "Sums"]]


def conversion(asking: Asking, params: Params, cut: Cut) -> Answer:
    """One row per entry page (or page group), split by ``by``. A unit stands where it came in first."""
    goal = _goal(asking.plan, params.goal)
    page = "entry_page_group" if params.group else "entry_page"
    keys = (page, *((params.by,) if params.by else ()))
    metrics = _metrics(asking.plan, goal, params.per)
    found = asking.cells(list(metrics.values()), replace(cut, by=keys, matured_by=asking.matured_by()))
    first = next(iter(metrics))
    groups = [key for key, cell in found[first].items() if cell.all.n]
    if not groups:
        return replace(asking.empty("pages", params, cut.period), columns=_columns(asking, params, keys, metrics))
    groups.sort(key=lambda key: (-found[first][key].all.sum("y"), tuple(map(str, key))))
    rows, labelled = [], []
    for key in groups[: params.limit]:
        names = [_name(value, params.group and i == 0) for i, value in enumerate(key)]
        estimates = {name: cell_estimate(metric, found[name][key]) for name, metric in metrics.items()}
        rows.append((*names, *_cells(estimates, found[first][key])))
        group = dict(zip(keys, names, strict=True))
        labelled += [Labelled(name, group, one) for name, one in estimates.items()]
    hidden = len(groups) - len(rows)
    findings = _worse(metrics[first], found[first], goal.name, params) if not params.by else ()
    return asking.answer(
        "pages",
        params,
        columns=_columns(asking, params, keys, metrics),
        rows=tuple(rows),
        estimates=tuple(labelled),
        definitions=tuple(replace(asking.definition(m), id=m.id) for m in metrics.values()),
        findings=findings,
        sentence=_sentence(asking, rows, len(keys), goal.name, params.per, str(cut.period)),
        notes=_notes(asking, params, found, hidden, "contribution" in metrics),
        next=_next(params, goal),
        chart={"kind": "whiskers", "x": page, "y": first},
    )


def _goal(plan: Plan, name: str | None) -> Goal:
    """The asked goal, else the macro goal, else an order."""
    if name is not None:
        if name not in plan.goals:
            raise UnknownName("goal", name, plan.goals)
        return plan.goals[name]
    macro = next((goal for goal in plan.goals.values() if goal.kind == "macro"), None)
    return macro or Goal("order", event=plan.orders.event)


def _metrics(plan: Plan, goal: Goal, per: str) -> dict[str, Metric]:
    from assay.plan.draft import goal_rows
    from assay.query.sql import digest

    order = Select("order")
    made = {
        "goal_rate": (
            Quantity("share", Measure("exists", goal_rows(goal)), unit=per),
            f"{per}s with {goal.name}",
            "percent",
        ),
        "revenue": (Quantity("mean", Measure("sum", order, "revenue.net"), unit=per), "net revenue", "money"),
        "contribution": (Quantity("mean", Measure("sum", order, "contribution"), unit=per), "contribution", "money"),
    }
    if not any((plan.orders.cost, plan.orders.shipping, plan.orders.discount, plan.orders.fees)):
        del made["contribution"]  # nothing is taken off: it would be the revenue under another name
    return {
        name: Metric(name, "pages", quantity, (words, f"{per}s by their first entry page"), format=form,
                     id=digest("landing", name, repr(quantity), repr(plan.orders), plan.site.timezone))
        for name, (quantity, words, form) in made.items()
    }  # fmt: skip


def _name(value: Any, group: bool) -> Cell:
    return "(no group)" if value is None and group else group_name(value)


def _cells(estimates: Mapping[str, Estimate], cell: Sums) -> list[Cell]:
    cells: list[Cell] = [int(cell.all.sum("y")), int(cell.all.sum("x"))]
    for one in estimates.values():
        cells += [one.value, one.low, one.high]
    return cells


def _columns(
    asking: Asking, params: Params, keys: tuple[str, ...], metrics: Mapping[str, Metric]
) -> tuple[Column, ...]:
    currency = asking.plan.site.currency
    labels = {
        "goal_rate": "goal rate",
        "revenue": f"revenue / {params.per}",
        "contribution": f"contribution / {params.per}",
    }
    columns = [*(Column(key) for key in keys), Column(f"{params.per}s", "count"), Column("conversions", "count")]
    for name, metric in metrics.items():
        kind, money = ("rate", None) if name == "goal_rate" else ("money", currency)
        columns += [
            Column(name, kind, labels[name], metric.id, money),
            Column(f"{name}_low", kind, "from", metric.id, money, detail=kind == "money"),
            Column(f"{name}_high", kind, "to", metric.id, money, detail=kind == "money"),
        ]
    return tuple(columns)


def _worse(metric: Metric, cells: Mapping[tuple[Any, ...], Sums], goal: str, params: Params) -> tuple[Finding, ...]:
    """Every page against all others: differences that the false discovery rate lets stand."""
    from assay.analyses.estimates import estimate
    from assay.decide.checks.landing import LEAST, Landing, converts_less
    from assay.model.moments import Moments
    from assay.query.cut import VARIABLES
    from assay.stats.change import change
    from assay.stats.multiple import benjamini_hochberg
    from assay.stats.normal import p_two_sided

    looks = []
    for key, cell in cells.items():
        rest = sum((c.all for k, c in cells.items() if k != key), Moments.zero(VARIABLES))
        if cell.all.sum("y") < LEAST or rest.sum("y") < LEAST:
            continue
        here, others = estimate(metric, cell.all), estimate(metric, rest)
        apart = change(here, others, 0.0, (2, 2))
        if apart.value is not None and apart.variance:
            p = p_two_sided(float(apart.value) / math.sqrt(apart.variance))
            looks.append((str(_name(key[0], params.group)), here, others, p))
    adjusted = benjamini_hochberg([p for *_, p in looks])
    pages = [
        Landing(name, int(here.denominator or 0), float(here.value or 0), float(others.value or 0), p)
        for (name, here, others, _), p in zip(looks, adjusted, strict=True)
    ]
    return converts_less(pages, goal, params.per)


def _sentence(asking: Asking, rows: list[tuple[Any, ...]], keys: int, goal: str, per: str, period: str) -> str:
    first = rows[0]
    where = " and ".join(str(value) for value in first[:keys])
    units, rate, revenue = first[keys], first[keys + 2], first[keys + 5]
    text = f"Most {per}s come in on {where} ({units:,})"
    if rate is not None:
        text += f": {percent(rate)} reach {goal}"
    if revenue is not None:
        text += f", worth {amount(revenue, asking.plan.site.currency)} each"
    return f"{text}, {period}."


def _notes(asking: Asking, params: Params, found: Found, hidden: int, costs: bool) -> tuple[str, ...]:
    if params.per == "visitor":
        notes = ["a visitor stands with the first entry page in the range, with all that followed in the range"]
    else:
        notes = ["goals and revenue of the same visit; intervals respect that a visitor comes several times"]
    if not costs:
        notes.append("the plan names no costs of orders (orders: {cost: 55%}): no contribution beside the revenue")
    outside = [cell.outside for cell in found["revenue"].values() if cell.outside]
    if outside:
        money = amount(sum(outside[1:], Decimal(outside[0])), asking.plan.site.currency)
        notes.append(f"{money} belong to {params.per}s without a visit in the range: they are in no row")
    notes += [f"{hidden:,} further rows are not shown; --limit shows more"] if hidden else []
    return tuple(notes)


def _next(params: Params, goal: Goal) -> tuple[str, ...]:
    asked = f" --goal {goal.name}" if params.goal else ""
    other = "" if params.by else " --by channel"
    return (f"assay pages --conversion{asked}{' --group' if params.group else ''}{other}", "assay journey")
