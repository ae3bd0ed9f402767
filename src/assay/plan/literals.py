"""The small words of the plan: durations, rates, days, targets, baselines. ValueError says what to write instead."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from assay.model.errors import suggestion
from assay.plan.experiments import Cap, Change
from assay.plan.values import Share, Target

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"([0-9]{1,9})\s*([smhdw])")
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_TARGET = re.compile(r"([+-]?)\s*([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*(%?)\s+by\s+(\S+)")
_CHANGE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?|\.[0-9]{1,12})\s*(%|pp|[A-Z]{3})?")
_A_YEAR = re.compile(r"\s+(?:a|per)\s+year$")
_RANGE = re.compile(r"(\S+?)\s*(?:\.\.|\s+to\s+)\s*(\S+)")
MAX_SECONDS = 100 * 366 * 86_400


def duration(value: Any) -> int:
    """Seconds of ``30m``, ``24h``, ``7d``, ``2w``, ``45s``."""
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{show(value)} is not a duration; write a number and s, m, h, d or w, such as 30m or 7d")
    seconds = int(found[1]) * _SECONDS[found[2]]
    if not 0 < seconds <= MAX_SECONDS:
        raise ValueError(f"{show(value)} is not a usable duration; it must lie between 1s and 100 years")
    return seconds


def duration_or_none(value: Any) -> int | None:
    """Seconds, or None for ``none``."""
    return None if value is None or value == "none" else duration(value)


def day(value: Any) -> date:
    """``2026-12-31``."""
    if type(value) is date:
        return value
    found = _DAY.fullmatch(value.strip()) if isinstance(value, str) else None
    try:
        if found is None:
            raise ValueError
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise ValueError(f"{show(value)} is not a day; write it as 2026-12-31") from None


SENSITIVITIES = {"off": 0.0, "low": 0.25, "medium": 1.0, "high": 4.0}


def sensitivity(value: Any) -> float:
    """Expected false alarms per 30 days: ``low``, ``medium``, ``high``, ``off`` (YAML's false) or a number."""
    if value is False or (isinstance(value, str) and value in SENSITIVITIES):
        return SENSITIVITIES[value or "off"]
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 30:
        return float(value)
    hint = suggestion(value, SENSITIVITIES) if isinstance(value, str) else ""
    raise ValueError(f"{show(value)} is no sensitivity{hint}; or false alarms per 30 days, above 0 and up to 30")


def rate(text: str) -> Decimal | None:
    """0.35 for ``35%``; None for text that is no percentage. Beyond 0–100 % is a mistake."""
    if not text.strip().endswith("%"):
        return None
    try:
        value = Decimal(text.strip()[:-1].strip()) / 100
    except InvalidOperation:
        raise ValueError(f"{show(text)} is not a percentage; write it as 35%") from None
    if not (value.is_finite() and 0 <= value <= 1):
        raise ValueError(f"{show(text)} must lie between 0% and 100%")
    return value


def share(value: Any) -> Share:
    """A property's name, a percentage, or a fraction of 1."""
    if isinstance(value, str) and value.strip():
        fraction = rate(value)
        return Share(property=value.strip()) if fraction is None else Share(rate=fraction)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return Share(rate=Decimal(str(value)))
    raise ValueError(f"{show(value)} is neither a property's name nor a rate such as 35%")


def fraction(value: Any) -> float:
    """Between 0 and 1, of ``35%`` or 0.35."""
    part = rate(value) if isinstance(value, str) else value
    if isinstance(part, int | float | Decimal) and not isinstance(part, bool) and 0 <= part <= 1:
        return float(part)
    raise ValueError(f"{show(value)} is no share; write it as 35%, or as a number from 0 to 1")


def yearly(value: Any) -> float:
    """A fraction, of ``10%`` or ``10% a year``."""
    return fraction(_A_YEAR.sub("", value) if isinstance(value, str) else value)


@dataclass(frozen=True)
class Written:
    """A size of change as written; ``currency`` where it is money."""

    change: Change
    currency: str | None = None


def change(value: Any) -> Written:
    """``3%`` of the value, ``0.5pp`` of a share, ``0.10`` in the metric's unit, ``0.10 EUR``; without a sign."""
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    text = format(Decimal(str(value)), "f") if numeric else str(value).strip() if isinstance(value, str) else ""
    found = _CHANGE.fullmatch(text)
    if found is None:
        signed = " without a sign: the direction says which way" if text[:1] in ("+", "-") else ""
        raise ValueError(f"{show(value)} is no size of change; write 3%, 0.5pp, 0.10 or 0.10 EUR{signed}")
    number, unit = Decimal(found[1]), found[2]
    if not number:
        raise ValueError(f"{show(value)} must be more than 0")
    if unit in ("%", "pp"):
        return Written(Change(float(number / 100), "relative" if unit == "%" else "points"))
    return Written(Change(float(number), "absolute"), unit)


def cap(value: Any) -> Cap:
    """A number in the metric's unit, or ``99.9%``: that quantile."""
    if isinstance(value, str) and value.strip().endswith("%"):
        part = fraction(value)
        if not 0.5 <= part < 1:
            raise ValueError(f"{show(value)} is no quantile to cap at; it must lie between 50% and 100%, such as 99.9%")
        return Cap(part, True)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e18:
        return Cap(float(value))
    raise ValueError(f"{show(value)} is neither a number above 0 nor a quantile such as 99.9%")


def target(value: Any) -> Target:
    """``+10% by 2026-12-31`` (relative to the baseline), or ``2.5 by …`` and ``2.5% by …`` (absolute)."""
    found = _TARGET.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{show(value)} is not a target; write +10% by 2026-12-31 or 2.5 by 2026-12-31")
    sign, digits, percent, by = found.groups()
    if sign and not percent:
        raise ValueError(
            f"{show(value)} is neither relative nor absolute; write {sign}{digits}% or {digits} without a sign"
        )
    number = float(digits) / (100 if percent else 1)
    return Target(-number if sign == "-" else number, bool(sign), day(by), value.strip())


def baseline(value: Any) -> tuple[date, date]:
    """First and last day of ``2026-Q3``, ``2026-09``, ``2026``, a day, or ``first..last`` (also ``first to last``)."""
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    between = _RANGE.fullmatch(text)
    if between:
        first, last = _span(between[1]), _span(between[2])
        if first and last:
            if last[1] < first[0]:
                raise ValueError(f"{show(value)} ends before it starts")
            return first[0], last[1]
    span = _span(text)
    if span is None:
        raise ValueError(f"{show(value)} is not a period; write 2026-Q3, 2026-09, 2026 or 2026-07-01..2026-09-30")
    return span


def _span(text: str) -> tuple[date, date] | None:
    found = re.fullmatch(r"([0-9]{4})(?:-Q([1-4])|-([0-9]{2})(-[0-9]{2})?)?", text)
    if found is None or not 1 <= int(found[1]) <= 9998:
        return None
    year, quarter, month = int(found[1]), found[2], found[3]
    try:
        if found[4]:
            return day(text), day(text)
        if quarter:
            first, last = 3 * int(quarter) - 2, 3 * int(quarter)
        else:
            first, last = (int(month), int(month)) if month else (1, 12)
        return date(year, first, 1), date(year, last, calendar.monthrange(year, last)[1])
    except (ValueError, calendar.IllegalMonthError):
        return None


def words(seconds: int) -> str:
    """A duration as people write it: ``7 d``, ``30 min``, ``90 s``."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{timedelta(seconds=seconds).total_seconds():.0f} s"


def compact(seconds: int) -> str:
    """A duration as the plan writes it: ``7d``, ``30m``, ``90s``."""
    unit = next(unit for unit in ("d", "h", "m", "s") if seconds % _SECONDS[unit] == 0)
    return f"{seconds // _SECONDS[unit]}{unit}"


def show(value: Any) -> str:
    """A value in a message, short."""
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    return repr(value)[:60] if not isinstance(value, bool) else str(value).lower()
