"""The rows that a measure is made from: one relation, a condition, a value, and the keys of every unit.

Each row knows its ``session_key``, ``visitor_key``, ``t``, ``day`` and, under the fixed aliases, everything a filter or a
dimension may name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.model.errors import Refused, UsageError
from assay.plan.dimensions import DIMENSIONS
from assay.plan.measures import Made, Measure, Select
from assay.plan.values import Plan
from assay.query.dimensions import COUNTED, ITEMS, ORDERED_ITEMS, Dimensions, person_join, uses, visitor_joins
from assay.query.selecting import UNITS, live, own_names, selected, unit_key
from assay.query.sql import matches_globs, quote

if TYPE_CHECKING:
    from assay.query.cut import Cut

_NET = ("revenue.net", "contribution", "gross_margin")
_ORDER_FIELDS = {
    "revenue.net": "o.net",
    "revenue.gross": "o.gross",
    "contribution": "o.contribution",
    "gross_margin": "o.gross_margin",
}
ITEM_FIELDS = ("item_id", "item_name", "item_category", "item_brand", "quantity", "price")
_SESSION_FIELDS = {"duration": "(s.end_t - s.start_t) / 1000000.0"}


@dataclass(frozen=True)
class Rows:
    """``alias`` of the main table, its FROM text, the condition and the value (None = the row counts as one)."""

    alias: str
    source: str
    where: str
    value: str | None
    outside: bool = False  # rows that belong to no unit (refunds of no order)

    @property
    def t(self) -> str:
        """When the row happened."""
        return {"s": "s.start_t", "k": "NULL"}.get(self.alias, f"{self.alias}.t")

    @property
    def event_no(self) -> str:
        """The event behind the row."""
        return {"s": "NULL", "k": "NULL"}.get(self.alias, f"{self.alias}.event_no")

    def key(self, unit: str) -> str:
        """The key of the row's unit."""
        if self.alias == "k":
            return "NULL"
        if unit == "event":
            return self.event_no
        return unit_key(unit, self.alias) if unit in UNITS else "NULL"


