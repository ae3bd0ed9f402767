"""products: what each product is seen, put into the cart, bought and given back; and what is bought together."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from assay.analyses.base import Asking, Question, Ranged
from assay.analyses.estimates import clustered_share
from assay.decide.words import amount, group_name, percent, significant
from assay.model.answer import Answer, Cell, Column, Definition, Labelled
from assay.model.estimate import Estimate

if TYPE_CHECKING:
    from assay.model.finding import Finding
    from assay.model.period import Period
    from assay.query.products import Interest, Pair, Products, Sold


class ProductsParams(Ranged):
    """What a row is."""

    by: Literal["item_name", "item_id", "item_category", "item_brand"] = Field("item_name", description="what a row is")
    pairs: bool = Field(False, description="what is bought together instead, with lift and support")
    least: int = Field(2, ge=1, le=1_000_000, description="orders with both that a pair must have")
    limit: int = Field(50, ge=1, le=10_000, description="most rows")


def answer(asking: Asking, params: ProductsParams) -> Answer:
    """One row per product, most revenue first; with ``pairs`` one per pair, most orders with both first."""
    from assay.query.cut import Cut
    from assay.query.products import Products, read_interest, read_sold

    period = asking.period(params)
    if asking.without(period):
        return asking.empty("products", params, period)
    query = Products(asking.plan, Cut(period, where=asking.segment(params.segment)), params.by)
    if params.pairs:
        return _pairs(asking, params, query, period)
    seen = read_interest(asking.ask(query.interest()).rows)
    sold = read_sold(asking.ask(query.sold()).rows)
    back = {g: (quantity, money) for g, quantity, money in asking.ask(query.given_back()).rows}
    keys = sorted({*seen, *sold, *back}, key=lambda g: _rank(g, seen, sold))
    if not keys:
        return _nothing(asking, params, period)
    rows, labelled = [], []
    for g in keys:
        cells, estimates = _row(asking, g, seen, sold, back)
        rows.append((group_name(g), *cells))
        labelled += [Labelled(name, {params.by: group_name(g)}, one) for name, one in estimates.items()]
    definitions = _definitions(asking)
    shown = rows[: params.limit]
    kept = {row[0] for row in shown}
    return asking.answer(
        "products",
        params,
        columns=_columns(asking, params.by, definitions),
        rows=tuple(shown),
        estimates=tuple(one for one in labelled if one.group[params.by] in kept),
        definitions=definitions,
        findings=_findings(params, seen, labelled),
        sentence=_sentence(asking, rows, sum(one.revenue for one in sold.values()), period),
        notes=(*_notes(asking, query, sold, len(rows) - len(shown)), *_no_margin(labelled)),
        next=(
            f"assay products --pairs --by {params.by}",
            f"assay products --by {'item_category' if params.by != 'item_category' else 'item_name'}",
        ),
        chart={"kind": "bars", "x": params.by, "y": "revenue"},
    )


def _rank(g: Any, seen: dict[Any, Interest], sold: dict[Any, Sold]) -> tuple[Any, ...]:
    return (-(sold[g].revenue if g in sold else 0), -(seen[g].viewers if g in seen else 0), str(g))


def _nothing(asking: Asking, params: ProductsParams, period: Period) -> Answer:
    """Events, but none with items: what must be sent."""
    reason = f"no event with items in {period}"
    if asking.nobody(params, period):
        return asking.empty("products", params, period)
    made = asking.empty("products", params, period)
    return replace(
        made,
        columns=_columns(asking, params.by, _definitions(asking)),
        empty=reason,
        sentence=f"There is {reason}: products are read from the items of view_item, add_to_cart and purchase.",
        next=("assay quality", "assay catalog"),
    )


def _row(
    asking: Asking, g: Any, seen: dict[Any, Interest], sold: dict[Any, Sold], back: dict[Any, tuple[int, Any]]
) -> tuple[list[Cell], dict[str, Estimate]]:
    from assay.query.products import Interest
    from assay.stats.proportions import wilson

    one, bought = seen.get(g, Interest()), sold.get(g)
    nobody = Estimate.none("nobody saw it (no view_item with it)")
    estimates = {
        "add_rate": wilson(one.added, one.viewers) if one.viewers else nobody,
        "buy_rate": wilson(one.bought, one.viewers) if one.viewers else nobody,
        "coupon_share": clustered_share(bought.coupons) if bought else Estimate.none("no order with it"),
    }
    pieces, money = back.get(g, (0, None))
    refunded = Decimal(money or 0)
    revenue = bought.revenue if bought else Decimal(0)
    margin = _margin(asking, bought, refunded)
    cells: list[Cell] = [one.views, one.viewers]
    for name in ("add_rate", "buy_rate"):
        cells += [estimates[name].value, estimates[name].low, estimates[name].high]
    cells += [one.buyers, bought.orders if bought else 0, bought.quantity if bought else 0, revenue, pieces, refunded]
    share = estimates["coupon_share"]
    cells += [margin.value, share.value, share.low, share.high]
    return cells, {**estimates, "margin": margin}


def _margin(asking: Asking, bought: Sold | None, refunded: Decimal) -> Estimate:
    """Revenue less what came back and what it cost: by the items' own cost, else by the plan's rate."""
    cost = asking.plan.orders.cost
    if bought is None:
        return Estimate.none("no order with it")
    if bought.priced < bought.lines:
        return Estimate.none(f"{bought.lines - bought.priced:,} of {bought.lines:,} lines have no price")
    if bought.costed == bought.lines:
        return Estimate(bought.revenue - refunded - bought.cost, reason="a sum has no unit to vary over")
    if bought.costed:
        return Estimate.none(f"{bought.lines - bought.costed:,} of {bought.lines:,} lines have no cost")
    if cost is not None and cost.rate is not None:
        kept = ((bought.revenue - refunded) * (1 - cost.rate)).quantize(Decimal("1e-6"))
        return Estimate(kept, reason="a sum has no unit to vary over")
    return Estimate.none("no cost known: neither in the items nor as a rate in the plan")


def _columns(asking: Asking, by: str, definitions: tuple[Definition, ...]) -> tuple[Column, ...]:
    ids = {d.metric: d.id for d in definitions}
    currency = asking.plan.site.currency

    def rate(name: str, label: str, detail: bool = False) -> tuple[Column, ...]:
        return (
            Column(name, "rate", label, ids[name], detail=detail),
            Column(f"{name}_low", "rate", "from", ids[name], detail=True),
            Column(f"{name}_high", "rate", "to", ids[name], detail=True),
        )

    return (
        Column(by, label=by.removeprefix("item_")),
        Column("views", "count", detail=True),
        Column("viewers", "count", "seen by"),
        *rate("add_rate", "into cart"),
        *rate("buy_rate", "bought"),
        Column("buyers", "count", detail=True),
        Column("orders", "count"),
        Column("quantity", "count", "pieces"),
        Column("revenue", "money", definition=ids["revenue"], currency=currency),
        Column("returned", "count", "pieces back", detail=True),
        Column("refunded", "money", currency=currency),
        Column("margin", "money", definition=ids["margin"], currency=currency),
        *rate("coupon_share", "coupon", detail=True),
    )


def _definitions(asking: Asking) -> tuple[Definition, ...]:
    from assay.query.sql import digest

    plan = asking.plan
    booked = {"orders": plan.rules.orders, "refunds": plan.rules.refunds, "currency": plan.site.currency}
    cost = "the cost in the items" + (", else the plan's rate" if plan.orders.cost and plan.orders.cost.rate else "")
    said: tuple[tuple[str, str, str, str, dict[str, str]], ...] = (
        ("add_rate", "viewers who put it into the cart in the range", "visitors who saw it (view_item)", "visitor", {}),
        ("buy_rate", "viewers who bought it in the range", "visitors who saw it (view_item)", "visitor", {}),
        ("revenue", "price × quantity of counted orders, before refunds, without shipping", "", "", booked),
        ("margin", f"revenue less refunds that name it, less {cost}", "", "", booked),
        ("coupon_share", "orders with it and a coupon (of order or item)", "orders with it", "order", booked),
        ("attach_rate", "orders with both", "orders with the rarer one", "order", booked),
        ("lift", "orders with both, as a multiple of what chance would bring", "", "order", booked),
    )
    return tuple(
        Definition(digest("products", name, top, below, rules, plan.site.timezone), name,
                   f"{top} / {below}" if below else top, top, below, unit, "", plan.site.timezone, rules)
        for name, top, below, unit, rules in said
    )  # fmt: skip


def _findings(params: ProductsParams, seen: dict[Any, Interest], labelled: list[Labelled]) -> tuple[Finding, ...]:
    from assay.decide.checks.products import Seen, seen_not_bought
    from assay.stats.proportions import wilson

    rates = {one.group[params.by]: one.estimate for one in labelled if one.metric == "buy_rate"}
    every = wilson(sum(one.bought for one in seen.values()), sum(one.viewers for one in seen.values()))
    products = [Seen(str(group_name(g)), one.viewers, rates[group_name(g)]) for g, one in seen.items()]
    return seen_not_bought(products, every)


def _sentence(asking: Asking, rows: list[tuple[Any, ...]], revenue: Any, period: Period) -> str:
    first, pieces, money = rows[0][0], rows[0][11], rows[0][12]
    if not money:
        most = max(rows, key=lambda row: row[2])
        return f"Nothing with a price was bought; {most[0]} is seen by most ({most[2]:,} visitors), {period}."
    text = f"{first} brings most revenue ({amount(money, asking.plan.site.currency)} of {pieces:,} pieces"
    text += f", {percent(float(money) / float(revenue))} of all)" if revenue else ")"
    rate = rows[0][6]
    return f"{text}{f'; {percent(rate)} of those who saw it bought it' if rate is not None else ''}, {period}."


def _notes(asking: Asking, query: Products, sold: dict[Any, Sold], hidden: int) -> tuple[str, ...]:
    currency = asking.plan.site.currency
    orders, gross, refunds, money = asking.ask(query.unnamed()).one()
    notes = ["rates are of visitors who saw the product; revenue is price × quantity, before refunds"]
    if orders:
        notes.append(f"{orders:,} orders ({amount(Decimal(gross or 0), currency)}) name no items: they are in no row")
    if refunds:
        notes.append(f"{refunds:,} refunds ({amount(Decimal(money or 0), currency)}) name no items: they are in no row")
    free = sum(one.lines - one.priced for one in sold.values())
    notes += [f"{free:,} bought lines have no price: they add pieces and no revenue"] if free else []
    notes += [f"{hidden:,} further rows are not shown; --limit shows more"] if hidden > 0 else []
    return tuple(notes)


def _no_margin(labelled: list[Labelled]) -> tuple[str, ...]:
    """Why no product has a margin, where that is so."""
    margins = [one.estimate for one in labelled if one.metric == "margin"]
    known = [one for one in margins if one.value is not None]
    why = next((one.reason for one in margins if one.reason and "cost" in one.reason), None)
    return (f"no margin: {why}",) if not known and why else ()


# -- pairs ------------------------------------------------------------------------------------------------------------


def _pairs(asking: Asking, params: ProductsParams, query: Products, period: Period) -> Answer:
    from assay.query.products import read_pairs

    pairs = read_pairs(asking.ask(query.pairs(params.least)).rows)
    if not pairs:
        reason = f"no two products were bought together in {params.least:,} orders or more, {period}"
        made = asking.empty("products", params, period)
        if asking.nobody(params, period):
            return made
        said = f"{reason[0].upper()}{reason[1:]}."
        return replace(
            made, columns=_pair_columns(_pairwise(asking)), empty=reason, sentence=said, next=("assay products",)
        )
    rows, labelled = [], []
    for pair in pairs[: params.limit]:
        attach, lift = _attached(pair)
        group = {"product": pair.one, "other": pair.other}
        labelled += [Labelled("attach_rate", group, attach), Labelled("lift", group, lift)]
        figures = (attach.value, attach.low, attach.high, lift.value, lift.low, lift.high)
        rows.append((pair.one, pair.other, pair.both, pair.both / pair.all, *figures, *pair.orders, pair.all))
    definitions = _pairwise(asking)
    hidden = len(pairs) - len(rows)
    return asking.answer(
        "products",
        params,
        columns=_pair_columns(definitions),
        rows=tuple(rows),
        estimates=tuple(labelled),
        definitions=definitions,
        sentence=_pair_sentence(rows, period),
        notes=(
            "the rarer product stands first; lift 1 = as often as chance would bring, the other's share taken as known",
            *((f"{hidden:,} further rows are not shown; --limit shows more",) if hidden else ()),
        ),
        next=("assay products", "assay plan add attach_rate"),
        chart={"kind": "bars", "x": "product", "y": "lift"},
    )


def _pairwise(asking: Asking) -> tuple[Definition, ...]:
    return tuple(d for d in _definitions(asking) if d.metric in ("attach_rate", "lift"))


def _attached(pair: Pair) -> tuple[Estimate, Estimate]:
    """Attach rate with customers as units, and the lift: the same over the other's share of all orders."""
    attach = clustered_share(pair.attached)
    share = pair.orders[1] / pair.all
    low, high = (None if bound is None else bound / share for bound in (attach.low, attach.high))
    value = None if attach.value is None else float(attach.value) / share
    return attach, Estimate(value, low, high, attach.level, attach.method, attach.n, pair.both, reason=attach.reason)


