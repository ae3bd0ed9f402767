"""Orders with what came before them: the days since the customer's order before, and customers' first orders."""

from __future__ import annotations

from assay.plan.measures import Made
from assay.query.rows import RowBuilder


def gaps(builder: RowBuilder, made: Made) -> str:  # noqa: ARG001
    """Every counted order; ``days`` since the same customer's counted order before it, unknown for the first."""
    before = (
        "SELECT event_no, lag(CAST(t AS BIGINT)) OVER (PARTITION BY person_key ORDER BY t, order_id) AS before_t "
        "FROM orders WHERE counted AND person_key IS NOT NULL"
    )
    return (
        "SELECT o.*, CASE WHEN x.before_t IS NOT NULL THEN (o.t - x.before_t) / 86400000000.0 END AS days "
        f"FROM orders o JOIN ({before}) x ON x.event_no = o.event_no"
    )


def firsts(builder: RowBuilder, made: Made) -> str:  # noqa: ARG001
    """The first counted order of every customer."""
    return "SELECT * FROM orders WHERE counted AND order_no = 1"
