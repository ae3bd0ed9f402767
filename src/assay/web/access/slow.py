"""Work that takes a while, argon2 or a provider far away, in few threads of its own: pages never wait for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

AT_ONCE = 4
_slots: RunVar[CapacityLimiter] = RunVar("assay_access_slow")
Result = TypeVar("Result")


async def slowly(do: Callable[..., Result], *given: object) -> Result:
    """What a function gives, run in one of the few threads; the others wait in line without one."""
    try:
        slots = _slots.get()
    except LookupError:
        slots = CapacityLimiter(AT_ONCE)
        _slots.set(slots)
    return await to_thread.run_sync(do, *given, limiter=slots)
