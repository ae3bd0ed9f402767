"""Other visits than usual: bots, or more or fewer people."""

from __future__ import annotations

import math
from collections.abc import Iterator

from assay.decide.alerts import BOTS, FLAT, MIX, MOST, VOLUME, Day, Subject, Verdict
from assay.decide.causes.shares import by_mix, mostly

_AS_USUAL = 2.0  # standard errors


def bots(day: Day, left: frozenset[Subject]) -> Iterator[Verdict]:
    """Visits too many that do nothing but look, from one place; or more events of known bots than usual."""
    known = Subject("bots")
    sessions, flat = day.seen.get(Subject("sessions")), day.seen.get(Subject("flat"))
    more = any(s.kind == "sessions" and day.seen[s].up for s in left)
    if more and sessions and flat and sessions.up and flat.expected < 0.8 * sessions.expected:
        extra = sessions.value - sessions.expected
        share = (flat.value - flat.expected) / extra if extra > 0 else 0.0
        place = _concentrated(day, Subject("sessions"), True, ("country", "browser", "device", "channel"))
        if share >= FLAT and place is not None:
            by, value, part = place
            details = {
                "extra": extra,
                "flat_share": share,
                "usual_share": flat.expected / sessions.expected,
                value: part,
            }
            why = f"{share * 100:.0f} % of {extra:,.0f} visits too many do nothing but look, "
            why += f"{part * 100:.0f} % of them are {by} {value}"
            touches = {s for s in day.seen if s.kind not in ("fill", "repeat", "step")}
            touches -= {s for s in touches if s.kind == "event" and s.name in {n for c in day.chains for n in c}}
            yield Verdict(Subject("sessions"), BOTS, frozenset(touches), why, details, (by, value))
            left = left - touches
    if known in left and day.seen[known].up:
        seen = day.seen[known]
        why = f"{seen.value:,.0f} events of known bots where {seen.expected:,.0f} are usual; KPIs leave them out"
        yield Verdict(known, BOTS, frozenset({known}), why, {"events": seen.value, "usually": seen.expected})


def volume(day: Day, left: frozenset[Subject]) -> Iterator[Verdict]:
    """More or fewer visits, in all or from one part; with it what follows, at the same rates or by the mix."""
    for up in (False, True):
        moved = [s for s in left if s.kind == "sessions" and day.seen[s].up == up]
        if not moved:
            continue
        root = Subject("sessions")
        if root not in moved and any(_rate_by_mix(day, s) for s in left):
            continue  # as many visits as ever, but others: told by the rate that it moved
        place = _concentrated(day, root, up)
        if root not in moved:
            strongest = max(moved, key=lambda s: abs(day.seen[s].z))
            place = place if place and root.at(*place[:2]) in moved else (strongest.by, strongest.value, 1.0)
        part = (place[0], place[1]) if place else None
        here = root.at(*part) if part else root
        seen = day.seen.get(here) or day.seen[root]
        touches = {s for s in day.seen if s.kind in ("sessions", "event", "flat", "metric") and day.seen[s].up == up}
        touches |= {s for s in left if _rate_by_mix(day, s)}
        there = _only_there(day, left, part) if part and up else frozenset()
        touches |= there
        where = f" with {part[0]} {part[1]}" if part else ""
        details: dict[str, float | str] = {"sessions": seen.value, "usually": seen.expected}
        if part and place:
            details["part_of_change"] = place[2]
        done = "the new ones do otherwise, all others do as before" if there else "what they do is as before"
        why = f"{seen.value:,.0f} sessions{where} where {seen.expected:,.0f} are usual; {done}"
        yield Verdict(here if root not in moved else root, VOLUME, frozenset(touches), why, details, part)
        left = left - touches


def _only_there(day: Day, left: frozenset[Subject], part: tuple[str, str]) -> frozenset[Subject]:
    """Rates that are as usual once the part that grew is left out: many came from there who do otherwise."""
    found: set[Subject] = set()
    for kind, name in {(s.kind, s.name) for s in left if s.kind in ("goal", "step")}:
        slices = day.slices(Subject(kind, name), part[0])
        rest = [d for v, d in slices.items() if v != part[1] and math.isfinite(d.expected)]
        moves = [d.exposure * (d.value - d.expected) for d in rest]
        spread = math.hypot(*(m / d.z for m, d in zip(moves, rest, strict=True) if d.z))
        if part[1] in slices and rest and abs(sum(moves)) <= _AS_USUAL * spread:
            found |= {s for s in left if (s.kind, s.name) == (kind, name)}
    if found:
        found |= {s for s in left if s.kind == "metric"}
    return frozenset(found)


def exchanged(day: Day, left: frozenset[Subject]) -> Iterator[Verdict]:
    """As many visits as ever from other parts: some grew by what others lost."""
    root = Subject("sessions")
    if root in left or root not in day.seen:
        return
    for by in day.dimensions(root):
        parts = day.slices(root, by)
        moves = {v: d.value - d.expected for v, d in parts.items()}
        flagged = {moves[s.value] > 0 for s in left if s.kind == "sessions" and s.by == by}
        if len(flagged) < 2 or abs(sum(moves.values())) > 0.4 * sum(abs(m) for m in moves.values()):
            continue
        grown = max(moves, key=lambda v: moves[v])
        rates = {s for s in left if s.kind in ("goal", "step", "event", "metric")}
        touches = {s for s in day.seen if s.kind == "sessions"} | {s for s in rates if _goes_with(day, s)}
        more = parts[grown]
        numbers = f"{more.value:,.0f} {grown} where {more.expected:,.0f} are usual"
        why = f"as many visits as usual, of another mix by {by}: {numbers}"
        details = {"sessions": day.seen[root].value, "usually": day.seen[root].expected, grown: more.value}
        yield Verdict(root, MIX, frozenset(touches), why, details, (by, grown))
        return


def _goes_with(day: Day, one: Subject) -> bool:
    """What another mix can explain: whole rates by their parts, and sums and events, of which no part is known."""
    return one.kind in ("metric", "event") or _rate_by_mix(day, one)


def _concentrated(day: Day, root: Subject, up: bool, among: tuple[str, ...] = ()) -> tuple[str, str, float] | None:
    """(dimension, value, its part of the change) of the one part that explains most of it."""
    whole = day.seen.get(root)
    if whole is None:
        return None
    best: tuple[str, str, float] | None = None
    for by in among or day.dimensions(root):
        moves = {v: d.value - d.expected for v, d in day.slices(root, by).items()}
        same = {v: abs(m) for v, m in moves.items() if m and (m > 0) == up}
        if len(moves) < 2 or not same:
            continue
        value = max(same, key=lambda v: same[v])
        part = same[value] / sum(abs(m) for m in moves.values())
        parts = day.slices(root, by)
        named = part >= mostly(parts, value) and abs(parts[value].z) >= 3
        if named and (best is None or part > best[2] + 0.1):
            best = (by, value, part)
    return best


def _rate_by_mix(day: Day, one: Subject) -> bool:
    """A whole rate whose change is that of the mix."""
    return one.whole and one.kind in ("goal", "step") and by_mix(day, one)[0] >= MOST
