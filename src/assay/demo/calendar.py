"""The demo's days: which instants they are, and on which of them something is planted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from assay.model.period import day_start

ZONE = "Europe/Berlin"
CURRENCY = "EUR"
LAST_DAY = date(2026, 9, 30)
DAYS = 90
VISITORS = 20_000
SEED = 3
LEAST_DAYS, MOST_DAYS = 14, 730


@dataclass(frozen=True)
class Days:
    """``days`` days up to ``last_day``, both ends included, in the demo's zone. Days count from 0.

    ``quiet``: nothing is planted on any of them.
    """

    days: int = DAYS
    last_day: date = LAST_DAY
    quiet: bool = False

    def __post_init__(self) -> None:
        if not LEAST_DAYS <= self.days <= MOST_DAYS:
            raise ValueError(f"the demo has {LEAST_DAYS} to {MOST_DAYS} days, not {self.days}")

    @property
    def first_day(self) -> date:
        """Day 0."""
        return self.day(0)

    def day(self, number: int) -> date:
        """The date of day ``number``; beyond the range too."""
        return self.last_day + timedelta(number - self.days + 1)

    @property
    def end(self) -> int:
        """The instant at which the last day is over, milliseconds UTC."""
        return self.start_of(self.days)

    def start_of(self, number: int) -> int:
        """The instant at which day ``number`` begins, milliseconds UTC."""
        return day_start(self.day(number), ZONE) // 1000

    def starts(self) -> list[int]:
        """The instants at which the days begin, and the one at which the last is over; milliseconds UTC."""
        return [self.start_of(n) for n in range(self.days + 1)]

    def dates(self) -> dict[str, date]:
        """The days that the plan names."""
        return {
            "first_day": self.first_day,
            "last_day": self.last_day,
            "baseline_last": self.day(self.days // 3 - 1),
            "target": self.day(self.days + 91),
        }


@dataclass(frozen=True)
class Calendar(Days):
    """The shop's days."""

    @property
    def test(self) -> tuple[int, int]:
        """First and last day of the experiment: whole weeks, early enough that refunds follow inside the range."""
        start = self.days // 9
        return start, start + max(7, 7 * round(self.days * 0.54 / 7)) - 1

    @property
    def silent(self) -> int:
        """The day on which the experiment's tag is broken: nobody is exposed."""
        return self.test[0] + (self.test[1] - self.test[0]) // 2

    @property
    def influencer(self) -> int:
        """The day on which somebody with many followers names the shop."""
        return self.days - min(24, self.days // 2)

    @property
    def broken(self) -> tuple[int, int]:
        """First and last day on which one browser's purchases are not tracked."""
        return self.days - 14, self.days - 12

    @property
    def push(self) -> tuple[int, int]:
        """First and last day of the campaign push of paid social."""
        return self.days - 10, self.days - 4

    def dates(self) -> dict[str, date]:
        """The days that the plan names."""
        return super().dates() | {
            "test_first": self.day(self.test[0]),
            "test_last": self.day(self.test[1]),
            "test_silent": self.day(self.silent),
            "broken_first": self.day(self.broken[0]),
            "broken_last": self.day(self.broken[1]),
            "fixed_day": self.day(self.broken[1] + 1),
            "push_first": self.day(self.push[0]),
            "push_last": self.day(self.push[1]),
            "influencer_day": self.day(self.influencer),
        }


def moved(text: str, written: Mapping[str, date], there: Mapping[str, date]) -> str:
    """A plan's text with its days moved: each day as ``written`` becomes the one that ``there`` has by that name."""
    # marks first: a day that was put in must not be taken for one that is to be replaced
    marks = {day.isoformat(): f"@{name}@" for name, day in written.items()}
    for day, mark in marks.items():
        text = text.replace(day, mark)
    for mark in marks.values():
        text = text.replace(mark, there[mark.strip("@")].isoformat())
    return text


def without(text: str, *sections: str) -> str:
    """A plan's text without these sections."""
    kept, inside = [], False
    for line in text.splitlines(keepends=True):
        if line[0] not in " #\n":
            inside = line.split(":")[0] in sections
        if not inside:
            kept.append(line)
    return "".join(kept)
