"""What the till knows: every order with its money, also those that no browser told of; and why the two differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from assay.demo.calendar import CURRENCY, ZONE
from assay.demo.draws import Flags, Floats, Whole, chance
from assay.demo.sheets import money, sheet, signed

# Why an order is in the till and not with the browser; the first: it is with both.
REASONS = ("tracked", "broken_tag", "ad_blocker", "no_consent", "offline", "test_orders")
TRACKED, BROKEN_TAG, AD_BLOCKER, NO_CONSENT, OFFLINE, TEST = range(len(REASONS))
# What differs about an order that both know; the first: nothing.
DIFFERENCES = ("none", "other_amount", "other_day", "duplicates")
NONE, OTHER_AMOUNT, OTHER_DAY, TWICE = range(len(DIFFERENCES))
CHANNELS = ("web", "phone", "renewal", "test")
STATES = ("paid", "refunded", "partly refunded")
COLUMNS = ("order_id", "time", "amount", "currency", "status", "channel", "consent")


@dataclass(frozen=True)
class Till:
    """One row per order, by number. Money in cents, times in milliseconds UTC; ``own`` is what the browser said."""

    number: NDArray[np.int64]
    time: NDArray[np.int64]
    amount: NDArray[np.int64]
    own: NDArray[np.int64]
    reason: NDArray[np.int16]
    difference: NDArray[np.int16]
    channel: NDArray[np.int16]
    state: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.number)

    def sorted(self) -> Till:
        """By number."""
        rows = np.argsort(self.number, kind="stable")
        return Till(*(getattr(self, f.name)[rows] for f in fields(self)))


def local_days(times: Whole) -> NDArray[np.int64]:
    """The site's day of each instant (milliseconds UTC), as an ordinal."""
    zone = ZoneInfo(ZONE)
    return np.array(
        [datetime.fromtimestamp(t / 1000, UTC).astimezone(zone).toordinal() for t in times.tolist()], dtype=np.int64
    )


@dataclass(frozen=True)
class Extra:
    """Orders that no browser told of: when, for how much, why."""

    time: NDArray[np.int64]
    amount: NDArray[np.int64]
    reason: NDArray[np.int16]


def extra(
    time: Whole, amount: Whole, shares: Mapping[int, float], tests: int, end: int, rng: np.random.Generator
) -> Extra:
    """Orders like those at ``time`` for ``amount``, in these shares of their number by reason, and test orders of 1.00.

    They come within some hours of the order that they resemble, and before ``end``.
    """
    n = len(time)
    reason = np.repeat(list(shares), rng.binomial(n, list(shares.values()))).astype(np.int16)
    like = rng.integers(0, max(1, n), len(reason))
    moved = time[like] + rng.integers(-3 * 3_600_000, 3 * 3_600_000, len(like))
    first = int(time.min()) if n else end
    at = np.concatenate([moved, rng.integers(min(first, end - 60_000), end - 60_000 + 1, tests)])
    return Extra(
        np.clip(at, first, end - 60_000),
        np.concatenate([amount[like], np.full(tests, 100)]),
        np.concatenate([reason, np.full(tests, TEST, dtype=np.int16)]),
    )


@dataclass(frozen=True)
class Deviation:
    """How often the till differs about an order that both know, as shares; ``added`` is what its amount has more."""

    added: Whole
    other_amount: float
    twice: float
    checked: Floats  # probability that the order is booked only after a check, by order
    hours: tuple[float, float]


def deviate(time: Whole, reason: Whole, how: Deviation, end: int, rng: np.random.Generator) -> tuple[Any, Any]:
    """When the till books each order and what then differs. Reasons are apart: no order differs in two ways."""
    n = len(time)
    wait = rng.uniform(2_000, 60_000, n)
    late = chance(rng, how.checked, n)
    wait = np.where(late, rng.uniform(how.hours[0], how.hours[1], n) * 3_600_000, wait)
    booked = np.minimum(time + wait.astype(np.int64), max(end - 1, int(time.max(initial=0))))
    known = reason == TRACKED
    difference = np.full(n, NONE, dtype=np.int16)
    difference[known & (local_days(booked) != local_days(time))] = OTHER_DAY
    more = known & (difference == NONE) & (how.added > 0) & chance(rng, how.other_amount, n)
    difference[more] = OTHER_AMOUNT
    difference[known & (difference == NONE) & chance(rng, how.twice, n)] = TWICE
    return booked, difference


def write_till(till: Till, path: Path, prefix: str) -> None:
    """``till.csv``: one row per booking; an order that is listed twice has two."""
    rows = []
    for n in range(len(till)):
        reason = int(till.reason[n])
        row = (
            f"{prefix}{100_001 + int(till.number[n])}",
            datetime.fromtimestamp(till.time[n] / 1000, UTC).isoformat(timespec="milliseconds"),
            money(int(till.amount[n])), CURRENCY, STATES[till.state[n]], CHANNELS[till.channel[n]],
            "" if reason in (OFFLINE, TEST) else "denied" if reason == NO_CONSENT else "granted",
        )  # fmt: skip
        rows += [row] * (2 if till.difference[n] == TWICE else 1)
    sheet(path, COLUMNS, rows)


def till_truth(till: Till) -> dict[str, Any]:
    """Orders and money by reason, as they go into ``truth.json``.

    The rows' amounts are the tracked ones (with renewals) plus those of the other reasons but ``other_day``; that of
    ``other_amount`` is the difference, that of ``duplicates`` the second row's.
    """
    known = till.reason == TRACKED
    parts: list[tuple[str, Flags, Whole]] = [
        (name, till.reason == code, till.amount) for code, name in enumerate(REASONS) if code != TRACKED
    ]
    parts.append(("not_tracked", (till.reason == BROKEN_TAG) | (till.reason == AD_BLOCKER), till.amount))
    parts.append(("renewals", known & (till.channel == CHANNELS.index("renewal")), till.amount))
    parts.append(("other_amount", till.difference == OTHER_AMOUNT, till.amount - till.own))
    parts += [(DIFFERENCES[code], till.difference == code, till.amount) for code in (OTHER_DAY, TWICE)]
    twice = till.difference == TWICE
    return {
        "rows": len(till) + int(twice.sum()),
        "orders": len(till),
        "amount": money(int(till.amount.sum() + till.amount[twice].sum())),
        "tracked": {"orders": int(known.sum()), "amount": money(int(till.own[known].sum()))},
        **{name: {"orders": int(which.sum()), "amount": signed(int(of[which].sum()))} for name, which, of in parts},
    }
