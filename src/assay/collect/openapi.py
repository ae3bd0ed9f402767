"""The collector as an OpenAPI 3.1 document, made from the wire formats: what ``GET /openapi.json`` answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from assay.collect.wire import Protocol

_ANSWERS = {
    "200": "What became of the request, as the format's clients expect it.",
    "202": "Everything that was taken is on disk.",
    "204": "Everything that was taken is on disk.",
    "400": "The request, or all of its events, cannot be read; the body says why.",
    "401": "The write key is not known.",
    "403": "The key is not for this site.",
    "404": "Nothing is collected here.",
    "405": "The path takes another method.",
    "413": "The body is too large or has too many events.",
    "415": "The Content-Encoding is not taken.",
    "429": "The key or the address sends more than it may: come back after Retry-After seconds.",
    "503": "The disk does not take it now and nothing counts as taken: come back after Retry-After seconds.",
}
_LATER = {"Retry-After": {"description": "Whole seconds.", "schema": {"type": "integer", "minimum": 1}}}
_OWN = {
    "/healthz": "How the collector is.", "/assay.js": "The snippet.", "/openapi.json": "This document.",
}  # fmt: skip
_PACKED = "JSON as it is, gzip with or without Content-Encoding, deflate, or a form field data with JSON or base64."


def described(protocols: Sequence[Protocol], most_body: int) -> bytes:
    """The document as JSON. ``most_body``: bytes as sent."""
    paths: dict[str, dict[str, Any]] = {}
    for protocol in protocols:
        for method, route in protocol.routes:
            path = route.replace("*", "{rest}")
            paths.setdefault(path, {})[method.lower()] = _operation(protocol, method, path)
    for path, text in _OWN.items():
        paths[path] = {"get": {"summary": text, "operationId": f"get{_named(path)}", "responses": _responses()}}
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "assay collector", "version": "1",
            "description": f"Events in six wire formats; a body has at most {most_body:,} bytes as sent. {_PACKED}",
        },
        "paths": paths,
    }  # fmt: skip
    return json.dumps(document, separators=(",", ":")).encode()


def _operation(protocol: Protocol, method: str, path: str) -> dict[str, Any]:
    parameters = [_parameter("rest", "path")] if "{rest}" in path else []
    parameters += [_parameter(name, "query") for name in protocol.parameters]
    operation: dict[str, Any] = {
        "tags": [protocol.name], "operationId": f"{method.lower()}{_named(path)}", "responses": _responses(),
    }  # fmt: skip
    if parameters:
        operation["parameters"] = parameters
    if method == "POST":
        schema = {"schema": protocol.body or {}}
        operation["requestBody"] = {"description": _PACKED, "content": dict.fromkeys(
            ("application/json", "text/plain", "application/octet-stream"), schema
        ) | {"application/x-www-form-urlencoded": {"schema": {
            "type": "object", "properties": {"data": {"type": "string"}}, "required": ["data"],
        }}}}  # fmt: skip
    return operation


def _parameter(name: str, place: str) -> Mapping[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "schema": {"type": "string"}}


def _responses() -> dict[str, Any]:
    return {
        status: {"description": text, **({"headers": _LATER} if status in ("429", "503") else {})}
        for status, text in _ANSWERS.items()
    }


def _named(path: str) -> str:
    """``/v1/batch`` → ``_v1_batch``; a slash at the end makes another operation."""
    return "".join(sign if sign.isalnum() else "_" for sign in path)
