"""What all formats share: the way from the events of a request to lines, refusals, ids and answers."""

from __future__ import annotations

import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from assay.collect import ecommerce, faults
from assay.collect.enrich import values
from assay.collect.enrich.values import Refused
from assay.collect.wire import BadRequest, Decoded, Line, Refusal, Request, Response

MOST_EVENT = 32_768  # bytes of one event, in every format
MOST_OVER = 4  # times as many events as may be: the request is refused whole, not event by event
# Who the event is about, where the sender is a server: never written, the steps take them away.
AGENT, ADDRESS = "_agent", "_address"
NO_BROWSER = ""  # an agent that says nothing: the request's own is that of a server's library
JSON = {"content-type": "application/json"}

Convert = Callable[[dict[str, Any]], Line]


@dataclass(frozen=True)
class Batch:
    """Events of one request. ``sent_at`` µs by the sender's clock; ``most``: how many events are taken.

    ``envelope``: what of the request belongs to every event and tells senders apart, where events have no id.
    """

    request: Request
    events: Sequence[Any]
    size: int
    most: int
    sent_at: int | None = None
    envelope: Any = None


def lines_of(
    batch: Batch, convert: Convert, key: str | None, extra: Mapping[str, Any] | None = None
) -> Decoded:  # fmt: skip
    """Each event by ``convert``, which raises Refused; then its id, its time and its order."""
    if len(batch.events) > batch.most * MOST_OVER:
        raise BadRequest("too_many_events", f"a request has at most {batch.most:,} events", 413)
    lines, places, refusals = [], [], []
    several = len(batch.events) > 1
    weigh = batch.size > MOST_EVENT
    seen: dict[str, int] = {}
    for index, event in enumerate(batch.events):
        if index >= batch.most:
            refusals += [
                Refusal(n, "too_many_events", f"a request has at most {batch.most:,} events", *told(batch.events[n]))
                for n in range(index, len(batch.events))
            ]
            break
        try:
            if type(event) is not dict:
                raise Refused("bad_type", f"an event is an object, not {values.kind(event)}")
            if weigh and _heavy(event):
                raise Refused("too_large", f"an event has at most {MOST_EVENT:,} bytes")
            line = convert(event)
            if "id" not in line:
                line["id"] = _made_id(batch, event, line, seen)
            if batch.sent_at is not None:
                line.setdefault("sent_at", batch.sent_at)
            if line.get("time") is None:  # it happened when it was sent
                line["time"] = line.get("sent_at") or batch.request.received_at
            if several:
                line.setdefault("seq", index)
        except Refused as problem:
            refusals.append(Refusal(index, problem.reason, problem.detail, *told(event)))
            continue
        except Exception as error:  # a defect: the other events of the request are not lost by it
            faults.noted("reading an event", error)
            refusals.append(Refusal(index, faults.REASON, faults.DETAIL, *told(event)))
            continue
        lines.append(line)
        places.append(index)
    return Decoded(key, tuple(lines), tuple(places), tuple(refusals), extra or {})


def told(event: Any) -> tuple[str | None, str | None]:
    """Name and id of an event that is refused, as far as it says them."""
    if type(event) is not dict:
        return None, None
    found = []
    for keys in (("name", "event", "n", "type"), ("id", "uuid", "messageId")):
        one = next((event[key] for key in keys if type(event.get(key)) is str), None)
        found.append(one[:200] if one else None)
    return found[0], found[1]


def _heavy(event: dict[str, Any]) -> bool:
    """Whether an event is too large; written out only where a quick look does not settle it."""
    if len(repr(event)) * 4 <= MOST_EVENT:
        return False
    return len(json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")) > MOST_EVENT


def _made_id(batch: Batch, event: dict[str, Any], line: Line, seen: dict[str, int]) -> str:
    """A hash of the content, so that the same bytes sent again have the same id.

    Without a sender's time two events that are alike are two: then the moment of receipt is part of it. Without a
    visitor, so are address and user agent. Events that are alike within a request are counted.
    """
    request = batch.request
    parts: list[Any] = [event, batch.sent_at, batch.envelope]
    if line.get("time") is None and batch.sent_at is None:
        parts.append(request.received_at)
    if line.get("visitor") is None and line.get("user") is None:
        parts += [request.address, request.headers.get("user-agent"), request.headers.get("x-forwarded-for")]
    text = json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()
    found = blake2b(text, digest_size=16).hexdigest()
    seen[found] = seen.get(found, 0) + 1
    return found if seen[found] == 1 else f"{found}-{seen[found]}"


def finished(line: Line, props: dict[str, Any], *, products: bool = False) -> Line:
    """Exposures and shop words; whether it is an action; what is left are the properties."""
    if not ecommerce.put_exposure(line, props):
        ecommerce.put_shop(line, props, products=products)
    if line["name"] in ecommerce.NOT_INTERACTIVE:
        line.setdefault("interactive", False)
    if props:
        line["props"] = props
    return line


def put_texts(line: Line, source: Mapping[str, Any], fields: Sequence[tuple[str, str]]) -> None:
    """Fields that an event can do without: (field of the line, key of the source); what is no text is left out."""
    for field, key in fields:
        value = source.get(key)
        if value is not None and type(value) is str and value and not value.isspace() and field not in line:
            line[field] = value


def screen_of(width: Any, height: Any) -> str | None:
    """A screen's size as 1920x1080."""
    if type(width) in (int, float) and type(height) in (int, float) and 0 < width < 1e5 and 0 < height < 1e5:
        return f"{int(width)}x{int(height)}"
    return None


def basic_key(request: Request) -> str | None:
    """The key of ``Authorization``: user name of Basic, or a Bearer token."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip() or None
    if scheme.lower() != "basic":
        return None
    try:
        plain = binascii.a2b_base64(value.strip().encode("ascii", "replace"))
    except (binascii.Error, ValueError):
        raise BadRequest("bad_key", "the Authorization header cannot be read", 401) from None
    return plain.decode("utf-8", "replace").partition(":")[0].strip() or None


def key_text(*candidates: Any) -> str | None:
    """The first that is a key: text of at most 200 characters."""
    return next((one.strip() for one in candidates if type(one) is str and 0 < len(one.strip()) <= 200), None)


def each(names: str, type_: str = "string") -> dict[str, Any]:
    """JSON schemas of fields by their names, with blanks between."""
    return {name: {"type": type_} for name in names.split()}


def answered(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(status, json.dumps(value, separators=(",", ":")).encode(), {**JSON, **(headers or {})})
