"""What the plan says of collecting and keeping: the sections ``collect`` and ``retention`` as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

DAY = 86_400


@dataclass(frozen=True)
class Collect:
    """How events are taken in.

    ``mode``: observe (unknown events are stored and told of) or strict (they wait in quarantine). ``honoured``: which
    signals keep an event out. ``addresses``: networks of the team. ``internal``, ``tests``: pairs of a field or
    property and a glob; what matches is stored apart from live events. ``blocked``: properties that are removed, with
    the built-in ones. ``countries``: a ``.mmdb`` file, relative to the workspace.
    """

    mode: str = "observe"
    honoured: tuple[str, ...] = ("gpc", "dnt", "denied")
    consent: str | None = None  # of events that say none
    addresses: tuple[str, ...] = ()
    internal: tuple[tuple[str, str], ...] = ()
    tests: tuple[tuple[str, str], ...] = ()
    blocked: tuple[str, ...] = ()
    scrub: bool = True
    countries: str | None = None


@dataclass(frozen=True)
class Retention:
    """Seconds for which events are kept, by name; ``default`` for the others; None: for ever."""

    default: int | None = None
    events: Mapping[str, int | None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.default is not None or any(one is not None for one in self.events.values())

    def of(self, event: str) -> int | None:
        """Seconds for which an event is kept."""
        return self.events.get(event, self.default)
