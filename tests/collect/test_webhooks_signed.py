"""Who signed it, and when: each kind's signature against its sender's own library where there is one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import standardwebhooks
import stripe
from deliveries import (
    NOW,
    PLAN,
    SECRET,
    URL,
    body_of,
    change,
    collected,
    hook,
    order,
    request,
    session,
    stripe_event,
    written,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.collect.webhooks import BY_NAME
from assay.collect.webhooks.base import Hook
from assay.collect.webhooks.receive import decode
from assay.collect.webhooks.secrets import hooks
from assay.collect.wire import BadRequest, Request
from assay.model.errors import UsageError
from assay.plan.load import loads
from support import examples

DEAL = {"event_id": "e1", "type": "deal.won", "deal": {"id": "d1", "value": 5, "currency": "EUR"}}
BODIES = {
    "stripe": stripe_event("checkout.session.completed", session()), "shopify": order(), "hubspot": [change("lead")], "crm": DEAL,
}  # fmt: skip
TOPIC = {"x-shopify-topic": "orders/create"}
NAMES = sorted(BODIES)
# Shopify signs no moment.
TIMED = ["crm", "hubspot", "stripe"]


def taken(one: Hook, sent: Request) -> str:
    """Nothing where the signature is right, else why not."""
    try:
        decode({one.webhook.name: one}, sent)
    except BadRequest as problem:
        return problem.reason if problem.status == 401 else f"{problem.reason} ({problem.status})"
    return ""


@pytest.mark.parametrize("name", NAMES)
def test_what_is_signed_with_the_secret_is_taken_and_nothing_else(name: str) -> None:
    one = hook(PLAN, name)
    good = request(one, BODIES[name], TOPIC)
    assert taken(one, good) == ""
    assert taken(hook(PLAN, name, "another"), good) == "bad_signature"
    for wrong in (good.body + b" ", good.body[:-1], b"", good.body.replace(b"1", b"2", 1)):
        assert taken(one, Request("POST", good.path, {}, good.headers, wrong, NOW)) == "bad_signature"
    for header in set(good.headers) - {"x-shopify-topic"}:
        less = {key: value for key, value in good.headers.items() if key != header}
        assert taken(one, Request("POST", good.path, {}, less, good.body, NOW)) == "bad_signature"
        for value in ("", "x", "t=1,v1=", "t=,v1=00", "v1=zz,t=1", "é", "0" * 5000, "=", "t=1,v1=00,v1=", "²"):
            odd = {**good.headers, header: value}
            assert taken(one, Request("POST", good.path, {}, odd, good.body, NOW)) in ("bad_signature", "stale")


@pytest.mark.parametrize("name", NAMES)
def test_a_secret_may_be_replaced_while_the_old_one_still_holds(name: str) -> None:
    old, new = hook(PLAN, name, "old"), hook(PLAN, name, "new")
    both = hook(PLAN, name, "new", "old")
    for one in (old, new):
        assert taken(both, request(one, BODIES[name], TOPIC)) == ""
    assert taken(new, request(old, BODIES[name], TOPIC)) == "bad_signature"


@pytest.mark.parametrize("name", TIMED)
@pytest.mark.parametrize(
    ("seconds", "reason"), [(-301, "stale"), (-300, ""), (0, ""), (300, ""), (301, "stale"), (86_400, "stale")]
)
def test_a_signature_holds_five_minutes_both_ways(name: str, seconds: int, reason: str) -> None:
    one = hook(PLAN, name)
    assert taken(one, request(one, BODIES[name], now=NOW + seconds * 1_000_000)) == reason


def test_the_tolerance_is_the_plans() -> None:
    one = hook(PLAN.replace("{kind: stripe, secret: env:S}", "{kind: stripe, secret: env:S, tolerance: 1h}"))
    assert taken(one, request(one, BODIES["stripe"], now=NOW - 3_599_000_000)) == ""


def test_stripes_own_library_takes_our_signature_and_we_take_its() -> None:
    one, body, now = hook(), body_of(BODIES["stripe"]), int(time.time())
    ours = BY_NAME["stripe"].sign(one, body, now * 1_000_000)["stripe-signature"]
    event = stripe.Webhook.construct_event(body, ours, SECRET)
    assert (event["type"], event["data"]["object"]["amount_total"]) == ("checkout.session.completed", 5999)
    theirs = stripe.WebhookSignature.generate_signature_header(body.decode(), SECRET, now)
    assert taken(one, Request("POST", "/w/stripe", {}, {"stripe-signature": theirs}, body, now * 1_000_000)) == ""
    for wrong in (theirs.replace("v1=", "v0="), theirs[:-1] + ("0" if theirs[-1] != "0" else "1")):
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body, wrong, SECRET)
        assert (
            taken(one, Request("POST", "/w/stripe", {}, {"stripe-signature": wrong}, body, now * 1_000_000))
            == "bad_signature"
        )
    several = theirs.replace("v1=", "v1=" + "0" * 64 + ",v1=") + ",v0=abc"
    assert stripe.Webhook.construct_event(body, several, SECRET)["id"] == "evt_1"
    assert taken(one, Request("POST", "/w/stripe", {}, {"stripe-signature": several}, body, now * 1_000_000)) == ""


def test_standard_webhooks_are_a_generic_sender() -> None:
    plan = """
