"""An opportunity: a step below a comparable one, and what closing the gap would bring."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from assay.decide.words import amount
from assay.model.finding import Finding


def opportunity(
    title: str, against: str, gain: float, year: Decimal | None, currency: str, where: Mapping[str, Any]
) -> Finding:
    """``gain``: completions of the range; ``year``: their worth a year at the range's pace."""
    money = f", {amount(year, currency, whole=100)} a year" if year is not None else ""
    text = f"{title}: {against} would bring {gain:,.0f} more{money}"
    evidence = {**where, "gain": gain, "per_year": None if year is None else str(year)}
    return Finding("opportunity", "info", text, evidence)
