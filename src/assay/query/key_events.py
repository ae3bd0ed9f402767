"""Which events a large store keeps beside all others: those that the plan names, as far as they are few."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from assay.plan.experiments import EXPOSURE_EVENT
from assay.plan.values import Plan

MOST = 3  # they are at most one in so many of all events


def key_events(plan: Plan, counts: Mapping[str, int]) -> frozenset[str]:
    """Names that the plan mentions, the rarest first, as long as they are few of all events together."""
    left, found = sum(counts.values()) // MOST, set()
    mentioned = {EXPOSURE_EVENT, *_texts(plan)} & counts.keys()
    for name in sorted(mentioned, key=lambda name: (counts[name], name)):
        left -= counts[name]
        if left < 0:
            break
        found.add(name)
    return frozenset(found)


def _texts(value: Any) -> Iterable[str]:
    """Every text in a value and all that it holds."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _texts(key)
            yield from _texts(one)
    elif isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from _texts(one)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _texts(getattr(value, field.name))
