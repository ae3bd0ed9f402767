"""What lies behind a day that is not as expected: one verdict per incident, its cause told apart.

Pure: numbers in, verdicts out. The rules stand in ``RULES`` in the order in which they are tried; each takes what it
explains out of what is left, so that an incident that touches twenty series is told once, by its root.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

TRACKING, MIX, RATE, VOLUME, BOTS = CAUSES = ("tracking", "mix", "rate", "volume", "bots")
GONE = 0.1  # customers do not stay away to this degree while they do all else as before
GOES_ON = 0.5
COUNTED = 5.0  # expected events below which nothing is judged
TWICE = 1.7
FLAT = 0.9  # of the visits too many, the part that did nothing but look
MOST = 0.6  # of a change: the part that names it


@dataclass(frozen=True, order=True)
class Subject:
    """A watched series. ``kind``: sessions, event, repeat, fill, goal, step, metric, bots or flat; ``name``: of the
    event, goal, metric …, ``a>b`` for a step, ``event.property`` for fill; ``by`` and ``value``: of which part."""

    kind: str
    name: str = ""
    by: str = ""
    value: str = ""

    @property
    def whole(self) -> bool:
        """Of everything, not of a part."""
        return not self.by

    def at(self, by: str, value: str) -> Subject:
        """The same of a part."""
        return Subject(self.kind, self.name, by, value)

    def __str__(self) -> str:
        name = f"{self.kind}:{self.name}" if self.name else self.kind
        return f"{name}|{self.by}={self.value}" if self.by else name


def subject(text: str) -> Subject:
    """The subject of such a text, as the state file keeps it."""
    head, _, part = text.partition("|")
    kind, _, name = head.partition(":")
    by, _, value = part.partition("=")
    return Subject(kind, name, by, value)


@dataclass(frozen=True)
class Deviation:
    """A series on a day. ``exposure``: what a rate is per, ``usual``: the same on ordinary days. ``p`` two-sided."""

    value: float
    expected: float
    low: float
    high: float
    z: float
    p: float
    exposure: float = 1.0
    usual: float = 1.0

    @property
    def ratio(self) -> float:
        """Value by expectation; not a number where nothing was expected."""
        return self.value / self.expected if self.expected > 0 else math.nan

    @property
    def up(self) -> bool:
        """Above the expectation."""
        return self.value > self.expected


@dataclass(frozen=True)
class Day:
    """Everything that is known of one day. ``parts``: the events that a series is made of; ``chains``: events of a
    funnel in order; ``flagged``: series beyond their limit."""

    day: date
    seen: Mapping[Subject, Deviation]
    flagged: frozenset[Subject]
    parts: Mapping[Subject, frozenset[str]] = field(default_factory=dict)
    chains: tuple[tuple[str, ...], ...] = ()

    def ratio(self, one: Subject) -> float:
        """Value by expectation; not a number where unknown."""
        found = self.seen.get(one)
        return found.ratio if found else math.nan

    def slices(self, one: Subject, by: str) -> dict[str, Deviation]:
        """The parts of a whole series by a dimension."""
        return {s.value: d for s, d in self.seen.items() if (s.kind, s.name, s.by) == (one.kind, one.name, by)}

    def dimensions(self, one: Subject) -> list[str]:
        """Dimensions that a series is known by, those that most often explain first."""
        known = {s.by for s in self.seen if (s.kind, s.name) == (one.kind, one.name) and s.by}
        return sorted(known, key=lambda by: (_ORDER.index(by) if by in _ORDER else len(_ORDER), by))

    def of(self, event: str) -> set[Subject]:
        """Every series that the event is a part of."""
        return {s for s, parts in self.parts.items() if event in parts}


_ORDER = ("channel", "country", "device", "browser")


@dataclass(frozen=True)
class Verdict:
    """One incident on one day: its root, its cause, what else it touches, and the numbers that told it apart.

    ``slice``: the part that it is about, (dimension, value). ``why``: the reason in one clause.
    """

    subject: Subject
    cause: str
    touches: frozenset[Subject]
    why: str
    details: Mapping[str, float | str] = field(default_factory=dict)
    slice: tuple[str, str] | None = None


def verdicts(day: Day) -> list[Verdict]:
    """The incidents of a day, each with the series that it explains."""
    left, found = set(day.flagged), []
    for rule in RULES:
        for verdict in rule(day, frozenset(left)):
            if left & verdict.touches:
                found.append(verdict)
                left -= verdict.touches
    return found


# -- tracking ---------------------------------------------------------------------------------------------------------


def _silent(day: Day, left: frozenset[Subject]) -> Iterator[Verdict]:
    """Nothing arrives at all, or nothing from one browser or device: these do not die out overnight."""
    for one in sorted(s for s in left if s.kind == "sessions"):
        seen = day.seen[one]
        if seen.ratio < GONE and seen.expected >= COUNTED and one.by in ("", "browser", "device"):
            where = f" from {one.value}" if one.by else ""
            touches = {s for s in left if s.whole or (s.by, s.value) == (one.by, one.value)} if one.by else set(left)
            yield Verdict(
                one, TRACKING, frozenset(touches), f"hardly anything arrives{where}", {"left": seen.ratio},
                (one.by, one.value) if one.by else None,
            )  # fmt: skip
            return


def _emptied(day: Day, left: frozenset[Subject]) -> Iterator[Verdict]:
    """A property is no longer sent while its event is."""
    for one in sorted((s for s in left if s.kind == "fill"), key=lambda s: day.seen[s].ratio):
        seen = day.seen[one]
        if seen.up:
            continue
        event, _, prop = one.name.partition(".")
        touches = {s for s in day.parts if one.name in day.parts[s]} | {one}
        touches |= {s for s in left if s.kind == "fill" and s.name.startswith(f"{event}.") and not day.seen[s].up}
        count = day.seen.get(Subject("event", event))
        also = sorted(s.name for s in touches if s.kind == "fill" and s != one and s in left)
        details = {"events": count.value if count else seen.exposure, "filled": seen.value, "usually": seen.expected}
        why = f"{event} goes on and lacks {prop}" + (f" (and {', '.join(also)})" if also else "")
        yield Verdict(one, TRACKING, frozenset(touches), why, details)
        left = left - touches


def _doubled(day: Day, left: frozenset[Subject]) -> Iterator[Verdict]:
    """Twice the events in as many sessions: a tag that fires twice."""
    events = {s.name for s in left if s.kind == "repeat" and day.seen[s].up}
    for event in sorted(events):
        root = Subject("repeat", event)
        places = [("", ""), *((s.by, s.value) for s in day.seen if (s.kind, s.name) == ("repeat", event) and s.by)]
        for by, value in places:
            seen = day.seen.get(root.at(by, value))
            if seen is None or not seen.ratio >= TWICE or seen.exposure < COUNTED:
                continue
            where = f" in {value}" if by else ""
            why = f"{seen.value:.2f} {event} per session that has one{where}, where {seen.expected:.2f} are usual"
            details = {"per_session": seen.value, "usually": seen.expected, "sessions": seen.exposure}
            yield Verdict(
                Subject("event", event), TRACKING, frozenset(day.of(event)), why, details, (by, value) if by else None
            )
            break


def _vanished(day: Day, left: frozenset[Subject]) -> Iterator[Verdict]:
    """One event is gone, everywhere or in one part, while what comes before it goes on.

    Where what follows it is gone too, people are stopped there: that is no matter of tracking.
    """
    for event in _events(day, left):
        root = Subject("event", event)
        low = {s for s in left & day.of(event) if not day.seen[s].up}
        places = [(s.by, s.value) for s in day.seen if (s.kind, s.name) == ("event", event) and s.by in _MACHINE]
        for by, value in [("", ""), *sorted(places, key=lambda p: day.ratio(root.at(*p)))]:
            here = root.at(by, value)
            if not any(s.whole or (s.by, s.value) == (by, value) for s in low):
                continue
            verdict = _gone(day, here)
            if verdict is not None:
                yield verdict
                left = left - verdict.touches
                break


_MACHINE = ("browser", "device")  # what a broken tag can depend on


def _gone(day: Day, here: Subject) -> Verdict | None:
    seen = day.seen.get(here)
    if seen is None or not seen.expected >= COUNTED:
        return None
    before, after = _neighbours(day, here)
    companion = before or Subject("sessions", "", here.by, here.value)
    goes_on = day.ratio(companion)
    if not goes_on >= 0.3 or seen.ratio / goes_on >= GONE:
        return None
    later = [day.ratio(s) for s in after if day.seen[s].expected >= COUNTED]
    if later and max(later) < GOES_ON * goes_on:
        return None
    if not later and here.by == "device":
        return None  # nothing can tell a broken tag from a broken page here, and a page breaks by device
    details: dict[str, float | str] = {"left": seen.ratio, str(companion): goes_on}
    details |= {str(s): day.ratio(s) for s in after}
    where = f" in {here.value}" if here.by else ""
    name = companion.name or "sessions"
    told = f" and so does {after[0].name}" if later else ""
    why = f"{here.name} is gone{where} while {name} goes on ({goes_on:.0%} of what is usual){told}"
    root = Subject("event", here.name)
    return Verdict(
        root, TRACKING, frozenset(day.of(here.name)), why, details, (here.by, here.value) if here.by else None
    )


def _neighbours(day: Day, here: Subject) -> tuple[Subject | None, list[Subject]]:
    """The event before in a funnel, and those after."""
    before, after = None, []
    for chain in day.chains:
        if here.name in chain:
            place = chain.index(here.name)
            if place and Subject("event", chain[place - 1], here.by, here.value) in day.seen:
                before = Subject("event", chain[place - 1], here.by, here.value)
            after += [s for n in chain[place + 1 :] if (s := Subject("event", n, here.by, here.value)) in day.seen]
    return before, list(dict.fromkeys(after))


def _events(day: Day, left: Iterable[Subject]) -> list[str]:
    """Events that flagged series are made of, in the order of the funnels."""
    order = {name: i for chain in reversed(day.chains) for i, name in enumerate(chain)}
    named = {event for s in left for event in day.parts.get(s, ()) if Subject("event", event) in day.seen}
    return sorted(named, key=lambda name: (order.get(name, -1), name))


# -- traffic ----------------------------------------------------------------------------------------------------------


def _bots(day: Day, left: frozenset[Subject]) -> Iterator[Verdict]:
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
            why = (
                f"{share:.0%} of {extra:,.0f} visits too many do nothing but look, {part:.0%} of them are {by} {value}"
            )
            touches = {s for s in day.seen if s.kind not in ("fill", "repeat", "step")}
            touches -= {s for s in touches if s.kind == "event" and s.name in {n for c in day.chains for n in c}}
            yield Verdict(Subject("sessions"), BOTS, frozenset(touches), why, details, (by, value))
            left = left - touches
    if known in left and day.seen[known].up:
        seen = day.seen[known]
        why = f"{seen.value:,.0f} events of known bots where {seen.expected:,.0f} are usual; KPIs leave them out"
        yield Verdict(known, BOTS, frozenset({known}), why, {"events": seen.value, "usually": seen.expected})


def _volume(day: Day, left: frozenset[Subject]) -> Iterator[Verdict]:
    """More or fewer visits, in all or from one part; with it what follows, at the same rates or by the mix."""
    for up in (False, True):
        moved = [s for s in left if s.kind == "sessions" and day.seen[s].up == up]
        if not moved:
            continue
        root = Subject("sessions")
        place = _concentrated(day, root, up)
        if root not in moved:
            strongest = max(moved, key=lambda s: abs(day.seen[s].z))
            place = place if place and root.at(*place[:2]) in moved else (strongest.by, strongest.value, 1.0)
        part = (place[0], place[1]) if place else None
        here = root.at(*part) if part else root
        seen = day.seen.get(here) or day.seen[root]
        touches = {s for s in day.seen if s.kind in ("sessions", "event", "flat", "metric") and day.seen[s].up == up}
        touches |= {s for s in left if s.kind in ("goal", "metric", "step") and s.whole and _by_mix(day, s)[0] >= MOST}
        where = f" with {part[0]} {part[1]}" if part else ""
        details: dict[str, float | str] = {"sessions": seen.value, "usually": seen.expected}
        if part and place:
            details["part_of_change"] = place[2]
        why = f"{seen.value:,.0f} sessions{where} where {seen.expected:,.0f} are usual; what they do is as before"
        yield Verdict(here if root not in moved else root, VOLUME, frozenset(touches), why, details, part)
        left = left - touches


def _concentrated(day: Day, root: Subject, up: bool, among: tuple[str, ...] = ()) -> tuple[str, str, float] | None:
    """(dimension, value, its part of the change) of the one part that explains most of it."""
    whole = day.seen.get(root)
    if whole is None:
        return None
    best: tuple[str, str, float] | None = None
    for by in among or day.dimensions(root):
        moves = {v: d.value - d.expected for v, d in day.slices(root, by).items()}
        same = {v: abs(m) for v, m in moves.items() if (m > 0) == up}
        if len(moves) < 2 or not same:
            continue
        value = max(same, key=lambda v: same[v])
        part = same[value] / sum(abs(m) for m in moves.values())
        parts = day.slices(root, by)
        named = part >= _mostly(parts, value) and abs(parts[value].z) >= 3
        if named and (best is None or part > best[2] + 0.1):
            best = (by, value, part)
    return best


# -- rates ------------------------------------------------------------------------------------------------------------


def _by_mix(day: Day, one: Subject) -> tuple[float, str]:
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


def _mix(day: Day, left: frozenset[Subject]) -> Iterator[Verdict]:
    """A rate that moved because other people came, at rates within each part that are as before."""
    for one in sorted((s for s in left if s.kind in ("goal", "step", "metric")), key=lambda s: -abs(day.seen[s].z)):
        if one not in left or not one.whole:
            continue
        part, by = _by_mix(day, one)
        if part < MOST:
            continue
        seen = day.seen[one]
        grown = max(day.slices(one, by).items(), key=lambda item: item[1].exposure / max(item[1].usual, 1e-9))
        touches = {s for s in left if s.kind in ("goal", "step", "metric", "event") and day.seen[s].up == seen.up}
        why = f"{part:.0%} of the change is another mix by {by} (more {grown[0]}); the rates within are as before"
        yield Verdict(one, MIX, frozenset(touches), why, {"by_mix": part, "dimension": by}, (by, grown[0]))
        left = left - touches


def _rate(day: Day, left: frozenset[Subject]) -> Iterator[Verdict]:
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
        why = f"{_name(root)}{where} is {told.ratio:.0%} of what is usual, and the mix is as before"
        details = {"value": told.value, "usually": told.expected, "by_mix": _by_mix(day, whole)[0]}
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
        if part >= _mostly(parts, value) and abs(parts[value].z) >= 3 and (best is None or part > best[0]):
            best = (part, by, value)
    return (best[1], best[2]) if best else None


def _mostly(parts: Mapping[str, Deviation], value: str) -> float:
    """The part of a change that names a part of the people: well above the part of them that it always is."""
    usual = sum(d.usual * (d.expected if d.usual == 1 else 1.0) for d in parts.values())
    share = parts[value].usual * (parts[value].expected if parts[value].usual == 1 else 1.0) / usual if usual else 0.0
    return max(MOST, 0.5 + share / 2)


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


RULES = (_silent, _emptied, _doubled, _vanished, _bots, _volume, _mix, _rate)
