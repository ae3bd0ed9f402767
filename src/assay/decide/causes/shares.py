"""Which part of the people a change belongs to, and how much of it their mix explains."""

from __future__ import annotations

import math
from collections.abc import Mapping

from assay.decide.alerts import MOST, Day, Deviation, Subject


def mostly(parts: Mapping[str, Deviation], value: str) -> float:
    """The part of a change that names a part of the people: well above the part of them that it always is."""
    usual = sum(d.usual * (d.expected if d.usual == 1 else 1.0) for d in parts.values())
    share = parts[value].usual * (parts[value].expected if parts[value].usual == 1 else 1.0) / usual if usual else 0.0
    return max(MOST, 0.5 + share / 2)


def by_mix(day: Day, one: Subject) -> tuple[float, str]:
    """The part of a rate's change that the mix of a dimension explains, at most 1, and the dimension."""
    best = (0.0, "")
    for by in day.dimensions(one):
        slices = [d for d in day.slices(one, by).values() if d.usual > 0 and math.isfinite(d.expected)]
        now, then = sum(d.exposure for d in slices), sum(d.usual for d in slices)
        if len(slices) < 2 or now <= 0 or then <= 0:
            continue
        mix = sum((d.exposure / now - d.usual / then) * d.expected for d in slices)
        within = sum(d.exposure / now * (d.value - d.expected) for d in slices)
        if abs(mix + within) > 0 and (mix > 0) == (mix + within > 0):
            part = min(1.0, abs(mix) / (abs(mix) + abs(within)))
            best = max(best, (part, by))
    return best
