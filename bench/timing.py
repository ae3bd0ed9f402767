"""Two sides timed in turn, so that what else runs on the machine meets both."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def fastest(sides: tuple[Callable[[], Any], ...], rounds: int) -> list[float]:
    """The fastest of so many alternating runs, per side."""
    best = [float("inf")] * len(sides)
    for _ in range(rounds):
        for n, side in enumerate(sides):
            started = time.perf_counter()
            side()
            best[n] = min(best[n], time.perf_counter() - started)
    return best
