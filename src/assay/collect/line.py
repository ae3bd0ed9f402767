"""The way of one line through the collector: the plan's steps, and what every line must have at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from assay.collect.wire import Refusal, Request

if TYPE_CHECKING:
    from assay.collect.http import Source
    from assay.collect.wire import Line
    from assay.plan.values import Plan

MOST = 32_768  # bytes of one line, as characters


def stepper(plan: Plan) -> Callable[[Line, Request, Source], Refusal | None]:
    """What every line goes through under a plan."""
    del plan

    def step(line: Line, request: Request, source: Source) -> Refusal | None:
        del request, source
        return whole(line)

    return step


def whole(line: Line) -> Refusal | None:
    """A line that the store can take: id, name, time in a sane range, no value that JSON or text cannot hold."""
    for name in ("id", "name"):
        if not isinstance(line.get(name), str) or not line[name]:
            return Refusal(0, "incomplete", f"{name} is missing")
    time = line.get("time")
    if not isinstance(time, int) or isinstance(time, bool) or not 0 < time < 4_102_444_800_000_000:
        return Refusal(0, "bad_time", "time is no moment between 1970 and 2100")
    size = _size(line)
    if size > MOST:
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
