"""The demo's days: which instants they are, and on which of them something is planted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from assay.model.period import day_start

ZONE = "Europe/Berlin"
CURRENCY = "EUR"
LAST_DAY = date(2026, 9, 30)
DAYS = 90
VISITORS = 20_000
SEED = 7
LEAST_DAYS, MOST_DAYS = 14, 730


@dataclass(frozen=True)
class Calendar:
    """``days`` days up to ``last_day``, both ends included, in the shop's zone. Days count from 0."""

    days: int = DAYS
    last_day: date = LAST_DAY

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
    def test(self) -> tuple[int, int]:
        """First and last day of the experiment: whole weeks, early enough that refunds follow inside the range."""
        start = self.days // 9
        return start, start + max(7, 7 * round(self.days * 0.54 / 7)) - 1

    @property
    def broken(self) -> int:
        """The day on which one browser's purchases are not tracked."""
        return self.days - 12

    @property
    def push(self) -> tuple[int, int]:
        """First and last day of the campaign push of paid social."""
        return self.days - 10, self.days - 4

    def dates(self) -> dict[str, date]:
        """The days that the plan names."""
        return {
            "first_day": self.first_day,
            "last_day": self.last_day,
            "test_first": self.day(self.test[0]),
            "test_last": self.day(self.test[1]),
            "broken_day": self.day(self.broken),
            "fixed_day": self.day(self.broken + 1),
            "push_first": self.day(self.push[0]),
            "push_last": self.day(self.push[1]),
            "baseline_last": self.day(self.days // 3 - 1),
            "target": self.day(self.days + 91),
        }

    @property
    def end(self) -> int:
        """The instant at which the last day is over, milliseconds UTC."""
        return self.start_of(self.days)

    def start_of(self, number: int) -> int:
        """The instant at which day ``number`` begins, milliseconds UTC."""
        return day_start(self.day(number), ZONE) // 1000
