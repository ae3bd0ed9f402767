"""The bytes of a request, taken out of gzip, deflate and base64, then parsed; never more of them than a limit.

Browsers send gzip as ``text/plain`` without a word (posthog-js ``request.ts``), so it is known by its first bytes.
What leaves here can be written as JSON again and read by any engine: no NaN, no lone surrogate, no number out of range.
"""

from __future__ import annotations

import binascii
import json
import zlib
from typing import Any
from urllib.parse import unquote_plus

from assay.collect.wire import BadRequest, Request

MOST_DEPTH = 32  # levels of objects and arrays
MOST_CONTAINERS = 100_000  # objects and arrays: a few bytes sent, sixty in memory
MOST_VALUES = 600_000
MOST_MEMBERS = 64  # of a gzip file
_GZIP = b"\x1f\x8b"
_TOO_DEEP = f"JSON may be nested {MOST_DEPTH} levels deep"
_SHAPE = bytes.maketrans(b"123456789E", b"000000000e")
_WORST = "\ufffd"
_INT64 = 1 << 63


def decoded(request: Request, limit: int) -> bytes:
    """The body as its sender wrote it, at most ``limit`` bytes. BadRequest: too_large, bad_gzip, bad_encoding."""
    body = request.body
    if not body and "data" in request.query:  # a pixel: everything is in the query
        return _form_data(request.query["data"].encode("utf-8", "replace"), limit)
    encoding = request.headers.get("content-encoding", "").strip().lower()
    body = _inflated(body, encoding, limit)
    if body[:5] == b"data=" or (b"&data=" in body[:200] and body.lstrip()[:1] not in (b"{", b"[", b'"')):
        body = _form(body, limit)
    if len(body) > limit:
        raise BadRequest("too_large", f"a request has at most {limit:,} bytes when unpacked", 413)
    return body


def _inflated(body: bytes, encoding: str, limit: int) -> bytes:
    if body[:2] == _GZIP:
        return _unzipped(body, limit)
    if encoding in ("", "identity", "none"):
        return body
    if encoding == "deflate":
        wrapped = len(body) > 1 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0
        return _stream(body, zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS, limit)[0]
    if encoding in ("gzip", "x-gzip"):
        if body.lstrip()[:1] in (b"{", b"["):  # a proxy has taken it off and left the header
            return body
        raise BadRequest("bad_gzip", "the body is not gzip although Content-Encoding says so")
    raise BadRequest("bad_encoding", f"Content-Encoding {encoding[:20]} is not taken; send gzip or deflate", 415)


def _unzipped(body: bytes, limit: int) -> bytes:
    """All members of a gzip file."""
    parts: list[bytes] = []
    size = 0
    while body[:2] == _GZIP:
        if len(parts) == MOST_MEMBERS:  # each costs a copy of what follows
            raise BadRequest("bad_gzip", f"the gzip data has more than {MOST_MEMBERS} members")
        part, body = _stream(body, 16 + zlib.MAX_WBITS, limit - size)
        parts.append(part)
        size += len(part)
    if body.strip(b"\0"):
        raise BadRequest("bad_gzip", "something follows the gzip data")
    return b"".join(parts)


def _stream(body: bytes, bits: int, room: int) -> tuple[bytes, bytes]:
    """One stream unpacked, never more than ``room`` bytes of it, and what follows."""
    unpack = zlib.decompressobj(bits)
    try:
        text = unpack.decompress(body, room + 1)
    except zlib.error as problem:
        raise BadRequest("bad_gzip", f"the body cannot be unpacked ({str(problem)[:80]})") from None
    if len(text) > room:
        raise BadRequest("too_large", "the request is too large when unpacked", 413)
    if not unpack.eof:
        raise BadRequest("bad_gzip", "the packed body ends too early")
    return text, unpack.unused_data


def _form(body: bytes, limit: int) -> bytes:
    for field in body.split(b"&", 20)[:20]:
        name, _, value = field.partition(b"=")
        if name == b"data":
            return _form_data(unquote_plus(value.decode("latin-1"), encoding="latin-1").encode("latin-1"), limit)
    raise BadRequest("bad_json", "the form has no field data")


def _form_data(value: bytes, limit: int) -> bytes:
    """The form field ``data``: JSON, or base64 of JSON or of gzip."""
    if value.lstrip()[:1] in (b"{", b"["):
        return value
    plain = value.replace(b" ", b"+").replace(b"-", b"+").replace(b"_", b"/")
    try:
        text = binascii.a2b_base64(plain + b"=" * (-len(plain) % 4))
    except binascii.Error:
        raise BadRequest("bad_encoding", "the form field data is neither JSON nor base64") from None
    return _unzipped(text, limit) if text[:2] == _GZIP else text


def parsed(body: bytes) -> Any:
    """The JSON in ``body``. Raises BadRequest: bad_encoding, too_deep, bad_json (also NaN and numbers out of range)."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise BadRequest("bad_encoding", f"the body is not UTF-8 (byte {problem.start})") from None
    openers = body.count(b"{") + body.count(b"[")
    if openers > MOST_CONTAINERS or (len(body) > MOST_VALUES and body.count(b",") > MOST_VALUES):
        raise BadRequest("too_large", "the body has too many values for one request", 413)
    try:
        value = (_CAREFUL if _large_numbers(body) else _DECODER).decode(text)
    except RecursionError:  # the parser's own guard, far below what the stack bears
        raise BadRequest("too_deep", _TOO_DEEP) from None
    except ValueError as problem:
        raise BadRequest("bad_json", str(problem)[:120] or "the body is not JSON") from None
    if openers > MOST_DEPTH and _deep([value]):
        raise BadRequest("too_deep", _TOO_DEEP)
    return cleaned(value) if b"\\u" in body and _odd(body) else value


def _deep(value: Any) -> bool:
    """Whether containers are nested deeper than allowed, level by level and without recursion."""
    level = [value]
    for _ in range(MOST_DEPTH + 1):
        level = [
            one
            for container in level
            for one in (container.values() if type(container) is dict else container)
            if type(one) is dict or type(one) is list
        ]
        if not level:
            return False
    return True


def cleaned(value: Any) -> Any:
    """The same value with lone surrogates and NUL, which no store takes, as U+FFFD."""
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, dict):
        return {_clean(k): cleaned(v) for k, v in value.items()}
    if isinstance(value, list):
        return [cleaned(one) for one in value]
    return value


def _clean(text: str) -> str:
    if "\0" in text:
        text = text.replace("\0", _WORST)
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _large_numbers(body: bytes) -> bool:
    """Whether a number in it may be beyond 64 bits or infinite: a look at the shape, without parsing."""
    shape = body.translate(_SHAPE)
    return b"0" * 19 in shape or b"0e000" in shape or b"0e+000" in shape


def _odd(body: bytes) -> bool:
    return b"\\ud" in body or b"\\uD" in body or b"\\u0000" in body


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _float(text: str) -> float:
    value = float(text)
    if value - value != 0:
        raise ValueError(f"the number {text[:20]} is out of range")
    return value


def _int(text: str) -> int | str:
    """Beyond 64 bits the digits are kept as text: it is an id, not a quantity."""
    if len(text) < 19:
        return int(text)
    if len(text) > 100:
        raise ValueError(f"the number {text[:20]}… is out of range")
    value = int(text)
    return value if -_INT64 <= value < _INT64 else text


_DECODER = json.JSONDecoder(parse_constant=_constant)
_CAREFUL = json.JSONDecoder(parse_float=_float, parse_int=_int, parse_constant=_constant)
