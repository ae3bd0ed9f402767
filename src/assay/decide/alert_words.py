"""Alerts in words: what moved, by how much, why; as a finding with the numbers behind each part of the sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from assay.decide.alerts import BOTS, MIX, RATE, TRACKING, VOLUME, Subject
from assay.decide.incidents import Incident
from assay.decide.words import day as day_words
from assay.decide.words import value_words
from assay.model.finding import Finding
from assay.plan.values import Change

CAUSES = {
    TRACKING: "tracking broke",
    MIX: "the mix changed",
    RATE: "the rate changed",
    VOLUME: "the volume changed",
    BOTS: "bots",
}
_DO = {
    TRACKING: "look at the tag and at what was released that day; numbers of these days are wrong, not the customers",
    MIX: "judge each part by itself",
    RATE: "look at what visitors see there",
    VOLUME: "look at the source of these visits",
    BOTS: "leave these visits out, and tell the sender of the events that they are bots",
}


def series_words(one: Subject) -> str:
    """``purchase events``, ``sessions with channel Email``, ``begin_checkout → purchase with device mobile``."""
    name = {
        "sessions": "sessions",
        "flat": "visits that only look",
        "bots": "events of known bots",
        "event": f"{one.name} events",
        "repeat": f"{one.name} per session that has one",
        "goal": f"sessions with goal {one.name}",
        "fill": f"{one.name.partition('.')[2]} in {one.name.partition('.')[0]}",
    }.get(one.kind, one.name.replace(">", " → "))
    return f"{name} with {one.by} {one.value}" if one.by else name


def subject_words(one: Incident) -> str:
    """What an incident is about: the event, property, step, metric or part of the visits."""
    subject = one.verdict.subject
    return subject.name.replace(">", " → ") if subject.name else subject.kind


def kind_of(one: Subject, kinds: Mapping[str, str]) -> str:
    """How the values of a series read; ``kinds``: of metrics by name."""
    if one.kind in ("goal", "step", "fill"):
        return "rate"
    if one.kind == "metric":
        return kinds.get(one.name, "number")
    return "number" if one.kind == "repeat" else "count"


def sentence(one: Incident, kinds: Mapping[str, str], currency: str) -> str:
    """``Tue 1 Aug 2017: tracking broke: purchase is gone in Safari …; purchases 3 where 41 are usual (31 to 52)``."""
    seen, kind = one.seen, kind_of(one.gauge, kinds)
    value, expected, low, high = (
        value_words(v, kind, currency) for v in (seen.value, seen.expected, seen.low, seen.high)
    )
    when = f"two weeks up to {day_words(one.first)}" if one.weekly else day_words(one.first)
    numbers = f"{series_words(one.gauge)}: {value} where {expected} is usual"
    between = f" ({low} to {high})" if seen.low == seen.low else ""
    return f"{when}: {CAUSES[one.verdict.cause]}: {one.verdict.why}; {numbers}{between}"


def also(one: Incident, most: int = 4) -> str:
    """The other series that fell with it, the whole ones first."""
    others = sorted((s for s in one.touches if s != one.gauge and s.whole), key=lambda s: (s.kind != "metric", s))
    names = list(dict.fromkeys(series_words(s) for s in others))
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def finding(
    one: Incident, kinds: Mapping[str, str], currency: str, changes: Sequence[Change] = (), commands: Iterable[str] = ()
) -> Finding:
    """Code ``alert``. The evidence holds every number of the sentence and the names of the series."""
    text = sentence(one, kinds, currency)
    touched = also(one)
    if touched:
        text += f"; with it {touched}"
    if changes:
        text += "; the change log has " + ", ".join(f"{c.what} ({c.kind})" for c in changes)
    if one.recovered:
        text += f"; as expected again since {day_words(one.recovered)}"
    part = one.verdict.slice
    evidence: dict[str, Any] = {
        "subject": subject_words(one),
        "cause": one.verdict.cause,
        "day": str(one.first),
        "last": str(one.last),
        "recovered": str(one.recovered) if one.recovered else None,
        "part": {part[0]: part[1]} if part else {},
        "series": str(one.gauge),
        "value": one.seen.value,
        "expected": one.seen.expected,
        "low": one.seen.low,
        "high": one.seen.high,
        "p": one.seen.p,
        "by": "weeks" if one.weekly else "day",
        "details": dict(one.verdict.details),
        "touches": sorted(str(s) for s in one.touches),
        "rules": list(one.families),
        "changes": [{"date": str(c.date), "kind": c.kind, "what": c.what} for c in changes],
    }
    severity = "info" if one.recovered else "bad"
    return Finding("alert", severity, text, evidence, "; ".join([_DO[one.verdict.cause], *commands]))