def _pair_columns(definitions: tuple[Definition, ...]) -> tuple[Column, ...]:
    attach, lift = (d.id for d in definitions)
    return (
        Column("product"),
        Column("other", label="with"),
        Column("both", "count", "orders"),
        Column("support", "rate"),
        Column("attach_rate", "rate", "attached", attach),
        Column("attach_rate_low", "rate", "from", attach, detail=True),
        Column("attach_rate_high", "rate", "to", attach, detail=True),
        Column("lift", "number", definition=lift),
        Column("lift_low", "number", "from", lift),
        Column("lift_high", "number", "to", lift),
        Column("orders_one", "count", detail=True),
        Column("orders_other", "count", detail=True),
        Column("orders_all", "count", detail=True),
    )


def _pair_sentence(rows: list[tuple[Any, ...]], period: Period) -> str:
    sure = [row for row in rows if row[8] is not None and row[8] > 1]
    if not sure:
        first, other, both = rows[0][:3]
        most = f"{first} and {other} are bought together most ({both:,} orders)"
        return f"{most}; no pair surely more often than by chance, {period}."
    best = max(sure, key=lambda row: row[8])
    return (
        f"{percent(best[4])} of the orders with {best[0]} hold {best[1]} too, "
        f"{significant(best[7], 2)} times as often as chance would bring, {period}."
    )


QUESTION = Question("products", "What each product brings, and what is bought together.", ProductsParams, answer)
