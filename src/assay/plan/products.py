"""What other products call a session, a bounce and a channel, as rules of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PLAIN: dict[str, Any] = {
    "timeout": "30m",
    "gap": "exclusive",
    "split_at_midnight": False,
    "split_on_campaign": False,
    "max": "none",
}

# Sources: DEFINITIONS of this project's docs (docs/definitions.md names each product's own documentation).
PRODUCTS: Mapping[str, Mapping[str, Any]] = {
    "ga4": {"session": _PLAIN, "bounce": "ga4", "channels": "ga4", "session_source": "last_non_direct"},
    "ga360": {
        "session": {**_PLAIN, "split_at_midnight": True, "split_on_campaign": True},
        "bounce": "ga360",
        "session_source": "last_non_direct",
    },
    "matomo": {
        "session": {**_PLAIN, "gap": "inclusive", "split_at_midnight": True, "split_on_campaign": True},
        "bounce": "matomo",
        "abandonment": "matomo",
        "session_source": "own",
    },
    "mixpanel": {
        "session": {**_PLAIN, "split_at_midnight": True},
        "funnel_entry": "first",
        "session_source": "own",
    },
    "plausible": {"session": _PLAIN, "bounce": "plausible", "channels": "plausible", "session_source": "own"},
    "posthog": {
        "session": {**_PLAIN, "max": "24h"},
        "bounce": "posthog",
        "channels": "posthog",
        "session_source": "own",
    },
}
