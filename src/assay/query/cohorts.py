"""Behavioural cohorts as conditions on a visitor: what somebody did, did not do, how often, in what order.

A cohort is evaluated over all live events of the store; membership belongs to a visitor (or, ``per: user``, to all visitors
of a person). Its SQL stands inside other queries, so its tables go by names of their own.
"""

from __future__ import annotations

from datetime import date

from assay.model.period import Period
from assay.plan.measures import Select
from assay.plan.values import Cohort, Plan
from assay.query.cut import Cut, Frame
from assay.query.dimensions import Dimensions
from assay.query.selecting import selected
from assay.query.sql import Binder
from assay.query.unit_events import unit_events

_ALL = Period(date(1970, 1, 1), date(2100, 1, 1))
_ALIASES = ("e", "s", "o", "f", "b", "v", "k", "r")


def member(plan: Plan, cohort: Cohort, bind: Binder) -> str:
    """True for sessions' visitors in the cohort; ``f`` is the visitor's first session, which the caller joins."""
    return f"CAST(coalesce(f.visitor_key IN ({members(plan, cohort, bind)}), false) AS BOOLEAN)"


def members(plan: Plan, cohort: Cohort, bind: Binder) -> str:
    """SELECT of the ``visitor_key`` of every member."""
    if cohort.members:
        return _listed(cohort, bind)
    made = _Cohort(plan, cohort, bind)
    sql = _apart(made.units())
    if cohort.per == "visitor":
        return sql
    return f"SELECT cp.visitor_key FROM persons cp WHERE cp.person_key IN ({sql})"


def _listed(cohort: Cohort, bind: Binder) -> str:
    """A list of ids in a file."""
    # A person without a user goes by the visitor's id.
    id_ = {"visitor": "cp.visitor", "user": "coalesce(cp.user_id, cp.visitor)", "account": "cp.account"}[cohort.per]
    ids = f"SELECT unnest(CAST({bind(list(cohort.members))} AS VARCHAR[])) AS id"
    return f"SELECT cp.visitor_key FROM persons cp WHERE {id_} IN ({ids})"


class _Cohort(Frame):
    """The parts of one cohort, each a set of units; a member is in all of them."""

    def __init__(self, plan: Plan, cohort: Cohort, bind: Binder) -> None:
        super().__init__(plan, Cut(_ALL))
        self.bind = bind
        self.dims = Dimensions(plan, bind)
        self.cohort = cohort

    def units(self) -> str:
        """SELECT of the units."""
        parts = []
        if self.cohort.did or self.cohort.where is not None:
            parts.append(f"SELECT unit FROM ({self._did()})")
        if self.cohort.sequence:
            parts.append(self._sequence())
        if self.cohort.did_not and (self.cohort.within is None or not parts):
            refused = self._events(self.cohort.did_not, narrowed=False)
            everybody = unit_events(self, self.cohort.per, ["e.t"])
            among = parts[0] if parts else f"SELECT DISTINCT unit FROM ({everybody}) every_unit"
            chosen = (
                f"SELECT a.unit FROM ({among}) a WHERE NOT EXISTS (SELECT 1 FROM ({refused}) n WHERE n.unit = a.unit)"
            )
            parts = [chosen, *parts[1:]]
        elif self.cohort.did_not:
            parts[0] = self._not_after()
        first, *rest = parts
        more = "".join(f" AND m0.unit IN ({part})" for part in rest)
        return f"SELECT DISTINCT m0.unit FROM ({first}) m0 WHERE true{more}"

    def _events(self, names: tuple[str, ...] | None, narrowed: bool = True) -> str:
        where = self.cohort.where if narrowed else None
        return unit_events(
            self, self.cohort.per, ["e.t AS t"], selected(self.dims, Select("event", names or None, None, where))
        )

    def _did(self) -> str:
        """Units with enough of the events, and when they first had enough."""
        events, least = self._events(self.cohort.did), self.cohort.at_least
        if least == 1 or self.cohort.within is None or self.cohort.did_not:
            return f"SELECT unit, min(t) AS t FROM ({events}) d GROUP BY unit HAVING count(*) >= {least}"
        # n events within the window: the n-th after an event is near enough to it.
        numbered = f"SELECT unit, t, row_number() OVER (PARTITION BY unit ORDER BY t) AS place FROM ({events}) d"
        return (
            f"SELECT x.unit, min(y.t) AS t FROM ({numbered}) x JOIN ({numbered}) y ON y.unit = x.unit AND y.place = x.place + {least - 1} "
            f"WHERE y.t - x.t <= {self.cohort.within * 1_000_000} GROUP BY x.unit"
        )

    def _not_after(self) -> str:
        """Of the units that did it, those without the other event in the window after the first time."""
        window = (self.cohort.within or 0) * 1_000_000
        start = self._did() if self.cohort.did or self.cohort.where is not None else self._sequence(starts=True)
        refused = self._events(self.cohort.did_not, narrowed=False)
        done = f"SELECT g.unit FROM ({start}) g JOIN ({refused}) n ON n.unit = g.unit WHERE n.t >= g.t AND n.t <= g.t + {window}"
        return f"SELECT a.unit FROM ({start}) a WHERE NOT EXISTS (SELECT 1 FROM ({done}) h WHERE h.unit = a.unit)"

    def _sequence(self, starts: bool = False) -> str:
        """Units with the events in order, all within the window of the first: the latest start is the best one."""
        names = self.cohort.sequence
        ctes = [f"q1 AS (SELECT unit, t, t AS start FROM ({self._events(names[:1])}) d1)"]
        for k, name in enumerate(names[1:], start=2):
            after = ">" if name in names[: k - 1] else ">="
            within = "" if self.cohort.within is None else f" WHERE b.t - a.start <= {self.cohort.within * 1_000_000}"
            ctes.append(
                f"q{k} AS (SELECT b.unit AS unit, b.t AS t, a.start AS start FROM ({self._events((name,))}) b "
                f"ASOF JOIN q{k - 1} a ON a.unit = b.unit AND b.t {after} a.t{within})"
            )
        columns = "unit, min(start) AS t" if starts else "unit"
        grouping = " GROUP BY unit" if starts else ""
        return f"WITH {', '.join(ctes)} SELECT {columns} FROM q{len(names)}{grouping}"


def _apart(sql: str) -> str:
    """The same query with the fixed aliases under other names: outer queries look for theirs."""
    import sqlglot
    from sqlglot import exp

    tree = sqlglot.parse_one(sql, dialect="duckdb")
    for table in tree.find_all(exp.Table, exp.Subquery):
        if table.alias in _ALIASES:
            table.set("alias", exp.TableAlias(this=exp.to_identifier("c" + table.alias)))
    for column in tree.find_all(exp.Column):
        if column.table in _ALIASES:
            column.set("table", exp.to_identifier("c" + column.table))
    return tree.sql(dialect="duckdb")
