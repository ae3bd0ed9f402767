"""One visitor, user, account or order: who it is, what belongs to it, every event of it in order."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from assay.plan.values import Plan
from assay.query.dimensions import person_join
from assay.query.pages import page
from assay.query.selecting import unit_key
from assay.query.sql import Binder
from assay.store.engine import Statement

_NONE = -1  # no visitor and no line has this number
MOST = 500  # visitors, or lines, that a statement names one by one
KINDS = ("user", "visitor", "account", "order")  # what a text is taken for, in this order
_HELD = {
    "user": ("user_id", "persons WHERE user_id"),
    "visitor": ("visitor", "visitors WHERE visitor"),
    "account": ("account", "persons WHERE account"),
    "order": ("order_id", "orders WHERE order_id"),
}


def known_as(name: str) -> Statement:
    """Which kinds an id is: kind, 1 row each."""
    bind = Binder()
    parts = [
        f"SELECT '{kind}' AS kind FROM (SELECT 1 AS one FROM {held} = {bind(name)} LIMIT 1)"
        for kind, (_, held) in _HELD.items()
    ]
    parts.append(f"SELECT 'account' AS kind FROM (SELECT 1 AS one FROM events WHERE account = {bind(name)} LIMIT 1)")
    return bind.statement(" UNION ALL ".join(parts), f"what {name} is")


def begun_with(start: str, kinds: tuple[str, ...], most: int) -> Statement:
    """Ids that begin with a text: kind, id; at most so many of a kind, in order."""
    bind = Binder()
    parts = []
    for kind in kinds:
        column, held = _HELD[kind]
        table, name = held.split(" WHERE ")
        where = f"starts_with({name}, {bind(start)})"
        parts.append(
            f"SELECT * FROM (SELECT DISTINCT '{kind}' AS kind, {column} AS id FROM {table} WHERE {where} ORDER BY id LIMIT {most})"
        )
    return bind.statement(" UNION ALL ".join(parts), f"ids that begin with {start}")


@dataclass(frozen=True)
class Near:
    """Where a unit's events are: its visitors' keys, the numbers of lines of its orders and refunds, the keys behind these."""

    visitors: Collection[int] = ()
    lines: Collection[int] = ()
    behind: Collection[int] = ()


class Timeline:
    """The events of one unit. Bots and staging are listed too: they belong to no session and count nowhere.

    ``near`` says by number where to look: stores are laid out by visitor, and one that reads all events to find those of
    one visitor answers for minutes. Nothing that belongs to the unit lies elsewhere.
    """

    def __init__(self, plan: Plan, kind: str, name: str, first: date | None = None, last: date | None = None) -> None:
        self.plan, self.kind, self.name = plan, kind, name
        self.first, self.last = first, last
        self.near: Near | None = None
        self.bind = Binder()

    def visitors(self) -> Statement | None:
        """Keys of the visitors behind the unit, one more than ``MOST`` at most; None where only the events tell."""
        name = self.bind(self.name)
        found = {
            "visitor": f"SELECT visitor_key FROM visitors WHERE visitor = {name}",
            "user": f"SELECT DISTINCT visitor_key FROM persons WHERE user_id = {name}",
            "order": f"SELECT visitor_key FROM orders WHERE order_id = {name} AND visitor_key IS NOT NULL "
            f"UNION SELECT s.visitor_key FROM ({self._sessions()}) s",
        }.get(self.kind)
        return (
            self.bind.statement(f"SELECT visitor_key FROM ({found}) k LIMIT {MOST + 1}", "visitors") if found else None
        )

    def lines(self) -> Statement:
        """Numbers of the lines behind the unit's orders and of their refunds, one more than ``MOST`` at most."""
        return self.bind.statement(
            f"SELECT DISTINCT event_no FROM ({self._lines()}) k LIMIT {MOST + 1}", "lines of orders"
        )

    def behind(self, lines: Collection[int]) -> Statement:
        """Keys of the visitors of these lines: who paid may be another visitor, or none."""
        sql = f"SELECT DISTINCT visitor_key FROM events WHERE {self._among('event_no', lines)} AND visitor_key IS NOT NULL"
        return self.bind.statement(sql, "visitors of lines")

    def _among(self, column: str, keys: Collection[int]) -> str:
        return f"{column} IN ({self.bind.all(keys or (_NONE,))})"

    def _close(self, alias: str, behind: bool = False) -> str:
        """A condition that the unit's own rows meet; ``behind``: that what is known of all visitors of its events meets."""
        if self.near is None:
            return ""
        return f" AND {self._among(f'{alias}.visitor_key', self.near.behind if behind else self.near.visitors)}"

    def _numbers(self) -> str:
        """The condition that an event belongs to the unit."""
        mine = f"e.event_no IN ({self._mine()})"
        if self.near is None:
            return mine
        return f"({self._among('e.visitor_key', self.near.visitors)} OR {self._among('e.event_no', self.near.lines)}) AND {mine}"

    def _of(self, alias: str) -> tuple[str, str]:
        """Join and condition under which a row of events, sessions or orders belongs to the unit."""
        if self.kind == "visitor" and self.near is not None:
            return "", self._among(f"{alias}.visitor_key", self.near.visitors)
        name = self.bind(self.name)
        if self.kind == "visitor":
            return f" JOIN visitors v ON v.visitor_key = {alias}.visitor_key", f"v.visitor = {name}"
        join = person_join(alias, f"{alias}.{'start_t' if alias == 's' else 't'}", outer=True)
        if self.kind == "user":
            return join, f"v.user_id = {name}{self._close(alias)}"
        return join, f"{unit_key('account', alias)} = {name}"

    def _orders(self) -> str:
        """Orders of the unit."""
        if self.kind == "order":
            return f"SELECT o.* FROM orders o WHERE o.order_id = {self.bind(self.name)}"
        join, where = self._of("o")
        return f"SELECT o.* FROM orders o{join} WHERE {where}"

    def _sessions(self) -> str:
        if self.kind == "order":
            return f"SELECT s.* FROM sessions s WHERE s.session_key IN (SELECT session_key FROM ({self._orders()}) p WHERE session_key IS NOT NULL){self._close('s')}"
        join, where = self._of("s")
        return f"SELECT s.* FROM sessions s{join} WHERE {where}"

    def _mine(self) -> str:
        """Numbers of all events: the unit's own, the lines behind its orders, and their refunds (which have no visitor)."""
        if self.kind == "order":
            own = f"SELECT e.event_no FROM events e WHERE e.session_key IN (SELECT session_key FROM ({self._orders()}) p WHERE session_key IS NOT NULL){self._close('e')}"
        else:
            join, where = self._of("e")
            own = f"SELECT e.event_no FROM events e{join} WHERE {where}"
        return f"{own} UNION ALL {self._lines()}"

    def _lines(self) -> str:
        """Numbers of the lines behind its orders and of their refunds."""
        orders = self._orders()
        parts = [
            f"SELECT p.event_no FROM ({orders}) p",
            f"SELECT p.money_event_no AS event_no FROM ({orders}) p WHERE p.money_event_no IS NOT NULL",
            f"SELECT r.event_no FROM refunds r JOIN ({orders}) p ON p.order_id = r.order_id",
        ]
        return " UNION ALL ".join(parts)

    def _days(self) -> str:
        days = [f"e.day >= {self.bind(self.first)}"] if self.first else []
        days += [f"e.day <= {self.bind(self.last)}"] if self.last else []
        return "".join(f" AND {one}" for one in days)

    def sums(self) -> Statement:
        """One row over everything: events, first and last instant, visitors behind them; sessions; counted orders, net, refunded."""
        events = (
            "SELECT count(*) AS events, min(e.t) AS first_t, max(e.t) AS last_t, count(DISTINCT e.visitor_key) AS visitors "
            f"FROM events e WHERE {self._numbers()}"
        )
        sql = f"""
SELECT a.events, a.first_t, a.last_t, a.visitors, b.sessions, c.orders, c.net, c.refunded
FROM ({events}) a
CROSS JOIN (SELECT count(*) AS sessions FROM ({self._sessions()}) q) b
CROSS JOIN (SELECT count(*) AS orders, sum(net) AS net, sum(refunded) AS refunded FROM ({self._orders()}) q WHERE counted) c"""
        return self.bind.statement(sql, f"{self.kind} {self.name}")

    def in_days(self) -> Statement:
        """How many events lie in the asked days."""
        sql = f"SELECT count(*) FROM events e WHERE {self._numbers()}{self._days()}"
        return self.bind.statement(sql, f"events of {self.kind} {self.name}")

    def rows(self, limit: int, skip: int) -> Statement:
        """Events in order of time.

        Columns: t, visitor, user, session number, channel, name, page, title, order, money in the site's currency (an order's
        gross, a refund below zero; together the net revenue), device, source, bot, environment, items, props as JSON text.
        """
        money = "CASE WHEN o.counted THEN o.gross WHEN q.counted THEN -r.amount END"
        order = "coalesce(o.order_id, q.order_id, e.order_id)"
        sql = f"""
SELECT e.t, v.visitor, v.user_id, s.session_no, s.channel, e.name, {page("e.path", self.plan)} AS page, e.title, {order} AS order_id,
    {money} AS money, e.device, e.source, e.bot, e.environment, e.items, e.props
FROM events e
LEFT JOIN persons v ON v.visitor_key = e.visitor_key AND e.t >= v.since_t AND e.t < v.until_t{self._close("v", behind=True)}
LEFT JOIN sessions s ON s.session_key = e.session_key{self._close("s", behind=True)}
LEFT JOIN orders o ON o.event_no = e.event_no
LEFT JOIN refunds r ON r.event_no = e.event_no
LEFT JOIN orders q ON q.order_id = r.order_id
WHERE {self._numbers()}{self._days()}
ORDER BY e.t, e.seq, e.id LIMIT {limit} OFFSET {skip}"""
        return self.bind.statement(sql, f"events of {self.kind} {self.name}")
