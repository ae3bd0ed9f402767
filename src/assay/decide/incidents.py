"""Incidents over days: a verdict that goes on is the same incident; it has recovered when its series is as expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from assay.decide.alerts import TRACKING, Day, Deviation, Subject, Verdict

QUIET = 2.0  # |z| below which a series is as expected again
AGAIN = 3  # days after which a new deviation is another incident
WEEKS = 56  # days that a comparison of weeks looks back on


@dataclass(frozen=True)
class Incident:
    """``first`` and ``last``: days on which it was seen; ``recovered``: the first day as expected again.

    ``gauge`` is the series that shows best whether it goes on, ``seen`` that series on the first day. ``families``: the
    rules that raised it. ``weekly``: found by weeks, not on a day.
    """

    verdict: Verdict
    gauge: Subject
    seen: Deviation
    first: date
    last: date
    touches: frozenset[Subject]
    families: tuple[str, ...] = ()
    recovered: date | None = None
    weekly: bool = False

    @property
    def key(self) -> str:
        """What tells it from others: day, subject and part."""
        part = "=".join(self.verdict.slice) if self.verdict.slice else ""
        return f"{self.first} {self.verdict.subject} {part}".strip()


def follow(
    incidents: Sequence[Incident],
    day: Day,
    found: Sequence[Verdict],
    raised: Mapping[Subject, tuple[str, ...]],
    weekly: bool = False,
) -> list[Incident]:
    """The incidents after another day: gone on, recovered, new ones last."""
    kept = list(incidents)
    seen_on: set[int] = set()
    for verdict in found:
        flagged = verdict.touches & day.flagged
        place = next((i for i, one in reversed(list(enumerate(kept))) if _same(one, verdict, day, weekly)), None)
        if place is not None:
            one = kept[place]
            if one.recovered is not None and day.seen[max(flagged)].up != one.seen.up:
                continue  # back where it came from
            kept[place] = replace(one, last=day.day, recovered=None, touches=one.touches | flagged)
            seen_on.add(place)
            continue
        gauge = max(flagged, key=lambda s: (abs(day.seen[s].z), s))
        names = dict.fromkeys(name for s in sorted(flagged) for name in raised.get(s, ()))
        kept.append(Incident(verdict, gauge, day.seen[gauge], day.day, day.day, flagged, tuple(names), weekly=weekly))
        seen_on.add(len(kept) - 1)
    return [_recovered(one, day) if i not in seen_on and one.weekly == weekly else one for i, one in enumerate(kept)]


def _recovered(one: Incident, day: Day) -> Incident:
    now = day.seen.get(one.gauge)
    if one.recovered is not None or one.last >= day.day or now is None:
        return one
    quiet = abs(now.z) < QUIET or now.up != one.seen.up
    return replace(one, recovered=day.day) if quiet else one


def _same(one: Incident, verdict: Verdict, day: Day, weekly: bool) -> bool:
    if weekly and one.weekly and _aftermath(one, verdict, day):
        return True
    if one.recovered is not None and (day.day - one.last).days > (AGAIN if not one.weekly else 7):
        return False
    if one.verdict.subject == verdict.subject and one.verdict.slice == verdict.slice:
        return True
    if one.weekly and not weekly:
        return False  # what is new on a day is no part of what goes on for weeks
    if one.gauge in verdict.touches:
        return True
    if verdict.cause == TRACKING and one.verdict.cause != TRACKING:
        return False
    return verdict.cause == one.verdict.cause and bool(verdict.touches & day.flagged & one.touches)


def _aftermath(one: Incident, verdict: Verdict, day: Day) -> bool:
    """By weeks: what is left of a change in the weeks that the next ones are compared with, and metrics made of it."""
    if (day.day - one.last).days > WEEKS:
        return False
    if verdict.subject.kind == "metric" and one.recovered is None and one.verdict.cause == verdict.cause:
        return True
    flagged = verdict.touches & day.flagged
    return bool(flagged & one.touches) and day.seen[max(flagged)].up != one.seen.up
