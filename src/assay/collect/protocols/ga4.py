"""Google Analytics 4's Measurement Protocol, for web streams and apps; ``/debug`` validates and keeps nothing.

Source: developers.google.com/analytics/devguides/collection/protocol/ga4 (sending events, reference, limits). What a
parameter becomes is what the import of GA4's export makes of it (``importers/ga4.sql``). The key is ``api_secret``.
"""

from __future__ import annotations

from typing import Any

from assay.collect import bodies
from assay.collect.enrich import values
from assay.collect.enrich.pages import put_page
from assay.collect.protocols.batches import (
    ADDRESS,
    AGENT,
    NO_BROWSER,
    Batch,
    answered,
    basic_key,
    each,
    finished,
    key_text,
    lines_of,
    put_texts,
)
from assay.collect.wire import BadRequest, Decoded, Line, Outcome, Protocol, Request, Response

MOST_BODY = 130_000  # bytes
MOST_EVENTS = 25
MOST_PARAMETERS = 25  # beyond it GA4 warns; assay keeps them

_ROUTES = tuple(
    ("POST", path + slash) for path in ("/mp/collect", "/debug/mp/collect") for slash in ("", "/")
)  # fmt: skip
_SALES = {
    "in_app_purchase": "purchase", "ecommerce_purchase": "purchase", "app_store_refund": "refund",
    "purchase_refund": "refund",
}  # fmt: skip
_TEXTS = (
    ("title", "page_title"), ("referrer", "page_referrer"), ("language", "language"), ("screen", "screen_resolution"),
    ("utm_source", "source"), ("utm_medium", "medium"), ("utm_campaign", "campaign"), ("utm_content", "content"),
    ("utm_term", "term"),
)  # fmt: skip
_VIEWS = {"screen_view": (("title", "firebase_screen"), ("title", "screen_name"))}
_DEVICE = (
    ("device", "category"), ("language", "language"), ("screen", "screen_resolution"), ("os", "operating_system"),
    ("browser", "browser"),
)  # fmt: skip
_CLICKS = ("gclid", "dclid")
# No name of an event may be one of these in the protocol; assay takes what a client sends by itself.
_RESERVED = frozenset("ad_activeview ad_click ad_exposure ad_query app_clear_data error os_update".split())


def decode(request: Request) -> Decoded:
    """The events of one client."""
    body = bodies.decoded(request, MOST_BODY)
    value = bodies.parsed(body)
    if type(value) is not dict:
        raise BadRequest("bad_json", f"the body is {values.kind(value)}, not an object")
    events = value.get("events")
    if type(events) is not list:
        raise BadRequest("bad_json", f"events is {values.kind(events)}, not an array")
    query = request.query
    stream = query.get("measurement_id") or query.get("firebase_app_id")
    key = key_text(query.get("api_secret"), basic_key(request), stream)
    shared = {name: one for name, one in value.items() if name != "events"}
    batch = Batch(request, events, len(body), MOST_EVENTS, None, shared)
    found = lines_of(batch, lambda event: _line(event, shared), key)
    if not request.path.startswith("/debug"):
        return found
    return Decoded(key, (), (), (), {"messages": _messages(found, shared, query, events)})


def _line(event: dict[str, Any], shared: dict[str, Any]) -> Line:
    name = values.name(event.get("name"))
    line: Line = {"name": _SALES.get(name, name)}
    moment = values.instant(event.get("timestamp_micros") or shared.get("timestamp_micros"), "timestamp_micros")
    if moment is not None:
        line["time"] = moment
    for field, *keys in (("visitor", "client_id", "app_instance_id"), ("user", "user_id")):
        for key in keys:
            if field not in line and (found := values.ident(shared.get(key), key)) is not None:
                line[field] = found
    props = values.record(event.get("params"), "params")
    session = values.ident(props.pop("ga_session_id", None) or props.pop("session_id", None), "session_id")
    if session is not None:
        line["session"] = session
    _put_page(line, props)
    device = values.soft(shared.get("device"))
    put_texts(line, device, _DEVICE)
    if "device" in line:
        line["device"] = line["device"].lower()
    put_texts(line, values.soft(shared.get("user_location")), (("country", "country_id"),))
    line[AGENT] = values.soft_text(shared.get("user_agent")) or NO_BROWSER
    line[ADDRESS] = values.soft_text(shared.get("ip_override")) or NO_BROWSER
    about = _user_properties(shared.get("user_properties"))
    if about:
        props.setdefault("user_properties", about)
    if shared.get("consent"):
        props.setdefault("ad_consent", shared["consent"])
    return finished(line, props)


