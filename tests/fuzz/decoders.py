"""The decoders and the steps under atheris: ``python tests/fuzz/decoders.py -runs=20000 [FOLDER]``.

What comes in is a route, headers and a body; what may go wrong is BadRequest, everything else is a defect.
"""

from __future__ import annotations

import json
import sys

import atheris

with atheris.instrument_imports(include=["assay.collect"]):
    from assay.collect import bodies, steps
    from assay.collect.line import whole
    from assay.collect.protocols import PROTOCOLS
    from assay.collect.wire import BadRequest, Decoded, Outcome, Protocol, Request

NOW = 1_767_225_600_000_000
ROUTES = [(p, method, path.replace("*", "pk_test/config.js")) for p in PROTOCOLS for method, path in p.routes]
NAMES = ("content-encoding", "authorization", "user-agent", "sec-ch-ua", "sec-ch-ua-mobile", "sec-gpc", "x-forwarded-for", "host",
         "posthog-request-timestamp", "posthog-sdk-info")  # fmt: skip
CONTEXT = steps.Context(source="web", domains=("shop.example",), internal=(("user", "*test*"),), salt=b"salt")


def one_input(data: bytes) -> None:
    """First two bytes: route and which headers; a line of header text; the rest is the body."""
    if len(data) < 3:
        return
    protocol, method, path = ROUTES[data[0] % len(ROUTES)]
    text, _, body = data[2:].partition(b"\n")
    parts = text.decode("latin-1").split("\t")
    headers = {name: parts[n % len(parts)] for n, name in enumerate(NAMES) if data[1] >> (n % 8) & 1}
    request = Request(
        method, path, {"data": parts[0], "_": parts[-1], "api_secret": "x"}, headers, body, NOW, "203.0.113.9", "http"
    )
    try:
        if protocol.still(request) is not None:
            return
        decoded = protocol.decode(request)
    except BadRequest as problem:
        status = problem.status
    else:
        status = answered(protocol, request, decoded)
    assert 200 <= status < 500


def answered(protocol: Protocol, request: Request, decoded: Decoded) -> int:
    """Steps, line and answer of what could be decoded."""
    assert len(decoded.lines) == len(decoded.places)
    assert not any(one.reason == "internal_error" for one in decoded.refusals), decoded.refusals
    for line in decoded.lines:
        if steps.run(line, CONTEXT.of(request, b"salt")) is None and whole(line) is None:
            json.loads(json.dumps(line, ensure_ascii=False, allow_nan=False).encode())
    return protocol.answer(decoded, Outcome(decoded.lines, decoded.refusals)).status


def parsed(data: bytes) -> None:
    """What the parser lets through can be written again."""
    try:
        value = bodies.parsed(data)
    except BadRequest:
        return
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def both(data: bytes) -> None:
    """Half of the inputs go to the parser alone."""
    (parsed if data[:1] == b"\0" else one_input)(data[1:])


if __name__ == "__main__":
    atheris.Setup(sys.argv, both)
    atheris.Fuzz()
