"""Metrics → numbers per exposed unit: what it did in its window, and in the time before its exposure (the covariate)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from assay.model.errors import Refused
from assay.plan.experiments import Experiment
from assay.plan.measures import Measure, Select
from assay.plan.values import Metric
from assay.query.cut import Frame, aggregate
from assay.query.rows import RowBuilder, Rows, joins
from assay.query.starts import Starts

_PERSONS = ("visitor", "user", "account")
_OWN = ("order.", "revenue", "contrib", "gross")
_PERIOD_ROWS = ("subscription", "lapse", "spell", "entry")
_DAY = 86_400_000_000


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
        self.count = 0

    # -- one metric -----------------------------------------------------------------------------------------------------

    def add(self, metric: Metric, covariate: Metric | None = None, cap: float | None = None) -> Variables:
        """The variables of a metric; ``covariate``: the metric whose number before the exposure goes along."""
        quantity, lag = metric.quantity, 0
        judged(metric)
        if quantity.start is not None:
            names, lag = self._started(metric), quantity.within or 0
        else:
            names = self._numbers(metric, pre=False)
        if covariate is not None:
            judged(covariate)
            if covariate.quantity.start is not None:
                raise Refused(
                    f"{covariate.name} starts with an event of its own: it is no covariate; name another metric"
                )
            past = self._numbers(covariate, pre=True)
            names |= {"c": past["x"], **({"d": past["y"]} if "y" in past else {})}
        if cap is not None and "y" not in names:
            limit = f"CAST({cap!r} AS DOUBLE)"
            names = {k: f"least({v}, {limit})" if k in "xc" else v for k, v in names.items()}
        plain = quantity.kind == "share" and "y" not in names
        return Variables(metric, names, lag, zero_one=plain and cap is None)

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
        column = self._side(measure, pre)
        if quantity.kind != "share":
            return {"x": column}
        if quantity.negate:
            return {"x": f"CASE WHEN {column} > 0 THEN 0 ELSE 1 END"}
        return {"x": f"CASE WHEN {column} >= {quantity.at_least} THEN 1 ELSE 0 END"}

    def _side(self, measure: Measure, pre: bool) -> str:
        """One number per unit from one relation, in the window or before the exposure."""
        if measure.op == "unit_days":
            raise Refused("days of a range belong to no exposed unit")
        if measure.select.of in (*_PERSONS, "customer") and measure.select.where is None and measure.field is None:
            return "1"
        rows = self._rows(measure)
        name = self._column(rows, aggregate(measure, rows, self._when(rows, pre)), pre)
        return f"coalesce({name}, 0)"

    def _sessions(self, metric: Metric, measure: Measure, pre: bool) -> dict[str, str]:
        """Sessions from the exposure's own on: how many, and what they hold after the exposure."""
        quantity = metric.quantity
        visits = Rows("s", "sessions s", "true", None)
        y = f"coalesce({self._column(visits, f'count(*) FILTER (WHERE {self._when(visits, pre)})', pre)}, 0)"
        if quantity.kind == "share" and measure.select.of != "session":
            if quantity.at_least > 1:
                raise Refused(f"{metric.name}: more than one outcome per session cannot be judged per unit")
            rows = self._rows(measure)
            distinct = (
                f"count(DISTINCT {rows.alias}.session_key) FILTER (WHERE {rows.where} AND {self._when(rows, pre)})"
            )
            x = f"coalesce({self._column(rows, distinct, pre)}, 0)"
        elif quantity.kind == "share":
            x = self._side(replace(measure, op="count"), pre)
        else:
            x = self._side(measure, pre)
        return {"x": f"({y} - {x})" if quantity.negate else x, "y": y}

    # -- outcomes of a start --------------------------------------------------------------------------------------------

    def _started(self, metric: Metric) -> dict[str, str]:
        """Starts in the unit's window, and how many (or how much) follows each."""
        quantity, measure = metric.quantity, metric.quantity.numerator
        assert measure is not None
        assert quantity.start is not None
        starts = Starts(self.frame.plan, self.frame.cut, metric, self.frame)
        rows = self._plain(self.builder.rows(Measure("exists", quantity.start)))
        link = starts.link_of(rows)
        key = rows.key(self.experiment.unit)
        source = rows.source + joins(rows, [key, link], self.experiment.unit)
        n = self.count
        self.count += 1
        base = (
            f"SELECT u.unit, {link} AS link, {rows.t} AS t0, {rows.event_no} AS start_no, u.t0 + {self._window} AS closing FROM {source} "
            f"JOIN units u ON u.unit = {key} WHERE {rows.where} AND {self.frame.in_range(rows.alias)} AND {self._when(rows, pre=False)}"
        )
        if quantity.unit not in ("order", "event"):
            base = f"SELECT unit, link, min(t0) AS t0, arg_min(start_no, t0) AS start_no, any_value(closing) AS closing FROM ({base}) WHERE link IS NOT NULL GROUP BY unit, link"
        until = "" if quantity.within is not None else " AND o.t <= s.closing"
        value = starts.fold(measure)
        share = f"CASE WHEN coalesce(r.v, 0) >= {quantity.at_least} THEN 1 ELSE 0 END"
        x = share if quantity.kind == "share" else "coalesce(r.v, 0)"
        x = f"1 - {x}" if quantity.negate else x
        self.ctes += [
            f"started{n} AS (SELECT *, row_number() OVER () AS sid FROM ({base}))",
            f"followed{n} AS (SELECT s.sid, {value} AS v FROM started{n} s JOIN ({starts.outcomes(measure)}) o ON {starts.link()}{until} GROUP BY s.sid)",
            f"judged{n} AS (SELECT s.unit, count(*) AS y, sum({x}) AS x FROM started{n} s LEFT JOIN followed{n} r ON r.sid = s.sid GROUP BY s.unit)",
        ]
        self.extra.append(f"judged{n}")
        return {"x": f"coalesce(judged{n}.x, 0)", "y": f"coalesce(judged{n}.y, 0)"}

    # -- relations ------------------------------------------------------------------------------------------------------

    @property
    def _window(self) -> int:
        return self.experiment.window * 1_000_000

    def _rows(self, measure: Measure) -> Rows:
        rows = self.builder.rows(measure)
        if rows.alias == "k":
            raise Refused("ad costs belong to no unit of an experiment")
        return self._plain(rows)

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
            if "true" not in relation.conditions:
                where.append("(" + " OR ".join(f"({c})" for c in relation.conditions) + ")")
            numbers = ", ".join(f"{sql} AS v{n}" for n, sql in enumerate(relation.columns))
            made.append(
                f"r{i} AS (SELECT u.unit, {numbers} FROM {source} JOIN units u ON u.unit = {key} WHERE {' AND '.join(where)} GROUP BY u.unit)"
            )
        return made

    def source(self) -> str:
        """Units with all relations beside them."""
        names = [*(f"r{i}" for i in range(len(self.relations))), *self.extra]
        return "units u" + "".join(f" LEFT JOIN {name} ON {name}.unit = u.unit" for name in names)


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


def names_of(metrics: Sequence[Metric]) -> str:
    """For the title of a statement."""
    return ", ".join(metric.name for metric in metrics)
