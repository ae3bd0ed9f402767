"""KPIs that will hardly reach their target, or nearly surely; and what the forecast cannot know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.decide.words import day
from assay.model.finding import Finding
from assay.plan.values import Change

LOW, HIGH = 0.3, 0.7
MOST = 3


@dataclass(frozen=True)
class Standing:
    """A KPI's chance to reach its target, and what remains to be done for it, in words."""

    kpi: str
    chance: float | None
    needed: str


def standing_word(chance: float) -> str:
    """on track from 70 % on, off track below 30 %, at risk between."""
    return "on track" if chance >= HIGH else "off track" if chance < LOW else "at risk"


def chance_words(chance: float) -> str:
    """``64 % chance``; never 0 or 100, which no forecast knows."""
    whole = round(chance * 100)
    return "under 1 % chance" if whole < 1 else "over 99 % chance" if whole > 99 else f"{whole} % chance"


def off_pace(standings: Sequence[Standing]) -> tuple[Finding, ...]:
    """A finding for each KPI that is off track."""
    return tuple(
        Finding(
            "off_pace",
            "warning",
            f"{one.kpi} is off track: {chance_words(one.chance)} to reach its target{one.needed}",
            {"kpi": one.kpi, "chance": one.chance},
            f"assay metric {one.kpi} --grain week",
        )
        for one in standings
        if one.chance is not None and one.chance < LOW
    )


def not_foreseen(changes: Sequence[Change]) -> tuple[Finding, ...]:
    """Campaigns, prices and holidays that are still to come: days that will not run like the last ones."""
    if not changes:
        return ()
    said = "; ".join(f"{day(one.date)} {one.what}" for one in changes[:MOST])
    more = f" and {len(changes) - MOST:,} more" if len(changes) > MOST else ""
    return (
        Finding(
            "not_in_the_forecast",
            "info",
            f"the forecast lets days run as lately and knows nothing of what is to come: {said}{more}",
            {"changes": len(changes)},
            "assay changes",
        ),
    )
