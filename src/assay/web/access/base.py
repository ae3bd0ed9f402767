"""``Access``: one workspace's doors. A state, a clock, lives, passwords; the name of its cookies."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assay.model.errors import UsageError
from assay.web.access.passwords import Passwords
from assay.web.access.throttle import Throttle
from assay.web.access.values import SECOND, Lives

if TYPE_CHECKING:
    from assay.store.state import State
    from assay.web.access.oidc import Provider

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def clock() -> int:
    """The real one: microseconds UTC."""
    return time.time_ns() // 1000


@dataclass(frozen=True)
class Access:
    """Who may do what in one workspace. Nothing of it is known to another one.

    ``slug`` names the workspace where a server has several: cookies of two never meet. ``url`` is the address that
    people type (``https://numbers.example``), for servers that cannot tell it from their requests.
    """

    state: State
    clock: Callable[[], int] = clock
    slug: str = "main"
    url: str | None = None
    lives: Lives = field(default_factory=Lives)
    passwords: Passwords = field(default_factory=Passwords)
    # the first by account and address, so that nobody locks somebody else out from one address
    pairs: Throttle = field(default_factory=lambda: Throttle(10, 60 * SECOND))
    accounts: Throttle = field(default_factory=lambda: Throttle(100, 10 * SECOND))
    addresses: Throttle = field(default_factory=lambda: Throttle(30, 10 * SECOND))
    provider: Provider | None = None  # of single sign-on

    def __post_init__(self) -> None:
        if not _SLUG.fullmatch(self.slug):
            raise UsageError(f"{self.slug!r} is no name of a workspace: small letters, digits and - only")
        if self.url is not None and not re.fullmatch(r"https?://[^/?#\s]+", self.url):
            raise UsageError(f"{self.url!r}: an address is such as https://numbers.example, without a path")

    @property
    def now(self) -> int:
        """The clock, microseconds UTC."""
        return self.clock()
