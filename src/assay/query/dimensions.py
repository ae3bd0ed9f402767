"""Dimensions and declared properties as SQL, with the joins they need; expressions of the plan become SQL here.

Aliases are fixed: ``s`` sessions, ``e`` events, ``o`` orders, ``f`` a visitor's first session, ``b`` what a customer has
bought, ``v`` the visitor, ``k`` ad costs. Items are events with one row per item.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from assay.model.errors import Refused, UnknownName
from assay.plan.dimensions import DIMENSIONS
from assay.plan.measures import Expression
from assay.plan.values import Plan
from assay.query.pages import page, page_group
from assay.query.sql import Binder, quote

_TYPES = {
    "number": "DOUBLE",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP",
    "money": "DECIMAL(18, 6)",
}
_COLUMNS = {
    "order_id": "e.order_id",
    "revenue": "e.amount",
    "amount": "e.amount",
    "currency": "e.currency",
    "items": "e.items",
}


@dataclass(frozen=True)
class Dimension:
    """``sql`` over the fixed aliases; ``scope``: event, session, visitor, order or item."""

    name: str
    scope: str
    sql: str
    kind: str = "text"


class Dimensions:
    """Resolves names for one query. ``bind`` collects the values."""

    def __init__(self, plan: Plan, bind: Binder) -> None:
        self.plan, self.bind = plan, bind
        self.properties = plan.properties()

    def known(self) -> list[str]:
        """All names that may be asked for."""
        return [*DIMENSIONS, *self.properties]

    def get(self, name: str) -> Dimension:
        """The dimension or property ``name``; UnknownName with suggestions otherwise."""
        if name in DIMENSIONS:
            scope, kind = DIMENSIONS[name]
            return Dimension(name, scope, self._builtin(name, scope), kind)
        if name in self.properties:
            prop = self.properties[name]
            kind = {"string": "text", "boolean": "boolean"}.get(prop.type, "number")
            scope = prop.scope if prop.scope in ("event", "session", "visitor", "order") else "event"
            return Dimension(name, scope, self.property(name), kind)
        if name in self.plan.segments:
            where = self.plan.segments[name].where
            return Dimension(name, self.scope(where), f"CAST(({self.expression(where)}) AS BOOLEAN)", "boolean")
        if name in self.plan.cohorts:
            from assay.query.cohorts import member

            return Dimension(name, "visitor", member(self.plan, self.plan.cohorts[name], self.bind), "boolean")
        raise UnknownName("dimension", name, [*self.known(), *self.plan.segments, *self.plan.cohorts])

    def _builtin(self, name: str, scope: str) -> str:
        special = {
            "event": "e.name",
            "page": page("e.path", self.plan),
            "duration": "(s.end_t - s.start_t) / 1000000.0",
            "first_channel": "f.channel",
            "first_source": "f.source",
            "first_campaign": "f.campaign",
            "customer": "CASE WHEN coalesce(b.orders, 0) = 0 THEN 'prospect' WHEN b.orders = 1 THEN 'first-time' ELSE 'repeat' END",
            "order_type": "o.order_type",
            "coupon": "o.coupon",
            "item_id": "e.item_id",
            "item_name": "e.item_name",
            "item_category": "e.item_category",
            "item_brand": "e.item_brand",
        }
        if name == "page_group":
            return page_group(page("e.path", self.plan), self.plan, self.bind)
        if name == "entry_page_group":
            return page_group("s.entry_page", self.plan, self.bind)
        if name in special:
            return special[name]
        return f"{'e' if scope == 'event' else 's'}.{name}"

    def property(self, name: str) -> str:
        """A declared property of an event ``e``: its typed column, or read from JSON where there is none."""
        if name in _COLUMNS:
            return _COLUMNS[name]
        if name in materialised(self.plan):
            return f"e.{quote('p_' + name)}"
        prop = self.properties.get(name)
        path = self.bind('$."' + name.replace('"', '\\"') + '"')
        raw = f"json_extract_string(e.props, {path})"
        kind = _TYPES.get(prop.type) if prop else None
        return f"TRY_CAST({raw} AS {kind})" if kind else raw

    def expression(self, expression: Expression, own: frozenset[str] = frozenset()) -> str:
        """A checked expression with its names replaced by SQL. ``own``: names that mean the event's own property here.

        What is divided by 0 has no value: left to themselves, engines say infinity, nothing, or refuse.
        """
        import sqlglot
        from sqlglot import exp

        tree = sqlglot.parse_one(expression.text, dialect="duckdb")

        def resolve(node: exp.Expression) -> exp.Expression:
            if isinstance(node, exp.Column):
                sql = self.property(node.name) if node.name in own else self.get(node.name).sql
                return exp.paren(sqlglot.parse_one(sql, dialect="duckdb"))
            if isinstance(node, exp.Div | exp.Mod) and not isinstance(node.expression, exp.Nullif):
                node.set("expression", exp.Nullif(this=node.expression, expression=exp.Literal.number(0)))
            return node

        return tree.transform(resolve).sql(dialect="duckdb")

    def scopes(self, names: Iterable[str]) -> set[str]:
        """The scopes that the names belong to."""
        return {self.get(name).scope for name in names}

    def scope(self, expression: Expression) -> str:
        """The narrowest scope among the names of an expression."""
        scopes = self.scopes(expression.names)
        for narrow in ("item", "event", "order", "session", "visitor"):
            if narrow in scopes:
                return narrow
        return "session"


def materialised(plan: Plan) -> dict[str, str]:
    """Properties that the store keeps as typed columns: those that the plan itself declares (name → plan type)."""
    from assay.model.event import STANDARD_EVENTS

    standard = {name for properties in STANDARD_EVENTS.values() for name in properties}
    kept: dict[str, str] = {}
    taken: set[str] = set()  # databases ignore case in column names: a second such name is read from the JSON
    for name, prop in sorted(plan.properties().items()):
        if name not in standard and name not in _COLUMNS and prop.type != "items" and name.lower() not in taken:
            kept[name] = prop.type
            taken.add(name.lower())
    if plan.columns is not None:
        return {name: kind for name, kind in kept.items() if plan.columns.get(name) == kind}
    return kept


# SQL of the relations behind the aliases that are not plain tables.
FIRST_SESSIONS = "(SELECT visitor_key, channel, source, campaign, day FROM sessions WHERE session_no = 1)"
BOUGHT = "(SELECT w.visitor_key, p.orders FROM visitors w JOIN (SELECT person_key, count(*) AS orders FROM orders WHERE counted GROUP BY person_key) p ON p.person_key = w.person_key)"


def items_of(events: str) -> str:
    """One row per item of these rows of ``events`` (a relation with all their columns): taken apart are only these."""
    return f"""(SELECT e.*, json_extract_string(item, '$.item_id') AS item_id, json_extract_string(item, '$.item_name') AS item_name,
    json_extract_string(item, '$.item_category') AS item_category, json_extract_string(item, '$.item_brand') AS item_brand,
    TRY_CAST(json_extract_string(item, '$.price') AS DECIMAL(18, 6)) AS price,
    coalesce(TRY_CAST(json_extract_string(item, '$.quantity') AS INTEGER), 1) AS quantity
    FROM (SELECT *, unnest(CAST(json_extract(items, '$[*]') AS JSON[])) AS item FROM {events} WHERE items IS NOT NULL) e)"""


ITEMS = items_of("events")
COUNTED = (
    "SEMI JOIN (SELECT event_no FROM orders WHERE counted) oc ON oc.event_no = e.event_no"  # lines of ``e`` that count
)
ORDERED_ITEMS = items_of(f"(SELECT e.* FROM events e {COUNTED}) x")


def uses(sql: str, alias: str) -> bool:
    """True when ``sql`` names a column of ``alias`` outside of a string."""
    bare = re.sub(r"'[^']*'", "''", sql)
    return re.search(rf"(?<![\w.\"]){alias}\.", bare) is not None


def person_join(alias: str, t: str, outer: bool = False) -> str:
    """The join to the person ``v`` behind a row's visitor at the row's time (``t``): user, account, person_key."""
    kind = "LEFT JOIN" if outer else "JOIN"
    return f" {kind} persons v ON v.visitor_key = {alias}.visitor_key AND {t} >= v.since_t AND {t} < v.until_t"


def visitor_joins(sql: str, on: str = "s.visitor_key") -> str:
    """The joins that visitor-scope names in ``sql`` need."""
    joins = ""
    if uses(sql, "f"):
        joins += f" LEFT JOIN {FIRST_SESSIONS} f ON f.visitor_key = {on}"
    if uses(sql, "b"):
        joins += f" LEFT JOIN {BOUGHT} b ON b.visitor_key = {on}"
    return joins


def session_filter(dims: Dimensions, where: Expression) -> str:
    """A condition on a session ``s``: its own and its visitor's dimensions directly, events' and orders' by any of the session."""
    scope, sql = dims.scope(where), dims.expression(where)
    if scope in ("session", "visitor"):
        return f"({sql})"
    if scope == "event":
        inner = f"SELECT e.session_key FROM events e JOIN sessions s ON s.session_key = e.session_key{visitor_joins(sql)} WHERE {sql}"
    elif scope == "order":
        inner = f"SELECT o.session_key FROM orders o JOIN sessions s ON s.session_key = o.session_key{visitor_joins(sql)} WHERE {sql}"
    else:
        raise Refused("a segment over items cannot filter sessions; ask by item instead (--by item_name)")
    return f"s.session_key IN ({inner})"
