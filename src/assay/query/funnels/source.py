"""The events of a funnel as SQL: one step's, or all that matter to a unit, in order."""

from __future__ import annotations

from datetime import timedelta

from assay.plan.measures import Select
from assay.plan.values import Funnel, Plan
from assay.query.cut import Cut, Frame
from assay.query.funnels.sequence import Rule
from assay.query.rows import Rows, joins
from assay.query.selecting import selected, unit_key
from assay.query.unit_events import unit_events
from assay.store.engine import Statement

DAY = 86_400


class Source(Frame):
    """One funnel under one cut. Steps count from 0 here. ``starts_until``: attempts begin by then, microseconds."""

    def __init__(self, plan: Plan, funnel: Funnel, cut: Cut, starts_until: int | None = None) -> None:
        super().__init__(plan, cut)
        self.funnel, self.starts_until = funnel, starts_until
        self.count = len(funnel.steps)
        # Attempts of a larger unit that must end in the session they began in are followed per session, then folded.
        self.folded = funnel.window is None and funnel.per != "session"
        self.unit = "session" if self.folded else funnel.per
        self.clustered = funnel.per == "session"
        self.by_event = any(self.dims.get(name).scope == "event" for name in cut.by)
        self.of_one_unit("a funnel")

    def rule(self) -> Rule:
        """What the exact kernel needs to know."""
        funnel = self.funnel
        window = None if funnel.window is None else funnel.window * 1_000_000
        optional = frozenset(k for k, step in enumerate(funnel.steps) if step.optional)
        exclusions = tuple((one.after, one.before, one.effect) for one in funnel.exclusions)
        return Rule(funnel.order, self.count, window, funnel.entry, optional, exclusions)

    def disjoint(self) -> bool:
        """By their names alone no event matches two steps."""
        names = [step.event for step in self.funnel.steps]
        return None not in names and len(set(names)) == len(names)

    def condition(self, step: int) -> str:
        """The events of one step."""
        one = self.funnel.steps[step]
        return selected(self.dims, Select("event", (one.event,) if one.event else None, one.page, one.where))

    def excluded(self, place: int) -> str:
        """The events of one exclusion."""
        one = self.funnel.exclusions[place]
        return selected(self.dims, Select("event", (one.event,), None, one.where))

    def starts(self) -> str:
        """An attempt may begin with this event."""
        until = "" if self.starts_until is None else f" AND e.t <= {self.bind(self.starts_until)}"
        return self.in_range("e") + until

    def events(self, columns: list[str], condition: str) -> str:
        """Events by unit, from the first day until the last window is over."""
        funnel, period = self.funnel, self.cut.period
        last = None if funnel.window is None else period.last + timedelta(-(-funnel.window // DAY) + 1)
        conditions = [condition]
        if self.folded:
            conditions.append(f"{unit_key(funnel.per)} IS NOT NULL")
        joined = " AND ".join(f"({c})" for c in conditions if c != "true") or "true"
        return unit_events(self, self.unit, columns, joined, first=period.first, last=last, segment=self.cut.where)

    def whole(self) -> str:
        """The unit that is counted, where attempts are followed per session."""
        return unit_key(self.funnel.per)

    def step_events(self, step: int) -> str:
        """Unit, time and place of one step's events; of the first step also whose they are."""
        condition = self.condition(step)
        columns = ["e.t", "e.seq", "e.id", "e.event_no", "e.session_key", "e.visitor_key"]
        if step == 0:
            condition = f"({condition}) AND {self.starts()}"
            columns += [f"{self.whole()} AS whole", "e.visitor_key AS cluster"]
        return self.events(columns, condition)

    def marked(self, every: bool, groups: bool = False) -> str:
        """Events with the steps and exclusions they match as bits; ``every``: also those that match none."""
        steps = [self.condition(k) for k in range(self.count)]
        out = [self.excluded(k) for k in range(len(self.funnel.exclusions))]
        columns = [
            "e.t",
            "e.seq",
            "e.id",
            "e.event_no",
            f"{self.whole()} AS whole",
            "e.visitor_key AS cluster",
            f"CASE WHEN {self.starts()} THEN 1 ELSE 0 END AS starts",
            f"{_bits(steps)} AS mask",
            f"{_bits(out)} AS excluded",
        ]
        if groups:
            columns += [f"{self.dims.get(name).sql} AS g{i}" for i, name in enumerate(self.cut.by)]
        anything = "true" if every else " OR ".join(f"({c})" for c in (*steps, *out))
        return self.events(columns, anything)

    def stream(self, groups: bool = False, ties: bool = False) -> Statement:
        """Unit, owner, cluster, group values, t, starts, mask, excluded, event of the units that begin something, in order.

        ``ties``: only units of which two events share an instant, one of them a step.
        """
        every = self.funnel.order == "strict"
        keys = "".join(f"m.g{i}, " for i in range(len(self.cut.by))) if groups else ""
        first = "mask > 0" if self.funnel.order == "unordered" else "mask % 2 = 1"
        wanted = f"SELECT unit FROM m WHERE starts = 1 AND {first} GROUP BY unit"
        join = f" JOIN ({wanted}) w ON w.unit = m.unit"
        if ties:
            tied = "SELECT DISTINCT unit FROM (SELECT unit, t FROM m GROUP BY unit, t HAVING count(*) > 1 AND max(mask) > 0) tt"
            join += f" JOIN ({tied}) x ON x.unit = m.unit"
        sql = (
            f"WITH m AS ({self.marked(every, groups)}) "
            f"SELECT m.unit, m.whole, m.cluster, {keys}m.t, m.starts, m.mask, m.excluded, m.event_no FROM m{join} "
            f"ORDER BY m.unit, {keys}m.t, m.seq, m.id"
        )
        return self.bind.statement(sql, f"funnel {self.funnel.name}: events in order")

    def overlap(self) -> Statement:
        """Whether any event matches two steps, and whether two events of a unit that match any share an instant."""
        several = " OR ".join(f"(mask // {2**k}) % 2 = 1 AND mask % {2**k} > 0" for k in range(1, self.count))
        sql = (
            f"WITH m AS ({self.marked(False)}) SELECT (SELECT count(*) FROM m WHERE {several}), "
            f"(SELECT count(*) FROM (SELECT unit, t FROM m GROUP BY unit, t HAVING count(*) > 1) tt)"
        )
        return self.bind.statement(sql, f"funnel {self.funnel.name}: events that match two steps")

    def groups_of(self) -> Statement:
        """The group values of events ($events)."""
        return self.bind.statement(f"{self.event_values()} WHERE e.event_no IN (SELECT unnest($events))", "groups")

    def event_values(self) -> str:
        """SELECT of every event's number and group values g0 …."""
        columns = [f"{self.dims.get(name).sql} AS g{i}" for i, name in enumerate(self.cut.by)]
        rows = Rows("e", "events e", "true", None)
        return f"SELECT {', '.join(['e.event_no', *columns])} FROM {rows.source}{joins(rows, columns, 'event')}"


def _bits(conditions: list[str]) -> str:
    return " + ".join(f"CASE WHEN {c} THEN {2**k} ELSE 0 END" for k, c in enumerate(conditions)) or "0"
