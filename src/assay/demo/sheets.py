"""The demo's CSV files: costs of advertising, another tool's figures; and money as text."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay.demo.calendar import CURRENCY, Days
from assay.demo.draws import Whole

COST_COLUMNS = ("date", "channel", "source", "medium", "campaign", "impressions", "clicks", "amount", "currency")
AD_COLUMNS = ("date", "channel", "conversions", "value", "currency")
CLAIM_DAYS = 30  # an ad platform claims every conversion so long after a click on one of its ads


def money(cents: int) -> str:
    """Exact decimal text of whole cents."""
    return f"{cents // 100}.{cents % 100:02d}"


def signed(cents: int) -> str:
    """The same for amounts that may be below zero."""
    return f"-{money(-cents)}" if cents < 0 else money(cents)


def sheet(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(columns)
        out.writerows(rows)


@dataclass(frozen=True)
class Spend:
    """What one campaign cost on one day. ``amount`` in cents."""

    day: date
    channel: str
    source: str
    medium: str
    campaign: str
    impressions: int
    clicks: int
    amount: int


def spend_of(
    calendar: Days, visited: Whole, who: tuple[str, str, str, str], cpc: int, rng: np.random.Generator
) -> list[Spend]:
    """One campaign's costs by day for so many ``visited`` sessions: a few more clicks, each at its price give or take.

    ``who``: channel, source, medium, campaign.
    """
    clicks = visited + rng.binomial(visited, 0.08)
    shown = clicks + rng.poisson(clicks * 24)
    amount = np.rint(clicks * cpc * rng.lognormal(0, 0.06, calendar.days)).astype(np.int64)
    return [Spend(calendar.day(n), *who, int(shown[n]), int(clicks[n]), int(amount[n])) for n in range(calendar.days)]


def write_costs(spend: Iterable[Spend], path: Path) -> None:
    """``costs.csv``."""
    rows = (
        (s.day, s.channel, s.source, s.medium, s.campaign, s.impressions, s.clicks, money(s.amount), CURRENCY)
        for s in spend
    )
    sheet(path, COST_COLUMNS, rows)


@dataclass(frozen=True)
class Claims:
    """What the ad platforms say: per paid channel and day conversions and their value in cents."""

    channels: tuple[str, ...]
    conversions: NDArray[np.int64]  # shape (channels, days)
    value: NDArray[np.int64]


def claims(
    calendar: Days, touches: dict[str, tuple[Whole, Whole]], visitor: Whole, time: Whole, value: Whole
) -> Claims:
    """Every platform claims each conversion that follows a click within CLAIM_DAYS, whoever else does too.

    ``touches``: channel → visitor and time (milliseconds) of the sessions from its ads; then the conversions.
    """
    base = calendar.start_of(0)
    starts = np.array(calendar.starts())
    day = np.searchsorted(starts, time, side="right") - 1
    conversions = np.zeros((len(touches), calendar.days), dtype=np.int64)
    worth = np.zeros_like(conversions)
    at = (visitor.astype(np.int64) << 37) | (time - base)
    for row, (who, when) in enumerate(touches.values()):
        keys = np.sort((who.astype(np.int64) << 37) | (when - base))
        last = np.searchsorted(keys, at, side="right") - 1
        before = keys[np.maximum(last, 0)] if len(keys) else np.full(len(at), -1)
        claimed = (last >= 0) & (before >> 37 == visitor) & (at - before <= CLAIM_DAYS * 86_400_000)
        conversions[row] = np.bincount(day[claimed], minlength=calendar.days)
        np.add.at(worth[row], day[claimed], value[claimed])
    return Claims(tuple(touches), conversions, worth)


def write_claims(calendar: Days, claimed: Claims, path: Path) -> None:
    """``ads.csv``."""
    rows = [
        (calendar.day(day), name, int(claimed.conversions[row, day]), money(int(claimed.value[row, day])), CURRENCY)
        for day in range(calendar.days)
        for row, name in enumerate(claimed.channels)
    ]
    sheet(path, AD_COLUMNS, rows)


def claims_truth(claimed: Claims) -> dict[str, dict[str, object]]:
    """What the platforms claim in all, by channel."""
    return {
        name: {"conversions": int(claimed.conversions[row].sum()), "value": money(int(claimed.value[row].sum()))}
        for row, name in enumerate(claimed.channels)
    }
