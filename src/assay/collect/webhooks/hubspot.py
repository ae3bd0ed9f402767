"""HubSpot: changes of a contact's, company's or deal's stage, as GA4's lead events.

Source: developers.hubspot.com (webhooks API: subscription types and payloads; request validation, signature v3). An
event's id is not unique by HubSpot's own word, so ours is made of what changed, to what, and when.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from assay.collect.enrich import values
from assay.collect.enrich.values import Refused
from assay.collect.webhooks.base import (
    SECOND,
    Delivery,
    Hook,
    Kind,
    Notice,
    at,
    base64_of,
    digest,
    header,
    on_time,
    signed_by,
    some,
    text_at,
)
from assay.collect.wire import Line, Request

_SIGNATURE, _MOMENT = "x-hubspot-signature-v3", "x-hubspot-request-timestamp"
_MILLISECOND = SECOND // 1000
_NONE = "none"
_STAGES: Mapping[str, str] = {
    "lead": "generate_lead", "marketingqualifiedlead": "qualify_lead", "salesqualifiedlead": "working_lead",
    "opportunity": "working_lead", "customer": "close_convert_lead", "closedwon": "close_convert_lead",
    "closedlost": "close_unconvert_lead",
}  # fmt: skip
_PROPERTIES = ("lifecyclestage", "dealstage")
_OBJECTS = {"0-1": "contact", "0-2": "company", "0-3": "deal"}  # objectTypeId of object.propertyChange


def verify(hook: Hook, request: Request) -> None:
    """Base64 of the HMAC-SHA256 of method, public address, body and moment; the moment within the tolerance."""
    given, moment = header(request, _SIGNATURE), header(request, _MOMENT)
    signed_by(hook, _signed(hook, request.method, request.body, moment), [base64_of(given)])
    on_time(hook, moment, request, _MILLISECOND)


def _signed(hook: Hook, method: str, body: bytes, moment: str) -> bytes:
    return method.encode() + (hook.webhook.url or "").encode() + body + moment.encode()


def sign(hook: Hook, body: bytes, now: int) -> dict[str, str]:
    """Both headers."""
    moment = str(now // _MILLISECOND)
    return {
        _MOMENT: moment,
        _SIGNATURE: b64encode(digest(hook.secrets[0], _signed(hook, "POST", body, moment))).decode(),
    }


def delivery(_hook: Hook, _request: Request, value: Any) -> Delivery:
    """Up to a hundred changes, also a single one."""
    listed = value if type(value) is list else [value]
    return Delivery([Notice(text_at(one, "subscriptionType") or "event", one, _key(one)) for one in listed])


def _key(event: Any) -> str:
    """The change itself: the same for every attempt, and where two subscriptions tell of it."""
    keys = ["portalId", "objectId", "occurredAt", "propertyName", "propertyValue"]
    if at(event, "propertyName") is None:
        keys += ["eventId", "subscriptionType"]
    return "-".join([_what(event), *(text_at(event, key) or "" for key in keys)])


def _what(event: Any) -> str:
    """contact, company, deal …"""
    named = (text_at(event, "subscriptionType") or "").partition(".")[0]
    return _OBJECTS.get(text_at(event, "objectTypeId") or "", named)


def lines(hook: Hook, notice: Notice) -> list[Line]:
    """The event of a stage. Raises Refused: not_mapped, with why."""
    document = notice.document
    what, name = _what(document), text_at(document, "propertyName")
    if not notice.name.endswith(".propertyChange") or name not in _PROPERTIES:
        raise Refused("not_mapped", f"only changes of {' and '.join(_PROPERTIES)} are stages; a rule under events: may")
    stage = text_at(document, "propertyValue") or ""
    event = {**_STAGES, **hook.webhook.stages}.get(stage, _NONE)
    if event == _NONE:
        raise Refused("not_mapped", f"the stage {stage[:60]!r} is no event; write it under stages: if it is one")
    key = text_at(document, "objectId")
    if key is None:
        raise Refused("bad_type", "objectId is missing")
    line: Line = {
        "id": notice.id, "name": event, "time": values.instant(at(document, "occurredAt"), "occurredAt"),
        "props": some(lead_status=stage, hubspot_object=what, portal=text_at(document, "portalId")),
    }  # fmt: skip
    if what == "contact":
        line["user"] = f"hubspot-{key}"
    elif what == "company":
        line["account"] = f"hubspot-{key}"
    else:
        line["props"] |= {"deal": key}
    return [line]


KIND = Kind("hubspot", verify, delivery, lines, sign)
