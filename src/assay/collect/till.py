"""An orders file of the till (shop, payment provider, CRM) as rows to hold against the tracked orders.

Nothing is loaded into the store: the file stays what the tracking is judged by.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from zoneinfo import ZoneInfo

from assay.model.errors import DataError, UsageError, suggestion

FIELDS = ("id", "time", "amount", "currency", "status", "type", "channel", "consent")
_CONSENT = ("consent", "tracking_consent", "tracking consent", "cookie_consent", "cookie consent")
_CHANNEL = ("channel", "sales_channel", "sales channel", "source", "vertriebskanal")
_TEST = {"test", "test_order", "internal", "dummy"}
_OFFLINE = {"phone", "telephone", "offline", "store", "pos", "retail", "fax", "mail", "sales", "telefon", "filiale"}
_RENEWAL = {"renewal", "recurring", "subscription_cycle", "renewed"}
_CANCELLED = {"cancelled", "canceled", "voided", "void", "failed", "expired", "declined", "abandoned", "draft"}
_REFUND = {"refund", "return", "credit", "credit_note", "chargeback", "reversal"}
_DENIED = {"denied", "no", "false", "0", "refused", "declined", "rejected"}


@dataclass(frozen=True)
class Sale:
    """One row of the till. ``kind``: sale, test, offline, renewal or cancelled; ``denied``: no consent to tracking."""

    id: str
    day: date
    amount: Decimal
    kind: str
    denied: bool


@dataclass(frozen=True)
class Till:
    """The rows of a file; ``bad``: line and reason of those that cannot be read; what was left out and how many."""

    sales: tuple[Sale, ...]
    bad: tuple[tuple[int, str], ...]
    refunds: int
    foreign: int


def read_till(path: Path, zone: str, currency: str, given: Mapping[str, str]) -> Till:
    """Read an orders file (CSV, also gzipped; any usual delimiter). ``given``: field → column, where names are unusual.

    Raises DataError for a file that cannot be read, UsageError for unknown fields or columns.
    """
    header, rows = _rows(path)
    places = _places(header, given, path)
    sales, bad, refunds, foreign = [], [], 0, 0
    tz = ZoneInfo(zone)
    for number, row in rows:
        cell = {name: row[place].strip() if place < len(row) else "" for name, place in places.items()}
        words = {cell.get(name, "").lower() for name in ("status", "type", "channel")} - {""}
        try:
            if not cell["id"]:
                raise ValueError("no order id")
            amount, day = _amount(cell["amount"]), _day(cell["time"], tz)
        except ValueError as error:
            bad.append((number, str(error)))
            continue
        if words & _REFUND or amount < 0:
            refunds += 1
        elif cell.get("currency") and cell["currency"].upper() != currency:
            foreign += 1
        else:
            sales.append(Sale(cell["id"], day, amount, _kind(words), cell.get("consent", "").lower() in _DENIED))
    if not sales and not refunds:
        reason = f": line {bad[0][0]}: {bad[0][1]}" if bad else ""
        raise DataError(f"{path}: no order in it can be used{reason}")
    return Till(tuple(sales), tuple(bad), refunds, foreign)


def _kind(words: set[str]) -> str:
    for kind, known in (("test", _TEST), ("cancelled", _CANCELLED), ("renewal", _RENEWAL), ("offline", _OFFLINE)):
        if words & known:
            return kind
    return "sale"


def _rows(path: Path) -> tuple[list[str], Sequence[tuple[int, list[str]]]]:
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    lines = text.split("\n", 1)
    if not lines[0].strip():
        raise DataError(f"{path}: the file is empty")
    delimiter = max(",;\t|", key=lines[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header = next(reader)
    return header, [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]


def _places(header: Sequence[str], given: Mapping[str, str], path: Path) -> dict[str, int]:
    from assay.collect.importers.orders import NAMES

    known = {name.strip().lower(): place for place, name in reversed(list(enumerate(header)))}
    names = {**{field: NAMES.get(field, ()) for field in FIELDS}, "consent": _CONSENT, "channel": _CHANNEL}
    found = {}
    for field, column in given.items():
        if field not in FIELDS:
            raise UsageError(f"--column {field}={column}: there is no field {field!r}{suggestion(field, FIELDS)}")
        if column.strip().lower() not in known:
            raise UsageError(f"{path} has no column {column!r}{suggestion(column, header)}")
        found[field] = known[column.strip().lower()]
    for field, usual in names.items():
        place = next((known[name] for name in usual if name in known), None)
        if field not in found and place is not None:
            found[field] = place
    for field in ("id", "time", "amount"):
        if field not in found:
            hint = f"name it: --column {field}=COLUMN; the file has {', '.join(header)}"
            raise UsageError(f"{path}: no column is the order's {field}; {hint}")
    return found


def _amount(text: str) -> Decimal:
    """``1234.50``, ``1,234.50``, ``1.234,50 €``."""
    bare = "".join(sign for sign in text if sign.isdigit() or sign in ".,-+")
    if "," in bare and (bare.rfind(",") > bare.rfind(".")) and len(bare) - bare.rfind(",") <= 3:
        bare = bare.replace(".", "").replace(",", ".")
    bare = bare.replace(",", "")
    try:
        return Decimal(bare)
    except InvalidOperation:
        raise ValueError(f"the amount {text!r} is no number") from None


def _day(text: str, zone: ZoneInfo) -> date:
    """The day in the site's zone; a time without a zone is the site's own."""
    for form in (None, "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y"):
        try:
            moment = datetime.fromisoformat(text.replace(" UTC", "+00:00")) if form is None else _strict(text, form)
        except ValueError:
            continue
        return moment.astimezone(zone).date() if moment.tzinfo else moment.date()
    raise ValueError(f"the time {text!r} cannot be read")


def _strict(text: str, form: str) -> datetime:
    return datetime.strptime(text, form)  # noqa: DTZ007
