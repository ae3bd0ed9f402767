"""What acquired customers were worth by age: cumulated value since the first order, per group of customers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from assay.model.moments import Moments
from assay.plan.values import Plan
from assay.query.cut import Cut, Frame
from assay.query.dimensions import session_filter, uses, visitor_joins
from assay.store.engine import Statement

DAY = 86_400_000_000
VALUES = {"gross_margin": "gross_margin", "contribution": "contribution", "revenue": "net"}


@dataclass(frozen=True)
class Customers:
    """Customers of one group. ``youngest``: when the last of them came, µs. ``worth``: age in days → moments of (x, 1)."""

    count: int
    youngest: int
    worth: dict[int, Moments]

    def reached(self, days: int, by: int) -> bool:
        """True where every member is that old."""
        return self.youngest + days * DAY <= by


def clv_statement(plan: Plan, cut: Cut, by: str | None, value: str, ages: Sequence[int]) -> Statement:
    """Group, customers, the youngest's start, then per age Σx and Σx² over customers.

    A customer comes with the first counted order ever; renewals and offline orders add to the worth, tests and cancelled
    ones do not.
    """
    frame = Frame(plan, cut)
    group = frame.dims.get(by).sql if by else "CAST(NULL AS VARCHAR)"
    where = ["o.counted", "o.order_no = 1", frame.in_range("o")]
    if cut.where is not None:
        where.append(session_filter(frame.dims, cut.where))
    texts = " ".join([group, *where])
    joins = " LEFT JOIN sessions s ON s.session_key = o.session_key" if uses(texts, "s") else ""
    joins += visitor_joins(texts, "o.visitor_key")
    customer = "coalesce({a}person_key, -{a}event_no)"
    numbers = ", ".join(
        f"sum(CASE WHEN b.t - f.t0 <= {age * DAY} THEN b.v ELSE 0 END) AS x{n}" for n, age in enumerate(ages)
    )
    sums = ", ".join(f"sum(x{n}), sum(CAST(x{n} AS DOUBLE) * CAST(x{n} AS DOUBLE))" for n in range(len(ages)))
    sql = f"""
WITH firsts AS (
    SELECT {customer.format(a="o.")} AS c, o.t AS t0, {group} AS g FROM orders o{joins} WHERE {" AND ".join(where)}
), bought AS (
    SELECT {customer.format(a="")} AS c, t, {VALUES[value]} AS v FROM orders WHERE counted OR order_type IN ('renewal', 'offline')
), per_customer AS (
    SELECT f.c AS c, f.g AS g, f.t0 AS t0, {numbers} FROM firsts f JOIN bought b ON b.c = f.c WHERE b.t >= f.t0 GROUP BY f.c, f.g, f.t0
)
SELECT g, count(*), max(t0), {sums} FROM per_customer GROUP BY g"""
    return frame.bind.statement(sql, "worth of customers by age")


def read_clv(rows: Iterable[Sequence[Any]], ages: Sequence[int]) -> dict[Any, Customers]:
    """Group → customers."""
    found = {}
    for group, count, youngest, *sums in rows:
        if not count:
            continue
        worth = {}
        for n, age in enumerate(ages):
            x, xx = sums[2 * n], sums[2 * n + 1]
            total = x if isinstance(x, Decimal) else Decimal(x or 0)
            products = (float(xx or 0), float(total), float(count))
            worth[age] = Moments(("x", "y"), count, (total, count), products)
        found[group] = Customers(count, youngest, worth)
    return found
