"""PostHog: batches of servers, posthog-js in all its packings, and the analytics endpoint with an answer per event.

Sources: PostHog/posthog ``rust/capture/src`` (routes, answers), posthog-js ``packages/browser/src`` (request, remote
config, flags), posthog-python ``capture_v1.py``. Flags, surveys and replay are none of assay's: their endpoints answer
so that the client is quiet, and keep nothing.
"""

from __future__ import annotations

import json
import re
from typing import Any

from assay.collect import bodies
from assay.collect.enrich import values
from assay.collect.protocols import posthog_events
from assay.collect.protocols.batches import Batch, answered, basic_key, key_text, lines_of
from assay.collect.wire import BadRequest, Decoded, Outcome, Protocol, Request, Response

MOST_BODY = 6_000_000  # bytes, unpacked: the clients cut at 5 MB
MOST_EVENTS = 1_000

V1 = "/i/v1/analytics/events"
_EVENTS = ("/batch", "/i/v0/e", "/capture", "/track", "/engage")  # /e without a slash is assay's own
_QUIET = ("/s/", "/i/v1/logs", "/i/v1/metrics", "/i/v0/ai", "/i/v0/ai/batch")
_FLAGS = ("/flags", "/decide")
_ROUTES = (
    *(("POST", path + slash) for path in _EVENTS for slash in ("", "/")),
    *(("GET", path) for path in ("/e/", "/i/v0/e/", "/capture/", "/track/", "/engage/")),
    ("POST", "/e/"), ("POST", V1), ("POST", V1 + "/"),
    *(("POST", path) for path in _QUIET),
    *(("POST", path + "/") for path in _QUIET[1:]),
    *((method, path + slash) for path in _FLAGS for slash in ("", "/") for method in ("GET", "POST")),
    ("GET", "/array/*"),
)  # fmt: skip
_CONFIG = re.compile(r"/array/([A-Za-z0-9_-]{1,100})/config(\.js)?/?")


def decode(request: Request) -> Decoded:
    """An event, a list of them, or a batch with its key."""
    body = bodies.decoded(request, MOST_BODY)
    value = bodies.parsed(body)
    newest = request.path.startswith(V1)
    sent, key = None, basic_key(request)
    own_clock = False
    events: Any
    if type(value) is dict and ("batch" in value or newest):
        events = value.get("batch")
        if type(events) is not list:
            raise BadRequest("bad_json", f"batch is {values.kind(events)}, not an array")
        sent = values.soft_instant(value.get("sent_at"))
        key = key_text(value.get("api_key"), value.get("token"), key)
        own_clock = value.get("historical_migration") is True
    elif type(value) is dict and type(value.get("data")) is list and "event" not in value:
        events, key = value["data"], key_text(value.get("api_key"), value.get("token"), key)
        sent = values.soft_instant(value.get("sent_at"))
    elif type(value) is dict:
        events, sent = [value], values.soft_instant(value.get("sent_at"))
    elif type(value) is list:
        events = value
    else:
        raise BadRequest("bad_json", f"the body is {values.kind(value)}, not events")
    if newest:
        sent = values.soft_instant(request.headers.get("posthog-request-timestamp"))
    elif sent is None and request.query.get("_", "").isdecimal():
        sent = values.soft_instant(request.query["_"])  # posthog-js: its clock when it asked
    if key is None:
        key = key_text(request.query.get("token"), request.query.get("api_key"), *posthog_events.keys(events))
    if not events:
        raise BadRequest("no_events", "the request holds no event")
    batch = Batch(request, events, len(body), MOST_EVENTS, None if own_clock else sent)
    extra = {"v1": newest, "events": events if newest else (), "beacon": request.query.get("beacon") == "1"}
    moment = request.received_at
    library = request.headers.get("posthog-sdk-info", "").partition("/")[0][:60] if newest else None
    return lines_of(batch, lambda event: posthog_events.line_of(event, moment, library), key, extra)


def answer(decoded: Decoded, outcome: Outcome) -> Response:
    """``{"status": "Ok"}``; a beacon gets no content; the newest endpoint says of each uuid what became of it."""
    if decoded.extra.get("v1"):
        return _per_event(decoded, outcome)
    if decoded.refusals and not decoded.lines:
        first = decoded.refusals[0]
        body = {"type": "validation_error", "code": first.reason, "detail": first.detail, "attr": None}
        return answered(body, 400)
    if decoded.extra.get("beacon"):
        return Response(204)
    return answered({"status": "Ok"})


