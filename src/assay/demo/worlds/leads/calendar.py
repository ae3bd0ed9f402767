"""The leads world's days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from assay.demo.calendar import Days

DAYS = 180


@dataclass(frozen=True)
class Calendar(Days):
    """The form is cut late enough for a full pipeline before it, and early enough to see that of the leads after it."""

    days: int = DAYS

    @property
    def change(self) -> int:
        """The day from which the form has five fields."""
        return self.days * 5 // 9

    def dates(self) -> dict[str, date]:
        """The days that the plan names."""
        whole = max(1, (self.days - self.change) // 10) * 7  # whole weeks on either side
        return super().dates() | {
            "form_change": self.day(self.change),
            "before_first": self.day(self.change - whole),
            "before_last": self.day(self.change - 1),
            "after_last": self.day(self.change + whole - 1),
            "crm_move": self.day(self.days // 9),
        }
