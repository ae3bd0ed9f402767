"""Products: what was seen, put into the cart, bought, given back, and what lies in one order together.

An item counts in the range by the day of its event, a bought one by the day of its order, a given-back one by the plan's
refund rule (``order``: the day of the order; ``booked``: its own).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from assay.model.moments import Moments
from assay.plan.values import Plan
from assay.query.cut import Cut, Frame, block, moments_of
from assay.query.dimensions import items_of, session_filter, visitor_joins
from assay.query.selecting import live
from assay.store.engine import Statement

VIEW, ADD = "view_item", "add_to_cart"
_COST = "TRY_CAST(json_extract_string(e.item, '$.cost') AS DECIMAL(18, 6))"
_COUPON = "json_extract_string(e.item, '$.coupon')"


def _money(one: str) -> str:
    """SQL for what an item's pieces come to in the site's currency; null where that is more than an amount can be."""
    return f"TRY_CAST(CAST({one} AS DECIMAL(38, 6)) * e.quantity * e.of_rate AS DECIMAL(18, 6))"


def _naming(table: str, column: str) -> str:
    """The events that a row of ``table`` points at and that name items; the small table is looked up, not the events."""
    return f"SELECT e.event_no AS event_no FROM events e SEMI JOIN {table} k ON k.{column} = e.event_no WHERE e.items IS NOT NULL"


@dataclass(frozen=True)
class Interest:
    """Visitors by what they did with a product in the range; ``added`` and ``bought`` are of those who saw it."""

    views: int = 0
    viewers: int = 0
    added: int = 0
    bought: int = 0
    buyers: int = 0


@dataclass(frozen=True)
class Sold:
    """What was bought, counted orders only. ``cost`` is of the lines that say one; ``coupons``: (with coupon, orders) per customer."""

    quantity: int
    revenue: Decimal
    priced: int  # lines with a price
    lines: int
    cost: Decimal
    costed: int  # lines with a cost
    orders: int
    coupons: Moments


@dataclass(frozen=True)
class Pair:
    """Two products of one order; ``attached``: (orders with both, orders with ``one``) per customer."""

    one: Any
    other: Any
    both: int
    orders: tuple[int, int]
    all: int
    attached: Moments


class Products(Frame):
    """The statements of one question; ``by`` is an item dimension."""

    def __init__(self, plan: Plan, cut: Cut, by: str) -> None:
        super().__init__(plan, cut)
        self.by = self.dims.get(by).sql

    def _filtered(self, alias: str) -> tuple[str, str]:
        """Join and condition for the segment; empty without one."""
        if self.cut.where is None:
            return "", ""
        where = session_filter(self.dims, self.cut.where)
        return f" JOIN sessions s ON s.session_key = {alias}.session_key{visitor_joins(where)}", f" AND {where}"

    def _sold(self) -> str:
        """Lines of counted orders: the items of the line that says how much, else of the line that says who bought."""
        join, where = self._filtered("o")
        site = f"""
    SELECT o.order_id, o.visitor_key, coalesce(o.person_key, -o.event_no) AS cluster, o.rate, o.coupon,
        coalesce(a.event_no, o.event_no) AS line_no
    FROM orders o LEFT JOIN ({_naming("orders", "money_event_no")}) a ON a.event_no = o.money_event_no{join}
    WHERE o.counted AND {self.in_range("o")}{where}"""
        lines = f"""
    (SELECT e.*, p.order_id AS of_order, p.visitor_key AS of_visitor, p.cluster AS of_cluster, p.rate AS of_rate, p.coupon AS of_coupon
    FROM events e JOIN ({site}
    ) p ON p.line_no = e.event_no) x"""
        return f"""
    SELECT {self.by} AS g, e.of_order AS order_id, e.of_visitor AS visitor_key, e.of_cluster AS cluster, e.quantity AS quantity,
        {_money("e.price")} AS revenue, {_money(_COST)} AS cost, coalesce(e.of_coupon, {_COUPON}) IS NOT NULL AS coupon
    FROM {items_of(lines)} e"""

    def interest(self) -> Statement:
        """Per product: views, then visitors who saw it, put it into the cart and bought it."""
        join, where = self._filtered("e")
        lines = f"""
    (SELECT e.* FROM events e WHERE e.name IN ('{VIEW}', '{ADD}') AND {live(self.plan)} AND {self.in_range("e")}) x"""
        sql = f"""
