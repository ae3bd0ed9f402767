"""Segment: the HTTP API of servers (``/v1/batch`` …) and of analytics.js (``/v1/b``, ``/v1/t`` …, or without ``/v1``).

Sources: segment-docs ``sources/catalog/libraries/server/http-api`` and ``spec/``; analytics-next ``plugins/segmentio``.
Limits are those of the API; unlike there a batch whose events are all refused is not answered as a success.
"""

from __future__ import annotations

import re
from typing import Any

from assay.collect import bodies, ecommerce
from assay.collect.enrich import values
from assay.collect.enrich.pages import put_page
from assay.collect.enrich.values import Refused
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
    screen_of,
)
from assay.collect.wire import BadRequest, Decoded, Line, Outcome, Protocol, Request, Response

MOST_BODY = 512_000  # bytes, unpacked
MOST_EVENTS = 2_500

_SHORT = {"t": "track", "p": "page", "i": "identify", "g": "group", "a": "alias", "s": "screen", "b": "batch"}
_TYPES = ("track", "identify", "page", "screen", "group", "alias")
_ROUTES = (
    *(("POST", f"/v1/{name}") for name in ("batch", "import", *_TYPES)),
    *(("POST", f"{start}/{short}") for start in ("/v1", "") for short in _SHORT),
    ("GET", "/v1/projects/*"),
)
_CAMPAIGN = (("utm_source", "source"), ("utm_medium", "medium"), ("utm_campaign", "name"), ("utm_content", "content"),
             ("utm_term", "term"))  # fmt: skip
_READ_OF_CONTEXT = frozenset("page campaign locale screen userAgent userAgentData ip groupId library timezone".split())
_SETTINGS = re.compile(r"/v1/projects/([A-Za-z0-9_.-]{1,100})/settings/?")
_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]{1,255}")


def decode(request: Request) -> Decoded:
    """A batch, or the single message of its route."""
    body = bodies.decoded(request, MOST_BODY)
    value = bodies.parsed(body)
    if type(value) is not dict:
        raise BadRequest("bad_json", f"the body is {values.kind(value)}, not an object")
    last = request.path.rstrip("/").rpartition("/")[2]
    route = _SHORT.get(last, last)
    server = last not in _SHORT
    key = key_text(basic_key(request), value.get("writeKey"))
    sent = None if route == "import" else values.soft_instant(value.get("sentAt"))
    if route in ("batch", "import"):
        events = value.get("batch")
        if type(events) is not list:
            raise BadRequest("bad_json", f"batch is {values.kind(events)}, not an array")
        if key is None and events and type(events[0]) is dict:
            key = key_text(events[0].get("writeKey"))
        shared, route = values.soft(value.get("context")), ""
    else:
        events, shared = [value], {}
    batch = Batch(request, events, len(body), MOST_EVENTS, sent)
    return lines_of(batch, lambda event: _line(event, route, server, shared), key)


def _line(event: dict[str, Any], route: str, server: bool, shared: dict[str, Any]) -> Line:
    type_ = route or event.get("type")
    if type_ not in _TYPES:
        raise Refused("bad_type", f"type is none of {', '.join(_TYPES)}")
    get = event.get
    line: Line = {"name": type_}
    if (given := values.ident(get("messageId"), "messageId")) is not None:
        line["id"] = given
    moment = values.instant(get("timestamp") or get("originalTimestamp"), "timestamp")
    if moment is not None:
        line["time"] = moment
    if (sent := values.soft_instant(get("sentAt"))) is not None:
        line["sent_at"] = sent
    visitor = get("previousId") if type_ == "alias" else get("anonymousId")
    context = {**shared, **values.soft(get("context"))}
    for field, value in (
        ("visitor", visitor), ("user", get("userId")), ("account", get("groupId") or context.get("groupId")),
    ):  # fmt: skip
        if value is not None and (found := values.ident(value, field)) is not None:
            line[field] = found
    props = values.record(get("traits") if type_ in ("identify", "group") else get("properties"), "properties")
    if type_ == "track":
        line["name"] = ecommerce.standard_name(values.name(get("event")))
    elif type_ in ("page", "screen"):
        _put_view(line, event, props)
    _put_context(line, context, props, server)
    return finished(line, props, products=True)


