"""Conversions and the touches before them: one SQL frame for every attribution model.

A touch is a session (or a session with a given event), with its channel, source, medium or campaign. A conversion is a
counted order, or an event of a goal. The path of a conversion holds the touches of its unit within the lookback window.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from assay.model.errors import UnknownName, UsageError
from assay.plan.draft import goal_rows
from assay.plan.values import Goal, Plan
from assay.query.cut import Cut, Frame
from assay.query.dimensions import session_filter, visitor_joins
from assay.query.selecting import live, own_names, selected, unit_join, unit_key
from assay.query.sql import literal
from assay.query.unit_events import unit_events
from assay.store.engine import Statement

DIMENSIONS = ("channel", "source", "medium", "campaign")
SEPARATOR = "\x1f"
NOTHING = "(none)"


@dataclass(frozen=True)
class Asked:
    """What an attribution is made from. ``window`` in seconds. ``goal`` None = orders; ``value``: net, gross, goal or count.

    ``touch``: only sessions that hold an event of that name are touches, at its time. ``reach``: seconds after the range in
    which conversions are looked for as well (for touches of the range, counted by their own date). ``customers``: tell first
    paid orders apart, which takes all orders ever.
    """

    by: str = "channel"
    per: str = "visitor"
    window: int = 30 * 86_400
    goal: Goal | None = None
    value: str = "net"
    touch: str | None = None
    exclude_direct: bool = False
    transforms: tuple[tuple[str, str | None], ...] = ()
    reach: int = 0
    customers: bool = False


def ordered_text(value: str, order: str) -> str:
    """SQL for the values of a group as one text in that order, between separators. The one place that orders an aggregate."""
    return f"string_agg({value}, {literal(SEPARATOR)} ORDER BY {order})"


def exposure(path: str, _: str | None) -> str:
    """Neighbouring touches of one key are one touch, the first."""
    return f"SELECT * FROM (SELECT *, lag(key) OVER (PARTITION BY c ORDER BY tt, k) AS previous FROM ({path})) WHERE previous IS NULL OR previous <> key"


def first_only(path: str, _: str | None) -> str:
    """Only the first touch of each key."""
    return f"SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY c, key ORDER BY tt, k) AS turn FROM ({path})) WHERE turn = 1"


def not_last(path: str, key: str | None) -> str:
    """Touches of ``key`` at the end are dropped, unless the path has no others."""
    rest = f"max(CASE WHEN key <> {key} THEN turn END) OVER (PARTITION BY c)"
    numbered = f"SELECT *, row_number() OVER (PARTITION BY c ORDER BY tt, k) AS turn FROM ({path})"
    return f"SELECT * FROM (SELECT *, {rest} AS other FROM ({numbered})) WHERE other IS NULL OR turn <= other"


def not_any(path: str, key: str | None) -> str:
    """All touches of ``key`` are dropped, unless the path has no others."""
    others = f"max(CASE WHEN key <> {key} THEN 1 ELSE 0 END) OVER (PARTITION BY c)"
    return f"SELECT * FROM (SELECT *, {others} AS other FROM ({path})) WHERE other = 0 OR key <> {key}"


# name → (function, whether it needs a value of the dimension). Names and meaning as in Snowplow's attribution package.
TRANSFORMS = {
    "exposure": (exposure, False),
    "first": (first_only, False),
    "remove_if_last_and_not_all": (not_last, True),
    "remove_if_not_all": (not_any, True),
}


def transform(text: str) -> tuple[str, str | None]:
    """``exposure`` or ``remove_if_not_all=Direct`` as (name, value); errors that say what is missing."""
    name, equals, value = text.partition("=")
    if name not in TRANSFORMS:
        raise UnknownName("path transform", name, TRANSFORMS, "assay")
    needs = TRANSFORMS[name][1]
    if needs and not value:
        raise UsageError(f"{name} needs a value, such as  --transform {name}=Direct")
    if equals and not needs:
        raise UsageError(f"{name} takes no value")
    return name, value or None


class Touches(Frame):
    """Writes the SQL of one attribution over a range."""

    def __init__(self, plan: Plan, cut: Cut, asked: Asked) -> None:
        super().__init__(plan, cut)
        self.asked = asked
        self.last = cut.period.last + timedelta(-(-asked.reach // 86_400) + 1 if asked.reach else 0)

    # -- conversions -------------------------------------------------------------------------------------------------

    def conversions(self) -> str:
        """SELECT of unit, c (its number), t, v (value), is_new (first paid order of a customer), inside (day in the range)."""
        return self._goals(self.asked.goal) if self.asked.goal is not None else self._orders()

    def _inside(self, alias: str) -> str:
        return f"{alias}.day <= {self.bind(self.cut.period.last)}"

    def _orders(self) -> str:
        value = {"net": "o.net", "gross": "o.gross"}.get(self.asked.value, "0")
        where = ["o.counted", f"o.day BETWEEN {self.bind(self.cut.period.first)} AND {self.bind(self.last)}"]
        source = "orders o" + unit_join(self.asked.per, "o").replace(" JOIN", " LEFT JOIN", 1)
        if self.cut.where is not None:
            where.append(session_filter(self.dims, self.cut.where))
            source += " LEFT JOIN sessions s ON s.session_key = o.session_key" + visitor_joins(
                where[-1], "o.visitor_key"
            )
        is_new = "0"
        if self.asked.customers:
            is_new = "CASE WHEN p.place = 1 THEN 1 ELSE 0 END"
            source += (
                " LEFT JOIN (SELECT o2.event_no, row_number() OVER (PARTITION BY coalesce(o2.person_key, -o2.event_no) "
                "ORDER BY o2.t, o2.order_id) AS place FROM orders o2 "
                "WHERE o2.counted AND o2.gross > 0) p ON p.event_no = o.event_no"
            )
        return (
            f"SELECT {unit_key(self.asked.per, 'o')} AS unit, o.event_no AS c, o.t AS t, "
            f"CAST(coalesce({value}, 0) AS DECIMAL(18, 6)) AS v, {is_new} AS is_new, {self._inside('o')} AS inside "
            f"FROM {source} WHERE {' AND '.join(where)}"
        )

    def _goals(self, goal: Goal) -> str:
        select = goal_rows(goal)
        events = select.events
        value = "0"
        if self.asked.value == "goal" and goal.value is not None:
            own = goal.value if isinstance(goal.value, str) else None
            value = self.dims.property(own) if own else str(goal.value)
            if own and own not in own_names(self.plan, events) and own not in self.dims.properties:
                raise UnknownName("property", own, self.dims.properties)
        columns = ("e.event_no AS c", "e.t AS t", f"CAST(coalesce({value}, 0) AS DECIMAL(18, 6)) AS v", "0 AS is_new")
        return unit_events(
            self,
            self.asked.per,
            (*columns, f"{self._inside('e')} AS inside"),
            selected(self.dims, select),
            first=self.cut.period.first,
            last=self.last,
            segment=self.cut.where,
        )

    # -- touches -----------------------------------------------------------------------------------------------------

    def touches(self) -> str:
        """SELECT of unit, k, tt, day, key, direct: the sessions from the lookback before the range on."""
        asked = self.asked
        first = self.cut.period.first - timedelta(-(-asked.window // 86_400) + 1)
        source, when = f"sessions s{unit_join(asked.per, 's')}", "s.start_t"
        if asked.touch is not None:
            held = (
                f"SELECT e.session_key, min(e.t) AS t FROM events e WHERE e.name = {self.bind(asked.touch)} "
                f"AND {live(self.plan)} AND e.session_key IS NOT NULL GROUP BY e.session_key"
            )
            source, when = source + f" JOIN ({held}) h ON h.session_key = s.session_key", "h.t"
        return (
            f"SELECT {unit_key(asked.per, 's')} AS unit, s.session_key AS k, {when} AS tt, s.day AS day, "
            f"coalesce(s.{asked.by}, {literal(NOTHING)}) AS key, s.channel = 'Direct' AS direct FROM {source} "
            f"WHERE s.day BETWEEN {self.bind(first)} AND {self.bind(self.last)}"
        )

    def path(self, closed_day: date | None = None) -> str:
        """SELECT of the touches on the way to each conversion (c), after exclusion and transforms.

        ``at_range``: the touch lies in the range; ``closed``: it lies no later than ``closed_day``, the last day whose windows
        have closed.
        """
        span = self.asked.window * 1_000_000
        closed = "true" if closed_day is None else f"t.day <= {self.bind(closed_day)}"
        first, last = self.bind(self.cut.period.first), self.bind(self.cut.period.last)
        joined = (
            f"SELECT c.c AS c, c.v AS v, c.is_new AS is_new, c.inside AS inside, t.k AS k, t.tt AS tt, t.key AS key, t.direct AS direct, "
            f"t.day >= {first} AND t.day <= {last} AS at_range, {closed} AS closed "
            f"FROM conversions c JOIN touches t ON t.unit = c.unit WHERE t.tt <= c.t AND t.tt >= c.t - {span}"
        )
        return self.shaped(joined)

    def shaped(self, path: str) -> str:
        """The path after direct touches are left out (where there are others) and after the transforms, in their order."""
        if self.asked.exclude_direct:
            others = "max(CASE WHEN direct THEN 0 ELSE 1 END) OVER (PARTITION BY c)"
            path = f"SELECT * FROM (SELECT *, {others} AS indirect FROM ({path})) WHERE indirect = 0 OR NOT direct"
        for name, value in self.asked.transforms:
            columns = "c, v, is_new, inside, k, tt, key, direct, at_range, closed"
            path = f"SELECT {columns} FROM ({path})"
            path = TRANSFORMS[name][0](path, self.bind(value) if value is not None else None)
        return path

    def text(self, sql: str, title: str) -> Statement:
        """The finished statement: ``sql`` over ``conversions`` and ``touches``."""
        return self.bind.statement(
            f"WITH conversions AS ({self.conversions()}), touches AS ({self.touches()}) {sql}", title
        )
