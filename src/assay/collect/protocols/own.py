"""assay's own format: ``POST /e`` with a batch or a single event. The keys are listed in docs/wire-formats.md.

Answers 202 with the number of events taken and, by their place, those that were not and why.
"""

from __future__ import annotations

from typing import Any

from assay.collect import bodies
from assay.collect.enrich import values
from assay.collect.enrich.pages import TAGS, put_page
from assay.collect.enrich.values import Refused
from assay.collect.protocols.batches import Batch, answered, basic_key, finished, key_text, lines_of
from assay.collect.wire import BadRequest, Decoded, Line, Outcome, Protocol, Request, Response

MOST_BODY = 2_000_000  # bytes, unpacked
MOST_EVENTS = 1_000

# Short keys of the snippet → names.
SHORT: dict[str, str] = {
    "k": "key", "s": "sent_at", "e": "events",
    "i": "id", "n": "name", "t": "time", "q": "seq", "u": "url", "ti": "title", "r": "referrer", "sc": "screen",
    "l": "language", "v": "visitor", "us": "user", "a": "account", "c": "consent", "$": "revenue", "cu": "currency",
    "o": "order_id", "it": "items", "p": "props", "in": "interactive", "b": "bot",
}  # fmt: skip
_ENVELOPE = ("visitor", "user", "account", "consent", "screen", "language", "referrer")
_IDS = ("visitor", "user", "account", "session", "order_id")
_TEXTS = (
    "title",
    "referrer",
    "screen",
    "language",
    "device",
    "browser",
    "os",
    "country",
    "host",
    "path",
    "click_id",
    *TAGS,
)
_CONSENT = frozenset({"granted", "denied", "unknown"})
_KINDS: dict[str, str] = {
    **dict.fromkeys((*_TEXTS, "url"), "text"), **dict.fromkeys((*_IDS, "id"), "id"),
    **dict.fromkeys(("time", "revenue", "amount", "currency", "consent", "seq", "interactive", "bot"), "other"),
    **dict.fromkeys(("items", "value"), "prop"), **dict.fromkeys(("name", "props", "key", "sent_at", "events"), "read"),
}  # fmt: skip


def decode(request: Request) -> Decoded:
    """Events as their sender says them; what stands beside ``events`` holds for all of them."""
    body = bodies.decoded(request, MOST_BODY)
    value = bodies.parsed(body)
    if type(value) is list:
        value = {"events": value}
    if type(value) is not dict:
        raise BadRequest("bad_json", f"the body is {values.kind(value)}, not an object or an array of events")
    key = key_text(value.get("key"), value.get("k"), basic_key(request), request.query.get("key"))
    sent = values.soft_instant(value["sent_at"] if "sent_at" in value else value.get("s"))
    events = value["events"] if "events" in value else value.get("e")
    if events is None:
        events = [{k: v for k, v in value.items() if k not in ("key", "k", "sent_at", "s")}]
        shared: dict[str, Any] = {}
    else:
        named = {SHORT.get(k, k): v for k, v in value.items() if k != "e"}
        shared = {name: named[name] for name in _ENVELOPE if named.get(name) is not None}
    if type(events) is not list:
        raise BadRequest("bad_json", f"events is {values.kind(events)}, not an array")
    if shared:
        batch = Batch(request, events, len(body), MOST_EVENTS, sent, shared)
        return lines_of(batch, lambda event: line_of({**shared, **_long(event)}), key)
    return lines_of(
        Batch(request, events, len(body), MOST_EVENTS, sent), lambda event: line_of(_long(event)), key
    )  # fmt: skip


def _long(event: dict[str, Any]) -> dict[str, Any]:
    """Short keys by their names; a name that is given wins."""
    if "name" in event:
        return event
    made = {SHORT.get(key, key): value for key, value in event.items()}
    for key in made.keys() & event.keys():
        made[key] = event[key]
    return made


def line_of(event: dict[str, Any]) -> Line:
    """One event → its line; keys that are not known are properties."""
    line: Line = {"name": values.name(event.get("name"))}
    props = values.record(event.get("props"), "props")
    for key, value in event.items():
        kind = _KINDS.get(key)
        if kind is None:
            props.setdefault(key, value)
        elif value is None:
            continue
        elif kind == "text":
            if (text := value if type(value) is str and value else values.text(value, key)) is not None:
                line[key] = text
        elif kind == "id":
            if (found := values.ident(value, key)) is not None:
                line[key] = found
        elif kind == "other":
            _put(line, key, value)
        elif kind == "prop":
            props.setdefault(key, value)
    if "url" in line:
        put_page(line, line["url"])
    return finished(line, props)


def _put(line: Line, key: str, value: Any) -> None:
    """The fields that are neither text nor id. ``revenue`` is the amount of any event that says it."""
    if key == "time":
        if (moment := values.instant(value)) is not None:
            line["time"] = moment
    elif key in ("revenue", "amount"):
        if (amount := values.money(value, key)) is not None:
            line["amount"] = amount
    elif key == "currency":
        if (code := values.currency(value)) is not None:
            line["currency"] = code
    elif key == "consent":
        if type(value) is not str or value not in _CONSENT:
            raise Refused("bad_type", "consent is granted, denied or unknown")
        line["consent"] = value
    elif key == "seq":
        if type(value) is not int or not 0 <= value < 1 << 62:
            raise Refused("bad_type", "seq is a whole number")
        line["seq"] = value
    else:
        line[key] = values.truth(value, key)


def answer(decoded: Decoded, outcome: Outcome) -> Response:
    """202: what was taken, what not."""
    del decoded
    refused = [
        {"index": one.index, "reason": one.reason, "detail": one.detail, **({"id": one.id} if one.id else {})}
        for one in sorted(outcome.refusals, key=lambda one: one.index)
    ]
    return answered({"ok": len(outcome.stored), "refused": refused}, 202)


_SCHEMAS: dict[str, Any] = {
    "text": {"type": ["string", "number", "null"]}, "id": {"type": ["string", "integer", "null"]},
    "other": {"type": ["string", "number", "boolean", "null"]}, "prop": {},
    "time": {"type": ["string", "number", "null"]}, "items": {"type": "array", "items": {"type": "object"}},
    "props": {"type": "object"}, "name": {"type": "string", "minLength": 1, "maxLength": values.MOST_NAME},
}  # fmt: skip
_EVENT: dict[str, Any] = {
    "type": "object", "required": ["name"],
    "properties": {
        name: _SCHEMAS.get(name, _SCHEMAS.get(kind, {}))
        for name, kind in _KINDS.items() if name not in ("key", "sent_at", "events")
    },
}  # fmt: skip
_BODY: dict[str, Any] = {
    "type": "object", "required": ["key", "events"],
    "properties": {
        "key": {"type": "string"}, "sent_at": _SCHEMAS["time"], **dict.fromkeys(_ENVELOPE, _SCHEMAS["text"]),
        "events": {"type": "array", "maxItems": MOST_EVENTS, "items": _EVENT},
    },
}  # fmt: skip
PROTOCOL = Protocol("own", (("POST", "/e"),), decode, answer, body=_BODY, parameters=("key",))
