"""Tracking broke: an event, a property or a whole browser is silent, or doubled, while its companions go on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from assay.decide.alerts import COUNTED, GOES_ON, GONE, MOST, TRACKING, TWICE, Day, Deviation, Subject, Verdict


def silent(day: Day, left: frozenset[Subject]) -> Iterator[Verdict]:
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


def emptied(day: Day, left: frozenset[Subject]) -> Iterator[Verdict]:
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


def doubled(day: Day, left: frozenset[Subject]) -> Iterator[Verdict]:
    """Twice the events in as many sessions: a tag that fires twice."""
    events = {s.name for s in left if s.kind == "repeat" and day.seen[s].up}
    for event in sorted(events):
        root = Subject("repeat", event)
        places = [("", ""), *((s.by, s.value) for s in day.seen if (s.kind, s.name) == ("repeat", event) and s.by)]
        for by, value in places:
            seen = day.seen.get(root.at(by, value))
            if seen is None or not seen.ratio >= TWICE or seen.exposure < COUNTED or not _most(seen, day.seen[root]):
                continue
            where = f" in {value}" if by else ""
            why = f"{seen.value:.2f} {event} per session that has one{where}, where {seen.expected:.2f} are usual"
            details = {"per_session": seen.value, "usually": seen.expected, "sessions": seen.exposure}
            yield Verdict(
                Subject("event", event), TRACKING, frozenset(day.of(event)), why, details, (by, value) if by else None
            )
            break


def _most(part: Deviation, whole: Deviation) -> bool:
    """Whether the events too many in a part are most of those too many in all."""
    extra = (whole.value - whole.expected) * whole.exposure
    return (part.value - part.expected) * part.exposure >= MOST * extra


def vanished(day: Day, left: frozenset[Subject]) -> Iterator[Verdict]:
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
    why = f"{here.name} is gone{where} while {name} goes on ({goes_on * 100:.0f} % of what is usual){told}"
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