WITH did AS (
    SELECT {self.by} AS g, e.visitor_key, count(*) FILTER (WHERE e.name = '{VIEW}') AS views, count(*) FILTER (WHERE e.name = '{ADD}') AS adds, 0 AS buys
    FROM {items_of(lines)} e{join}
    WHERE true{where}
    GROUP BY {self.by}, e.visitor_key
    UNION ALL
    SELECT g, visitor_key, 0 AS views, 0 AS adds, count(*) AS buys FROM ({self._sold()}
    ) b GROUP BY g, visitor_key
), visitors_of AS (
    SELECT g, visitor_key, sum(views) AS views, sum(adds) AS adds, sum(buys) AS buys FROM did GROUP BY g, visitor_key
)
SELECT g, CAST(sum(views) AS BIGINT), count(*) FILTER (WHERE visitor_key IS NOT NULL AND views > 0),
    count(*) FILTER (WHERE visitor_key IS NOT NULL AND views > 0 AND adds > 0),
    count(*) FILTER (WHERE visitor_key IS NOT NULL AND views > 0 AND buys > 0),
    count(*) FILTER (WHERE visitor_key IS NOT NULL AND buys > 0)
FROM visitors_of GROUP BY g"""
        return self.bind.statement(sql, "products seen")

    def sold(self) -> Statement:
        """Per product: what was bought, and the products of (orders with coupon, orders) per customer."""
        sql = f"""
WITH per_order AS (
    SELECT g, cluster, order_id, sum(quantity) AS quantity, sum(revenue) AS revenue, count(revenue) AS priced, count(*) AS lines,
        sum(cost) AS cost, count(cost) AS costed, max(CAST(coupon AS INTEGER)) AS coupon
    FROM ({self._sold()}
    ) b GROUP BY g, cluster, order_id
), clusters AS (
    SELECT g, cluster, sum(quantity) AS quantity, sum(revenue) AS revenue, sum(priced) AS priced, sum(lines) AS lines, sum(cost) AS cost,
        sum(costed) AS costed, count(*) AS orders, sum(coupon) AS coupons
    FROM per_order GROUP BY g, cluster
)
SELECT g, CAST(sum(quantity) AS BIGINT), sum(revenue), CAST(sum(priced) AS BIGINT), CAST(sum(lines) AS BIGINT), sum(cost), CAST(sum(costed) AS BIGINT),
    CAST(sum(orders) AS BIGINT), {block("coupons", "orders", "count(*)")}
FROM clusters GROUP BY g"""
        return self.bind.statement(sql, "products sold")

    def _given_back(self) -> str:
        """Refund lines of counted orders in the range, with the order's rate into the site's currency."""
        day = "r" if self.plan.rules.refunds == "booked" else "o"
        join, where = self._filtered("o")
        return f"""
    SELECT r.event_no, r.amount, o.rate AS rate FROM refunds r JOIN orders o ON o.order_id = r.order_id{join}
    WHERE o.counted AND {self.in_range(day)}{where}"""

    def given_back(self) -> Statement:
        """Per product: pieces and money of refunds that name items."""
        lines = f"""
    (SELECT e.*, p.rate AS of_rate FROM events e JOIN ({self._given_back()}
    ) p ON p.event_no = e.event_no) x"""
        sql = f"""
SELECT {self.by} AS g, CAST(sum(e.quantity) AS BIGINT), sum({_money("e.price")})
FROM {items_of(lines)} e GROUP BY {self.by}"""
        return self.bind.statement(sql, "products given back")

    def unnamed(self) -> Statement:
        """Orders and refunds that name no items: their number and money, orders first."""
        join, where = self._filtered("o")
        orders = f"""
