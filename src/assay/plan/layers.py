"""Which part of a layer's units each of its experiments may take in: disjoint parts for those that run at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from assay.plan.experiments import Experiment

Range = tuple[float, float]
SLACK = 1e-9  # 1/3 + 1/3 + 1/3, as people write it


def order(experiments: Iterable[Experiment]) -> list[Experiment]:
    """By start, then by name; one without a start is there from the beginning."""
    return sorted(experiments, key=lambda one: (one.start or date.min, one.name))


def together(one: Experiment, other: Experiment) -> bool:
    """Whether both run on some day."""
    first = max(one.start or date.min, other.start or date.min)
    return first <= min(one.end or date.max, other.end or date.max)


def crowded(experiments: Iterable[Experiment]) -> Iterator[tuple[Experiment, list[Experiment], float]]:
    """Experiments of one layer that find no room, those there at their start, and what all of them ask for."""
    members = order(experiments)
    for place, one in enumerate(members):
        beside = [other for other in members[:place] if together(one, other)]
        asked = one.traffic + sum(other.traffic for other in beside)
        if beside and asked > 1 + SLACK:
            yield one, beside, asked


def ranges(experiments: Iterable[Experiment]) -> dict[str, tuple[Range, ...]]:
    """Experiment → its parts of [0, 1) of one layer's bucket, for the experiments of that layer.

    Each takes the lowest free room, in order of start and name. Those there before never move for one that comes after;
    there is always room, for at the start of each no more than 100 % is asked (``load`` sees to it).
    """
    made: dict[str, tuple[Range, ...]] = {}
    placed: list[Experiment] = []
    for one in order(experiments):
        taken = sorted(part for other in placed if together(one, other) for part in made[other.name])
        made[one.name] = tuple(_lowest(one.traffic, taken))
        placed.append(one)
    return made


def _lowest(share: float, taken: list[Range]) -> Iterator[Range]:
    """Free parts of [0, 1) from below, until they make ``share``."""
    at = 0.0
    for low, high in [*taken, (1.0, 1.0)]:
        room = low - at
        if room > SLACK and share > SLACK:
            part = at + min(room, share)
            yield (at, low if low - part < SLACK else part)
            share -= room
        at = max(at, high)