webhooks:
  std:
    {kind: generic, secret: env:S, header: webhook-signature, timestamp_header: webhook-timestamp, encoding: base64, prefix: "v1,",
     signed: "{webhook-id}.{timestamp}.{body}", events: [{event: sign_up, map: {id: $header.webhook-id}}]}
"""
    key = b"0123456789abcdef01234567"
    one, body, now = hook(plan, "std", key.decode()), b'{"type": "x"}', int(time.time())
    library = standardwebhooks.Webhook(base64.b64encode(key).decode())
    signature = library.sign("msg_1", datetime.fromtimestamp(now, UTC), body.decode())
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(now), "webhook-signature": f"v1,{'0' * 44} {signature}"}
    found = decode({"std": one}, Request("POST", "/w/std", {}, headers, body, now * 1_000_000))
    assert [line["id"] for line in found.lines] == ["std:msg_1:sign_up"]
    library.verify(body, BY_NAME["generic"].sign(one, body, now * 1_000_000))


def test_secrets_come_from_the_environment_and_from_files(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("of a file\n", encoding="utf-8")
    rest = "header: X, events: [{event: login}]"
    plan = loads(f"""
webhooks:
  a: {{kind: stripe, secret: [env:NEW, "file:key"]}}
  b: {{kind: generic, secret: env:B, secret_encoding: base64, {rest}}}
  c: {{kind: generic, secret: env:C, secret_encoding: hex, {rest}}}
