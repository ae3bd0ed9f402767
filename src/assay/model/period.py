"""A range of days in the site's zone, both ends included."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

DAY_US = 86_400_000_000
YEAR_DAYS = 364  # 52 weeks, so that weekdays stay aligned


@dataclass(frozen=True, order=True)
class Period:
    """``first`` to ``last``, both included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"a range must not end ({self.last}) before it starts ({self.first})")

    @property
    def days(self) -> int:
        """Number of days, at least 1."""
        return (self.last - self.first).days + 1

    def shifted(self, days: int) -> Period:
        """The same length, moved by ``days``."""
        return Period(self.first + timedelta(days), self.last + timedelta(days))

    def previous(self) -> Period:
        """The nearest earlier range of equal length whose weekdays are aligned.

        Whole weeks step back by their own length; a shorter or crooked range steps back by the next whole number
        of weeks, so that Monday is compared with Monday.
        """
        return self.shifted(-7 * -(-self.days // 7))

    def year_before(self) -> Period:
        """52 weeks earlier."""
        return self.shifted(-YEAR_DAYS)

    def starts(self, grain: str, week_start: str = "monday") -> list[date]:
        """First days of the days, weeks, months, quarters or years that the range touches."""

        def start(day: date) -> date:
            if grain == "day":
                return day
            if grain == "week":
                return day - timedelta((day.weekday() + (week_start == "sunday")) % 7)
            month = {"month": day.month, "quarter": (day.month - 1) // 3 * 3 + 1, "year": 1}[grain]
            return date(day.year, month, 1)

        return sorted({start(self.first + timedelta(i)) for i in range(self.days)})

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first} to {self.last}"


def day_start(day: date, zone: str) -> int:
    """Microseconds UTC at which ``day`` begins in ``zone``."""
    local = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return round(local.timestamp()) * 1_000_000


def day_of(time: int, zone: str) -> date:
    """The day in ``zone`` of an instant in microseconds UTC."""
    return datetime.fromtimestamp(time // 1_000_000, ZoneInfo(zone)).date()


def offsets(first: int, last: int, zone: str) -> list[tuple[int, int]]:
    """The zone's UTC offsets over [first, last]: ``[(from instant, offset)]``, microseconds, the first at ``first``.

    Found by bisection, so any IANA zone works and the store needs no zone functions.
    """
    tz = ZoneInfo(zone)

    def offset(second: int) -> int:
        delta = datetime.fromtimestamp(second, tz).utcoffset()
        return round(delta.total_seconds()) if delta else 0

    start, end = first // 1_000_000, -(-last // 1_000_000)
    found = [(start, offset(start))]
    step = 7 * 86_400
    left = start
    while left < end:
        right = min(left + step, end)
        if offset(right) != offset(left):
            low, high = left, right
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(middle) == offset(left) else (low, middle)
            found.append((high, offset(high)))
            left = high
        else:
            left = right
    return [(s * 1_000_000, o * 1_000_000) for s, o in found]
