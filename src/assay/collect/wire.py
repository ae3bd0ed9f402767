"""What a wire format is: a request in, event lines and refusals out, and the answer that its clients expect.

Pure: no clock, no files, no network. A format is one module in ``protocols/`` with a ``PROTOCOL``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.collect.http import Source

Line = dict[str, Any]  # the event line as it will be written; what is missing is null


@dataclass(frozen=True)
class Request:
    """One HTTP request, read whole. ``path`` without the query; header names lower case; ``received_at`` µs UTC.

    ``body`` is as it was sent: ``decoded`` in ``bodies`` takes off gzip and base64. ``address`` is never stored.
    ``scheme`` is that of the sender, where a trusted proxy says it.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    received_at: int
    address: str | None = None
    scheme: str = "https"


@dataclass(frozen=True)
class Refusal:
    """One event that is not taken, by its place in the request. ``reason`` is a code, ``detail`` for the sender."""

    index: int
    reason: str
    detail: str = ""
    name: str | None = None
    id: str | None = None


@dataclass(frozen=True)
class Decoded:
    """What a request says: lines in their order, with their places in the request; refusals; the key it came with.

    ``places[i]`` is the place of ``lines[i]`` among the request's events. ``extra``: what the answer needs to know.
    ``source``: who sends, where the format itself has proved it and there is no key.
    """

    key: str | None
    lines: tuple[Line, ...] = ()
    places: tuple[int, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    source: Source | None = None


class BadRequest(Exception):
    """The request as a whole cannot be read. ``reason`` is a code; ``status`` the answer's."""

    def __init__(self, reason: str, detail: str = "", status: int = 400) -> None:
        super().__init__(detail or reason)
        self.reason, self.detail, self.status = reason, detail or reason, status


@dataclass(frozen=True)
class Outcome:
    """What became of a decoded request after all steps: stored lines and refusals, in the order of the request."""

    stored: Sequence[Line]
    refusals: Sequence[Refusal]


@dataclass(frozen=True)
class Response:
    """An HTTP answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Protocol:
    """A wire format by name. ``routes``: (method, path); a path may end in ``*`` for anything below it.

    ``decode`` raises BadRequest. ``answer`` is what the client expects once the lines are on disk. ``still`` answers
    routes that bring no events (settings, flags), None for the others. ``body`` is a JSON schema of what is sent and
    ``parameters`` the query's names: they describe, and refuse nothing. ``slower``: the status that
    makes its clients wait and try again.
    """

    name: str
    routes: tuple[tuple[str, str], ...]
    decode: Callable[[Request], Decoded]
    answer: Callable[[Decoded, Outcome], Response]
    still: Callable[[Request], Response | None] = lambda _request: None
    body: Mapping[str, Any] | None = None
    parameters: tuple[str, ...] = ()
    slower: int = 429