class RowBuilder:
    """Makes rows for one query."""

    def __init__(self, plan: Plan, dims: Dimensions, asked: Cut | None = None) -> None:
        self.plan, self.dims, self.bind, self.asked = plan, dims, dims.bind, asked

    def rows(self, measure: Measure, by: Iterable[str] = ()) -> Rows:
        """Rows and value of a measure; ``by`` are dimensions that the question groups by."""
        select, field = measure.select, measure.field
        if select.made is not None:
            return self._made(select, select.made, field)
        if field in _ORDER_FIELDS:
            return self._orders(select, _ORDER_FIELDS[str(field)], money=str(field))
        if field and field.startswith("order."):
            return self._orders(select, f"o.{quote(field[6:])}")
        if field and field.startswith("session."):
            name = field[8:]
            return self._sessions(select, _SESSION_FIELDS.get(name, f"s.{quote(name)}"))
        if select.of == "cost" or (field and field.startswith("cost.")):
            return Rows("k", self._costs(), self._where(select, "true"), f"k.{quote(field[5:])}" if field else None)
        if select.of in ("order", "customer"):
            return self._orders(select, None)
        if select.of == "event":
            return self._events(select, self._event_value(measure), by)
        return self._sessions(select, None)

    def _event_value(self, measure: Measure) -> str | None:
        if measure.field is None:
            return None
        name = measure.field.split(".", 1)[-1]
        if name in own_names(self.plan, measure.select.events):
            return self.dims.property(name)
        if name in ITEM_FIELDS:
            return f"e.{name}"
        return self.dims.get(name).sql if name in DIMENSIONS else self.dims.property(name)

    def _events(self, select: Select, value: str | None, by: Iterable[str]) -> Rows:
        own = own_names(self.plan, select.events)
        names = [*by, *(n for n in (select.where.names if select.where else ()) if n not in own)]
        items = "item" in self.dims.scopes(names) or (value or "").removeprefix("e.") in ITEM_FIELDS
        ordering = select.events == (self.plan.orders.event,)
        if ordering and value is None and not items:
            # An order is an entity: a repeated or uncounted line of it is not another conversion.
            return Rows("o", "orders o", self._where(select, " AND ".join(["o.counted", *self._pages(select)])), None)
        if items:
            source = f"{ORDERED_ITEMS if ordering else ITEMS} e"
        else:
            source = f"events e {COUNTED}" if ordering else "events e"
        return Rows("e", source, f"{live(self.plan)} AND {selected(self.dims, select)}", value)

    def _pages(self, select: Select) -> list[str]:
        return [matches_globs(self.dims.get("page").sql, select.page, self.bind)] if select.page else []

    def _made(self, select: Select, made: Made, field: str | None) -> Rows:
        """Rows of ``query/made``: each is an event or an order with further columns."""
        from assay.query.made import RELATIONS

        alias = "o" if select.of == "order" else "e"
        value = f"{alias}.{quote(field.removeprefix('made.'))}" if field else None
        source = f"({RELATIONS[made.kind](self, made)}) {alias}"
        return Rows(alias, source, self._where(select, " AND ".join(self._pages(select)) or "true"), value)

    def _orders(self, select: Select, value: str | None, money: str | None = None) -> Rows:
        asked = select.where is not None and "order_type" in select.where.names
        where = self._where(select, "true" if asked else "o.counted")
        if money in _NET and select.where is None:
            return Rows("o", f"({self._net_of_refunds()}) o", where, value, outside=True)
        return Rows("o", "orders o", where, value)

    def _net_of_refunds(self) -> str:
        """Orders and, as negative rows, what comes off a day of its own: refunds of no order, or all of them when booked."""
        columns = "event_no, visitor_key, session_key, account, t, day, counted, order_type, coupon"
        if self.plan.rules.refunds == "booked":
            money = "gross AS net, contribution + refunded AS contribution, gross_margin + refunded AS gross_margin"
            known = "r.event_no, k.visitor_key, k.session_key, k.account, r.t, r.day, coalesce(k.counted, true), 'refund', NULL"
            refunds = f"SELECT {known}, -r.amount, -r.amount, -r.amount FROM refunds r LEFT JOIN orders k ON k.order_id = r.order_id"
        else:
            money = "net, contribution, gross_margin"
            refunds = "SELECT event_no, NULL, NULL, NULL, t, day, true, 'refund', NULL, -amount, -amount, -amount FROM refunds WHERE order_id IS NULL"
        return f"SELECT {columns}, {money} FROM orders UNION ALL {refunds}"

    def _costs(self) -> str:
        """Ad costs in the site's currency, by the rate of their day."""
        site = self.bind(self.plan.site.currency)
        rate = f"CASE WHEN coalesce(c.currency, {site}) = {site} THEN 1 ELSE r.rate END"
        return (
            f"(SELECT c.* REPLACE (CAST(CAST(c.amount AS DECIMAL(38, 6)) * {rate} AS DECIMAL(18, 6)) AS amount) FROM costs c "
            f"LEFT JOIN rates r ON r.site = {site} AND r.currency = c.currency AND r.day = c.day) k"
        )

    def _sessions(self, select: Select, value: str | None) -> Rows:
        return Rows("s", "sessions s", self._where(select, "true"), value)

    def _where(self, select: Select, base: str) -> str:
        return base if select.where is None else f"{base} AND ({self.dims.expression(select.where)})"


def joins(rows: Rows, texts: Iterable[str], unit: str) -> str:
    """The joins that dimensions and filters over the rows need: session, order, event, visitor, the visitor's first session."""
    sql = " ".join([*texts, rows.where, rows.value or "", rows.key(unit)])
    out = ""
    if rows.alias in ("e", "o") and uses(sql, "s"):
        out += f" LEFT JOIN sessions s ON s.session_key = {rows.alias}.session_key"
    if rows.alias == "e" and uses(sql, "o"):
        out += " LEFT JOIN orders o ON o.event_no = e.event_no"
    if rows.alias == "o" and uses(sql, "e"):
        out += " LEFT JOIN events e ON e.event_no = o.event_no"
    if rows.alias == "s" and (uses(sql, "o") or uses(sql, "e")):
        raise Refused("a session holds many events and orders: ask for events or orders by that dimension")
    if uses(sql, "v"):
        out += person_join(rows.alias, rows.t, outer=True)
    return out + visitor_joins(sql, f"{rows.alias}.visitor_key")


def cost_dimension(name: str) -> str:
    """A dimension over ad costs; only where-from can be asked of them."""
    if name not in ("channel", "source", "medium", "campaign"):
        raise UsageError(f"ad costs know day, channel, source, medium and campaign, not {name!r}")
    return f"k.{name}"
