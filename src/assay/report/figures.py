"""Cells as plain, unrounded values: what JSON and CSV say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from assay.model import money
from assay.model.answer import Cell, Column

Plain = str | int | float | bool | None


def figure(value: Cell, column: Column) -> Plain:
    """Counts as integers, money as decimal text, rates as fractions, dates in ISO form; None for what is no number."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, date | datetime):
        return value.isoformat()
    if not math.isfinite(value):
        return None
    if column.kind == "money" or (column.kind == "figure" and isinstance(value, Decimal)):
        return money_text(value, column.currency)
    if isinstance(value, int):
        return value
    whole = value == int(value)
    return int(value) if whole and (column.kind == "count" or isinstance(value, Decimal)) else float(value)


def money_text(value: int | float | Decimal, currency: str | None) -> str:
    """Exact decimal text; a float in its shortest exact form."""
    amount = value if isinstance(value, Decimal) else Decimal(repr(value))
    return money.text(amount, currency or "")


def plain(value: Any) -> Any:
    """Any value as JSON can hold it: no NaN, no infinity, decimals as text."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return money.text(value, "") if value.is_finite() else None
    if isinstance(value, Mapping):
        return {_key(key): plain(one) for key, one in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    return _number(value)


def _number(value: Any) -> Any:
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if hasattr(value, "item"):  # a NumPy scalar
        return plain(value.item())
    return str(value)


def _key(key: Any) -> str:
    return key if isinstance(key, str) else str(plain(key))
