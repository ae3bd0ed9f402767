"""A metric on two sides (two periods or two segments), cell by cell, and what each group adds to the difference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from assay.analyses.base import Asking
from assay.analyses.estimates import estimate
from assay.model.errors import Refused
from assay.plan.values import Metric

if TYPE_CHECKING:
    from assay.model.moments import Moments
    from assay.query.cut import Cut
    from assay.stats.parts import Part, Side

DIMENSIONS = ("channel", "device", "browser", "country", "is_new", "entry_page_group")
Group = tuple[Any, ...]


@dataclass(frozen=True)
class Sides:
    """The joint cells of both sides by all dimensions, and what belongs to no unit (money of who never came)."""

    dimensions: tuple[str, ...]
    before: Mapping[Group, Moments]
    after: Mapping[Group, Moments]
    outside: tuple[Fraction, Fraction]


@dataclass(frozen=True)
class Look:
    """One dimension: its groups on both sides, each one's part, and the whole mix part's standard error."""

    dimension: str
    before: Mapping[Any, Side]
    after: Mapping[Any, Side]
    parts: Mapping[Any, Part]
    mix_error: float
    total: bool = False  # of a plain total: mix is then what more or fewer units of the group add

    @property
    def mix(self) -> Fraction:
        """What the changed shares add."""
        return sum((part.mix for part in self.parts.values()), Fraction(0))

    @property
    def rate(self) -> Fraction:
        """What the changed rates add."""
        return sum((part.rate for part in self.parts.values()), Fraction(0))

    @property
    def rate_error(self) -> float | None:
        """Standard error of the rates' part; None where some group's variance is unknown."""
        errors = [part.rate_error for part in self.parts.values()]
        return None if None in errors else sum(e * e for e in errors if e is not None) ** 0.5


def as_rate(metric: Metric) -> Metric:
    """The metric as numerator over units: a plain total becomes the mean of what it sums per visitor."""
    if metric.quantity.kind != "total":
        return metric
    return replace(metric, quantity=replace(metric.quantity, kind="mean", unit="visitor"))


def load_sides(asking: Asking, metric: Metric, before: Cut, after: Cut, dimensions: Iterable[str]) -> Sides:
    """Both sides by all dimensions at once: one pass each. A dimension that the metric cannot be cut by is left out."""
    from assay.query.metrics import metric_queries

    names = _allowed(dimensions, lambda name: metric_queries(asking.plan, replace(before, by=(name,)), [metric]))
    cells = [asking.cells([metric], replace(cut, by=names))[metric.name] for cut in (before, after)]
    matured = bool(metric.quantity.within)
    sides = []
    outside = []
    for found in cells:
        chosen = {g: (c.matured if matured else c.all) for g, c in found.items()}
        sides.append({g: m for g, m in chosen.items() if m is not None and (m.n or m.sum("x"))})
        outside.append(sum((Fraction(c.outside) for c in found.values() if c.outside is not None), Fraction(0)))
    return Sides(names, sides[0], sides[1], (outside[0], outside[1]))


def _allowed(names: Iterable[str], build: Callable[[str], object]) -> tuple[str, ...]:
    """The dimensions by which a query can be built."""
    found = []
    for name in names:
        try:
            build(name)
        except Refused:
            continue
        found.append(name)
    return tuple(found)


def by_dimension(metric: Metric, cells: Mapping[Group, Moments], place: int | None) -> dict[Any, Side]:
    """The joint cells summed to the groups of one dimension (None: to a single group)."""
    from assay.stats.parts import Side

    sums: dict[Any, Moments] = {}
    for group, moments in cells.items():
        key = None if place is None else group[place]
        sums[key] = sums[key] + moments if key in sums else moments
    found = {}
    for key, moments in sums.items():
        variance = estimate(metric, moments).variance
        found[key] = Side(Fraction(moments.sum("x")), Fraction(moments.sum("y")), variance)
    return found


def look(
    metric: Metric, sides: Sides, dimension: str, noise: Mapping[Any, float], rate_noise: float, total: bool
) -> Look:
    """The parts by one dimension."""
    from assay.stats.parts import mix_and_rate, mix_error, volume_by_group

    place = sides.dimensions.index(dimension)
    before, after = (by_dimension(metric, cells, place) for cells in (sides.before, sides.after))
    noise = keyed(noise, (*before, *after))
    if total:
        parts = volume_by_group(before, after, noise, rate_noise)
        error = sum((part.mix_error or 0.0) ** 2 for part in parts.values()) ** 0.5
        return Look(dimension, before, after, parts, error, total=True)
    return Look(
        dimension, before, after, mix_and_rate(before, after, noise, rate_noise), mix_error(before, after, noise)
    )


def sum_of(cells: Mapping[Group, Moments]) -> Moments:
    """All cells as one; there is at least one."""
    first, *rest = cells.values()
    return sum(rest, first)


def group_noise(
    asking: Asking, cut: Cut, dimensions: Iterable[str], days: tuple[int, int], counts: bool
) -> dict[str, dict[str, float]]:
    """Dimension → group (as text) → variance of its shares' difference beyond sampling, from the daily shares.

    With ``counts`` that of its number of sessions over both periods instead of its share. Dimensions that cannot be
    asked of sessions are left out.
    """
    from assay.query.tracking import session_counts

    names = _allowed(dimensions, lambda name: session_counts(asking.plan, cut, [name]))
    if not names:
        return {}
    seen: dict[str, dict[str, dict[Any, int]]] = {name: {} for name in names}
    for place, value, day, count in asking.ask(session_counts(asking.plan, cut, names)).rows:
        seen[names[place]].setdefault(str(value), {})[day] = count
    return {name: _noise(groups, days, counts) for name, groups in seen.items()}


def _noise(seen: Mapping[str, Mapping[Any, int]], days: tuple[int, int], counts: bool) -> dict[str, float]:
    from assay.stats.change import day_noise

    totals: dict[Any, int] = {}
    for by_day in seen.values():
        for day, count in by_day.items():
            totals[day] = totals.get(day, 0) + count
    weekdays, noise = [day.weekday() for day in totals], {}
    if len(totals) < 4:
        return {}
    for group, by_day in seen.items():
        if counts:
            numbers = [float(by_day.get(day, 0)) for day in totals]
            noise[group] = day_noise(numbers, numbers, weekdays) * sum(days)
        else:
            shares = [by_day.get(day, 0) / total for day, total in totals.items()]
            mean = sum(by_day.values()) / sum(totals.values())
            spread = [mean * (1 - mean) / total for total in totals.values()]
            noise[group] = day_noise(shares, spread, weekdays) * (1 / days[0] + 1 / days[1])
    return noise


def keyed(noise: Mapping[str, float], keys: Iterable[Any]) -> dict[Any, float]:
    """Noise by text as noise by group: ``True`` is told as ``true``."""
    return {key: noise.get(str(key).lower() if isinstance(key, bool) else str(key), 0.0) for key in keys}
