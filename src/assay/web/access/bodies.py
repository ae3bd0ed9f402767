"""A form's body, read before the application so that its token can be looked at, then handed on."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.types import Message, Receive

MOST = 1 << 20  # bytes
FIELDS = 1000
FORM = "application/x-www-form-urlencoded"


class TooLarge(Exception):
    """The body is larger than a form may be."""


async def read(receive: Receive, length: str) -> bytes:
    """The whole body. Raises TooLarge."""
    if length.isdigit() and (len(length) > 12 or int(length) > MOST):
        raise TooLarge
    found = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(found)
        found += message.get("body", b"")
        if len(found) > MOST:
            raise TooLarge
        if not message.get("more_body", False):
            return bytes(found)


def again(body: bytes, receive: Receive) -> Receive:
    """The same body once more, for the application."""
    waiting = [body]

    async def handed() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return handed


def fields(body: bytes) -> dict[str, str]:
    """The fields of a form; of one that comes twice the first. Raises TooLarge for more than a thousand."""
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=FIELDS)
    except ValueError as error:
        raise TooLarge from error
    return dict(reversed(pairs))
