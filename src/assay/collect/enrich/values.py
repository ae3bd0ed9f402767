"""A value as a sender wrote it → the value of the event line, or ``Refused`` with the reason.

The rules are those of the importers (``importers/events.sql``): times by their size, money as decimal text.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from assay.model.money import STORE_DIGITS

MOST_ID = 200  # characters
MOST_NAME = 200
EARLIEST = 631_152_000_000_000  # 1990
LATEST = 4_102_444_800_000_000  # 2100
MOST_DIGITS = 12  # before the point, as the store has them
_SIXTH = Decimal(1).scaleb(-STORE_DIGITS)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What scripts send when they have no id: thousands of people would become one (PostHog refuses to merge these).
_NO_ID = frozenset(
    "null none nil nan undefined anonymous guest 0 true false [object object] unknown (not set)".split(" ")
)


class Refused(Exception):
    """One event cannot be taken. ``reason`` is a code; ``detail`` says what was wrong with which field."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def text(value: Any, what: str) -> str | None:
    """Text; a number is its digits. None for nothing and for blanks. Refuses true, false, objects and arrays."""
    if type(value) is str:
        return value if value and not value.isspace() else None
    if value is None:
        return None
    if type(value) is int or type(value) is float:
        return _digits(value)
    raise Refused("bad_type", f"{what} is {kind(value)}, not text")


def ident(value: Any, what: str) -> str | None:
    """An id of a visitor, user, account, session, order or event: at most 200 characters; None for ``undefined`` …"""
    if type(value) is not str:
        value = text(value, what)
        if value is None:
            return None
    value = value.strip()
    if not value or (len(value) < 17 and value.lower() in _NO_ID):
        return None
    if len(value) > MOST_ID:
        raise Refused("bad_id", f"{what} has more than {MOST_ID} characters")
    return str(value)


def name(value: Any) -> str:
    """The name of an event."""
    if value is None or value == "":
        raise Refused("no_name", "the event has no name")
    if type(value) is not str:
        raise Refused("bad_type", f"the event's name is {kind(value)}, not text")
    found = value.strip()
    if not found:
        raise Refused("no_name", "the event has no name")
    if len(found) > MOST_NAME:
        raise Refused("bad_name", f"an event's name has at most {MOST_NAME} characters")
    return found


def record(value: Any, what: str) -> dict[str, Any]:
    """An object; nothing is an empty one. The copy is the caller's own."""
    if value is None:
        return {}
    if type(value) is not dict:
        raise Refused("bad_type", f"{what} is {kind(value)}, not an object")
    return value.copy()


def soft(value: Any) -> dict[str, Any]:
    """An object, or an empty one for whatever is none: of parts that an event can do without."""
    return value if type(value) is dict else {}


def soft_text(value: Any) -> str | None:
    """Text, or None for whatever is none: of parts that an event can do without."""
    return value if type(value) is str and value and not value.isspace() else None


def truth(value: Any, what: str) -> bool | None:
    """True or false."""
    if value is None or type(value) is bool:
        return value
    raise Refused("bad_type", f"{what} is {kind(value)}, neither true nor false")


def instant(value: Any, what: str = "time") -> int | None:
    """Microseconds since 1970 UTC: ISO 8601 (without a zone: UTC), or seconds, ms, µs or ns, told by their size."""
    if value is None or value == "":
        return None
    if type(value) is str:
        found = _instant(value)
    elif type(value) is int or type(value) is float:
        found = _of_number(value)
    else:
        raise Refused("bad_type", f"{what} is {kind(value)}, not a time")
    if found is None:
        raise Refused("bad_time", f"{what} {str(value)[:40]!r} cannot be read as a time")
    if not EARLIEST <= found < LATEST:
        raise Refused("bad_time", f"{what} {str(value)[:40]!r} lies outside 1990 to 2100")
    return found


def soft_instant(value: Any) -> int | None:
    """The same, or None for whatever is no time: of the sender's clock."""
    try:
        return instant(value)
    except Refused:
        return None


def _of_number(value: float) -> int | None:
    size = abs(value)
    if size < 100_000_000_000:
        return int(value * 1_000_000)
    if size < 100_000_000_000_000:
        return int(value * 1_000)
    if size < 100_000_000_000_000_000:
        return int(value)
    return int(value) // 1_000 if size < 1e20 else None


def _instant(value: str) -> int | None:
    value = value.strip()
    if len(value) > 40:
        return None
    if value.isascii() and value.replace(".", "", 1).isdigit():
        return _of_number(float(value) if "." in value else int(value))
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        since = moment - _EPOCH
    except OverflowError:
        return None
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def money(value: object, what: str) -> str | None:
    """Exact decimal text, at most six places and no useless zeros (``29.9``), at most 12 digits before the point."""
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if -(10**12) < value < 10**12 else _no_money(value, what)
    if isinstance(value, str):
        return _money(value.strip()) or _no_money(value, what)
    if isinstance(value, float):
        return _money(repr(value)) or _no_money(value, what)
    raise Refused("bad_type", f"{what} is {kind(value)}, not an amount")


@lru_cache(2048)
def _money(written: str) -> str | None:
    if len(written) > 40:
        return None
    try:
        amount = Decimal(written)
    except InvalidOperation:
        return None
    if not amount.is_finite() or amount.adjusted() >= MOST_DIGITS or "_" in written:
        return None
    plain = f"{amount.quantize(_SIXTH):f}".rstrip("0").rstrip(".")
    return "0" if plain in ("-0", "") else plain


def _no_money(value: Any, what: str) -> str:
    raise Refused("bad_money", f"{what} {str(value)[:40]!r} is not a decimal number")


def currency(value: Any) -> str | None:
    """A code of three letters, in capitals."""
    if value is None or value == "":
        return None
    if type(value) is not str:
        raise Refused("bad_type", f"currency is {kind(value)}, not text")
    code = value.strip()
    if len(code) != 3 or not code.isascii() or not code.isalpha():
        raise Refused("bad_currency", f"currency {code[:20]!r} is not a code of three letters")
    return code.upper()


def kind(value: Any) -> str:
    """What a JSON value is, for messages."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    return "nothing" if value is None else "text" if isinstance(value, str) else "a number"


def _digits(value: float) -> str:
    whole = int(value)
    return str(whole) if whole == value else repr(value)
