"""SQL behind the reconciliation: the tracked orders as they stand, and orders that bots sent."""

from __future__ import annotations

from assay.plan.values import Plan
from assay.query.sql import Binder
from assay.store.engine import Statement


def tracked_orders() -> Statement:
    """One row per tracked order: id, day, gross amount, whether it counts, its type."""
    return Statement(
        "SELECT order_id, day, gross, counted, order_type FROM orders WHERE order_id NOT LIKE 'event:%' ORDER BY order_id",
        {},
        "tracked orders",
    )


def nameless_orders() -> Statement:
    """Tracked orders without an id, by day: how many that count, and their gross amount."""
    return Statement(
        "SELECT day, count(*), sum(gross) FROM orders WHERE order_id LIKE 'event:%' AND counted GROUP BY day ORDER BY day",
        {},
        "orders without an id",
    )


def bot_orders(plan: Plan) -> Statement:
    """Ids of orders that only bots sent."""
    bind = Binder()
    return bind.statement(
        f"SELECT DISTINCT order_id FROM events WHERE name = {bind(plan.orders.event)} AND bot AND order_id IS NOT NULL "
        "ORDER BY order_id",
        "orders of bots",
    )