""")
    found = hooks(plan, tmp_path, {"NEW": " whsec_x ", "B": "whsec_AAEC", "C": "00ff"})
    assert {name: one.secrets for name, one in found.items()} == {
        "a": (b"whsec_x", b"of a file"), "b": (b"\0\1\2",), "c": (b"\0\xff",),
    }  # fmt: skip
    with pytest.raises(UsageError, match="the environment variable B is empty"):
        hooks(plan, tmp_path, {"NEW": "x", "B": "", "C": "00"})


def test_hubspots_signature_is_of_the_public_address() -> None:
    one, body, moment = hook(PLAN, "hubspot"), body_of(BODIES["hubspot"]), str(NOW // 1000)
    for address, reason in ((URL, ""), ("http://127.0.0.1:8090/w/hubspot", "bad_signature")):
        made = hmac.new(SECRET.encode(), b"POST" + address.encode() + body + moment.encode(), hashlib.sha256).digest()
        headers = {"x-hubspot-signature-v3": base64.b64encode(made).decode(), "x-hubspot-request-timestamp": moment}
        assert taken(one, Request("POST", "/w/hubspot", {}, headers, body, NOW)) == reason


def test_shopifys_signature_is_base64_of_the_body_as_it_was_sent() -> None:
    one, body = hook(PLAN, "shopify"), b'{ "id": 1,\n"name": "\xc3\xa9" }'
    made = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
    assert taken(one, Request("POST", "/w/shopify", {}, {"x-shopify-hmac-sha256": made}, body, NOW)) == ""


@pytest.mark.parametrize(
    "how", ["algorithm: sha1, prefix: 'sha1='", "algorithm: sha512, encoding: base64", "prefix: 'sha256='"]
)
def test_a_generic_sender_signs_as_the_plan_says(how: str) -> None:
    plan = f"webhooks: {{g: {{kind: generic, secret: env:S, header: X-Sig, {how}, events: [{{event: login}}]}}}}"
    one, body = hook(plan, "g"), b'{"a": 1}'
    name = "sha512" if "512" in how else "sha1" if "sha1" in how else "sha256"
    made = hmac.new(SECRET.encode(), body, name)
    text = (
        base64.b64encode(made.digest()).decode()
        if "base64" in how
        else how.partition("'")[2].rstrip("'") + made.hexdigest()
    )
    assert taken(one, Request("POST", "/w/g", {}, {"x-sig": text}, body, NOW)) == ""


def test_a_wrong_signature_is_401_counted_and_leaves_nothing(tmp_path: Path) -> None:
    one = hook()
    bad = request(one, BODIES["stripe"], {"stripe-signature": "t=1,v1=00"})
    old = request(one, BODIES["stripe"], now=NOW - 10**9)
    answers, app = collected(tmp_path, bad, old, request(one, b"{", sign=False))
    assert [(status, said["error"]["code"]) for status, said in answers] == [
        (401, "bad_signature"),
        (401, "stale"),
        (401, "bad_signature"),
    ]
    assert (written(tmp_path), app.counters.unsigned, app.counters.lines) == ([], 3, 0)


def test_what_is_taken_is_on_disk_with_its_source(tmp_path: Path) -> None:
    ((status, said),), app = collected(tmp_path, request(hook(), BODIES["stripe"]))
    assert (status, said, app.counters.unsigned) == (200, {"ok": 1, "refused": []}, 0)
    (line,) = written(tmp_path)
    assert (line["id"], line["source"], line["environment"], line["received_at"]) == (
        "stripe:cs_live_1:purchase",
        "stripe",
        "live",
        NOW,
    )
    assert (line["interactive"], line.get("bot")) == (False, None)
    assert not {"ann@shop.example", "192.0.2.9"} & {str(value) for value in line.values()}


def test_what_is_not_mapped_is_answered_200_and_counted(tmp_path: Path) -> None:
    ((status, said),), _ = collected(tmp_path, request(hook(), stripe_event("charge.captured", {"id": "ch_1"})))
    assert (status, said["ok"], said["ignored"], said["refused"][0]["reason"]) == (200, 0, True, "not_mapped")
    assert written(tmp_path) == [{"refused": "not_mapped", "name": "charge.captured", "received_at": NOW}]


def test_an_unknown_name_is_404(tmp_path: Path) -> None:
    one = hook()
    sent = [Request("POST", path, {}, {}, b"{}", NOW) for path in ("/w/nobody", "/w/", "/w/stripe/more", "/w/../e")]
    answers, _ = collected(tmp_path, *sent, request(one, BODIES["stripe"]))
    assert [status for status, _ in answers] == [404, 404, 404, 404, 200]


HOSTILE = [
    b"", b"null", b"[]", b"{}", b"[[]]", b"7", b'"x"', b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 500 + b"1" + b"}" * 500,
    b'{"type": NaN}', b'{"type": 1e999}', b'{"type":"\\ud800","data":{"object":{"id":"\\u0000"}}}', b"[" + b"{}," * 2000 + b"{}]",
    b"\x1f\x8b\x08\x00", b'{"id":' + b"9" * 90 + b"}", b'{"$header": {"x": 1}, "type": "deal.won", "deal": {"value": 1}}',
]  # fmt: skip


@pytest.mark.parametrize("body", HOSTILE)
@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_body_with_the_right_signature_breaks_nothing(tmp_path: Path, name: str, body: bytes) -> None:
    topics = [{"x-shopify-topic": topic} for topic in ("orders/create", "refunds/create", "orders/cancelled")]
    sent = [request(hook(PLAN, name), body, topic) for topic in (topics if name == "shopify" else topics[:1])]
    answers, _ = collected(tmp_path, *sent)
    assert all(status in (200, 400) for status, _ in answers)
    assert not [line for line in written(tmp_path) if "amount" in line]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def bent(data: Any, value: Any) -> Any:
    """The body with one of its values replaced."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    if not keys or data.draw(st.integers(0, 3)) == 0:
        return data.draw(JSON)
    key = data.draw(st.sampled_from(keys))
    made = dict(value) if isinstance(value, dict) else list(value)
    made[key] = bent(data, value[key])
    return made


@settings(max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), name=st.sampled_from(NAMES))
def test_a_body_with_anything_in_any_place_gives_lines_or_reasons(data: Any, name: str) -> None:
    one = hook(PLAN, name)
    sent = request(one, bent(data, BODIES[name]), TOPIC)
    assert taken(one, sent) in ("", "bad_json (400)")
    if taken(one, sent):
        return
    found = decode({name: one}, sent)
    for line in found.lines:
        json.dumps(line, allow_nan=False)
        assert isinstance(line["time"], int)
        assert isinstance(line.get("amount", ""), str)
        assert all(
            isinstance(line.get(key, ""), str) and len(line.get(key, "")) <= 200
            for key in ("id", "user", "visitor", "order_id")
        )
