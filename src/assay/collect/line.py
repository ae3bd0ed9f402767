"""The way of one line through the collector: the steps under a plan, and what every line must have at the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.collect.salts import Salts
from assay.collect.steps import Context, run
from assay.collect.wire import Refusal, Request

if TYPE_CHECKING:
    from assay.collect.http import Source
    from assay.collect.wire import Line
    from assay.plan.values import Plan

MOST = 32_768  # characters of one line
DETAILS = {
    "consent": "the visitor does not want to be counted (Global Privacy Control, Do Not Track, or consent denied)",
    "wrong_host": "the page's host is none of the site's domains",
    "internal": "internal traffic is left out by a rule",
    "bad_time": "before 1990, or later than tomorrow",
}


def stepper(plan: Plan, folder: Path) -> Callable[[Line, Request, Source], Refusal | None]:
    """What every line goes through under a plan; ``folder`` holds the salts of the days."""
    base, salts = Context(domains=tuple(plan.site.domains)), Salts(folder)
    known: dict[Source, Context] = {}
    last: tuple[Request | None, Source | None, Context] = (None, None, base)

    def step(line: Line, request: Request, source: Source) -> Refusal | None:
        nonlocal last
        if last[0] is not request or last[1] is not source:
            last = (request, source, _context(known, base, source).of(request, salts.of(request.received_at)))
        dropped = run(line, last[2])
        if dropped is not None:
            return Refusal(0, dropped.reason, DETAILS.get(dropped.reason, dropped.reason))
        return whole(line)

    return step


def _context(known: dict[Source, Context], base: Context, source: Source) -> Context:
    from dataclasses import replace
    from urllib.parse import urlsplit

    if source not in known:
        hosts = tuple(host for host in (urlsplit(origin).hostname for origin in source.origins) if host)
        known[source] = replace(
            base, source=source.name, environment=source.environment, trusted=source.secret, hosts=hosts
        )
    return known[source]


def whole(line: Line) -> Refusal | None:
    """A line that the store can take: id, name, time in a sane range, not larger than an event may be."""
    for name in ("id", "name"):
        if not isinstance(line.get(name), str) or not line[name]:
            return Refusal(0, "incomplete", f"{name} is missing")
    time = line.get("time")
    if not isinstance(time, int) or isinstance(time, bool) or not 0 < time < 4_102_444_800_000_000:
        return Refusal(0, "bad_time", "time is no moment between 1970 and 2100")
    if _size(line) > MOST:
        return Refusal(0, "too_large", f"an event has at most {MOST:,} characters")
    return None


def _size(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(len(str(k)) + _size(v) for k, v in value.items())
    if isinstance(value, list | tuple):
        return sum(_size(one) for one in value)
    return 8
