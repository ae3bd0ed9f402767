"""What is known of a day that is not as expected, and what may be said of it: subjects, deviations, verdicts.

Pure: numbers in, verdicts out. The rules that tell causes apart stand in ``causes``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

TRACKING, MIX, RATE, VOLUME, BOTS = CAUSES = ("tracking", "mix", "rate", "volume", "bots")
GONE = 0.1  # customers do not stay away to this degree while they do all else as before
GOES_ON = 0.5
COUNTED = 5.0  # expected events below which nothing is judged
TWICE = 1.7
FLAT = 0.85  # of the visits too many, the part that did nothing but look
MOST = 0.6  # of a change: the part that names it


@dataclass(frozen=True, order=True)
class Subject:
    """A watched series. ``kind``: sessions, event, repeat, fill, goal, step, metric, bots or flat; ``name``: of the
    event, goal, metric …, ``a>b`` for a step, ``event.property`` for fill; ``by`` and ``value``: of which part."""

    kind: str
    name: str = ""
    by: str = ""
    value: str = ""

    @property
    def whole(self) -> bool:
        """Of everything, not of a part."""
        return not self.by

    def at(self, by: str, value: str) -> Subject:
        """The same of a part."""
        return Subject(self.kind, self.name, by, value)

    def __str__(self) -> str:
        name = f"{self.kind}:{self.name}" if self.name else self.kind
        return f"{name}|{self.by}={self.value}" if self.by else name


def subject(text: str) -> Subject:
    """The subject of such a text, as the state file keeps it."""
    head, _, part = text.partition("|")
    kind, _, name = head.partition(":")
    by, _, value = part.partition("=")
    return Subject(kind, name, by, value)


@dataclass(frozen=True)
class Deviation:
    """A series on a day. ``exposure``: what a rate is per, ``usual``: the same on ordinary days. ``p`` two-sided."""

    value: float
    expected: float
    low: float
    high: float
    z: float
    p: float
    exposure: float = 1.0
    usual: float = 1.0

    @property
    def ratio(self) -> float:
        """Value by expectation; not a number where nothing was expected."""
        return self.value / self.expected if self.expected > 0 else math.nan

    @property
    def up(self) -> bool:
        """Above the expectation."""
        return self.value > self.expected


@dataclass(frozen=True)
class Day:
    """Everything that is known of one day. ``parts``: the events that a series is made of; ``chains``: events of a
    funnel in order; ``flagged``: series beyond their limit."""

    day: date
    seen: Mapping[Subject, Deviation]
    flagged: frozenset[Subject]
    parts: Mapping[Subject, frozenset[str]] = field(default_factory=dict)
    chains: tuple[tuple[str, ...], ...] = ()

    def ratio(self, one: Subject) -> float:
        """Value by expectation; not a number where unknown."""
        found = self.seen.get(one)
        return found.ratio if found else math.nan

    def slices(self, one: Subject, by: str) -> dict[str, Deviation]:
        """The parts of a whole series by a dimension."""
        return {s.value: d for s, d in self.seen.items() if (s.kind, s.name, s.by) == (one.kind, one.name, by)}

    def dimensions(self, one: Subject) -> list[str]:
        """Dimensions that a series is known by, those that most often explain first."""
        known = {s.by for s in self.seen if (s.kind, s.name) == (one.kind, one.name) and s.by}
        return sorted(known, key=lambda by: (ORDER.index(by) if by in ORDER else len(ORDER), by))

    def of(self, event: str) -> set[Subject]:
        """Every series that the event is a part of."""
        return {s for s, parts in self.parts.items() if event in parts}


ORDER = ("channel", "country", "device", "browser")


@dataclass(frozen=True)
class Verdict:
    """One incident on one day: its root, its cause, what else it touches, and the numbers that told it apart.

    ``slice``: the part that it is about, (dimension, value). ``why``: the reason in one clause.
    """

    subject: Subject
    cause: str
    touches: frozenset[Subject]
    why: str
    details: Mapping[str, float | str] = field(default_factory=dict)
    slice: tuple[str, str] | None = None
