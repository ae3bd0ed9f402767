"""Numbers and differences as people say them: points for rates, percent for ratios, money with its currency."""

from __future__ import annotations

import math
import re
from datetime import date, datetime
from decimal import Decimal

from assay.model import money
from assay.model.answer import Cell, Column

_ISO = r"(\d{4}-\d{2}-\d{2})"
_BEFORE = r"(?<![\w/.=?&'\"-])(?<!--from )(?<!--to )(?<!--as-of )"
_RANGE = re.compile(rf"{_BEFORE}{_ISO} (?:to|–) {_ISO}(?![\w/-]|[ T]\d\d:)")
_LONE = re.compile(rf"(\bin )?{_BEFORE}{_ISO}(?![\w/-]|[ T]\d\d:)")
_WRITTEN = re.compile(r"\b(\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)) (\d{4})\b")
_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}


def significant(value: float, figures: int = 3) -> str:
    """Three significant figures, thousands separated, never in exponent form; whole numbers from 1,000 on."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "–"
    size = math.floor(math.log10(abs(value)))
    places = max(0, figures - 1 - size)
    return f"{round(value, places) + 0.0:,.{places}f}".replace("-", "−")


def beside(value: float, largest: float) -> str:
    """A size as it stands beside the ``largest`` of its interval: two figures, but no finer than that one; never 0."""
    if not (value and largest and math.isfinite(value) and math.isfinite(largest)):
        return significant(value, 2)
    places = max(1, 1 - math.floor(math.log10(abs(largest))))
    own = 1 - math.floor(math.log10(abs(value)))
    if own <= places:
        return significant(value, 2)
    return f"{value:,.{places}f}".replace("-", "−") if round(value, places) else significant(value, 1)


def percent(value: float) -> str:
    """A rate: ``2.41 %``."""
    return f"{significant(value * 100)} %"


def points(value: float) -> str:
    """A difference of rates: ``0.2 points``."""
    return f"{significant(abs(value) * 100, 2)} points"


def amount(value: float | Decimal, currency: str, exact: bool = False, whole: int = 1000, figures: int = 3) -> str:
    """Money: cents below 1,000 (``whole``), above whole units of so many ``figures`` (0: all) unless ``exact``."""
    number = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    if not exact and figures and number.is_finite() and abs(number) >= 1000:
        number = number.quantize(Decimal(1).scaleb(number.adjusted() - figures + 1)).quantize(Decimal(1))
    places = money.digits(currency) if exact or abs(number) < whole else 0
    return f"{number:,.{places}f} {_SIGNS.get(currency, currency)}".replace("-", "−")


def duration(seconds: float) -> str:
    """``45 s``, ``3 min 20 s``, ``2 h 5 min``, ``3.2 days``."""
    if abs(seconds) < 60:
        return f"{significant(seconds, 2)} s"
    if abs(seconds) < 3600:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    if abs(seconds) < 86_400:
        hours, rest = divmod(round(seconds / 60), 60)
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{significant(seconds / 86_400, 2)} days"


def group_name(value: Cell) -> Cell:
    """A group's value as people read it: ``(none)``, ``yes``, ``no``; numbers and texts as they are."""
    if value is None:
        return "(none)"
    return ("yes" if value else "no") if isinstance(value, bool) else value


def day(value: date) -> str:
    """``Tue 1 Aug 2017``."""
    return f"{value:%a} {value.day} {value:%b %Y}"


def days(first: date, last: date, this_year: int | None = None) -> str:
    """``3 to 30 Sep``, ``28 Aug to 3 Sep``; with the year where it is not this one."""
    if first == last:
        return _short(last, this_year)
    if first.year != last.year:
        return f"{first.day} {first:%b %Y} to {last.day} {last:%b %Y}"
    month = "" if first.month == last.month else f" {first:%b}"
    return f"{first.day}{month} to {_short(last, this_year)}"


def _short(value: date, this_year: int | None) -> str:
    return f"{value.day} {value:%b}" + ("" if value.year == this_year else f" {value.year}")


def brief_day(value: date, this_year: int | None = None) -> str:
    """``Sat 12 Sep``; with the year where it is not this one."""
    return f"{value:%a} {_short(value, this_year)}"


def span_name(first: date, grain: str) -> str | None:
    """A calendar period by its first day: ``Jan 2026``, ``Q1 2026``, ``2026``; None for days and weeks."""
    if grain == "month":
        return f"{first:%b %Y}"
    if grain == "quarter":
        return f"Q{(first.month + 2) // 3} {first.year}"
    return str(first.year) if grain == "year" else None


def dated(text: str, this_year: int) -> str:
    """A text with its ISO days as people write them; instants and what stands in commands or names stay."""

    def pair(found: re.Match[str]) -> str:
        ends = _day_of(found[1]), _day_of(found[2])
        return days(ends[0], ends[1], this_year) if ends[0] and ends[1] else found[0]

    def one(found: re.Match[str]) -> str:
        day = _day_of(found[2])
        return f"{'on ' if found[1] else ''}{brief_day(day, this_year)}" if day else found[0]

    return _WRITTEN.sub(
        lambda found: found[1] if int(found[2]) == this_year else found[0], _LONE.sub(one, _RANGE.sub(pair, text))
    )


def _day_of(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def show(value: Cell, column: Column, whole: int = 1000) -> str:
    """A cell for people; money from ``whole`` on without cents."""
    if value is None:
        return "–"
    if column.kind == "text":
        return str(value)
    if column.kind == "moment":
        return str(value)[:16].replace("T", " ")  # to the minute
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, str):
        return value
    number = float(value)
    if column.kind == "p":
        return significant(number) if number >= 1e-4 else "< 0.0001"  # never as 0
    if column.kind == "rate":
        return percent(number)
    if column.kind == "points":
        return f"{'+' if number > 0 else '−' if number < 0 else ''}{points(number)}"
    if column.kind == "money":
        return amount(value, column.currency or "", whole=whole, figures=0)
    if column.kind == "duration":
        return duration(number)
    if column.kind == "count":
        return f"{round(number):,}".replace("-", "−")
    return significant(number)


def value_words(value: float | Decimal | int | None, kind: str, currency: str = "") -> str:
    """A metric's value in a sentence; money from 1,000 on with three figures, as people say it."""
    if kind == "money" and value is not None:
        return amount(value, currency)
    return show(value, Column("", kind, currency=currency))


def difference_words(value: float, kind: str, currency: str = "") -> str:
    """The size of a difference, without its sign."""
    if kind == "rate":
        return points(value)
    return value_words(abs(value), kind, currency)