def _per_event(decoded: Decoded, outcome: Outcome) -> Response:
    events = decoded.extra["events"]
    results: dict[str, dict[str, str]] = {}
    refused = {one.index: one for one in outcome.refusals}
    for index, event in enumerate(events):
        uuid = event.get("uuid") if type(event) is dict else None
        if type(uuid) is not str:
            continue
        problem = refused.get(index)
        results[uuid] = {"result": "ok"} if problem is None else {
            "result": "drop", "details": f"{problem.reason}: {problem.detail}".rstrip(": ")
        }  # fmt: skip
    return answered({"results": results})


def still(request: Request) -> Response | None:
    """Flags (there are none), remote config (everything off), replay, logs and metrics (not kept)."""
    path = request.path.rstrip("/")
    if path.startswith("/array"):
        return _config(request.path)
    if path == "/flags":
        return answered({
            "flags": {}, "featureFlags": {}, "featureFlagPayloads": {}, "errorsWhileComputingFlags": False,
            "requestId": "00000000-0000-4000-8000-000000000000",
        })  # fmt: skip
    if path == "/decide":
        return answered({**_OFF, "config": {"enable_collect_everything": True}, "featureFlags": {},
                         "featureFlagPayloads": {}, "errorsWhileComputingFlags": False})  # fmt: skip
    if request.path in _QUIET or path in _QUIET:
        return answered({"status": "Ok"})
    return None


# No word of surveys: false too makes posthog-js load their script.
_OFF: dict[str, Any] = {
    "supportedCompression": ["gzip", "gzip-js"], "hasFeatureFlags": False, "captureDeadClicks": False,
    "capturePerformance": False, "autocapture_opt_out": False, "autocaptureExceptions": False,
    "errorTracking": {"autocaptureExceptions": False, "suppressionRules": []},
    "analytics": {"endpoint": "/i/v0/e/"}, "elementsChainAsString": True, "sessionRecording": False, "heatmaps": False,
    "productTours": False, "logs": {"captureConsoleLogs": False}, "defaultIdentifiedOnly": True,
    "isAuthenticated": False, "toolbarParams": {},
}  # fmt: skip


def _config(path: str) -> Response:
    """The remote config, as JSON or as the script that posthog-js loads first."""
    found = _CONFIG.fullmatch(path)
    if found is None:
        return answered({"error": {"code": "unknown_path", "message": "only the config is served here"}}, 404)
    config = {"token": found[1], **_OFF, "siteApps": []}
    headers = {"cache-control": "public, max-age=300"}
    if not found[2]:
        return answered(config, headers=headers)
    script = (
        "(function(){window._POSTHOG_REMOTE_CONFIG=window._POSTHOG_REMOTE_CONFIG||{};"
        f"window._POSTHOG_REMOTE_CONFIG[{json.dumps(found[1])}]={{config:{json.dumps(config)},siteApps:[]}}}})();"
    )
    return Response(200, script.encode(), {"content-type": "application/javascript", **headers})


_EVENT: dict[str, Any] = {
    "type": "object", "required": ["event"],
    "properties": {
        "event": {"type": "string"}, "distinct_id": {"type": "string"}, "uuid": {"type": "string"},
        "timestamp": {"type": "string"}, "offset": {"type": "integer"}, "properties": {"type": "object"},
        "$set": {"type": "object"}, "$set_once": {"type": "object"},
    },
}  # fmt: skip
_BODY: dict[str, Any] = {
    "type": "object", "required": ["api_key", "batch"],
    "properties": {
        "api_key": {"type": "string"}, "sent_at": {"type": "string"}, "historical_migration": {"type": "boolean"},
        "batch": {"type": "array", "maxItems": MOST_EVENTS, "items": _EVENT},
    },
}  # fmt: skip
_QUERY = ("token", "api_key", "compression", "_", "beacon", "data")
PROTOCOL = Protocol(
    "posthog", _ROUTES, decode, answer, still, body=_BODY, parameters=_QUERY, slower=503
)  # fmt: skip  # posthog-js drops what is answered with 429
