"""Browsers of any site may send: whose events are taken is the keys' matter, not the browser's."""

from __future__ import annotations

import re
from collections.abc import Mapping

from assay.collect.wire import Response

_ORIGIN = re.compile(r"[!-~]{1,300}")
_NAMES = re.compile(r"[A-Za-z0-9_ ,-]{1,1000}")
_SEEN = "retry-after, x-assay-refused, x-plausible-dropped"


def preflight(headers: Mapping[str, str]) -> Response:
    """What a browser asks before it sends.

    The headers are named one by one: ``*`` means nothing to requests with credentials, as beacons are, and never means
    Authorization. A page of the public network may reach a collector in a private one: what it sends is judged by key.
    """
    asked = headers.get("access-control-request-headers", "")
    found = {
        "access-control-allow-methods": "GET, POST, OPTIONS",
        "access-control-allow-headers": asked if _NAMES.fullmatch(asked) else "content-type, authorization",
        "access-control-max-age": "86400",
    }
    if headers.get("access-control-request-private-network") == "true":
        found["access-control-allow-private-network"] = "true"
    return shared(Response(204, b"", found), headers.get("origin"))


def shared(response: Response, origin: str | None) -> Response:
    """An answer that the page may read. What a cache keeps is kept for one origin only."""
    if origin is None or not _ORIGIN.fullmatch(origin):
        return Response(response.status, response.body, {**response.headers, "vary": "Origin"})
    headers = {**response.headers, "access-control-allow-origin": origin, "vary": "Origin",
               "access-control-allow-credentials": "true", "access-control-expose-headers": _SEEN}  # fmt: skip
    return Response(response.status, response.body, headers)
