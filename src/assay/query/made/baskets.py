"""Orders by what lies in them together."""

from __future__ import annotations

from assay.plan.measures import Made
from assay.query.dimensions import ORDERED_ITEMS
from assay.query.rows import RowBuilder
from assay.query.selecting import live


def baskets(builder: RowBuilder, made: Made) -> str:
    """Counted orders with an item that holds the first condition; ``attached``: 1 where another line holds the second."""
    base, other = (f"({builder.dims.expression(where)})" for where in made.where)
    lines = (
        f"SELECT e.event_no AS event_no, count(*) FILTER (WHERE {base}) AS a, count(*) FILTER (WHERE {other}) AS b, "
        f"count(*) FILTER (WHERE {base} AND {other}) AS ab FROM {ORDERED_ITEMS} e WHERE {live(builder.plan)} GROUP BY e.event_no"
    )
    return (
        "SELECT o.*, CASE WHEN x.b > 0 AND NOT (x.a = 1 AND x.b = 1 AND x.ab = 1) THEN 1 ELSE 0 END AS attached "
        f"FROM orders o JOIN ({lines}) x ON x.event_no = o.event_no WHERE o.counted AND x.a > 0"
    )
