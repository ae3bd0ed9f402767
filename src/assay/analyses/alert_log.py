"""Alerts in the state file: written by a run, read by every surface; acknowledged, muted, heard again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from assay.decide.alerts import Deviation, Subject, Verdict, subject
from assay.decide.incidents import Incident
from assay.model.errors import UsageError
from assay.store.state import State

STATES = ("new", "acknowledged", "muted", "recovered")
SAME = 3  # days by which two runs may differ in when it began


@dataclass(frozen=True)
class Logged:
    """An alert of the state file with its number and what people said of it."""

    no: int
    incident: Incident
    text: str
    acknowledged: bool


@dataclass(frozen=True)
class Mute:
    """``until``: the last muted day; None: until it is heard again."""

    subject: str
    until: date | None


def logged(state: State | None) -> list[Logged]:
    """Every alert that was raised, in order of number."""
    rows = state.read("alerts") if state is not None else []
    return [Logged(row["no"], _incident(row), row["text"], row["acknowledged_at"] is not None) for row in rows]


def mutes(state: State | None) -> list[Mute]:
    """Every mute, also those that are over."""
    rows = state.read("alert_mutes") if state is not None else []
    return [Mute(row["subject"], date.fromisoformat(row["until"]) if row["until"] else None) for row in rows]


def muted(one: Incident, held: Iterable[Mute], day: date) -> bool:
    """Whether an incident raises nothing on a day: its subject or its series is muted."""
    names = {str(one.verdict.subject), str(one.gauge)}
    return any(m.subject in names and (m.until is None or day <= m.until) for m in held)


def state_of(one: Incident, acknowledged: bool, held: Iterable[Mute], day: date) -> str:
    """One of ``STATES``."""
    if one.recovered is not None:
        return "recovered"
    if muted(one, held, day):
        return "muted"
    return "acknowledged" if acknowledged else "new"


def entry_of(one: Incident, log: Sequence[Logged]) -> Logged | None:
    """The logged alert that an incident is: of the same subject and part, begun at nearly the same time."""
    for entry in reversed(log):
        held = entry.incident
        same = (held.verdict.subject, held.verdict.slice) == (one.verdict.subject, one.verdict.slice)
        if (same or held.gauge == one.gauge) and abs((held.first - one.first).days) <= SAME:
            return entry
    return None


# -- writing ----------------------------------------------------------------------------------------------------------


def put(do: Any, one: Incident, text: str, now: int) -> None:
    """Write an incident, new or gone on, within a change of the state."""
    verdict = one.verdict
    part = "=".join(verdict.slice) if verdict.slice else None
    do(
        "put_alert", key=one.key, subject=str(verdict.subject), part=part, cause=verdict.cause, first=str(one.first),
        last=str(one.last), recovered=str(one.recovered) if one.recovered else None, weekly=int(one.weekly), text=text,
        incident=json.dumps(_numbers(one), ensure_ascii=False), now=now,
    )  # fmt: skip


def acknowledge(state: State, no: int, now: int) -> Logged:
    """Mark an alert as known. Raises UsageError where there is none of that number."""
    entry = by_number(state, no)
    state.write("acknowledge_alert", no=no, now=now)
    return entry


def by_number(state: State, no: int) -> Logged:
    """The alert of a number. Raises UsageError."""
    for entry in logged(state):
        if entry.no == no:
            return entry
    raise UsageError(f"no alert has the number {no}; assay alerts shows the numbers")


def mute(state: State, what: str, until: date | None, now: int) -> str:
    """Mute a subject, given by an alert's number or as its series; the subject. Raises UsageError."""
    name = str(by_number(state, int(what)).incident.verdict.subject) if what.isdigit() else what
    if not what.isdigit() and subject(what).kind not in KINDS:
        raise UsageError(f"{what!r} is no series; write a number of assay alerts, or such as event:purchase")
    state.write("mute_alert", subject=name, until=str(until) if until else None, now=now)
    return name


def unmute(state: State, what: str) -> str:
    """Hear a subject again. Raises UsageError where it was not muted."""
    name = str(by_number(state, int(what)).incident.verdict.subject) if what.isdigit() else what
    if not state.write("unmute_alert", subject=name):
        raise UsageError(f"{name} is not muted")
    return name


KINDS = ("sessions", "event", "repeat", "fill", "goal", "step", "metric", "bots")


def _numbers(one: Incident) -> dict[str, Any]:
    seen = one.seen
    return {
        "why": one.verdict.why,
        "details": dict(one.verdict.details),
        "gauge": str(one.gauge),
        "seen": [seen.value, seen.expected, seen.low, seen.high, seen.z, seen.p, seen.exposure, seen.usual],
        "touches": sorted(str(s) for s in one.touches),
        "rules": list(one.families),
    }


def _incident(row: dict[str, Any]) -> Incident:
    held = json.loads(row["incident"])
    touches = frozenset(subject(text) for text in held["touches"])
    by, _, value = (row["part"] or "").partition("=")
    verdict = Verdict(
        subject(row["subject"]), row["cause"], touches, held["why"], held["details"], (by, value) if by else None
    )
    recovered = date.fromisoformat(row["recovered"]) if row["recovered"] else None
    gauge: Subject = subject(held["gauge"])
    return Incident(
        verdict, gauge, Deviation(*held["seen"]), date.fromisoformat(row["first"]), date.fromisoformat(row["last"]),
        touches, tuple(held["rules"]), recovered, bool(row["weekly"]),
    )  # fmt: skip
