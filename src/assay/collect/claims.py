"""What ad platforms say of themselves: conversions and value by day and channel, from a CSV file."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

from assay.model.errors import DataError
from assay.model.period import Period

_NAMES = {
    "date": ("date", "day", "datum"),
    "channel": ("channel", "platform", "source"),
    "conversions": ("conversions", "claimed_conversions", "purchases", "results"),
    "value": ("value", "conversion_value", "conversions_value", "claimed_value", "revenue"),
    "currency": ("currency",),
}


def read_claims(path: Path, period: Period, currency: str) -> dict[str, tuple[float, Decimal]]:
    """Channel → claimed conversions and value over the range. Raises DataError with the line that cannot be read."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        header = {name.strip().lower(): name for name in reader.fieldnames or ()}
        columns = {field: next((header[n] for n in names if n in header), None) for field, names in _NAMES.items()}
        for field in ("date", "channel", "conversions"):
            if columns[field] is None:
                raise DataError(
                    f"{path}: no column is the {field}; it has {', '.join(reader.fieldnames or ()) or 'none'}"
                )
        found: dict[str, tuple[float, Decimal]] = {}
        for row in reader:
            try:
                day = date.fromisoformat(str(row[str(columns["date"])])[:10])
                count = float(row[str(columns["conversions"])] or 0)
                value = Decimal(row[str(columns["value"])] or 0) if columns["value"] else Decimal(0)
            except (ValueError, InvalidOperation, TypeError) as error:
                raise DataError(f"{path}:{reader.line_num}: {error or 'not a number'}") from error
            money = str(row[str(columns["currency"])] or currency).upper() if columns["currency"] else currency
            if money != currency:
                raise DataError(f"{path}:{reader.line_num}: claims are in {money}, the site counts in {currency}")
            if period.first <= day <= period.last:
                channel = str(row[str(columns["channel"])]).strip()
                before = found.get(channel, (0.0, Decimal(0)))
                found[channel] = (before[0] + count, before[1] + value)
    return found
