"""How often somebody may try to sign in: so many at once, then one every while; in bounded memory."""

from __future__ import annotations

import threading

from assay.web.access.values import SECOND

MOST = 10_000  # names before the longest unused ones may go; twice as many are kept at most


class Throttle:
    """``burst`` tries at once, then one every ``every`` microseconds. Kept of a name: when all is free."""

    def __init__(self, burst: int, every: int, most: int = MOST) -> None:
        self.burst, self.every, self.most = burst, every, most
        self._young: dict[str, int] = {}
        self._old: dict[str, int] = {}
        self._lock = threading.Lock()

    def take(self, name: str, now: int) -> int:
        """A try at a moment: 0, and it counts; else the whole seconds until the next one, and it does not."""
        name = name[:254]
        with self._lock:
            free = max(self._young.get(name) or self._old.get(name, 0), now)
            over = free + self.every - now - self.burst * self.every
            if over > 0:
                return -(-over // SECOND)
            self._young[name] = free + self.every
            if len(self._young) > self.most:
                self._old, self._young = self._young, {}
        return 0

    def forget(self, name: str) -> None:
        """Nothing was tried under this name."""
        with self._lock:
            self._young.pop(name[:254], None)
            self._old.pop(name[:254], None)

    def __len__(self) -> int:
        return len(self._young) + len(self._old)
