"""What is asked: every question of the registry at least once, over all days of the demo shop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FIRST, LAST = "2026-07-03", "2026-09-30"
WHOLE = {"from": FIRST, "to": LAST}
LATER = {"from": "2026-08-22", "to": LAST}  # half of the days, so that a period of the same length lies before it
# The demo shop runs one test; a second one beside it, for the question about two of them.
SECOND_TEST = """
  short_form:
    hypothesis: A shorter form lets more of those who begin to check out buy
    unit: visitor
    start: 2026-07-20
    end: 2026-08-23
    variants: {control: 50, treatment: 50}
    primary: {metric: purchase_rate_visitor, mde: 5%}
    looks: fixed
"""


@dataclass(frozen=True)
class Ask:
    """One question with its parameters; ``{data}`` in a value is the folder of the demo's files, ``{visitor}`` a busy one."""

    question: str
    words: tuple[Any, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    days: Mapping[str, str] = field(default_factory=lambda: WHOLE)

    @property
    def name(self) -> str:
        """The question as one line."""
        words = (",".join(word) if isinstance(word, list) else str(word) for word in self.words)
        given = (f"{name}={_said(value)}" for name, value in self.params.items())
        return " ".join([self.question, *words, *given]).replace("{data}/", "").replace("{visitor}", "VISITOR")

    def filled(self, **places: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Words and parameters for a workspace."""
        words = tuple(word.format(**places) if isinstance(word, str) else word for word in self.words)
        params = {name: v.format(**places) if isinstance(v, str) else v for name, v in self.params.items()}
        return words, {**params, **self.days}


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{name}={one}" for name, one in value.items())
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


_NONE: Mapping[str, str] = {}  # a question that takes no days
ASKED: tuple[Ask, ...] = (
    Ask("overview", days=LATER),
    Ask("pace", days=_NONE),
    Ask("metric", (["purchase_rate", "bounce_rate"],), {"grain": "day"}),
    Ask("metric", (["purchase_rate"],), {"by": "channel"}),
    Ask("metric", (["rpv", "aov"],), {"by": "country", "grain": "week"}),
    Ask("metric", (["cart_abandonment"],), {"by": "device"}),
    Ask("why", ("purchase_rate",), days=LATER),
    Ask("leaks", ("checkout",)),
    Ask("opportunity", ("checkout",)),
    Ask("patterns", days=LATER),
    Ask("experiment", days=_NONE),
    Ask("experiment-design", ("free_shipping",), days=_NONE),
    Ask("experiment-qa", ("free_shipping",), days=_NONE),
    Ask("experiment-readout", ("free_shipping",), days=_NONE),
    Ask("experiment-readout", ("free_shipping",), {"by": ["device"]}, days=_NONE),
    Ask("experiment-follow-up", ("free_shipping",), {"days": ["30"]}, days=_NONE),
    Ask("experiment-value", days=_NONE),
    Ask("experiment-interaction", (["free_shipping", "short_form"],), days=_NONE),
    Ask("rollout", ("purchase_rate_visitor",), {"start": {"DE": "2026-08-17"}}),
    Ask("learnings", days=_NONE),
    Ask("programme", days=_NONE),
    Ask("backlog", days=_NONE),
    Ask("funnel", ("checkout",)),
    Ask("funnel", ("checkout",), {"by": "device"}),
    Ask("funnel", ("checkout",), {"order": "strict"}),
    Ask("funnel", ("checkout",), {"order": "unordered"}),
    Ask("funnel", ("checkout_steps",)),
    Ask("segments", ("purchase_rate",)),
    Ask("pages"),
    Ask("pages", (), {"group": True, "conversion": True}),
    Ask("products"),
    Ask("products", (), {"pairs": True}),
    Ask("audit", days=_NONE),
    Ask("review", days=_NONE),
    Ask("versions", days=_NONE),
    Ask("catalog", days=_NONE),
    Ask("explain", ("rpv",)),
    Ask("quality"),
    Ask("ledger", (), {"imports": True}),
    Ask("tracking", days=_NONE),
    Ask("waiting", days=_NONE),
    Ask("reconcile", ("{data}/till.csv",), {"claims": "{data}/ads.csv"}),
    Ask("retention"),
    Ask("journey"),
    Ask("journey", (), {"start": "/cart", "steps": 8}),
    Ask("journey", (), {"paths": True, "goal": "order"}),
    Ask("time-to", ("order",), {"start": "view_item", "within": "7d"}),
    Ask("lifecycle"),
    Ask("features", (["add_to_cart"],)),
    Ask("sessions"),
    Ask("user", ("{visitor}",), days=_NONE),
    Ask("attribution", (), {"goal": "order"}),
    Ask("attribution", (), {"goal": "order", "model": ["markov", "shapley"]}),
    Ask("channels"),
    Ask("clv"),
    Ask("compare", ("purchase_rate",), {"rule": ["session.timeout=15m"]}),
    Ask("changes"),
    Ask("alerts", days=_NONE),
)
