"""Umami: ``POST /api/send`` with one event, ``/api/batch`` with an array. The key is the id of the website.

Sources: umami-software/umami ``src/app/api/send/route.ts``, ``request-schema.ts``, ``src/app/api/batch/route.ts``.
An address and a user agent in the payload are the visitor's, of whom a server tells; they are never written.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any
from uuid import UUID

from assay.collect import bodies, ecommerce
from assay.collect.enrich import values
from assay.collect.enrich.pages import put_page
from assay.collect.enrich.values import Refused
from assay.collect.protocols.batches import (
    ADDRESS,
    AGENT,
    Batch,
    answered,
    each,
    finished,
    key_text,
    lines_of,
    put_texts,
)
from assay.collect.wire import BadRequest, Decoded, Line, Outcome, Protocol, Refusal, Request, Response

MOST_BODY = 1_000_000
MOST_EVENTS = 500
MOST_NAME = 50  # characters, Umami's limit
_TYPES = ("event", "identify", "performance", "engagement")
_TEXTS = (("title", "title"), ("screen", "screen"), ("language", "language"), ("browser", "browser"), ("os", "os"),
          ("device", "device"))  # fmt: skip
_VITALS = ("lcp", "inp", "cls", "fcp", "ttfb")
_BY_RULE = frozenset({"consent", "internal", "wrong_host"})  # the event is as it should be, the site does not want it


def decode(request: Request) -> Decoded:
    """One event, or as many as the array has."""
    body = bodies.decoded(request, MOST_BODY)
    value = bodies.parsed(body)
    several = request.path.startswith("/api/batch")
    if not isinstance(value, list if several else dict):
        raise BadRequest("bad_json", f"the body is {values.kind(value)}, not {'an array' if several else 'an object'}")
    events: list[Any] = list(value) if several else [value]
    key = _key(events)
    batch = Batch(request, events, len(body), MOST_EVENTS)
    return lines_of(batch, lambda event: _line(event, key), key, {"batch": several, "size": len(events)})


def _key(events: list[Any]) -> str | None:
    for event in events[:1]:
        payload = values.soft(event.get("payload")) if type(event) is dict else {}
        return key_text(payload.get("website"), payload.get("link"), payload.get("pixel"))
    return None


def _line(event: dict[str, Any], key: str | None) -> Line:
    type_ = event.get("type")
    if type_ not in _TYPES:
        raise Refused("bad_type", f"type is none of {', '.join(_TYPES)}")
    payload = values.record(event.get("payload"), "payload")
    if not any(type(payload.get(key)) is str and payload[key] for key in ("website", "link", "pixel")):
        raise Refused("no_website", "website, link or pixel is missing")
    if _key([event]) != key:
        raise Refused("other_key", "the events of a batch are of one website")
    line: Line = {"name": _name(type_, payload)}
    moment = values.instant(payload.get("timestamp"), "timestamp")
    if moment is not None:
        line["time"] = moment
    user = values.ident(payload.get("id"), "id")
    if user is not None:
        line["user"] = user
    _put_page(line, payload)
    put_texts(line, payload, _TEXTS)
    for field, key in ((AGENT, "userAgent"), (ADDRESS, "ip")):
        if (told := values.text(payload.get(key), key)) is not None:
            line[field] = told
    props = values.record(payload.get("data"), "data")
    if (tag := values.text(payload.get("tag"), "tag")) is not None:
        props.setdefault("tag", tag)
    if type_ in ("performance", "engagement"):
        line["interactive"] = False
        for key in _VITALS:
            if type(payload.get(key)) in (int, float):
                props[key] = payload[key]
        if type(payload.get("engagement")) is int:
            props["engagement_time_msec"] = payload["engagement"]
    elif type_ == "event":
        _put_revenue(line, props)
    return finished(line, props)


def _name(type_: str, payload: dict[str, Any]) -> str:
    if type_ != "event":
        return {"identify": "identify", "performance": "web_vitals", "engagement": "user_engagement"}[type_]
    name = payload.get("name")
    if name is None or name == "":
        return "page_view"
    found = values.name(name)
    if len(found) > MOST_NAME:
        raise Refused("bad_name", f"an event's name has at most {MOST_NAME} characters")
    return ecommerce.standard_name(found)


def _put_page(line: Line, payload: dict[str, Any]) -> None:
    """Address and referrer, which may be paths of the host."""
    host = values.text(payload.get("hostname"), "hostname")
    url = values.text(payload.get("url"), "url")
    if url is not None:
        put_page(line, _whole(url, host))
    if host is not None:
        line["host"] = host.lower()
    referrer = values.text(payload.get("referrer"), "referrer")
    if referrer is not None:
        line["referrer"] = _whole(referrer, host)


def _whole(url: str, host: str | None) -> str:
    if "://" in url[:40] or host is None:
        return url
    return f"https://{host}{url if url.startswith(('/', '?')) else '/' + url}"


def _put_revenue(line: Line, props: dict[str, Any]) -> None:
    """``revenue`` and ``currency`` in the data of any event (umami.is/docs/track-revenue)."""
    if props.get("revenue") in (None, ""):
        return
    line["amount"] = values.money(props.pop("revenue"), "revenue")
    if (code := values.currency(props.pop("currency", None))) is not None:
        line["currency"] = code


def answer(decoded: Decoded, outcome: Outcome) -> Response:
    """Ids of session and visit and a token that the client sends back; 400 for an event that cannot be read."""
    bad = [one for one in outcome.refusals if one.reason not in _BY_RULE]
    ids = _ids(outcome.stored[-1]) if outcome.stored else _ids({})
    if decoded.extra.get("batch"):
        size = decoded.extra["size"]
        details = [{"index": one.index, "response": _error(one)} for one in sorted(bad, key=lambda one: one.index)]
        body = {"size": size, "processed": size - len(bad), "errors": len(bad), "details": details}
        return answered({**body, "cache": ids["cache"]})
    return answered(_error(bad[0]), 400) if bad else answered(ids)


def _error(one: Refusal) -> dict[str, Any]:
    return {"error": {"message": one.detail or one.reason, "code": one.reason, "status": 400}}


def _ids(line: Line) -> dict[str, str]:
    """Made from visitor and hour: stable for a visit, and nothing that leads back."""
    who = str(line.get("visitor") or line.get("user") or line.get("id"))
    hour = int(line.get("time") or 0) // 3_600_000_000
    session, visit = (
        str(UUID(bytes=blake2b(text.encode("utf-8", "replace"), digest_size=16).digest(), version=4))
        for text in (who, f"{who} {hour}")
    )
    return {"cache": f"{session}.{visit}", "sessionId": session, "visitId": visit}


_EVENT: dict[str, Any] = {
    "type": "object", "required": ["type", "payload"],
    "properties": {"type": {"enum": list(_TYPES)}, "payload": {
        "type": "object", "required": ["website"],
        "properties": {
            **each("website hostname url referrer title name id tag screen language ip userAgent"),
            "data": {"type": "object"}, "timestamp": {"type": "integer"},
        },
    }},
}  # fmt: skip
_BODY: dict[str, Any] = {"anyOf": [_EVENT, {"type": "array", "maxItems": MOST_EVENTS, "items": _EVENT}]}
PROTOCOL = Protocol("umami", tuple(("POST", f"/api/{one}{slash}") for one in ("send", "batch") for slash in ("", "/")),
                    decode, answer, body=_BODY)  # fmt: skip
