"""The SaaS world's days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from assay.demo.calendar import Days

DAYS = 180


@dataclass(frozen=True)
class Calendar(Days):
    """The prices change in the middle; ranges of equal length on either side can be compared."""

    days: int = DAYS

    @property
    def change(self) -> int:
        """The day from which the new prices hold."""
        return self.days // 2

    def dates(self) -> dict[str, date]:
        """The days that the plan names."""
        whole = self.days // 2 // 7 * 7  # whole weeks on either side
        return super().dates() | {
            "price_change": self.day(self.change),
            "before_first": self.day(self.change - whole),
            "before_last": self.day(self.change - 1),
            "after_last": self.day(self.change + whole - 1),
            "redesign": self.day(self.days // 6 + 3),
        }
