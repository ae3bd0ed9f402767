"""Who comes when, and from where: what the worlds of the demo share. A session is a row; nothing happens in it yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from assay.demo import origins
from assay.demo.calendar import Days
from assay.demo.draws import Flags, Floats, Whole, pick, pick_by, since_group_start
from assay.demo.origins import Entry

Codes = NDArray[np.int16]


@dataclass(frozen=True)
class People:
    """One row per visitor (an anonymous device). Bots come last."""

    day: Codes  # of the first session
    channel: Codes  # of the first session
    profile: Codes
    country: Codes

    @property
    def device(self) -> Codes:
        """Code of the device, by visitor."""
        return np.array([p.device for p in origins.PROFILES], dtype=np.int16)[self.profile]

    def __len__(self) -> int:
        return len(self.day)


def by_day(calendar: Days, noise: Floats, growth: float) -> Floats:
    """Weight of each day: week, season, growth."""
    numbers = np.arange(calendar.days)
    ordinal = calendar.first_day.toordinal() + numbers
    week = np.array(origins.WEEKDAYS)[(ordinal + 6) % 7]
    season = 1 + (0 if calendar.quiet else 0.06) * np.sin(2 * np.pi * (ordinal % 365) / 365)
    return np.asarray(week * season * (1 + growth * numbers / calendar.days) * noise)


def clock(
    calendar: Days, day: Whole, rng: np.random.Generator, hours: Sequence[float] = origins.HOURS
) -> NDArray[np.int64]:
    """An instant on each of these days, by a profile of hours; milliseconds UTC."""
    starts = np.array(calendar.starts(), dtype=np.int64)
    share = (pick(rng, hours, len(day)) + rng.random(len(day))) / 24
    return np.asarray(starts[day] + (share * (starts[day + 1] - starts[day])).astype(np.int64))


@dataclass(frozen=True)
class Mix:
    """Channels with the weight of each in first and in later sessions, the devices by channel, the entries of each.

    ``again`` is the probability of another session after each one, ``pause`` the mean days between two.
    """

    channels: tuple[str, ...]
    first: tuple[float, ...]
    later: tuple[float, ...]
    devices: tuple[tuple[float, ...], ...]
    entries: tuple[Entry, ...]
    again: float = 0.4
    pause: float = 5.0

    def of(self, entry: Whole) -> Codes:
        """Channel of each entry."""
        return np.array([e.channel for e in self.entries], dtype=np.int16)[entry]


@dataclass(frozen=True)
class Visits:
    """One row per session, sorted by visitor and start; a visitor has at most one a day, begun between 6 and 23."""

    visitor: NDArray[np.int32]
    day: Codes
    start: NDArray[np.int64]  # milliseconds UTC
    entry: Codes
    first: Flags

    def __len__(self) -> int:
        return len(self.visitor)

    def take(self, rows: Whole | Flags) -> Visits:
        """These rows only, in this order."""
        return Visits(*(getattr(self, f.name)[rows] for f in fields(self)))


def people_of(calendar: Days, visitors: int, mix: Mix, growth: float, rng: np.random.Generator) -> People:
    """Day, channel, machine and country of every visitor's first session."""
    noise = rng.lognormal(0.0, 0.04, calendar.days)
    weights = by_day(calendar, noise, growth)[:, None] * np.array(mix.first)[None, :]
    day, channel = np.divmod(pick(rng, weights, visitors), np.int16(len(mix.channels)))
    device = pick_by(rng, mix.devices, channel)
    machines = [[p.weight if p.device == d else 0.0 for p in origins.PROFILES] for d in range(len(origins.DEVICES))]
    countries = pick(rng, [c[2] for c in origins.COUNTRIES], visitors)
    return People(day, channel, pick_by(rng, machines, device), countries)


def visits_of(calendar: Days, people: People, mix: Mix, rng: np.random.Generator) -> Visits:
    """The sessions of these people that begin inside the days."""
    count = np.minimum(rng.geometric(1 - mix.again, len(people)), 10)
    visitor = np.repeat(np.arange(len(people), dtype=np.int32), count)
    ordinal = since_group_start(count)
    gap = np.where(ordinal == 0, 0, 1 + rng.exponential(mix.pause, len(visitor)).astype(np.int64))
    passed = np.cumsum(gap)
    day = people.day[visitor] + passed - np.repeat(passed[np.cumsum(count) - count], count)
    seen = day < calendar.days
    visitor, first, day = visitor[seen], ordinal[seen] == 0, day[seen].astype(np.int16)
    channel = np.where(first, people.channel[visitor], pick(rng, mix.later, len(visitor)))
    weights = [[e.weight if e.channel == c else 0.0 for e in mix.entries] for c in range(len(mix.channels))]
    start = clock(calendar, day, rng, origins.DAYTIME)
    return Visits(visitor, day, start, pick_by(rng, weights, channel), first)
