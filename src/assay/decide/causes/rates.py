"""The same visits that do something else: by another mix of people, or each by themselves."""

from __future__ import annotations

import math
from collections.abc import Iterator

from assay.decide.alerts import MIX, MOST, RATE, VOLUME, Day, Subject, Verdict
from assay.decide.causes.shares import by_mix, mostly


def mix(day: Day, left: frozenset[Subject]) -> Iterator[Verdict]:
    """A rate that moved because other people came, at rates within each part that are as before."""
    for one in sorted((s for s in left if s.kind in ("goal", "step", "metric")), key=lambda s: -abs(day.seen[s].z)):
        if one not in left or not one.whole:
            continue
        part, by = by_mix(day, one)
        if part < MOST:
            continue
        seen = day.seen[one]
        grown = max(day.slices(one, by).items(), key=lambda item: item[1].exposure / max(item[1].usual, 1e-9))
        touches = {s for s in left if s.kind in ("goal", "step", "metric", "event") and day.seen[s].up == seen.up}
        touches |= {s for s in left if s.kind in ("sessions", "metric")}
        why = (
            f"{part * 100:.0f} % of the change is another mix by {by} (more {grown[0]}); the rates within are as before"
        )
        yield Verdict(one, MIX, frozenset(touches), why, {"by_mix": part, "dimension": by}, (by, grown[0]))
        left = left - touches


def rate(day: Day, left: frozenset[Subject]) -> Iterator[Verdict]:
    """People do something else than before: told by the first step that moved, and by the part that it happened in."""
    order = {name: i for chain in reversed(day.chains) for i, name in enumerate(chain)}
    while left:
        steps = [s for s in left if s.kind == "step"]
        root = min(
            steps or left,
            key=lambda s: (
                order.get(s.name.partition(">")[2], 99) if steps else _RANK.get(s.kind, 9),
                -abs(day.seen[s].z),
            ),
        )
        seen = day.seen[root]
        whole = Subject(root.kind, root.name)
        place = _where(day, whole)
        if place is None and root.by:
            place = (root.by, root.value)
        later = _after(day, root)
        touches = {s for s in left if day.parts.get(s, frozenset()) & later or s.kind == "metric"}
        steps_moved = root.kind in ("step", "goal")  # a metric that falls as others rise (bounces) goes with them
        touches = {
            s
            for s in touches
            if s.kind == "repeat" or (s.kind == "metric" and steps_moved) or day.seen[s].up == seen.up
        } | {root}
        touches |= {s for s in left if (s.kind, s.name) == (root.kind, root.name)}
        touches |= {
            s for s in left if s.kind == "repeat" and root.kind == "step" and s.name == root.name.partition(">")[0]
        }
        told = day.seen.get(whole.at(*place), seen) if place else seen
        cause = VOLUME if root.kind == "event" and not later else RATE
        where = f" with {place[0]} {place[1]}" if place else ""
        why = f"{_name(root)}{where} is {told.ratio * 100:.0f} % of what is usual, and the mix is as before"
        details = {"value": told.value, "usually": told.expected, "by_mix": by_mix(day, whole)[0]}
        yield Verdict(whole if whole in day.seen else root, cause, frozenset(touches), why, details, place)
        left = left - touches


_RANK = {"goal": 1, "event": 2, "metric": 3, "repeat": 4, "sessions": 5}


def _where(day: Day, whole: Subject) -> tuple[str, str] | None:
    """The part in which a rate moved, where it is one of several: nearly all of the change, and beyond chance."""
    best: tuple[float, str, str] | None = None
    for by in day.dimensions(whole):
        parts = {v: d for v, d in day.slices(whole, by).items() if math.isfinite(d.expected)}
        moves = {v: abs(d.exposure * (d.value - d.expected)) for v, d in parts.items()}
        if len(moves) < 2 or not sum(moves.values()):
            continue
        value = max(moves, key=lambda v: moves[v])
        part = moves[value] / sum(moves.values())
        if part >= mostly(parts, value) and abs(parts[value].z) >= 3 and (best is None or part > best[0]):
            best = (part, by, value)
    return (best[1], best[2]) if best else None


def _after(day: Day, root: Subject) -> frozenset[str]:
    """The events that a step leads to, or those that a series is made of."""
    if root.kind != "step":
        return day.parts.get(root, frozenset())
    first = root.name.partition(">")[2]
    found = {first, root.name.partition(">")[0]} if root.kind == "repeat" else {first}
    for chain in day.chains:
        if first in chain:
            found |= set(chain[chain.index(first) :])
    return frozenset(found)


def _name(one: Subject) -> str:
    return one.name.replace(">", " → ") if one.name else one.kind
