"""What every area of the cases shares: reading the vocabulary, making event lines, comparing.

An area is a file ``area_<name>.py`` with ``answer(case, make) → {key of expected: value}``. It reads its ``definition`` through
``Words``, so that a word it does not know fails, and asks the public questions of the workspace that ``make`` gives it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from assay.workspace import Workspace
from support import Event, event

Case = dict[str, Any]


class Make(Protocol):
    """Makes a workspace on the engine under test; each batch of events is loaded as a segment of its own."""

    def __call__(self, plan: Mapping[str, Any], *batches: Sequence[Event], now: int | None = None) -> Workspace: ...


class UnknownWord(AssertionError):
    """The case says something that the runner does not understand: never skipped."""


class Words:
    """A case's definition; every key must be read, every sentence must be known."""

    def __init__(self, definition: Mapping[str, Any]) -> None:
        self.definition = dict(definition)
        self.read: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key that may take any value."""
        self.read.add(key)
        return self.definition.get(key, default)

    def word(self, key: str, known: Mapping[Any, Any] | Iterable[Any], default: Any = None) -> Any:
        """The meaning of a key whose values are fixed words."""
        self.read.add(key)
        if key not in self.definition:
            return default
        value = self.definition[key]
        meanings = known if isinstance(known, Mapping) else {one: one for one in known}
        if value not in meanings:
            raise UnknownWord(f"{key}: {value!r} is not in the vocabulary")
        return meanings[value]

    def done(self) -> None:
        """Fail on keys that nobody read."""
        left = set(self.definition) - self.read
        if left:
            raise UnknownWord(f"not in the vocabulary: {', '.join(sorted(left))}")


def instant(value: str | int | float, unit: int = 1_000_000) -> int:
    """A timestamp of a case in microseconds: ISO 8601 UTC, or a plain number (seconds; ``unit`` µs each)."""
    if isinstance(value, str):
        return round(datetime.fromisoformat(value).timestamp() * 1_000_000)
    return round(value * unit)


def lines(case: Case, rename: Callable[[str], str] = lambda name: name, unit: int = 1_000_000) -> list[Event]:
    """The case's events as event lines in order of arrival; properties stay properties."""
    made = []
    for n, one in enumerate(case["events"]):
        known = {"user", "event", "timestamp", "properties", "session", "event_id"}
        if set(one) - known:
            raise UnknownWord(f"event with {', '.join(sorted(set(one) - known))}")
        line = event(
            one["user"], rename(one["event"]), instant(one["timestamp"], unit), id=one.get("event_id", f"{n:06}"), seq=n
        )
        if one.get("properties"):
            line["props"] = one["properties"]
        if one.get("session") is not None:
            line["session"] = one["session"]
        made.append(line)
    return made


def differences(got: Any, expected: Any, where: str = "") -> list[str]:
    """What differs, only over the keys that ``expected`` has. Decimal text exactly, other numbers to 1e-6 relative."""
    if isinstance(expected, dict):
        if not isinstance(got, dict):
            return [f"{where}: {got!r} is not {expected!r}"]
        found = []
        for key, value in expected.items():
            if str(key) not in {str(k) for k in got}:
                found.append(f"{where}.{key}: nothing is answered (not in the vocabulary?)")
            else:
                found += differences({str(k): v for k, v in got.items()}[str(key)], value, f"{where}.{key}")
        return found
    if isinstance(expected, list):
        if not isinstance(got, list | tuple) or len(got) != len(expected):
            return [f"{where}: {got!r} is not {expected!r}"]
        return [
            d for n, (g, e) in enumerate(zip(got, expected, strict=True)) for d in differences(g, e, f"{where}[{n}]")
        ]
    if isinstance(expected, bool) or expected is None or got is None:
        return (
            [] if got == expected and (got is None) == (expected is None) else [f"{where}: {got!r} is not {expected!r}"]
        )
    if isinstance(expected, int | float):
        if isinstance(got, str):
            return [f"{where}: {got!r} is not {expected!r}"]
        near = abs(float(got) - expected) <= 1e-6 * max(abs(expected), abs(float(got)))
        return [] if near else [f"{where}: {got!r} is not {expected!r}"]
    if isinstance(expected, str) and isinstance(got, Decimal):
        return [] if got == Decimal(expected) else [f"{where}: {got!r} is not {expected!r}"]
    return [] if got == expected else [f"{where}: {got!r} is not {expected!r}"]
