"""The unit table, folded: moments of every metric by variant, day of exposure and group. Units never leave the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from assay.model.moments import Moments
from assay.model.period import Period, day_of
from assay.plan.experiments import Experiment
from assay.plan.values import Metric, Plan
from assay.query.cut import Cut, Frame
from assay.query.experiments.exposures import joint_ctes, unit_ctes
from assay.query.experiments.outcomes import Covariate, Outcomes, Variables, days_before
from assay.store.engine import Result, Statement


@dataclass(frozen=True)
class Key:
    """Units alike: their day of exposure, the variant seen first, whether they saw several, and their groups."""

    day: date
    variant: str
    several: bool
    groups: tuple[Any, ...] = ()


@dataclass(frozen=True)
class UnitTable:
    """``rows``: key → (units, moments per metric, largest unit per metric). ``lags``: seconds that outcomes may follow.

    ``names``: metric → its variables: ``x``, in ratios ``y``, before the exposure ``c`` and ``d``.
    """

    metrics: tuple[Metric, ...]
    lags: Mapping[str, int]
    names: Mapping[str, tuple[str, ...]]
    rows: Mapping[Key, tuple[int, tuple[Moments, ...], tuple[float, ...]]]

    def units(self, keep: Callable[[Key], bool]) -> int:
        """Units of the chosen keys."""
        return sum(row[0] for key, row in self.rows.items() if keep(key))

    def moments(self, metric: str, keep: Callable[[Key], bool]) -> Moments:
        """Moments of a metric over the chosen keys."""
        place = self._place(metric)
        return total([Moments.zero(self.names[metric]), *(r[1][place] for key, r in self.rows.items() if keep(key))])

    def parts(self, metric: str, keep: Callable[[Key], bool]) -> dict[tuple[Any, ...], Moments]:
        """Moments of a metric over the chosen keys, by their groups; never without any."""
        place = self._place(metric)
        found: dict[tuple[Any, ...], Moments] = {}
        for key, row in self.rows.items():
            if keep(key):
                found[key.groups] = found[key.groups] + row[1][place] if key.groups in found else row[1][place]
        return found or {(): Moments.zero(self.names[metric])}

    def largest(self, metric: str, keep: Callable[[Key], bool]) -> float:
        """The largest number of one unit, without its sign."""
        place = self._place(metric)
        return max((row[2][place] for key, row in self.rows.items() if keep(key)), default=0.0)

    def _place(self, metric: str) -> int:
        return [m.name for m in self.metrics].index(metric)

    @property
    def variants(self) -> list[str]:
        """Variants seen, in the order of their names."""
        return sorted({key.variant for key in self.rows})

    @property
    def days(self) -> list[date]:
        """Days with an exposure."""
        return sorted({key.day for key in self.rows})


def seen(
    variant: str | None = None,
    day: date | None = None,
    several: bool | None = None,
    groups: tuple[Any, ...] | None = None,
) -> Callable[[Key], bool]:
    """Chooses keys by all that is given."""

    def keep(key: Key) -> bool:
        return (
            (variant is None or key.variant == variant)
            and (day is None or key.day == day)
            and (several is None or key.several == several)
            and (groups is None or key.groups == groups)
        )

    return keep


def total(parts: Iterable[Moments]) -> Moments:
    """The sum of moments over disjoint units."""
    first, *rest = parts
    for one in rest:
        first = first + one
    return first


def unit_table(
    plan: Plan,
    experiment: Experiment,
    metrics: Sequence[Metric],
    ask: Callable[[Statement], Result],
    *,
    start: int,
    end: int,
    by: Sequence[str] = (),
    covariates: Mapping[str, Covariate] | None = None,
    before: int | None = None,
    caps: Mapping[str, float] | None = None,
    everybody: bool = False,
    late: bool = False,
) -> UnitTable:
    """Read an experiment's units in one statement.

    ``start``, ``end``: bounds of the exposures, µs UTC, end excluded. ``covariates``: metric → the metric whose number in
    the ``before`` seconds before the exposure goes along, or the property that the exposure carries. ``caps``: metric → the most that one unit counts for.
    ``everybody``: see ``unit_ctes``.
    ``late``: with the first metric's number in the half hour before the exposure, ``h``.
    """
    statement, variables = unit_statement(
        plan,
        experiment,
        metrics,
        start=start,
        end=end,
        by=by,
        covariates=covariates,
        before=before,
        caps=caps,
        everybody=everybody,
        late=late,
    )
    return _read(metrics, variables, ask(statement), len(by))


def _read(metrics: Sequence[Metric], variables: Sequence[Variables], result: Result, groups: int) -> UnitTable:
    rows: dict[Key, tuple[int, tuple[Moments, ...], tuple[float, ...]]] = {}
    for row in result.rows:
        key = Key(row[0], row[1], bool(row[2]), tuple(row[3 : 3 + groups]))
        at, found, largest = 4 + groups, [], []
        units = row[at - 1]
        for one in variables:
            k = len(one.names)
            width = 1 if one.zero_one and k == 1 else k + k * (k + 1) // 2 + 1
            block = row[at : at + width]
            found.append(_moments(one, units, block))
            largest.append(1.0 if width == 1 else float(block[-1] or 0))
            at += width
        rows[key] = (units, tuple(found), tuple(largest))
    lags = {one.metric.name: one.lag for one in variables}
    return UnitTable(tuple(metrics), lags, {one.metric.name: tuple(one.names) for one in variables}, rows)


def _moments(one: Variables, units: int, block: Sequence[Any]) -> Moments:
    names = tuple(one.names)
    k = len(names)
    sums = tuple(value or 0 for value in block[:k])
    if len(block) == k:  # of noughts and ones: a square is the number itself
        return Moments(names, units, sums, tuple(float(s) for s in sums))
    return Moments(names, units, sums, tuple(float(value or 0) for value in block[k:-1]))


def unit_statement(
    plan: Plan,
    experiment: Experiment,
    metrics: Sequence[Metric],
    *,
    start: int,
    end: int,
    by: Sequence[str] = (),
    covariates: Mapping[str, Covariate] | None = None,
    before: int | None = None,
    caps: Mapping[str, float] | None = None,
    everybody: bool = False,
    late: bool = False,
) -> tuple[Statement, list[Variables]]:
    """The statement behind ``unit_table``, and the variables of each metric in their order."""
    frame, outcomes = frame_of(plan, experiment, metrics, start, end, before if covariates else None)
    variables = [outcomes.add(m, (covariates or {}).get(m.name), (caps or {}).get(m.name)) for m in metrics]
    if late:
        variables[0] = outcomes.just_before(variables[0])
    ctes = unit_ctes(frame, experiment, start, end, by, everybody=everybody) + outcomes.relation_ctes()
    return _folded(frame, ctes, outcomes, variables, len(by)), variables


def frame_of(
    plan: Plan, experiment: Experiment, metrics: Sequence[Metric], start: int, end: int, before: int | None
) -> tuple[Frame, Outcomes]:
    """A frame over all days that anything of the experiment may lie on."""
    longest = max((m.quantity.within or 0 for m in metrics if m.quantity.start is not None), default=0)
    first = day_of(start, plan.site.timezone) - timedelta(days_before(before) + 1)
    last = day_of(end, plan.site.timezone) + timedelta(days_before(experiment.window + longest) + 1)
    frame = Frame(plan, Cut(Period(first, last)))
    return frame, Outcomes(frame, experiment, before * 1_000_000 if before else None)


def _folded(frame: Frame, ctes: list[str], outcomes: Outcomes, variables: Sequence[Variables], count: int) -> Statement:
    """Units with their numbers, folded to moments by day, variant, several and ``count`` groups."""
    numbers = [f"{sql} AS m{n}_{name}" for n, one in enumerate(variables) for name, sql in one.names.items()]
    groups = [f"g{i}" for i in range(count)]
    heads = ["u.day", "u.variant", "u.several", *(f"u.{g}" for g in groups)]
    ctes.append(f"per_unit AS (SELECT {', '.join([*heads, *numbers])} FROM {outcomes.source()})")
    keys = ", ".join(["day", "variant", "several", *groups])
    blocks = ", ".join(["count(*)", *(_block(n, one) for n, one in enumerate(variables))])
    sql = f"WITH {', '.join(ctes)} SELECT {keys}, {blocks} FROM per_unit GROUP BY {keys} ORDER BY {keys}"
    return frame.statement(sql, [one.metric for one in variables])


def _block(n: int, one: Variables) -> str:
    """Sums, the upper triangle of products, the largest x."""
    columns = [f"m{n}_{name}" for name in one.names]
    sums = [f"sum({c})" for c in columns]
    if one.zero_one and len(columns) == 1:
        return sums[0]
    doubles = [f"CAST({c} AS DOUBLE)" for c in columns]
    products = [f"sum({a} * {b})" for i, a in enumerate(doubles) for b in doubles[i:]]
    return ", ".join([*sums, *products, f"max(abs({doubles[0]}))"])


def joint_table(
    plan: Plan, tests: Sequence[tuple[Experiment, int, int]], metric: Metric, ask: Callable[[Statement], Result]
) -> UnitTable:
    """Units exposed to all of several tests (each with the bounds of its exposures): one metric by their variants.

    ``variant`` is that of the first test, ``groups`` those of the others; the window is the first test's.
    """
    frame, outcomes = frame_of(plan, tests[0][0], [metric], min(t[1] for t in tests), max(t[2] for t in tests), None)
    one = outcomes.add(metric)
    ctes = joint_ctes(frame, tests) + outcomes.relation_ctes()
    statement = _folded(frame, ctes, outcomes, [one], len(tests) - 1)
    return _read([metric], [one], ask(statement), len(tests) - 1)


def unit_quantile(
    plan: Plan, experiment: Experiment, metric: Metric, ask: Callable[[Statement], Result], q: float, start: int, end: int,
    everybody: bool = False,
) -> float | None:  # fmt: skip
    """The ``q``-quantile of a metric's number per unit, zeros included (of a ratio: of each unit's own); None without a unit."""
    frame, outcomes = frame_of(plan, experiment, [metric], start, end, None)
    names = outcomes.add(metric).names
    x = f"CAST({names['x']} AS DOUBLE)" + (f" / nullif({names['y']}, 0)" if "y" in names else "")
    ctes = unit_ctes(frame, experiment, start, end, everybody=everybody) + outcomes.relation_ctes()
    sql = f"WITH {', '.join(ctes)} SELECT quantile_cont({x}, {frame.bind(q)}) FROM {outcomes.source()}"
    (value,) = ask(frame.statement(sql, [metric])).one()
    return None if value is None else float(value)
