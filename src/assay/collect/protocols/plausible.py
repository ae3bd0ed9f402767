"""Plausible: ``POST /api/event``, one event. The key is the domain it is for (the first of several).

Sources: plausible/docs ``docs/events-api.md``, plausible/analytics ``lib/plausible/ingestion/request.ex``, the npm
tracker (short keys). Always 202, as the clients expect, some of which send again for ever otherwise; the header
``x-plausible-dropped: 1`` says that the event was not taken, ``x-assay-refused`` why.
"""

from __future__ import annotations

from typing import Any

from assay.collect import bodies, ecommerce
from assay.collect.enrich import values
from assay.collect.enrich.pages import put_page
from assay.collect.enrich.values import Refused
from assay.collect.protocols.batches import ADDRESS, Batch, each, finished, key_text, lines_of
from assay.collect.wire import BadRequest, Decoded, Line, Outcome, Protocol, Request, Response

MOST_BODY = 65_536
MOST_NAME = 120  # characters
MOST_PROPERTIES, MOST_KEY, MOST_VALUE, MOST_URL = 30, 300, 2_000, 2_000
_NAMES = {"pageview": "page_view", "engagement": "user_engagement", "Outbound Link: Click": "click",
          "File Download": "file_download", "Form: Submission": "form_submit"}  # fmt: skip


def decode(request: Request) -> Decoded:
    """The event in its short or its long keys."""
    body = bodies.decoded(request, MOST_BODY)
    value = bodies.parsed(body)
    if type(value) is not dict:
        raise BadRequest("bad_json", f"the body is {values.kind(value)}, not an object")
    domain = value.get("d", value.get("domain"))
    key = key_text(domain.split(",")[0].strip().removeprefix("www.") if type(domain) is str else None)
    found = lines_of(Batch(request, [value], len(body), 1), _line, key)
    address = request.headers.get("x-forwarded-for", "").split(",")[0].strip()
    for line in found.lines:
        if address:  # a server tells whose event it is
            line[ADDRESS] = address
    return found


def _line(event: dict[str, Any]) -> Line:
    def given(short: str, name: str) -> Any:
        value = event.get(short)
        return event.get(name) if value is None else value

    said = values.name(given("n", "name"))
    if len(said) > MOST_NAME:
        raise Refused("bad_name", f"an event's name has at most {MOST_NAME} characters")
    line: Line = {"name": _NAMES.get(said) or ecommerce.standard_name(said)}
    url = given("u", "url")
    if url is None:
        raise Refused("no_url", "url is required")
    if type(url) is not str:
        raise Refused("bad_type", f"url is {values.kind(url)}, not text")
    if url[:5].lower() == "data:":
        raise Refused("bad_url", "the scheme of the url is not allowed")
    put_page(line, url)
    if given("h", "hashMode") in (1, "1", True) and "#" in url and "path" in line:
        line["path"] += "#" + url.partition("#")[2]  # the page is in the fragment
    if len(line.get("path", "")) > MOST_URL:
        raise Refused("bad_url", f"the path of the url has more than {MOST_URL:,} characters")
    referrer = values.text(given("r", "referrer"), "referrer")
    if referrer is not None:
        if len(referrer) > MOST_URL:
            raise Refused("bad_url", f"the referrer has more than {MOST_URL:,} characters")
        line["referrer"] = referrer
    interactive = values.truth(given("i", "interactive"), "interactive")
    if interactive is not None:
        line["interactive"] = interactive
    props = _props(event)
    _put_revenue(line, given("$", "revenue"))
    if said == "engagement":
        for name, number in (("engagement_time_msec", event.get("e")), ("percent_scrolled", event.get("sd"))):
            if type(number) in (int, float):
                props[name] = number
    elif said in ("Outbound Link: Click", "File Download") and "url" in props:
        props["link_url"] = props.pop("url")
        if said == "Outbound Link: Click":
            props["outbound"] = True
    return finished(line, props)


def _props(event: dict[str, Any]) -> dict[str, Any]:
    """Properties that are texts, numbers, true or false; an object of them, also as JSON text."""
    raw = next((event[key] for key in ("m", "meta", "p", "props") if event.get(key) is not None), None)
    if type(raw) is str:
        try:
            raw = bodies.parsed(raw.encode("utf-8", "replace"))
        except BadRequest as problem:
            raise Refused("bad_type", f"props is text that is no JSON ({problem.detail})") from None
    props = {key: one for key, one in values.record(raw, "props").items() if one not in (None, "")}
    for key, one in props.items():
        if type(one) in (dict, list):
            raise Refused("bad_type", f"property {key[:40]!r} is {values.kind(one)}; texts and numbers are taken")
        if len(key) > MOST_KEY or (type(one) is str and len(one) > MOST_VALUE):
            raise Refused("bad_props", f"a property has at most {MOST_KEY} characters, its value {MOST_VALUE:,}")
    if len(props) > MOST_PROPERTIES:
        raise Refused("bad_props", f"an event has at most {MOST_PROPERTIES} properties")
    return props


def _put_revenue(line: Line, value: Any) -> None:
    """``{"currency": "EUR", "amount": "29.90"}``, also of events that are no purchase."""
    if value is None:
        return
    if type(value) is str:
        try:
            value = bodies.parsed(value.encode("utf-8", "replace"))
        except BadRequest:
            raise Refused("bad_money", "revenue is no object with amount and currency") from None
    revenue = values.record(value, "revenue")
    amount = values.money(revenue.get("amount"), "revenue.amount")
    if amount is not None:
        line["amount"] = amount
        if (currency := values.currency(revenue.get("currency"))) is not None:
            line["currency"] = currency


def answer(decoded: Decoded, outcome: Outcome) -> Response:
    """202 ok."""
    del decoded
    headers = {"content-type": "text/plain; charset=utf-8"}
    if outcome.refusals:
        headers |= {"x-plausible-dropped": "1", "x-assay-refused": outcome.refusals[0].reason}
    return Response(202, b"ok", headers)


_BODY: dict[str, Any] = {
    "type": "object", "required": ["domain", "name", "url"],
    "properties": {
        **each("domain name url referrer"),
        "props": {"type": "object", "maxProperties": MOST_PROPERTIES},
        "revenue": {"type": "object", "properties": {"currency": {"type": "string"}, "amount": {}}},
        "interactive": {"type": "boolean"},
    },
}  # fmt: skip
PROTOCOL = Protocol(
    "plausible", (("POST", "/api/event"), ("POST", "/api/event/")), decode, answer, body=_BODY
)  # fmt: skip
