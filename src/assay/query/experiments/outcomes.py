"""Metrics → numbers per exposed unit: what it did in its window, and in the time before its exposure (the covariate)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from assay.model.errors import Refused
from assay.plan.experiments import Experiment
from assay.plan.measures import Measure, Quantity, Select
from assay.plan.values import Metric
from assay.query.cut import Frame, aggregate
from assay.query.rows import RowBuilder, Rows, joins
from assay.query.selecting import live
from assay.query.starts import Starts

_PERSONS = ("visitor", "user", "account")
_OWN = ("order.", "revenue", "contrib", "gross")
_PERIOD_ROWS = ("subscription", "lapse", "spell", "entry")
_DAY = 86_400_000_000
LATE = 1_800_000_000  # µs before an exposure in which an outcome is a sign that it was sent too late
# A metric, whose number before the exposure it is; or the property of the exposure that the plan's cuped names.
Covariate = Metric | str


@dataclass(frozen=True)
class Variables:
    """Per metric: variable → SQL over the joined relations. ``x`` alone: one number per unit; ``x`` and ``y``: a ratio.

    ``c`` (and ``d``) are the same before the exposure. ``lag``: seconds that an outcome may follow the window's end.
    """

    metric: Metric
    names: Mapping[str, str]
    lag: int = 0
    zero_one: bool = False


@dataclass
class _Relation:
    rows: Rows
    columns: list[str] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    before: bool = False


class Outcomes:
    """Collects what the metrics of one experiment need, one pass per relation."""

    def __init__(self, frame: Frame, experiment: Experiment, before: int | None) -> None:
        self.frame, self.experiment, self.before = frame, experiment, before
        self.builder = RowBuilder(frame.plan, frame.dims, frame.cut)
        self.relations: dict[str, _Relation] = {}
        self.ctes: list[str] = []
        self.extra: list[str] = []
        self.firsts: dict[tuple[str, str], str] = {}
        self.count = 0
        self.late = False  # while numbers of the last moments before the exposure are written

    # -- one metric -----------------------------------------------------------------------------------------------------

    def add(self, metric: Metric, covariate: Covariate | None = None, cap: float | None = None) -> Variables:
        """The variables of a metric; ``covariate``: what goes along of the time before the exposure."""
        quantity, lag = metric.quantity, 0
        judged(metric)
        if quantity.start is not None:
            names, lag = self._started(metric), quantity.within or 0
        else:
            names = self._numbers(metric, pre=False)
        if isinstance(covariate, str):
            names |= {"c": "coalesce(u.covariate, 0)"}
        elif covariate is not None:
            judged(covariate)
            if covariate.quantity.start is not None:
                raise Refused(
                    f"{covariate.name} starts with an event of its own: it is no covariate; name another metric"
                )
            past = self._numbers(covariate, pre=True)
            if cap is not None and covariate.name == metric.name:
                past = _capped(past, cap)
            names |= {"c": past["x"], **({"d": past["y"]} if "y" in past else {})}
        if cap is not None:
            names |= _capped({k: v for k, v in names.items() if k in "xy"}, cap)
        plain = quantity.kind == "share" and "y" not in names
        return Variables(metric, names, lag, zero_one=plain and cap is None)

    def just_before(self, one: Variables) -> Variables:
        """The same with ``h``: the metric's number in the half hour before the exposure.

        Of metrics per session nothing: the visit of the exposure lies in the window whole.
        """
        quantity = one.metric.quantity
        if quantity.unit == "session" or quantity.start is not None:
            return one
        reach = self.before
        self.before, self.late = LATE, True
        h = self._numbers(one.metric, pre=True)["x"]
        self.before, self.late = max(reach or 0, LATE), False
        return replace(one, names={**one.names, "h": h})

    def values(self, metric: Metric) -> str:
        """SQL for the values that a quantile is of, in the units' windows: unit, v."""
        measure = metric.quantity.numerator
        assert measure is not None
        rows = self._rows(measure, every=False)
        key, value = rows.key(self.experiment.unit), rows.value or "1"
        source = rows.source + joins(rows, [key, value], self.experiment.unit)
        where = f"{rows.where} AND {self.frame.in_range(rows.alias)} AND {self._when(rows, pre=False)} AND {value} IS NOT NULL"
        return f"SELECT u.unit, CAST({value} AS DOUBLE) AS v FROM {source} JOIN units u ON u.unit = {key} WHERE {where}"

    def _numbers(self, metric: Metric, pre: bool) -> dict[str, str]:
        quantity = metric.quantity
        measure = quantity.numerator
        assert measure is not None
        if quantity.kind == "ratio":
            assert quantity.denominator is not None
            return {"x": self._side(measure, pre), "y": self._side(quantity.denominator, pre)}
        if quantity.unit == "session":
            return self._sessions(metric, measure, pre)
        if quantity.unit in ("order", "event"):
            if measure.select.of != "order" and not (measure.field or "").startswith(_OWN):
                raise Refused(
                    f"{metric.name} is counted per {quantity.unit} and names no start: it has no number per unit"
                )
            orders = Measure("count", Select("order"))
            counted = replace(measure, op="count") if measure.op == "exists" else measure
            return {"x": self._side(counted, pre), "y": self._side(orders, pre)}
        if quantity.kind != "share":
            return {"x": self._side(measure, pre)}
        column = self._side(measure, pre, every=True)
        if quantity.negate:
            return {"x": f"CASE WHEN {column} > 0 THEN 0 ELSE 1 END"}
        return {"x": f"CASE WHEN {column} >= {quantity.at_least} THEN 1 ELSE 0 END"}

    def _side(self, measure: Measure, pre: bool, every: bool = False) -> str:
        """One number per unit from one relation, in the window or before the exposure; ``every``: whatever the attribution."""
        if measure.op == "unit_days":
            raise Refused("days of a range belong to no exposed unit")
        select = measure.select
        if measure.op == "count" and measure.field is None and select.of in (*_PERSONS, "customer"):
            return self._persons(select, pre)
        rows = self._rows(measure, pre or every)
        name = self._column(rows, aggregate(measure, rows, self._since(rows, pre)), pre)
        return f"coalesce({name}, 0)"

    def _persons(self, select: Select, pre: bool) -> str:
        """How many visitors, users, accounts or customers a unit is; itself is one."""
        unit = self.experiment.unit
        if select.where is None and (select.of == unit or (select.of, unit) == ("user", "visitor")):
            return "1"
        rows = self._rows(Measure("count", select), pre)
        key = f"coalesce(o.person_key, -{rows.event_no})" if select.of == "customer" else rows.key(select.of)
        different = aggregate(Measure("count_distinct", select), replace(rows, value=key), self._since(rows, pre))
        return f"coalesce({self._column(rows, different, pre)}, 0)"

    def _sessions(self, metric: Metric, measure: Measure, pre: bool) -> dict[str, str]:
        """Sessions from the exposure's own on: how many, and what they hold after the exposure."""
        quantity = metric.quantity
        of_bounce = measure.select.where is not None and "is_bounce" in measure.select.where.names
        said = "s.is_bounce IS NOT NULL AND " if measure.select.of == "session" and of_bounce else ""
        visits = Rows("s", "sessions s", "true", None)
        here = said + self._when(visits, pre)
        y = f"coalesce({self._column(visits, f'count(*) FILTER (WHERE {here})', pre)}, 0)"
        rows = self._rows(measure, pre)
        when = here if rows.alias == "s" else f"{here} AND {self._since(rows, pre)}"
        if quantity.kind != "share":
            sql = aggregate(measure, rows, when)
        elif measure.select.of == "session":
            sql = aggregate(replace(measure, op="count"), rows, when)
        elif quantity.at_least > 1:
            raise Refused(f"{metric.name}: more than one outcome per session cannot be judged per unit")
        else:
            sql = f"count(DISTINCT {rows.alias}.session_key) FILTER (WHERE {rows.where} AND {when})"
        x = f"coalesce({self._column(rows, sql, pre)}, 0)"
        return {"x": f"({y} - {x})" if quantity.negate else x, "y": y}

    # -- outcomes of a start --------------------------------------------------------------------------------------------

    def _started(self, metric: Metric) -> dict[str, str]:
        """Starts in the unit's window, and how many (or how much) follows each."""
        quantity, measure = metric.quantity, metric.quantity.numerator
        assert measure is not None
        assert quantity.start is not None
        starts = Starts(self.frame.plan, self.frame.cut, metric, self.frame)
        rows = self._first(quantity.start, self._plain(self.builder.rows(Measure("exists", quantity.start))))
        link = starts.link_of(rows)
        key = rows.key(self.experiment.unit)
        worth = [f"{self.builder.rows(Measure('sum', quantity.start, quantity.worth)).value} AS worth"] * bool(
            quantity.worth
        )
        source = rows.source + joins(rows, [key, link, *worth], self.experiment.unit)
        n = self.count
        self.count += 1
        columns = [f"{link} AS link", f"{rows.t} AS t0", f"{rows.event_no} AS start_no", *worth]
        base = (
            f"SELECT u.unit, u.t0 AS opening, u.t0 + {self._window} AS closing, {', '.join(columns)} FROM {source} "
            f"JOIN units u ON u.unit = {key} WHERE {rows.where} AND {self.frame.in_range(rows.alias)} AND {self._when(rows, pre=False)}"
        )
        if quantity.unit not in ("order", "event"):
            fold, end = ("arg_max", "max") if quantity.anchor == "last" else ("arg_min", "min")
            value = f", {fold}({{'v': worth}}, (t0, start_no)).v AS worth" if worth else ""
            base = (
                f"SELECT unit, link, any_value(opening) AS opening, any_value(closing) AS closing, {end}(t0) AS t0, {fold}(start_no, (t0, start_no)) AS start_no"
                f"{value} FROM ({base}) WHERE link IS NOT NULL GROUP BY unit, link"
            )
        own = "s.unit, s.start_no" if quantity.unit in ("order", "event") else "s.unit, s.link"
        same = " AND ".join(f"{one.replace('s.', 'r.')} = {one}" for one in own.split(", "))
        inside = "" if quantity.within is not None else " AND o.t <= s.closing"
        inside += " AND o.t >= s.opening" if quantity.anchor == "range" else ""
        self.ctes += [
            f"started{n} AS ({base})",
            f"followed{n} AS (SELECT {own}, {starts.fold(measure)} AS v FROM started{n} s JOIN ({starts.outcomes(measure)}) o ON {starts.link()}{inside} GROUP BY {own})",
            f"judged{n} AS (SELECT s.unit, count(*) AS y, sum({_outcome(quantity)}) AS x FROM started{n} s LEFT JOIN followed{n} r ON {same} GROUP BY s.unit)",
        ]
        self.extra.append(f"judged{n}")
        return {"x": f"coalesce(judged{n}.x, 0)", "y": f"coalesce(judged{n}.y, 0)"}

    # -- relations ------------------------------------------------------------------------------------------------------

    @property
    def _window(self) -> int:
        return self.experiment.window * 1_000_000

    def _rows(self, measure: Measure, every: bool) -> Rows:
        rows = self.builder.rows(measure)
        if rows.alias == "k":
            raise Refused("ad costs belong to no unit of an experiment")
        rows = self._plain(rows)
        return rows if every else self._first(measure.select, rows)

    def _first(self, select: Select, rows: Rows) -> Rows:
        """With ``attribution: first`` of orders and goals only the unit's first in its window; other rows as they are."""
        if self.experiment.attribution != "first" or not self._converts(select, rows):
            return rows
        if rows.outside:
            raise Refused("attribution: first needs refunds charged to their orders; rules.refunds books them by day")
        plain = replace(rows, where="o.counted") if "o.counted" in rows.where else rows
        if (plain.source, plain.where) not in self.firsts:
            key = plain.key(self.experiment.unit)
            source = plain.source + joins(plain, [key], self.experiment.unit)
            where = f"{plain.where} AND {self.frame.in_range(plain.alias)} AND {self._when(plain, pre=False)}"
            name = self.firsts[plain.source, plain.where] = f"first{len(self.firsts)}"
            self.ctes.append(
                f"{name} AS (SELECT arg_min({plain.event_no}, ({plain.t}, {plain.event_no})) AS event_no FROM {source} "
                f"JOIN units u ON u.unit = {key} WHERE {where} GROUP BY u.unit)"
            )
        name = self.firsts[plain.source, plain.where]
        return replace(rows, source=f"{rows.source} SEMI JOIN {name} ON {name}.event_no = {rows.event_no}")

    def _converts(self, select: Select, rows: Rows) -> bool:
        """Rows of orders, or of what a goal of the plan names."""
        if select.made is not None or rows.alias == "s":
            return False
        goals = self.frame.plan.goals.values()
        named = {self.frame.plan.orders.event, *(goal.event for goal in goals if goal.event)}
        visits = select.page is not None and any(select.page == goal.page for goal in goals)
        return rows.alias == "o" or visits or bool(select.events and named.issuperset(select.events))

    def _plain(self, rows: Rows) -> Rows:
        """Refunds of no order belong to no unit; with refunds charged to their orders the plain table says the same."""
        if rows.outside and self.frame.plan.rules.refunds != "booked":
            return Rows(rows.alias, "orders o", rows.where, rows.value)
        return rows

    def _when(self, rows: Rows, pre: bool) -> str:
        """The row lies in the unit's window, or in its time before; a visit counts from the one of the exposure on."""
        first, last = ("s.end_t", "s.start_t") if rows.alias == "s" else (rows.t, rows.t)
        if pre:
            assert self.before is not None
            return f"{first} < u.t0 AND {last} >= u.t0 - {self.before}"
        return f"{first} >= u.t0 AND {last} <= u.t0 + {self._window}"

    def _since(self, rows: Rows, pre: bool) -> str:
        """``_when`` inside of a relation's own range, whose WHERE has said the outer bounds already."""
        if rows.alias == "s" or self.late or (pre and (self.before or 0) < LATE):  # which may widen the range
            return self._when(rows, pre)
        return f"{rows.t} < u.t0" if pre else f"{rows.t} >= u.t0"

    def _column(self, rows: Rows, sql: str, pre: bool) -> str:
        relation = self.relations.setdefault(rows.source, _Relation(rows))
        relation.before |= pre
        if rows.where not in relation.conditions:
            relation.conditions.append(rows.where)
        if sql not in relation.columns:
            relation.columns.append(sql)
        place = list(self.relations).index(rows.source)
        return f"r{place}.v{relation.columns.index(sql)}"

    def relation_ctes(self) -> list[str]:
        """One CTE per relation, after the starts'."""
        made = list(self.ctes)
        for i, relation in enumerate(self.relations.values()):
            rows = relation.rows
            key = rows.key(self.experiment.unit)
            source = rows.source + joins(rows, [key, *relation.columns, *relation.conditions], self.experiment.unit)
            first, last = ("s.end_t", "s.start_t") if rows.alias == "s" else (rows.t, rows.t)
            low = f"u.t0 - {self.before}" if relation.before else "u.t0"
            where = [f"{first} >= {low}", f"{last} <= u.t0 + {self._window}", self.frame.in_range(rows.alias)]
            counts = f"{live(self.frame.plan)} AND "  # what all events have in common is asked once
            shared = all(condition.startswith(counts) for condition in relation.conditions)
            if shared:
                where.append(live(self.frame.plan))
            if "true" not in relation.conditions:
                parts = [c.removeprefix(counts) for c in relation.conditions] if shared else relation.conditions
                where.append("(" + " OR ".join(f"({c})" for c in parts) + ")")
            columns = [sql.replace(counts, "") for sql in relation.columns] if shared else relation.columns
            numbers = ", ".join(f"{sql} AS v{n}" for n, sql in enumerate(columns))
            made.append(
                f"r{i} AS (SELECT u.unit, {numbers} FROM {source} JOIN units u ON u.unit = {key} WHERE {' AND '.join(where)} GROUP BY u.unit)"
            )
        return made

    def source(self) -> str:
        """Units with all relations beside them."""
        names = [*(f"r{i}" for i in range(len(self.relations))), *self.extra]
        return "units u" + "".join(f" LEFT JOIN {name} ON {name}.unit = u.unit" for name in names)


