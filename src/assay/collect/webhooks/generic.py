"""A sender of any kind: an HMAC in a header, of the body (and a moment, an id …); the plan says what becomes what."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import blake2b
from typing import Any

from assay.collect.enrich.values import Refused
from assay.collect.webhooks.base import (
    SECOND,
    Delivery,
    Hook,
    Kind,
    Notice,
    base64_of,
    digest,
    header,
    hex_of,
    on_time,
    signed_by,
    wrong_signature,
)
from assay.collect.wire import BadRequest, Line, Request

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_MILLISECONDS = 12  # digits from which on a moment is told in milliseconds


def verify(hook: Hook, request: Request) -> None:
    """The header holds the HMAC of what the plan says is signed; several, with blanks or commas between, are tried."""
    how = hook.webhook.signature
    given = [one.removeprefix(how.prefix) for one in header(request, how.header).split() if one.startswith(how.prefix)]
    read = hex_of if how.encoding == "hex" else base64_of
    signatures = [made for one in given if (made := read(one))]
    if not signatures:
        raise wrong_signature(f"the header {how.header} holds no signature of the form {how.prefix}{how.encoding}")
    signed_by(hook, signed(hook, request), signatures, how.algorithm)
    if how.timestamp_header:
        written = header(request, how.timestamp_header)
        on_time(hook, written, request, SECOND if len(written) < _MILLISECONDS else SECOND // 1000)


def signed(hook: Hook, request: Request) -> bytes:
    """What is signed, with the body as it was sent."""
    how, made, end = hook.webhook.signature, [], 0
    for found in _PLACEHOLDER.finditer(how.signed):
        made += [how.signed[end : found.start()].encode(), _part(hook, request, found[1].lower())]
        end = found.end()
    return b"".join([*made, how.signed[end:].encode()])


def _part(hook: Hook, request: Request, name: str) -> bytes:
    if name == "body":
        return request.body
    if name == "method":
        return request.method.encode()
    if name == "url":
        return (hook.webhook.url or "").encode()
    return header(request, (hook.webhook.signature.timestamp_header or "") if name == "timestamp" else name).encode()


def delivery(hook: Hook, _request: Request, value: Any) -> Delivery:
    """One document, or those of the array at ``each``. Without an id the same content is the same event."""
    each = hook.webhook.each
    documents = [value] if each is None else each.of(value)
    if type(documents) is not list:
        raise BadRequest("bad_json", f"the body has no array at {each}")
    return Delivery([Notice(_name(one), one, _hash(one)) for one in documents])


def _name(document: Any) -> str:
    for key in ("type", "event", "topic", "name"):
        if type(document) is dict and type(document.get(key)) is str:
            return str(document[key])
    return "delivery"


def _hash(document: Any) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":")).encode("utf-8", "replace")
    return blake2b(text, digest_size=16).hexdigest()


def lines(_hook: Hook, notice: Notice) -> list[Line]:
    """Nothing is known of it but what the plan says."""
    raise Refused("not_mapped", f"no rule of the plan holds for this {notice.name[:60]}")


def sign(hook: Hook, body: bytes, now: int) -> dict[str, str]:
    """The signature's header, and the moment's."""
    how = hook.webhook.signature
    headers = {how.timestamp_header: str(now // SECOND)} if how.timestamp_header else {}
    named = [name.lower() for name in _PLACEHOLDER.findall(how.signed)]
    headers |= {name: "test" for name in named if name not in ("body", "timestamp", "method", "url", *headers)}
    request = Request("POST", f"/w/{hook.webhook.name}", {}, headers, body, now)
    made = digest(hook.secrets[0], signed(hook, request), how.algorithm)
    return {**headers, how.header: how.prefix + (made.hex() if how.encoding == "hex" else b64encode(made).decode())}


KIND = Kind("generic", verify, delivery, lines, sign)
