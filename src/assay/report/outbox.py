"""What is to be sent: due slots of schedules, and what became of each sending."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from assay.model.errors import UsageError

if TYPE_CHECKING:
    from assay.plan.reporting import Schedule
    from assay.store.state import State

MOST_TRIES = 10
_FIRST_WAIT, _LONGEST_WAIT = 60, 6 * 3600  # seconds
_LOST = 15 * 60  # after so long a sending that did not end has died
_LATE = 3  # days: older slots were missed and are not made up for
SENT, WAITING, UNCLEAR, GIVEN_UP = "sent", "waiting", "unclear", "given_up"
STATES = {SENT: "sent", WAITING: "waiting", UNCLEAR: "not known", GIVEN_UP: "given up", "sending": "being sent"}


@dataclass(frozen=True)
class Slot:
    """A moment at which a schedule was due."""

    at: str
    schedule: Schedule


def due(schedules: tuple[Schedule, ...], zone: str, now: int) -> Iterator[Slot]:
    """The latest slot of each schedule that has come, in the site's zone."""
    here = datetime.fromtimestamp(now / 1e6, ZoneInfo(zone))
    for one in schedules:
        for back in range(_LATE + 1):
            day = here.date() - timedelta(back)
            if not _falls(one.day, day):
                continue
            moment = datetime.combine(day, time(one.minute // 60, one.minute % 60), ZoneInfo(zone))
            if moment <= here:
                yield Slot(moment.isoformat(), one)
                break


def _falls(rule: int | str, day: date) -> bool:
    return rule == "day" or (day.day == 1 if rule == "month" else day.weekday() == rule)


def wait(tries: int) -> int:
    """Seconds until the next try: a minute, two, four … six hours."""
    return int(min(_FIRST_WAIT * 2 ** (tries - 1), _LONGEST_WAIT))


def missing(state: State, slot: Slot) -> list[str]:
    """Receivers for whom nothing stands in the outbox for that slot."""
    one = slot.schedule
    return [
        name
        for name in one.to
        if not state.read("outbox_known", slot=slot.at, schedule=one.every, format=one.format, receiver=name)
    ]


def put(state: State, slot: Slot, receivers: list[str], file: str, text: str, now: int) -> None:
    """Note what is to be sent; what stands there already stays as it is."""
    with state.changing() as do:
        for name in receivers:
            do(
                "add_outbox", slot=slot.at, schedule=slot.schedule.every, receiver=name, format=slot.schedule.format,
                file=file, text=text, now=now,
            )  # fmt: skip


def claim(state: State, now: int) -> Iterator[dict[str, Any]]:
    """What may be sent now, each by one process only. A sending that died is not repeated: nobody knows what came."""
    lost = "the sending was broken off; whether it arrived is not known"
    state.write("lost_outbox", why=lost, now=now, before=now - _LOST * 1_000_000)
    for row in state.read("outbox_due", now=now):
        if state.write("claim_outbox", no=row["no"], tries=row["tries"], now=now):
            yield row | {"tries": row["tries"] + 1}


def settle(state: State, row: dict[str, Any], outcome: str, why: str, now: int) -> str:
    """Note what became of a sending; what failed is tried again after a growing wait, ten times."""
    if outcome == WAITING and row["tries"] >= MOST_TRIES:
        outcome = GIVEN_UP
    following = now + wait(row["tries"]) * 1_000_000
    state.write("set_outbox", no=row["no"], state=outcome, why=why, next=following, now=now)
    return outcome


def again(state: State, no: int, now: int) -> None:
    """Send one again. Raises UsageError where there is no such one, or it is under way."""
    if not state.write("again_outbox", no=no, now=now):
        raise UsageError(f"there is no sending {no} that could be sent again")


def said(row: dict[str, Any], zone: str) -> tuple[Any, ...]:
    """A row for people."""
    why = row["why"]
    if row["state"] == WAITING and row["tries"]:
        at = datetime.fromtimestamp(row["next_at"] / 1e6, UTC).astimezone(ZoneInfo(zone))
        why = f"{why}; again from {at:%Y-%m-%d %H:%M}"
    state = STATES[row["state"]]
    return (row["no"], row["slot"][:16].replace("T", " "), row["receiver"], row["format"], state, row["tries"], why)