def _put_view(line: Line, event: dict[str, Any], props: dict[str, Any]) -> None:
    """A page or a screen: its name is the title where there is no other."""
    screen = line["name"] == "screen"
    line["name"] = "screen_view" if screen else "page_view"
    props.pop("search", None)  # the query of the address, which is kept
    props.pop("path", None)
    put_texts(line, props, (("title", "title"), ("referrer", "referrer")))
    put_texts(line, event, (("title", "name"),))
    for key in ("title", "referrer"):
        if props.get(key) in ("", None, line.get(key)):
            props.pop(key, None)
    for key in ("name", "category"):
        if (value := values.soft_text(event.get(key))) is not None and value != line.get("title"):
            props.setdefault(f"page_{key}", value)
    if (url := values.soft_text(props.get("url"))) is not None:
        put_page(line, url)
        del props["url"]


def _put_context(line: Line, context: dict[str, Any], props: dict[str, Any], server: bool) -> None:
    """Page, campaign, device and who it was; what is left is the property ``context``."""
    page = values.soft(context.get("page"))
    if "url" not in line and (url := values.soft_text(page.get("url"))) is not None:
        put_page(line, url)
    put_texts(line, page, (("title", "title"), ("referrer", "referrer"), ("path", "path")))
    put_texts(line, values.soft(context.get("campaign")), _CAMPAIGN)
    put_texts(line, context, (("language", "locale"),))
    screen = values.soft(context.get("screen"))
    if (size := screen_of(screen.get("width"), screen.get("height"))) is not None:
        line["screen"] = size
    put_texts(line, values.soft(context.get("os")), (("os", "name"),))
    agent = values.soft_text(context.get("userAgent"))
    address = values.soft_text(context.get("ip"))
    if server:
        line[AGENT], line[ADDRESS] = agent or NO_BROWSER, address or NO_BROWSER
    elif agent is not None:
        line[AGENT] = agent
    rest = {key: value for key, value in context.items() if key not in _READ_OF_CONTEXT and value not in (None, {}, [])}
    if rest:
        props.setdefault("context", rest)


def answer(decoded: Decoded, outcome: Outcome) -> Response:
    """``{"success": true}``, with what was refused; 400 where no event of the request could be read."""
    refused = [{"index": one.index, "reason": one.reason, "detail": one.detail} for one in outcome.refusals]
    if decoded.refusals and not decoded.lines:
        first = decoded.refusals[0]
        return answered({"success": False, "code": first.reason, "message": first.detail, "refused": refused}, 400)
    return answered({"success": True, **({"refused": refused} if refused else {})})


def still(request: Request) -> Response | None:
    """The settings that analytics.js asks for first: send everything here, load nothing else."""
    if request.method != "GET":
        return None
    found = _SETTINGS.fullmatch(request.path)
    if found is None:
        return answered({"error": {"code": "unknown_path", "message": "there are only settings"}}, 404)
    segment: dict[str, Any] = {"apiKey": found[1], "unbundledIntegrations": [], "addBundledMetadata": True}
    host = request.headers.get("x-forwarded-host") or request.headers.get("host") or ""
    if _HOST.fullmatch(host):
        segment["apiHost"] = f"{host}/v1"
        segment["protocol"] = "http" if request.scheme == "http" else "https"
    every = {"__default": {"enabled": True, "integrations": {}}}
    allowed = {"__default": {"enabled": True}}
    settings = {
        "integrations": {"Segment.io": segment},
        "plan": {"track": every, "identify": allowed, "group": allowed},
        "edgeFunction": {}, "analyticsNextEnabled": True, "middlewareSettings": {}, "enabledMiddleware": {},
        "metrics": {"sampleRate": 0}, "legacyVideoPluginsEnabled": False, "remotePlugins": [],
    }  # fmt: skip
    # Of one browser only: a shared cache would give everybody the host that one sender wrote into its headers.
    return answered(settings, headers={"cache-control": "private, max-age=300"})


_MESSAGE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "type": {"enum": list(_TYPES)}, **each(
            "event name category userId anonymousId previousId groupId messageId timestamp originalTimestamp sentAt "
            "writeKey"
        ),
        **each("properties traits context integrations", "object"),
    },
}  # fmt: skip
_BODY: dict[str, Any] = {
    **_MESSAGE, "required": ["writeKey"],
    "properties": {
        **_MESSAGE["properties"], "batch": {"type": "array", "maxItems": MOST_EVENTS, "items": _MESSAGE},
    },
}  # fmt: skip
PROTOCOL = Protocol("segment", _ROUTES, decode, answer, still, body=_BODY)
