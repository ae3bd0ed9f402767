"""A finding: one sentence that a check or an analysis has to say, with its evidence and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """``severity`` is good, info, warning or bad. ``evidence`` holds the numbers behind the sentence."""

    code: str
    severity: str
    text: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    action: str | None = None
