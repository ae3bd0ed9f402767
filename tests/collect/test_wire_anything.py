"""Whatever comes in, a format decodes it, refuses it by reason or says BadRequest; and its lines can be written."""

import gzip
import json
import zlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.collect import bodies, steps
from assay.collect.protocols import PROTOCOLS
from assay.collect.steps import Context
from assay.collect.wire import BadRequest, Decoded, Outcome, Protocol, Request
from support import examples

NOW = 1_767_225_600_000_000
KINDS = settings(max_examples=examples(100), deadline=None, suppress_health_check=list(HealthCheck))

scalar = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(min_value=10**17, max_value=10**30), st.floats(),
    st.text(st.characters(codec=None), max_size=20), st.sampled_from([
        "2024-01-01T00:00:00Z", "https://shop.example/p?utm_source=a%ff+b&gclid=1", "Order Completed", "EUR", "19.90", "1e400",
        "undefined", "purchase", "$pageview", "$identify", "track", "page", "event", "\ud800", "a\0b", "x" * 300, 1e308, -0.0,
    ]),
)  # fmt: skip
KEYS = st.sampled_from(
    "event name n type id uuid messageId time timestamp t sent_at sentAt url u title referrer r visitor user userId "
    "anonymousId distinct_id groupId account consent revenue $ value currency order_id items it products props p properties "
    "traits context page screen campaign params interactive i payload website data hostname session session_id $session_id "
    "$groups $group_key $current_url $device_type offset options timestamp_micros client_id user_id user_properties "
    "product_id price ip userAgent engagement e sd h m seq bot experiment_id $feature_flag $feature_flag_response".split()
)
tree = st.recursive(
    scalar, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=8), max_leaves=25
)
envelope = st.one_of(
    tree,
    st.fixed_dictionaries({"events": st.lists(tree, max_size=4), "batch": st.lists(tree, max_size=4)}),
    st.dictionaries(KEYS, tree, max_size=12),
    st.lists(st.dictionaries(KEYS, tree, max_size=12), max_size=3),
    st.fixed_dictionaries({"type": st.just("event"), "payload": st.dictionaries(KEYS, tree, max_size=9)}),
)


def request(
    path: str, body: bytes, headers: dict[str, str] | None = None, query: dict[str, str] | None = None
) -> Request:
    return Request("POST", path, query or {}, headers or {}, body, NOW, "203.0.113.9")


def taken(protocol: Protocol, one: Request) -> None:
    try:
        still = protocol.still(one)
        if still is not None:
            return None
        decoded = protocol.decode(one)
    except BadRequest as problem:
        refused = problem
    else:
        return refused_or_written(protocol, decoded)
    assert refused.reason
    assert 400 <= refused.status < 500
    return None


def refused_or_written(protocol: Protocol, decoded: Decoded) -> None:
    assert len(decoded.lines) == len(decoded.places)
    for line in decoded.lines:
        context = Context(
            domains=("shop.example",), internal=(("user", "*a*b*c"), ("x", "*")), most_value=10, most_props=5
        )
        steps.run(
            line, context.of(Request("POST", "/", {}, {"user-agent": str(line.get("title"))}, b"", NOW, "::1"), b"salt")
        )
        json.dumps(line, allow_nan=False, ensure_ascii=False).encode()
        assert isinstance(line["name"], str)
        assert 0 < len(line["name"]) <= 200
        assert isinstance(line["id"], str)
        assert isinstance(line["time"], int)
        assert line.get("amount") is None or isinstance(line["amount"], str)
        assert isinstance(line.get("props", {}), dict)
        for field in (
            "visitor",
            "user",
            "account",
            "session",
            "order_id",
            "url",
            "title",
            "referrer",
            "screen",
            "currency",
        ):
            assert line.get(field) is None or isinstance(line[field], str)
    assert not set(decoded.places) & {one.index for one in decoded.refusals}
    answer = protocol.answer(decoded, Outcome(decoded.lines, decoded.refusals))
    assert 200 <= answer.status < 500
    assert isinstance(answer.body, bytes)


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda p: p.name)
@KINDS
@given(data=st.data(), value=envelope)
def test_any_json(protocol: Protocol, data: st.DataObject, value: Any) -> None:
    path = data.draw(st.sampled_from([path for method, path in protocol.routes if method == "POST"]))
    taken(protocol, request(path, json.dumps(value).encode()))


@KINDS
@given(
    body=st.binary(max_size=300), encoding=st.sampled_from(["", "gzip", "deflate", "br", "zstd"]),
    pack=st.sampled_from([bytes, gzip.compress, zlib.compress, lambda b: b"data=" + b, lambda b: b"\x1f\x8b" + b]),
    authorization=st.sampled_from(["", "Basic ", "Basic !!", "Basic YTo=", "Bearer x", "Basic ÿ"]),
)  # fmt: skip
def test_any_bytes(body: bytes, encoding: str, pack: Any, authorization: str) -> None:
    for protocol in PROTOCOLS:
        for method, path in protocol.routes:
            one = Request(
                method,
                path,
                {"data": "e30", "_": "x"},
                {"content-encoding": encoding, "authorization": authorization},
                pack(body),
                NOW,
            )
            taken(protocol, one)


@KINDS
@given(value=tree)
def test_what_is_parsed_can_be_written(value: Any) -> None:
    try:
        found = bodies.parsed(json.dumps(value).encode())
    except BadRequest as problem:
        found = problem.reason
        assert any(sign in json.dumps(value) for sign in ("Infinity", "NaN", "e+"))
    json.dumps(found, allow_nan=False, ensure_ascii=False).encode()


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda p: p.name)
@pytest.mark.parametrize(
    "deep", ["[" * 200_000, '{"a":' * 50_000, "[" * 40 + "]" * 40, '{"events":[' + '{"p":' * 40 + "1" + "}" * 40 + "]}"]
)
def test_deep_nesting(protocol: Protocol, deep: str) -> None:
    for method, path in protocol.routes:
        if method == "POST":
            taken(protocol, request(path, deep.encode()))
