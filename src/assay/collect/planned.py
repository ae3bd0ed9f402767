"""Whether an event is as the plan says: known by name, complete, of the declared types. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from assay.collect.wire import Line
from assay.plan.experiments import EXPOSURE_EVENT
from assay.plan.values import EventDef

HELD = "held"  # key of a written line that waits in quarantine; its value is the reason
_FIELDS = {"revenue": "amount", "value": "amount"}  # properties that are fields of the line


def unplanned(line: Line, events: Mapping[str, EventDef]) -> str | None:
    """Why the plan does not know this event: a code and what it is about; None: it does."""
    event = events.get(str(line.get("name")))
    if event is None:
        return None if line.get("name") == EXPOSURE_EVENT else "unknown_event"
    props = line.get("props") or {}
    for name in event.required:
        if _value(line, props, name) in (None, ""):
            return f"missing_property {name}"
    for name, declared in event.properties.items():
        value = props.get(name)
        if value is not None and not _FITS[declared.type](value):
            return f"wrong_type {name}"
    return None


def _value(line: Line, props: Mapping[str, Any], name: str) -> Any:
    if name in props:
        return props[name]
    return line.get(name, line.get(_FIELDS.get(name, "")))


def _number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    try:
        return Decimal(str(value)).is_finite()
    except InvalidOperation:
        return False


def _integer(value: Any) -> bool:
    return _number(value) and Decimal(str(value)) % 1 == 0


def _moment(value: Any) -> bool:
    try:
        datetime.fromisoformat(str(value))
    except ValueError:
        return False
    return True


_FITS: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: not isinstance(value, dict | list),
    "number": _number,
    "integer": _integer,
    "money": _number,
    "boolean": lambda value: isinstance(value, bool) or str(value).lower() in ("true", "false"),
    "timestamp": _moment,
    "items": lambda value: isinstance(value, list),
}
