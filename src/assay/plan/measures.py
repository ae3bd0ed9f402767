"""The primitives that every metric type is made of. The query kernel compiles these and knows no metric type.

Every KPI is one number per unit. A ``Measure`` says how that number comes about; a ``Quantity`` puts one or two of
them over a unit. Statistics then see only moments of (numerator, denominator) per unit of independence.
"""

from __future__ import annotations

from dataclasses import dataclass

UNITS = ("visitor", "user", "session", "order", "account")
ENTITIES = ("session", "visitor", "user", "order", "account")
PLURALS = {unit: f"{unit}s" for unit in ENTITIES}
OPS = ("count", "sum", "min", "max", "exists", "once", "first", "last", "first_time", "count_distinct", "unit_days")
MADE = ("view", "order_gap", "first_order", "spell", "subscription", "basket", "activity", "entry", "lapse")


@dataclass(frozen=True)
class Expression:
    """A checked SQL boolean (or value) expression in its normal form, and the dimensions and properties it names."""

    text: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Made:
    """Rows that the kernel makes from several events before it measures; each stands where one of its events stands.

    ``kind``:

    - ``view``          a page view: ``seconds`` on the page (``until`` the next event or page), ``depth`` of scrolling,
      ``exit`` (the session's last page, unless one of ``rows`` happened in it), ``exit_session``.
    - ``order_gap``     an order with the ``days`` since the customer's order before it.
    - ``first_order``   a customer's first order ever.
    - ``spell``         a unit's first row of ``rows[0]`` in the range (none: its first visit ever) and the ``seconds``
      until its next of ``rows[1]``, where that is within ``within`` and the window has closed.
    - ``subscription``  a unit with subscriptions in one period: ``opening`` and ``closing`` recurring revenue, and what
      became of it. ``rows``: starting, ending, involuntarily ending, upgrading events.
    - ``basket``        an order with an item of ``where[0]``; ``attached``: 1 if another item holds ``where[1]``.
    - ``activity``      an event that makes its unit active: one of ``rows[0]``, else any interactive one.
    - ``entry``         a unit's entry (``rows[0]``), ``converted``: 1 if ``rows[1]`` came within ``within`` and no
      ``rows[2]`` before it; the unit enters again after one of these, or when the time is over.
    - ``lapse``         a unit active (``rows[0]``) in the period before; ``lost``: 1 if not active in this one.
    """

    kind: str
    unit: str = "visitor"
    rows: tuple[Select | None, ...] = ()
    where: tuple[Expression, ...] = ()
    within: int | None = None
    until: str = "event"
    field: str | None = None


@dataclass(frozen=True)
class Select:
    """Which rows: of one relation, by event name, page and condition.

    ``of``: event, session, order, visitor, user, account, customer (a person with an order) or cost. ``events`` None =
    any name. ``page`` = globs that the page's path must match (any of them). ``made``: rows made first.
    """

    of: str = "event"
    events: tuple[str, ...] | None = None
    page: tuple[str, ...] | None = None
    where: Expression | None = None
    made: Made | None = None

    def all(self) -> list[Select]:
        """This selection and those that its made rows read."""
        inner = [one for select in self.made.rows if select for one in select.all()] if self.made else []
        return [self, *inner]


@dataclass(frozen=True)
class Measure:
    """One number from the selected rows.

    ``field`` is what is summed or compared: ``revenue.net``, ``revenue.gross``, ``contribution``, ``gross_margin``,
    ``order.<column>``, ``session.<column>``, ``cost.<column>``, ``made.<column>``, or ``<event>.<property>``; None for
    count and exists. ``unit_days``: distinct units of the rows times the days of the range.
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
    and "after" are counted from, the unit's ``first`` or ``last``; ``range``: outcomes anywhere in the range count.
    ``at_least``: how many (or, of count_distinct, how many different) rows a share asks for.
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
    at_least: int = 1

    def selects(self) -> list[Select]:
        """Every selection of rows that it reads."""
        found = [m.select for m in (self.numerator, self.denominator) if m] + ([self.start] if self.start else [])
        return [one for select in found for one in select.all()]