SELECT count(*) AS n, sum(o.gross) AS amount FROM orders o
LEFT JOIN ({_naming("orders", "event_no")}) a ON a.event_no = o.event_no
LEFT JOIN ({_naming("orders", "money_event_no")}) m ON m.event_no = o.money_event_no{join}
WHERE o.counted AND a.event_no IS NULL AND m.event_no IS NULL AND {self.in_range("o")}{where}"""
        refunds = f"""
SELECT count(*) AS n, sum(p.amount) AS amount FROM ({self._given_back()}
) p LEFT JOIN ({_naming("refunds", "event_no")}) x ON x.event_no = p.event_no WHERE x.event_no IS NULL AND p.amount > 0"""
        sql = f"SELECT a.n AS of_orders, a.amount AS ordered, b.n AS of_refunds, b.amount AS refunded FROM ({orders}) a CROSS JOIN ({refunds}) b"
        return self.bind.statement(sql, "orders and refunds without items")

    def pairs(self, least: int) -> Statement:
        """Products of one order, the rarer first, at least ``least`` orders with both; most orders first.

        Columns: one, other, both, orders with one, with the other, all orders with items; then the products of (both, orders
        with one) per customer.
        """
        sql = f"""
WITH baskets AS (
    SELECT DISTINCT g, order_id, cluster FROM ({self._sold()}
    ) b WHERE g IS NOT NULL
), mine AS (
    SELECT g, cluster, count(*) AS orders FROM baskets GROUP BY g, cluster
), of_one AS (
    SELECT g, CAST(sum(orders) AS BIGINT) AS orders, count(*) AS n, sum(CAST(orders AS DOUBLE) * orders) AS yy FROM mine GROUP BY g
), together AS (
    SELECT x.g AS one, y.g AS other, x.cluster AS cluster, count(*) AS both_here
    FROM baskets x JOIN baskets y ON y.order_id = x.order_id WHERE x.g <> y.g GROUP BY x.g, y.g, x.cluster
), summed AS (
    SELECT t.one, t.other, CAST(sum(t.both_here) AS BIGINT) AS both_all, sum(CAST(t.both_here AS DOUBLE) * t.both_here) AS xx,
        sum(CAST(t.both_here AS DOUBLE) * m.orders) AS xy
    FROM together t JOIN mine m ON m.g = t.one AND m.cluster = t.cluster GROUP BY t.one, t.other
), whole AS (SELECT count(DISTINCT order_id) AS orders FROM baskets)
SELECT p.one, p.other, p.both_all, a.orders AS of_a, b.orders AS of_b, w.orders AS of_all, a.n, p.both_all AS x, a.orders AS y, p.xx, p.xy, a.yy
FROM summed p JOIN of_one a ON a.g = p.one JOIN of_one b ON b.g = p.other CROSS JOIN whole w
WHERE p.both_all >= {self.bind(least)} AND (a.orders < b.orders OR (a.orders = b.orders AND p.one < p.other))
ORDER BY p.both_all DESC, p.one, p.other"""
        return self.bind.statement(sql, "products of one order")


def read_interest(rows: Sequence[Sequence[Any]]) -> dict[Any, Interest]:
    """Product → who did what."""
    return {g: Interest(*numbers) for g, *numbers in rows}


def read_sold(rows: Sequence[Sequence[Any]]) -> dict[Any, Sold]:
    """Product → what was bought."""
    found = {}
    for g, quantity, revenue, priced, lines, cost, costed, orders, *rest in rows:
        money = Decimal(revenue or 0), Decimal(cost or 0)
        found[g] = Sold(quantity, money[0], priced, lines, money[1], costed, orders, moments_of(rest))
    return found


def read_pairs(rows: Sequence[Sequence[Any]]) -> list[Pair]:
    """Pairs in the order of the statement."""
    return [
        Pair(one, other, both, (of_one, of_other), every, moments_of([*rest, None]))
        for one, other, both, of_one, of_other, every, *rest in rows
    ]
