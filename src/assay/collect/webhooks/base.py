"""What a kind of webhook is: how its sender signs, what a body tells, and what that becomes.

Pure but for the secrets, which are read once. A kind is one module beside this one with a ``KIND``.
"""

from __future__ import annotations

import binascii
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from assay.collect.wire import BadRequest, Line, Request
from assay.model import money

if TYPE_CHECKING:
    from assay.plan.webhooks import Webhook

SECOND = 1_000_000


@dataclass(frozen=True)
class Hook:
    """A webhook with its secrets. ``sale``, ``refund``: how the plan calls these events."""

    webhook: Webhook
    secrets: tuple[bytes, ...]
    sale: str = "purchase"
    refund: str = "refund"


@dataclass(frozen=True)
class Notice:
    """One thing that a delivery tells. ``name``: as the sender calls it; ``id``: the same for every delivery of it."""

    name: str
    document: Any
    id: str


@dataclass(frozen=True)
class Delivery:
    """What a body holds. ``test``: of the sender's test mode: it is kept apart, in staging."""

    notices: Sequence[Notice]
    test: bool = False


@dataclass(frozen=True)
class Kind:
    """``verify`` raises BadRequest (401) for a delivery that is not the sender's, or too old. ``lines`` raises Refused.

    ``sign`` gives the headers that the sender would put to a body, for ``assay webhook test``.
    """

    name: str
    verify: Callable[[Hook, Request], None]
    delivery: Callable[[Hook, Request, Any], Delivery]
    lines: Callable[[Hook, Notice], list[Line]]
    sign: Callable[[Hook, bytes, int], dict[str, str]]
    needs: Mapping[str, str] = field(default_factory=dict)  # headers of a delivery that the body does not tell


def wrong_signature(detail: str) -> BadRequest:
    """What is told to a sender that is not known by its signature."""
    return BadRequest("bad_signature", detail, 401)


def digest(secret: bytes, signed: bytes, algorithm: str = "sha256") -> bytes:
    """HMAC."""
    return hmac.digest(secret, signed, algorithm)


def signed_by(hook: Hook, signed: bytes, given: Sequence[bytes], algorithm: str = "sha256") -> None:
    """One of the secrets has made one of the signatures; compared in constant time. Raises BadRequest (401)."""
    found = False
    for secret in hook.secrets:
        made = digest(secret, signed, algorithm)
        for one in given:
            found = hmac.compare_digest(made, one) or found
    if not found:
        raise wrong_signature("the signature is not the one that the secret makes of this body")


def header(request: Request, name: str) -> str:
    """A header that the signature needs."""
    value = request.headers.get(name, "").strip()
    if not value:
        raise wrong_signature(f"the header {name} is missing")
    return value


def base64_of(text: str) -> bytes:
    """The bytes of base64; empty where it is none."""
    try:
        return binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (binascii.Error, ValueError):
        return b""


def hex_of(text: str) -> bytes:
    """The bytes of hex digits; empty where they are none."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def on_time(hook: Hook, written: str, request: Request, unit: int = SECOND) -> None:
    """The signed moment lies within the tolerance, before or after. ``unit``: microseconds of one. BadRequest (401)."""
    if not (written.isascii() and written.isdecimal() and len(written) < 17):
        raise wrong_signature("the signed moment is no number")
    apart = abs(request.received_at - int(written) * unit)
    if apart > hook.webhook.tolerance * SECOND:
        seconds = apart // SECOND
        raise BadRequest(
            "stale", f"signed {seconds:,} seconds from now; at most {hook.webhook.tolerance:,} are taken", 401
        )


def minor(amount: object, digits: int) -> str | None:
    """Whole minor units as decimal text: 1999 with 2 digits is 19.99. None for what is no whole number."""
    if type(amount) is str and amount.lstrip("-").isdecimal() and len(amount) < 19:
        amount = int(amount)
    if type(amount) is not int:
        return None
    made = f"{Decimal(amount).scaleb(-digits):f}"
    return made.rstrip("0").rstrip(".") if "." in made else made


def iso_digits(currency: str) -> int:
    """Digits of a currency's minor unit by ISO 4217."""
    return money.digits(currency)


def at(document: Any, *path: str | int) -> Any:
    """The value at a path of a document; None where there is none."""
    for part in path:
        if isinstance(part, str) and type(document) is dict:
            document = document.get(part)
        elif isinstance(part, int) and type(document) is list and part < len(document):
            document = document[part]
        else:
            return None
    return document


def text_at(document: Any, *path: str | int) -> str | None:
    """Text, or a whole number's digits, at a path."""
    found = at(document, *path)
    if type(found) is int:
        return str(found)
    return found if type(found) is str and found and not found.isspace() else None


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of an array; none where it is no array."""
    return [one for one in value if type(one) is dict] if type(value) is list else []


def some(**props: Any) -> dict[str, Any]:
    """The properties that are known."""
    return {name: value for name, value in props.items() if value is not None}
