"""How many events a key and an address may send: token buckets by a monotonic clock, in bounded memory.

A bucket holds ``BURST`` seconds' worth. Who still has anything in it is taken whole, so that a batch larger than a
bucket gets through; the debt is paid by waiting afterwards. Of a bucket only the moment is kept at which it is full.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from typing import TYPE_CHECKING

from assay.model.errors import UsageError, suggestion

if TYPE_CHECKING:
    from assay.collect.http import Source

BURST = 20.0  # seconds
MOST = 10_000  # buckets before the longest unused ones may go; twice as many are kept at most


@dataclass(frozen=True)
class Rates:
    """Events a second, in the long run; 0: no limit. ``key`` is for public keys, ``secret`` for those of servers."""

    address: float = 500.0
    key: float = 5_000.0
    secret: float = 20_000.0


def rates(text: str | None) -> Rates:
    """``address=500,key=5000,secret=20000``; what is not named stays as it is. Raises UsageError."""
    known = [one.name for one in fields(Rates)]
    given: dict[str, float] = {}
    for part in filter(None, (one.strip() for one in (text or "").split(","))):
        name, _, number = part.partition("=")
        if name not in known:
            raise UsageError(f"--limits {part!r}: there is no limit {name!r}{suggestion(name, known)}")
        try:
            given[name] = float(number)
        except ValueError:
            given[name] = math.nan
        if not 0 <= given[name] < 1e12:
            raise UsageError(f"--limits {part!r}: a limit is a number of events a second, such as {name}=1000; 0: none")
    return Rates(**given)


class Buckets:
    """Buckets of one rate by name, bounded by two generations: one unused while ``most`` others come goes."""

    def __init__(self, rate: float, most: int = MOST, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate, self.most, self.clock = rate, most, clock
        self._young: dict[str, float] = {}
        self._old: dict[str, float] = {}

    def wait(self, name: str) -> int:
        """Whole seconds until something is in the bucket again; 0: now."""
        full = self._young.get(name) or self._old.get(name)
        if full is None:
            return 0
        over = full - self.clock() - BURST
        return max(1, math.ceil(over)) if over >= 0 else 0

    def take(self, name: str, events: int) -> None:
        """Out of the bucket, whatever is in it."""
        if not self.rate:
            return
        now = self.clock()
        full = self._young.get(name) or self._old.get(name, now)
        self._young[name] = max(full, now) + events / self.rate
        if len(self._young) > self.most:
            self._old, self._young = self._young, {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)


class Limits:
    """Both limits of a collector. An address is asked before its request is read, a key when it is known."""

    def __init__(self, rates: Rates, clock: Callable[[], float] = time.monotonic) -> None:
        self.addresses = Buckets(rates.address, clock=clock)
        self.public, self.secret = Buckets(rates.key, clock=clock), Buckets(rates.secret, clock=clock)

    def of_address(self, address: str | None) -> int:
        """Seconds that an address has to wait; 0: none."""
        return self.addresses.wait(grouped(address)) if address else 0

    def of_key(self, key: str, source: Source, address: str | None, events: int) -> int:
        """Seconds that a key has to wait; 0: its events are counted, of a public key also for the address."""
        buckets = self.secret if source.secret else self.public
        seconds = buckets.wait(key)
        if not seconds:
            buckets.take(key, events)
            if address and not source.secret:
                self.addresses.take(grouped(address), events)
        return seconds

    def failed(self, address: str | None) -> None:
        """A request that could not be read, or whose key is not known, counts as an event of its address."""
        if address:
            self.addresses.take(grouped(address), 1)


def grouped(address: str) -> str:
    """An IPv4 address; of IPv6 the network of 64 bits, which is one household's or one machine's."""
    return _network(address[:64]) if ":" in address[:64] else address[:64]


@lru_cache(4096)
def _network(address: str) -> str:
    try:
        known = IPv6Address(address.partition("%")[0])
    except AddressValueError:
        return address
    return str(known.ipv4_mapped) if known.ipv4_mapped else f"{int(known) >> 64:x}/64"
