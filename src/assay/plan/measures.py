"""The primitives that every metric type is made of. The query kernel compiles these and knows no metric type.

Every KPI is one number per unit. A ``Measure`` says how that number comes about; a ``Quantity`` puts one or two of
them over a unit. Statistics then see only moments of (numerator, denominator) per unit of independence.
"""

from __future__ import annotations

from dataclasses import dataclass

UNITS = ("visitor", "user", "session", "order", "account")
ENTITIES = ("session", "visitor", "user", "order", "account")
OPS = ("count", "sum", "min", "max", "exists", "once", "first", "last", "first_time", "count_distinct")


@dataclass(frozen=True)
class Expression:
    """A checked SQL boolean (or value) expression in its normal form, and the dimensions and properties it names."""

    text: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Select:
    """Which rows: of one relation, by event name, page and condition.

    ``of``: event, session, order, visitor, user, account or cost. ``events`` None = any name. ``page`` = globs that the
    page's path must match (any of them).
    """

    of: str = "event"
    events: tuple[str, ...] | None = None
    page: tuple[str, ...] | None = None
    where: Expression | None = None


@dataclass(frozen=True)
class Measure:
    """One number from the selected rows.

    ``field`` is what is summed or compared: ``revenue.net``, ``revenue.gross``, ``contribution``, ``gross_margin``,
    ``order.<column>``, ``session.<column>``, ``cost.<column>``, or ``<event>.<property>``; None for count and exists.
    ``factor`` is a constant that the sum is multiplied with (a goal's fixed value), as decimal text.
    """

    op: str
    select: Select = Select()
    field: str | None = None
    factor: str | None = None


@dataclass(frozen=True)
class Quantity:
    """A metric, described for the query kernel.

    ``kind``:

    - ``total``    Σ numerator over the range; no unit.
    - ``share``    units with ≥ 1 (numerator is ``exists``) / units. Printed as a percentage.
    - ``mean``     Σ numerator / units, one number per unit including zeros.
    - ``ratio``    Σ numerator / Σ denominator; ``unit`` is the unit of independence (default visitor).
    - ``quantile`` the ``q``-quantile of the numerator's field over events; ``unit`` clusters.
    - ``derived``  ``expression`` over other metrics' values.

    ``start``: units are those that have such a row (an event, goal or order in the range); the numerator counts rows
    within ``within`` seconds after the unit's first such row. ``negate``: the share of units *without* (abandonment).
    ``worth``: a property of the start row (``<event>.<property>``) that counts in place of 1, such as a cart's total.
    ``cap``: winsorise the per-unit number, a quantile (below 1) or a number. ``anchor``: the start row that the window
    and "after" are counted from, the unit's ``first`` or ``last``.
    """

    kind: str
    numerator: Measure | None = None
    denominator: Measure | None = None
    unit: str | None = None
    start: Select | None = None
    within: int | None = None
    negate: bool = False
    q: float | None = None
    cap: float | None = None
    expression: Expression | None = None
    anchor: str = "first"
    worth: str | None = None
