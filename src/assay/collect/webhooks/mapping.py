"""A document → the event line that the plan's mapping makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.collect.ecommerce import put_items
from assay.collect.enrich import values
from assay.collect.enrich.pages import put_page
from assay.collect.enrich.values import Refused
from assay.collect.webhooks.base import Hook, Notice, iso_digits, minor
from assay.collect.wire import Line
from assay.plan.webhooks import FIELDS, Places, Rule

HEADERS = "$header"  # $header.x-event-type: what the sender tells beside the body
_IDS = ("id", "order_id", "user", "visitor", "account", "session")
_TEXTS = tuple(FIELDS - {*_IDS, "time", "revenue", "amount", "amount_minor", "currency", "items", "consent", "url"})
_CONSENT = frozenset({"granted", "denied", "unknown"})


def rule_of(hook: Hook, document: Any) -> Rule | None:
    """The plan's first rule that holds of a document."""
    return next((one for one in hook.webhook.rules if one.when is None or one.when.holds(document)), None)


def mapped(rule: Rule, notice: Notice) -> Line:
    """The line of a rule. Raises Refused for a value that cannot be what it is mapped to."""
    line: Line = {"name": rule.event, "props": {}}
    put_mapped(line, rule.map, notice.document)
    return line


def put_mapped(line: Line, fields: Mapping[str, Places], document: Any) -> None:
    """Fields of the line from the places of a document; one whose places hold nothing is taken off the line."""
    props = line.setdefault("props", {})
    for name, places in fields.items():
        value = next((found for place in places if (found := place.of(document)) is not None), None)
        if name in ("revenue", "amount"):
            _put(line, "amount", values.money(value, name))
        elif name in _IDS:
            _put(line, name, values.ident(value, name))
        elif name in _TEXTS:
            _put(line, name, values.text(value, name))
        elif name not in FIELDS:
            _put(props, name, value)
        elif name != "amount_minor":
            _put_special(line, name, value)
    if "amount_minor" in fields:  # needs the currency
        _put(line, "amount", _minor(line, fields["amount_minor"], document))


def _put(line: dict[str, Any], name: str, value: Any) -> None:
    if value is None:
        line.pop(name, None)
    else:
        line[name] = value


def _put_special(line: Line, name: str, value: Any) -> None:
    if name == "time":
        _put(line, name, values.instant(value))
    elif name == "currency":
        _put(line, name, values.currency(value))
    elif name == "consent":
        if value is not None and (type(value) is not str or value not in _CONSENT):
            raise Refused("bad_type", "consent is granted, denied or unknown")
        _put(line, name, value)
    elif name == "url":
        if (found := values.text(value, name)) is not None:
            put_page(line, found)
    elif name == "items":
        line.pop("items", None)
        props = {"items": value}
        put_items(line, props, True)


def _minor(line: Line, places: Places, document: Any) -> str | None:
    value = next((found for place in places if (found := place.of(document)) is not None), None)
    if value is None:
        return None
    if line.get("currency") is None:
        raise Refused("bad_currency", "amount_minor needs the currency: how many digits it has depends on it")
    found = minor(value, iso_digits(line["currency"]))
    if found is None:
        raise Refused("bad_money", f"amount_minor {str(value)[:40]!r} is not a whole number")
    return values.money(found, "amount_minor")
