"""Did the tracking break? Events and properties that vanish, double, appear or empty while all else goes on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from assay.model.period import Period

Days = Mapping[date, int]
ENOUGH = 14.0  # a silent stretch is called where chance is below e^-14: less than one false word in a million stretches
SILENT = 0.1  # customers do not stay away to this degree while they do all else as before
_DOUBLE = (1.7, 2.6)
_SURE = 60.0  # expected events of a doubled stretch
_APART = 5.0  # standard errors of a doubling
_DAILY = 0.02  # variance of a day's ratio beyond counting: either side moves by about a tenth by itself
_NEW = 20


_Day = tuple[date, float, int, int]  # expected, seen, others


@dataclass(frozen=True)
class Break:
    """A stretch of days on which an event (or a property of it) did not come as it should.

    ``kind``: vanished, doubled, appeared or emptied. ``where``: the browser that it is about; empty: everywhere.
    """

    event: str
    kind: str
    first: date
    last: date
    expected: float
    seen: float
    where: Mapping[str, str]
    prop: str | None = None

    @property
    def missing(self) -> float:
        """Events that should have been there and are not; negative for those too many."""
        return self.expected - self.seen


def breaks(
    events: Mapping[tuple[str, str], Days],
    filled: Mapping[tuple[str, str, str], Days],
    usual: Period,
    watched: Sequence[Period],
    names: Iterable[str],
) -> list[Break]:
    """Every break of these events on the days of ``watched``, against what ``usual`` says of them.

    An event is held against all other events of the same browser and day, so that fewer visitors are no break.
    """
    found: list[Break] = []
    for name in dict.fromkeys(names):
        found += _of_event(events, name, usual, watched)
        found += _of_properties(events, filled, name, usual, watched)
    return found


def _of_event(
    events: Mapping[tuple[str, str], Days], name: str, usual: Period, watched: Sequence[Period]
) -> list[Break]:
    browsers = list(dict.fromkeys(browser for event, browser in events if event == name))
    own = _sum(events[name, browser] for browser in browsers)
    rest = _sum(days for (event, _), days in events.items() if event != name)
    if not within(own, usual):
        late = {day: count for day, count in own.items() if any(p.first <= day <= p.last for p in watched)}
        if sum(late.values()) >= _NEW and within(rest, usual):
            return [Break(name, "appeared", min(late), max(late), 0.0, sum(late.values()), {})]
        return []
    found = [*_stretches(name, own, rest, usual, watched, {}), *_doubled(name, own, rest, usual, watched)]
    covered = {day for one in found if one.kind == "vanished" for day in _days(one.first, one.last)}
    for browser in browsers:
        others = _sum(days for (event, b), days in events.items() if event != name and b == browser)
        silent = _stretches(name, events[name, browser], others, usual, watched, {"browser": browser})
        found += [one for one in silent if not covered >= set(_days(one.first, one.last))]
    return found


def _of_properties(
    events: Mapping[tuple[str, str], Days],
    filled: Mapping[tuple[str, str, str], Days],
    name: str,
    usual: Period,
    watched: Sequence[Period],
) -> list[Break]:
    own = _sum(days for (event, _), days in events.items() if event == name)
    found = []
    for prop in dict.fromkeys(p for event, _, p in filled if event == name):
        days = _sum(d for (event, _, p), d in filled.items() if event == name and p == prop)
        found += [
            replace(one, kind="emptied", prop=prop)
            for one in _stretches(name, days, own, usual, watched, {}, part=True)
        ]
    return found


def _stretches(
    name: str, own: Days, rest: Days, usual: Period, watched: Sequence[Period], where: Mapping[str, str],
    part: bool = False,
) -> list[Break]:  # fmt: skip
    """Runs of days on which next to nothing came, and enough should have. ``part``: of the rest itself."""
    ratio = _ratio(own, rest, usual)
    if ratio is None:
        return []
    found: list[Break] = []
    for period in watched:
        run: list[_Day] = []
        for day in [*_days(period.first, period.last), None]:
            if day is not None:
                expected, seen = ratio * rest.get(day, 0), own.get(day, 0)
                if seen <= SILENT * expected or (not expected and not seen and run):
                    run.append((day, expected, seen, rest.get(day, 0)))
                    continue
            wanted, came, others = _sums(run)
            if came <= SILENT * wanted and _unlikely(wanted, came, math.inf if part else others) >= ENOUGH:
                found.append(Break(name, "vanished", run[0][0], run[-1][0], wanted, came, where))
            run = []
    return found


def _doubled(name: str, own: Days, rest: Days, usual: Period, watched: Sequence[Period]) -> list[Break]:
    ratio = _ratio(own, rest, usual)
    if ratio is None:
        return []
    found = []
    for period in watched:
        run: list[_Day] = []
        for day in [*_days(period.first, period.last), None]:
            if day is not None:
                expected, seen = ratio * rest.get(day, 0), own.get(day, 0)
                if expected > 1 and _DOUBLE[0] <= seen / expected <= _DOUBLE[1]:
                    run.append((day, expected, seen, rest.get(day, 0)))
                    continue
            wanted, came, others = _sums(run)
            if wanted < _SURE:
                run = []
                continue
            error = wanted * math.sqrt(1 / wanted + 1 / others + _DAILY / len(run))
            if came - wanted > _APART * error:
                found.append(Break(name, "doubled", run[0][0], run[-1][0], wanted, came, {}))
            run = []
    return found


def _sums(run: Sequence[_Day]) -> tuple[float, int, int]:
    return sum(one[1] for one in run), sum(one[2] for one in run), sum(one[3] for one in run)


def _unlikely(wanted: float, came: float, others: float) -> float:
    """At least so unlikely (−log of the chance) are so few where so many are wanted beside so many others.

    None has the chance (1 + wanted/others)^−others: the others are counted, too, and were perhaps many by chance.
    Some: Chernoff's bound of Poisson's lower tail around what that comes to.
    """
    if not wanted:
        return 0.0
    mean = wanted if math.isinf(others) else others * math.log1p(wanted / others)
    return mean - came - came * math.log(mean / came) if 0 < came < mean else mean if not came else 0.0


def twice(one: Break, per_visitor: Mapping[date, tuple[int, int]], usual: Period) -> bool:
    """Whether a doubling is one of sending: as many visitors as before, each with twice the events."""

    def rate(days: Iterable[date]) -> float | None:
        counts = [per_visitor[day] for day in days if day in per_visitor]
        visitors = sum(people for _, people in counts)
        return sum(count for count, _ in counts) / visitors if visitors else None

    then, now = rate(_days(usual.first, usual.last)), rate(_days(one.first, one.last))
    return then is not None and now is not None and now / then >= _DOUBLE[0]


def _ratio(own: Days, rest: Days, usual: Period) -> float | None:
    """Events per other event in ordinary days: the median day where days are full, else the sum over all."""
    days = [day for day in _days(usual.first, usual.last) if rest.get(day)]
    total, others = within(own, usual), within(rest, usual)
    if not total or not others:
        return None
    if min(total, others) / len(days) < ENOUGH:
        return total / others
    ratios = sorted(own.get(day, 0) / rest[day] for day in days)
    middle = len(ratios) // 2
    return ratios[middle] if len(ratios) % 2 else (ratios[middle - 1] + ratios[middle]) / 2


def within(days: Days, period: Period) -> int:
    """How many on the days of a period."""
    return sum(count for day, count in days.items() if period.first <= day <= period.last)


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(n) for n in range((last - first).days + 1)]


def _sum(many: Iterable[Days]) -> dict[date, int]:
    total: dict[date, int] = {}
    for days in many:
        for day, count in days.items():
            total[day] = total.get(day, 0) + count
    return total
