"""What a workspace was asked since the server began, for whoever watches the server."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assay.model.errors import AssayError, MachineError

if TYPE_CHECKING:
    from asyncio import Future

BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)  # seconds; one more bucket is for what takes longer
ANSWERED, KEPT, REFUSED, FAILED, BROKEN = "answered", "kept", "refused", "failed", "broken_off"


@dataclass
class Durations:
    """Seconds that answers of one question took: how many within each bound, and their sum."""

    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0


@dataclass
class Counts:
    """Questions by name and outcome, and how long answers took, waiting included. Only the event loop adds to it.

    ``answered``: worked out; ``kept``: known already; ``refused``: a mistake of whoever asked; ``failed``: the machine
    failed, or a defect; ``broken_off``: nobody waited any more.
    """

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    durations: dict[str, Durations] = field(default_factory=dict)

    def kept(self, question: str) -> None:
        """An answer that was there already."""
        self.outcomes[question, KEPT] += 1

    def ended(self, question: str, done: Future[Any], broken: bool, seconds: float) -> None:
        """The work on a question has ended."""
        outcome = BROKEN if broken or done.cancelled() else _outcome(done.exception())
        self.outcomes[question, outcome] += 1
        if outcome == ANSWERED:
            one = self.durations.setdefault(question, Durations())
            one.buckets[bisect_left(BOUNDS, seconds)] += 1
            one.total += seconds


def _outcome(error: BaseException | None) -> str:
    if error is None:
        return ANSWERED
    return REFUSED if isinstance(error, AssayError) and not isinstance(error, MachineError) else FAILED
