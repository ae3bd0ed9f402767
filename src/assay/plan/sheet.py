"""The tagging sheet: every event that a plan counts on, when it is sent, with what, and code to copy.

One more way to send is a function and a line in ``WAYS``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from assay.plan.values import EventDef, Plan

_EXAMPLES: dict[str, Any] = {
    "string": "…", "number": 1.5, "integer": 1, "boolean": True, "timestamp": "2026-01-31T10:00:00Z", "money": 19.9,
    "items": [{"item_id": "sku-1", "item_name": "…", "price": 19.9, "quantity": 1}],
}  # fmt: skip
_KNOWN: dict[str, Any] = {"order_id": "A-1001", "revenue": 19.9, "coupon": "MAY"}
_ELSEWHERE = frozenset({"refund"})  # sent by a server: no page knows of it


@dataclass(frozen=True)
class Entry:
    """One event. ``properties``: name, type, whether it is required. ``used``: what counts on it."""

    event: str
    when: str
    properties: tuple[tuple[str, str, bool], ...]
    used: tuple[str, ...]
    interactive: bool
    currency: str

    @property
    def example(self) -> dict[str, Any]:
        """Properties with values as they may be."""
        known = {**_KNOWN, "currency": self.currency}
        return {name: known.get(name, _EXAMPLES[kind]) for name, kind, _ in self.properties}


def entries(plan: Plan, used: dict[str, tuple[str, ...]], automatic: Iterable[str] = ("page_view",)) -> list[Entry]:
    """Own events and those that something counts on; ``automatic`` ones come without a tag."""
    wanted = [
        event for name, event in plan.events.items()
        if (name in used or not event.builtin or event.description) and name not in automatic
    ]  # fmt: skip
    return [_entry(event, plan, used.get(event.name, ())) for event in wanted]


def _entry(event: EventDef, plan: Plan, used: tuple[str, ...]) -> Entry:
    """With the properties that matter: required and own ones, else all that are built in."""
    from assay.model.event import STANDARD_EVENTS

    own = set(event.properties) - set(STANDARD_EVENTS.get(event.name, ()))
    money = ("order_id", "revenue", "currency", "items") if event.name in (plan.orders.event,) else ()
    shown = [p for p in event.properties.values() if p.name in (*event.required, *money) or p.name in own]
    if not shown:
        shown = list(event.properties.values())
    required = {*event.required, *(money[:2] if money else ())}
    properties = tuple((p.name, p.type, p.name in required) for p in shown)
    when = event.description or ("built in, as GA4 recommends it" if event.builtin else "")
    return Entry(event.name, when, properties, used, event.interactive, plan.site.currency)


def _js(value: Any) -> str:
    """A value as JavaScript, keys bare where they may be."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k if k.isidentifier() else json.dumps(k)}: {_js(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_js, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _call(function: str, entry: Entry) -> str:
    more = f", {_js(entry.example)}" if entry.properties else ""
    return f"{function}({json.dumps(entry.event)}{more});"


def snippet(entry: Entry) -> str:
    """For pages with assay's own tag."""
    return _call("assay", entry)


def gtag(entry: Entry) -> str:
    """For pages with Google's tag, which the snippet reads."""
    renamed = {{"order_id": "transaction_id", "revenue": "value"}.get(k, k): v for k, v in entry.example.items()}
    more = f", {_js(renamed)}" if renamed else ""
    return f"gtag('event', {json.dumps(entry.event)}{more});"


def posthog(entry: Entry) -> str:
    """For pages and apps with PostHog's client."""
    return _call("posthog.capture", entry)


def segment(entry: Entry) -> str:
    """For pages and apps with Segment's client."""
    return _call("analytics.track", entry)


def curl(entry: Entry) -> str:
    """For servers, with a secret key."""
    fields = {"order_id", "revenue", "currency", "items"}
    event: dict[str, Any] = {
        "name": entry.event,
        "user": "user-1",
        **{k: v for k, v in entry.example.items() if k in fields},
    }
    props = {k: v for k, v in entry.example.items() if k not in fields}
    event |= {"props": props} if props else {}
    event |= {} if entry.interactive else {"interactive": False}
    body = json.dumps({"key": "sk_…", "events": [event]}, ensure_ascii=False)
    return f"curl -X POST HOST/e -H 'content-type: application/json' -d '{body}'"


Way = Callable[[Entry], str]
WAYS: dict[str, tuple[str, Way]] = {
    "snippet": ("js", snippet), "gtag": ("js", gtag), "posthog": ("js", posthog), "segment": ("js", segment),
    "curl": ("sh", curl),
}  # fmt: skip


def ways_of(entry: Entry, wanted: Iterable[str]) -> list[str]:
    """Names of the ways that make sense for an event, in their order."""
    server = entry.event in _ELSEWHERE or not entry.interactive
    return [name for name in WAYS if name in set(wanted) and (name == "curl" or not server)] or ["curl"]