def _put_page(line: Line, props: dict[str, Any]) -> None:
    url = values.soft_text(props.get("page_location"))
    if url is not None:
        put_page(line, url)
        del props["page_location"]
    for fields in (_TEXTS, _VIEWS.get(line["name"], ())):
        for field, key in fields:
            if (value := values.soft_text(props.get(key))) is not None:
                line[field] = value  # what is said wins over what the address says
                del props[key]
    for key in _CLICKS:
        if (value := values.soft_text(props.pop(key, None))) is not None:
            line.setdefault("click_id", f"{key}={value}")


def _user_properties(value: Any) -> dict[str, Any]:
    return {
        name: one["value"]
        for name, one in values.soft(value).items()
        if type(one) is dict and one.get("value") is not None
    }


def _messages(found: Decoded, shared: dict[str, Any], query: Any, events: list[Any]) -> list[dict[str, str]]:
    """What the validation server would say, and what assay would refuse."""
    messages = []
    if not (query.get("measurement_id") or query.get("firebase_app_id")):
        messages.append(_message("", "measurement_id or firebase_app_id is missing in the query", "VALUE_REQUIRED"))
    if not shared.get("client_id") and not shared.get("app_instance_id"):
        messages.append(_message("client_id", "client_id or app_instance_id is missing", "VALUE_REQUIRED"))
    messages += [
        _message(f"events[{one.index}]", f"{one.reason}: {one.detail}", "VALUE_INVALID") for one in found.refusals
    ]
    for index, event in enumerate(events[:MOST_EVENTS]):
        if type(event) is dict and len(values.soft(event.get("params"))) > MOST_PARAMETERS:
            text = f"more than {MOST_PARAMETERS} parameters"
            messages.append(_message(f"events[{index}].params", text, "EXCEEDED_MAX_ENTITIES"))
        if type(event) is dict and type(event.get("name")) is str and event["name"] in _RESERVED:
            messages.append(_message(f"events[{index}].name", "this name is reserved", "NAME_RESERVED"))
    return messages


def _message(path: str, description: str, code: str) -> dict[str, str]:
    return {"fieldPath": path, "description": description, "validationCode": code}


def answer(decoded: Decoded, outcome: Outcome) -> Response:
    """204 whatever became of the events, as the real one; ``/debug`` lists what is wrong."""
    if "messages" in decoded.extra:
        return answered({"validationMessages": decoded.extra["messages"]})
    refused = len(outcome.refusals)
    return Response(204, b"", {"x-assay-refused": str(refused)} if refused else {})


_BODY: dict[str, Any] = {
    "type": "object", "required": ["events"],
    "properties": {
        **each("client_id app_instance_id user_id user_agent ip_override"),
        "timestamp_micros": {"type": ["integer", "string"]},
        **each("user_properties consent device user_location", "object"),
        "events": {"type": "array", "maxItems": MOST_EVENTS, "items": {
            "type": "object", "required": ["name"],
            "properties": {"name": {"type": "string"}, "params": {"type": "object"}},
        }},
    },
}  # fmt: skip
_QUERY = ("api_secret", "measurement_id", "firebase_app_id")
PROTOCOL = Protocol("ga4", _ROUTES, decode, answer, body=_BODY, parameters=_QUERY)
