"""A leak: a segment that loses more at a step than it should by everything else that is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from assay.decide.words import amount, percent
from assay.model.finding import Finding


def leak(
    funnel: str,
    step: str,
    where: Mapping[str, Any],
    said: str,
    rates: tuple[float, float],
    lost: float,
    year: Decimal | None,
    currency: str,
    p: float,
) -> Finding:
    """``rates``: what the segment has and what it would have without its own effect; ``lost``: units of the range."""
    money = f", about {amount(year, currency, whole=100)} a year" if year is not None else ""
    text = (
        f"{said} loses before {step}: {percent(rates[0])} go on where {percent(rates[1])} should "
        f"({lost:,.0f} lost{money})"
    )
    evidence = {
        "funnel": funnel, "step": step, "where": dict(where), "rate": rates[0], "expected": rates[1], "lost": lost,
        "per_year": None if year is None else str(year), "p_adjusted": p,
    }  # fmt: skip
    words = {"yes": "{}", "no": "not {}"}
    only = " and ".join(words.get(str(value), f"{{}} = '{value}'").format(name) for name, value in where.items())
    return Finding("leak", "warning", text, evidence, f'assay sessions --segment "{only}"')