def _capped(names: Mapping[str, str], cap: float) -> dict[str, str]:
    """One unit's number counts up to the cap; of a ratio its own Σx/Σy."""
    limit = f"CAST({cap:.6f} AS DECIMAL(18, 6))"
    if "y" not in names:
        return {"x": f"least({names['x']}, {limit})"}
    x, y = names["x"], names["y"]
    return {"x": f"CASE WHEN {y} > 0 THEN least({x}, {limit} * {y}) ELSE {x} END", "y": y}


def _outcome(quantity: Quantity) -> str:
    """What one start ``s`` comes to, by the number ``r.v`` of what followed it."""
    v = "coalesce(r.v, 0)"
    if quantity.worth:  # what the start was worth, of those that did (or did not) get there
        return f"CASE WHEN {v} {'=' if quantity.negate else '>'} 0 THEN coalesce(s.worth, 0) ELSE 0 END"
    if quantity.kind == "share":
        v = f"CASE WHEN {v} >= {quantity.at_least} THEN 1 ELSE 0 END"
    return f"1 - {v}" if quantity.negate else v


def judged(metric: Metric) -> None:
    """Refused, with the reason, for a metric that has no number per exposed unit."""
    quantity = metric.quantity
    if quantity.kind == "derived":
        raise Refused(f"{metric.name} is derived from other metrics: test those, or write it as a ratio")
    if quantity.kind == "quantile":
        raise Refused(f"{metric.name} is a quantile: it is shown beside, not among means")
    for select in quantity.selects():
        if select.made is not None and select.made.kind in _PERIOD_ROWS:
            raise Refused(f"{metric.name} is counted over whole periods: it has no number per exposed unit")


def days_before(seconds: int | None) -> int:
    """Whole days that a covariate reaches back."""
    return 0 if seconds is None else -(-seconds * 1_000_000 // _DAY)
