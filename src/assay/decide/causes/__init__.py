"""Causes told apart: one verdict per incident.

The rules are tried in the order of ``RULES``; each takes what it explains out of what is left, so that an incident that
touches twenty series is told once, by its root.
"""

from __future__ import annotations

from assay.decide.alerts import Day, Verdict
from assay.decide.causes.rates import mix, rate
from assay.decide.causes.tracking import doubled, emptied, silent, vanished
from assay.decide.causes.traffic import bots, exchanged, volume

RULES = (silent, emptied, doubled, vanished, bots, exchanged, volume, mix, rate)


def verdicts(day: Day) -> list[Verdict]:
    """The incidents of a day, each with the series that it explains."""
    left, found = set(day.flagged), []
    for rule in RULES:
        for verdict in rule(day, frozenset(left)):
            if left & verdict.touches:
                found.append(verdict)
                left -= verdict.touches
    return found
