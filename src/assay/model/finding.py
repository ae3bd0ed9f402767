"""A finding: one sentence that a check or an analysis has to say, with its evidence and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

HALF_MOVED = "half_moved"
EVERYWHERE = frozenset({HALF_MOVED})  # what every answer carries meanwhile; what shows many says it once


@dataclass(frozen=True)
class Finding:
    """``severity`` is good, info, warning or bad. ``evidence`` holds the numbers behind the sentence."""

    code: str
    severity: str
    text: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    action: str | None = None


@dataclass(frozen=True)
class Idea:
    """Something to test: what, where, what it is worth a year (low and high too), and the test that could prove it.

    ``key`` is the same for the same idea asked again. Money is decimal text; ``sample`` is units per arm.
    """

    key: str
    title: str
    source: str
    metric: str
    where: Mapping[str, Any] = field(default_factory=dict)
    step: str | None = None
    worth: str | None = None
    worth_low: str | None = None
    worth_high: str | None = None
    sample: int | None = None
    weeks: float | None = None
