"""Each format by tables: a payload as its senders write it, and what the line says."""

import base64
import gzip
import json
import zlib
from typing import Any

import pytest

from assay.collect import bodies
from assay.collect.enrich import pages, values
from assay.collect.enrich.values import Refused
from assay.collect.importers import ga4 as ga4_import
from assay.collect.protocols import PROTOCOLS, ga4
from assay.collect.wire import BadRequest, Decoded, Outcome, Protocol, Request, Response
from assay.query.channels import origins

NOW = 1_767_225_600_000_000  # 2026-01-01
T = "2025-12-31T23:59:00Z"
AT = NOW - 60_000_000
BY_NAME = {one.name: one for one in PROTOCOLS}


def request(
    path: str, value: Any, *, method: str = "POST", query: dict[str, str] | None = None, **headers: str
) -> Request:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Request(
        method, path, query or {}, {k.replace("_", "-"): v for k, v in headers.items()}, body, NOW, "203.0.113.9"
    )


def decoded(name: str, path: str, value: Any, **kwargs: Any) -> Decoded:
    return BY_NAME[name].decode(request(path, value, **kwargs))


def line(name: str, path: str, value: Any, **kwargs: Any) -> dict[str, Any]:
    found = decoded(name, path, value, **kwargs)
    assert found.refusals == ()
    return found.lines[0]


def answer(name: str, found: Decoded, **outcome: Any) -> Response:
    return BY_NAME[name].answer(
        found, Outcome(outcome.get("stored", found.lines), outcome.get("refusals", found.refusals))
    )


def test_no_route_is_claimed_twice() -> None:
    routes = [route for protocol in PROTOCOLS for route in protocol.routes]
    assert len(routes) == len(set(routes))


# bodies

BODY = b'{"key":"k","events":[]}'


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (BODY, {}),
        (gzip.compress(BODY, mtime=0), {}),
        (gzip.compress(BODY, mtime=0), {"content-encoding": "gzip", "content-type": "text/plain"}),
        (gzip.compress(BODY[:9], mtime=0) + gzip.compress(BODY[9:], mtime=0), {}),
        (BODY, {"content-encoding": "gzip"}),
        (zlib.compress(BODY), {"content-encoding": "deflate"}),
        (zlib.compress(BODY)[2:-4], {"content-encoding": "deflate"}),
        (b"data=" + base64.b64encode(BODY).replace(b"+", b"%2B").replace(b"=", b"%3D") + b"&compression=base64", {}),
        (b"compression=base64&data=" + base64.b64encode(gzip.compress(BODY, mtime=0)).replace(b"+", b" "), {}),
        (b"data=" + BODY.replace(b'"', b"%22"), {}),
        (b"v=1&data=" + base64.b64encode(BODY), {}),
    ],
)  # fmt: skip
def test_bodies_are_unpacked(body: bytes, headers: dict[str, str]) -> None:
    assert bodies.decoded(Request("POST", "/e", {}, headers, body, NOW), 10_000) == BODY


def test_an_address_with_data_in_it_is_no_form() -> None:
    body = b' {"name":"a","url":"https://a.b/?x=1&data=2"}'
    assert bodies.decoded(Request("POST", "/e", {}, {}, body, NOW), 10_000) == body


BOMB = gzip.compress(b"0" * 50_000_000, mtime=0)


@pytest.mark.parametrize(
    ("body", "encoding", "reason", "status"),
    [
        (BOMB, "", "too_large", 413),
        (zlib.compress(b"0" * 50_000_000), "deflate", "too_large", 413),
        (b"data=" + base64.b64encode(BOMB), "", "too_large", 413),
        (b" " * 10_001, "", "too_large", 413),
        (gzip.compress(BODY, mtime=0)[:-9], "", "bad_gzip", 400),
        (b"\x1f\x8bnothing", "", "bad_gzip", 400),
        (gzip.compress(BODY, mtime=0) + b"more", "", "bad_gzip", 400),
        (b"no gzip", "gzip", "bad_gzip", 400),
        (BODY, "br", "bad_encoding", 415),
        (b"data=A", "", "bad_encoding", 400),
        (b'{"a":"\xff"}', "", "bad_encoding", 400),
        (b"", "", "bad_json", 400),
        (b"{", "", "bad_json", 400),
        (b'{"a":NaN}', "", "bad_json", 400),
        (b'{"a":-Infinity}', "", "bad_json", 400),
        (b'{"a":1e400}', "", "bad_json", 400),
        (b"[" * 5_000, "", "too_deep", 400),
        (b"[" * 33 + b"]" * 33, "", "too_deep", 400),
    ],
)  # fmt: skip
def test_bodies_that_are_refused(body: bytes, encoding: str, reason: str, status: int) -> None:
    with pytest.raises(BadRequest) as caught:
        bodies.parsed(bodies.decoded(Request("POST", "/e", {}, {"content-encoding": encoding}, body, NOW), 10_000))
    assert (caught.value.reason, caught.value.status) == (reason, status)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"\xef\xbb\xbf[1]", [1]),
        (b"[" * 32 + b"]" * 32, None),
        (b'"\\ud83d\\ude00 \\ud83d \\u0000"', "😀 � �"),
        (b"[123456789012345678901234567890, 9223372036854775807]", ["123456789012345678901234567890", 2**63 - 1]),
        (b'["' + b"[" * 999 + b'",' + b",".join([b"[]"] * 40) + b"]", None),
    ],
)
def test_json_is_safe_to_write(text: bytes, value: Any) -> None:
    found = bodies.parsed(text)
    assert value is None or found == value


# values


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        (T, AT), ("2026-01-01T00:59:00+01:00", AT), ("2025-12-31 23:59:00", AT), (AT // 1_000, AT), (AT // 1_000_000, AT), (AT, AT),
        (AT * 1_000, AT), (str(AT // 1_000), AT), (AT / 1_000_000, AT), (None, None), ("", None),
    ],
)  # fmt: skip
def test_times(written: Any, moment: int | None) -> None:
    assert values.instant(written) == moment


@pytest.mark.parametrize(
    ("written", "reason"),
    [("yesterday", "bad_time"), (True, "bad_type"), ({}, "bad_type"), (12, "bad_time"), ("9" * 30, "bad_time"), ("0001-01-01T00:00:00+14:00", "bad_time")],
)  # fmt: skip
def test_no_times(written: Any, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        values.instant(written)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("written", "text"),
    [(19.9, "19.9"), ("19.90", "19.9"), (0.1 + 0.2, "0.3"), (5, "5"), ("-0.00", "0"), ("1e3", "1000"), (1e-9, "0"), ("1e-999999999", "0"), ("", None), (" 7 ", "7"), (100, "100")],
)  # fmt: skip
def test_money(written: Any, text: str | None) -> None:
    assert values.money(written, "revenue") == text


@pytest.mark.parametrize(
    "written", ["12 €", "1,5", "abc", 1e15, 10**13, True, [], "NaN", "sNaN", "1_0", "1e999999999", "0e99"]
)
def test_no_money(written: Any) -> None:
    with pytest.raises(Refused):
        values.money(written, "revenue")


# pages


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://Shop.Example:443/a%20b?x=1#f", {"host": "shop.example", "path": "/a%20b"}),
        ("https://u:p@shop.example", {"host": "shop.example", "path": "/"}),
        ("https://a.b/?utm_source=a%20b+c&utm_medium=&UTM_TERM=x&fbclid=1&gclid=G%2F", {"host": "a.b", "path": "/", "utm_source": "a b c", "click_id": "gclid=G%2F"}),
        ("https://a.b/?gad_source=1&utm_campaign=x&utm_campaign=y", {"host": "a.b", "path": "/", "utm_campaign": "x", "click_id": "gad_source=1"}),
        ("app://localhost/x", {"host": "localhost", "path": "/x"}),
        ("/only/a/path", {}), ("", {}), ("https://", {}),
    ],
)  # fmt: skip
def test_pages(url: str, parts: dict[str, str]) -> None:
    found: dict[str, Any] = {}
    pages.put_page(found, url)
    assert found == {"url": url, **parts}


def test_every_click_id_of_the_channels_is_read() -> None:
    assert set(origins.CLICK_IDS) <= set(pages.CLICK_IDS)


def test_ga4_fills_the_fields_that_its_import_fills() -> None:
    known = {key for fields in (ga4._TEXTS,) for _, key in fields} | set(ga4._CLICKS)
    assert set(ga4_import.COLUMNS) <= known | {"page_location", "ga_session_id", "transaction_id", "value", "currency"}


# own


def test_own_with_short_keys_and_an_envelope() -> None:
    found = decoded("own", "/e", {"k": "pk_1", "s": T, "v": "v1", "c": "granted", "e": [
        {"i": "a", "n": "page_view", "t": AT // 1000, "u": "https://shop.example/p?utm_source=n", "ti": "T", "sc": "10x20", "l": "de"},
        {"n": "purchase", "t": T, "$": "12.50", "cu": "eur", "o": 77, "it": [{"item_id": "x", "price": "12.5"}], "p": {"coupon": "c"}, "extra": 1},
    ]}, content_type="text/plain")  # fmt: skip
    page, bought = found.lines
    assert found.key == "pk_1"
    assert page == {"name": "page_view", "id": "a", "time": AT, "visitor": "v1", "title": "T", "screen": "10x20", "language": "de",
                    "url": "https://shop.example/p?utm_source=n", "host": "shop.example", "path": "/p", "utm_source": "n",
                    "consent": "granted", "sent_at": AT, "seq": 0}  # fmt: skip
    assert (bought["amount"], bought["currency"], bought["order_id"], bought["time"]) == ("12.5", "EUR", "77", AT)
    assert (bought["items"], bought["props"]) == ([{"item_id": "x", "price": 12.5}], {"coupon": "c", "extra": 1})


def test_own_single_event_and_its_answer() -> None:
    found = decoded(
        "own",
        "/e",
        {"key": "pk", "name": "sign_up", "user": 12, "props": {"method": "mail"}},
        authorization="Bearer other",
    )
    assert (found.key, found.lines[0]["user"], found.lines[0]["props"]) == ("pk", "12", {"method": "mail"})
    assert found.lines[0]["time"] == NOW
    assert answer("own", found).body == b'{"ok":1,"refused":[]}'


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({}, "no_name"), ({"name": " "}, "no_name"), ({"name": 5}, "bad_type"), ({"name": True}, "bad_type"), ({"name": "x" * 201}, "bad_name"),
        ({"name": "a", "time": "soon"}, "bad_time"), ({"name": "a", "visitor": {}}, "bad_type"), ({"name": "a", "visitor": "x" * 201}, "bad_id"),
        ({"name": "a", "id": False}, "bad_type"), ({"name": "a", "revenue": "a lot"}, "bad_money"), ({"name": "a", "currency": "Euro"}, "bad_currency"),
        ({"name": "purchase", "items": {}}, "bad_items"), ({"name": "purchase", "items": [1]}, "bad_items"), ({"name": "a", "props": []}, "bad_type"),
        ({"name": "a", "consent": "yes"}, "bad_type"), ({"name": "a", "interactive": 1}, "bad_type"), ({"name": "a", "title": True}, "bad_type"),
        ({"name": "a", "x": "y" * 33_000}, "too_large"), ([], "bad_type"), (None, "bad_type"),
    ],
)  # fmt: skip
def test_own_refusals(event: Any, reason: str) -> None:
    found = decoded("own", "/e", {"key": "pk", "events": [event, {"name": "fine"}]})
    assert [(one.index, one.reason) for one in found.refusals] == [(0, reason)]
    assert found.places == (1,)
    said = json.loads(answer("own", found).body)
    assert (said["ok"], said["refused"][0]["index"], said["refused"][0]["reason"]) == (1, 0, reason)
    assert said["refused"][0]["detail"]


def test_own_takes_a_thousand_events() -> None:
    found = decoded("own", "/e", {"key": "pk", "events": [{"name": "a"}] * 1_003})
    assert (len(found.lines), {one.reason for one in found.refusals}, len(found.refusals)) == (
        1_000,
        {"too_many_events"},
        3,
    )
    assert len({one["id"] for one in found.lines}) == 1_000


def test_the_same_bytes_have_the_same_ids_and_other_senders_others() -> None:
    value = {"key": "pk", "sent_at": T, "events": [{"name": "a"}, {"name": "a"}, {"name": "a", "visitor": "v"}]}
    first, again = ([one["id"] for one in decoded("own", "/e", value).lines] for _ in range(2))
    assert first == again
    assert len(set(first)) == 3
    other = Request("POST", "/e", {}, {}, json.dumps(value).encode(), NOW + 1, "203.0.113.10")
    assert [a == b["id"] for a, b in zip(first, BY_NAME["own"].decode(other).lines, strict=True)] == [
        False,
        False,
        True,
    ]


# PostHog

WEB = {"token": "phc", "distinct_id": "d1", "$device_id": "d1", "$lib": "web", "$current_url": "https://shop.example/?utm_source=now",
       "utm_source": "long ago", "$session_id": "s1", "$referrer": "$direct", "$browser": "Chrome", "$os": "Mac OS X", "$device_type": "Desktop",
       "$screen_width": 1440, "$screen_height": 900, "$browser_language": "de-DE", "title": "Shop"}  # fmt: skip


def test_posthog_js_page_view() -> None:
    value = [{"uuid": "u1", "event": "$pageview", "properties": WEB, "offset": 2_000}]
    found = decoded(
        "posthog",
        "/i/v0/e/",
        gzip.compress(json.dumps(value).encode(), mtime=0),
        query={"ip": "0", "_": str(NOW // 1000), "ver": "1.449.2"},
    )
    one = found.lines[0]
    assert found.key == "phc"
    assert one == {
        "name": "page_view", "id": "u1", "time": NOW - 2_000_000, "sent_at": None, "session": "s1", "visitor": "d1",
        "url": WEB["$current_url"], "host": "shop.example", "path": "/", "utm_source": "now", "title": "Shop",
        "browser": "Chrome", "os": "Mac OS X", "device": "desktop", "language": "de-DE", "screen": "1440x900",
        "props": {"$lib": "web", "utm_source": "long ago"},
    }  # fmt: skip
    assert answer("posthog", found).body == b'{"status":"Ok"}'


@pytest.mark.parametrize(
    ("event", "who"),
    [
        ({"event": "a", "properties": WEB}, ("d1", None)),
        ({"event": "a", "properties": {**WEB, "distinct_id": "u1", "$is_identified": True}}, ("d1", "u1")),
        ({"event": "a", "properties": {**WEB, "distinct_id": "u1", "$user_id": "u1"}}, ("d1", "u1")),
        ({"event": "$identify", "distinct_id": "u1", "properties": {**WEB, "$anon_distinct_id": "d1"}}, ("d1", "u1")),
        ({"event": "$identify", "distinct_id": "u1", "properties": {"$anon_distinct_id": "a1"}}, ("a1", "u1")),
        ({"event": "$create_alias", "distinct_id": "u1", "properties": {"alias": "a1"}}, ("a1", "u1")),
        ({"event": "a", "distinct_id": "u1", "properties": {}}, (None, "u1")),
        ({"event": "a", "distinct_id": "0190a0b0-1111-7222-8333-444455556666"}, ("0190a0b0-1111-7222-8333-444455556666", None)),
        ({"event": "a", "distinct_id": "x", "properties": {"$process_person_profile": False}}, ("x", None)),
        ({"event": "a", "distinct_id": "undefined"}, (None, None)),
        ({"event": "a", "distinct_id": 42}, (None, "42")),
    ],
)  # fmt: skip
def test_posthog_who(event: dict[str, Any], who: tuple[str | None, str | None]) -> None:
    one = line("posthog", "/batch", {"api_key": "k", "batch": [event]})
    assert (one.get("visitor"), one.get("user")) == who


@pytest.mark.parametrize(
    ("event", "props", "expected"),
    [
        ("$feature_flag_called", {"$feature_flag": "f", "$feature_flag_response": "test"}, {"name": "experiment_viewed", "interactive": False, "props": {"experiment_id": "f", "variant": "test"}}),
        ("$feature_flag_called", {"$feature_flag": "f", "$feature_flag_error": "flag_missing"}, {"name": "$feature_flag_called", "interactive": False}),
        ("$feature_flag_called", {"$feature_flag": "f", "$feature_flag_response": True}, {"name": "experiment_viewed", "props": {"experiment_id": "f", "variant": "true"}}),
        ("$experiment_started", {"Experiment name": "e", "Variant name": "1"}, {"name": "experiment_viewed", "props": {"experiment_id": "e", "variant": "1"}}),
        ("$pageleave", {}, {"name": "page_leave", "interactive": False}), ("$screen", {"$screen_name": "Cart"}, {"name": "screen_view", "title": "Cart"}),
        ("$autocapture", {"$event_type": "click"}, {"name": "$autocapture"}), ("$set", {"$set": {"a": 1}}, {"name": "$set", "interactive": False}),
        ("bought", {"revenue": 5, "currency": "usd"}, {"amount": "5", "currency": "USD"}), ("bought", {"revenue": "much"}, {"props": {"revenue": "much"}}),
        ("a", {"$groups": {"project": "p", "company": "c"}}, {"account": "c"}), ("a", {"utm_source": "x"}, {"utm_source": "x"}),
        ("$groupidentify", {"$group_type": "company", "$group_key": "c", "$group_set": {"n": 1}}, {"name": "group", "account": "c", "props": {"$group_type": "company", "n": 1}}),
    ],
)  # fmt: skip
def test_posthog_events(event: str, props: dict[str, Any], expected: dict[str, Any]) -> None:
    one = line(
        "posthog",
        "/capture/",
        {"api_key": "k", "event": event, "distinct_id": "u", "properties": props, "timestamp": T},
    )
    assert {key: one.get(key) for key in expected} == expected


def test_posthog_history_is_not_corrected() -> None:
    value = {
        "api_key": "k",
        "historical_migration": True,
        "sent_at": T,
        "batch": [{"event": "a", "distinct_id": "u", "timestamp": "2024-01-01"}],
    }
    assert line("posthog", "/batch/", value).get("sent_at") is None


def test_posthog_answers_per_event() -> None:
    value = {"created_at": T, "batch": [
        {"uuid": "a", "event": "x", "distinct_id": "u", "timestamp": T, "options": {"disable_skew_correction": True}, "session_id": "s"},
        {"uuid": "b", "event": "", "distinct_id": "u"}, {"uuid": "c", "event": "$snapshot"}, 5,
    ]}  # fmt: skip
    found = decoded(
        "posthog",
        "/i/v1/analytics/events",
        value,
        authorization="Bearer phc",
        posthog_sdk_info="posthog-js/2",
        posthog_request_timestamp=T,
    )
    assert (found.key, found.lines[0]["session"], found.lines[0]["sent_at"]) == ("phc", "s", None)
    results = json.loads(answer("posthog", found).body)["results"]
    assert results["a"] == {"result": "ok"}
    assert [results[k]["result"] for k in "bc"] == ["drop", "drop"]
    assert results["c"]["details"].startswith("not_collected")


@pytest.mark.parametrize(
    ("method", "path", "start"),
    [
        ("POST", "/flags/", b'{"flags":{}'), ("POST", "/decide/", b"{"), ("GET", "/array/phc_1/config", b'{"token":"phc_1"'),
        ("GET", "/array/phc_1/config.js", b"(function(){window._POSTHOG"), ("POST", "/s/", b'{"status":"Ok"}'), ("POST", "/i/v1/logs", b"{"),
        ("POST", "/i/v1/metrics", b"{"), ("GET", "/array/x'];alert(1)//config.js", b'{"error"'),
    ],
)  # fmt: skip
def test_posthog_is_quiet(method: str, path: str, start: bytes) -> None:
    found = BY_NAME["posthog"].still(request(path, {}, method=method))
    assert found is not None
    assert found.body.startswith(start)


def test_posthog_beacon_and_empty_batch() -> None:
    found = decoded("posthog", "/e/", {"event": "a", "api_key": "k", "distinct_id": "u"}, query={"beacon": "1"})
    assert answer("posthog", found).status == 204
    with pytest.raises(BadRequest):
        decoded("posthog", "/batch/", {"api_key": "k", "batch": []})


# Segment


def test_segment_browser_page() -> None:
    value = {"type": "page", "writeKey": "wk", "anonymousId": "a1", "messageId": "m", "timestamp": T, "sentAt": T, "name": "Home",
             "properties": {"path": "/", "referrer": "", "search": "?q", "title": "Shop", "url": "https://shop.example/?gclid=1"},
             "context": {"page": {"url": "https://shop.example/?gclid=1"}, "userAgent": "UA", "locale": "de", "library": {"name": "analytics.js"},
                         "campaign": {}, "timezone": "Europe/Berlin", "app": {"version": "2"}}}  # fmt: skip
    found = decoded("segment", "/v1/p", value, content_type="text/plain")
    assert found.key == "wk"
    assert found.lines[0] == {
        "name": "page_view", "id": "m", "time": AT, "visitor": "a1", "title": "Shop", "url": "https://shop.example/?gclid=1",
        "host": "shop.example", "path": "/", "click_id": "gclid=1", "language": "de", "_agent": "UA", "sent_at": AT,
        "props": {"page_name": "Home", "context": {"app": {"version": "2"}}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("event", "props", "expected"),
    [
        ("Product Viewed", {"product_id": "p", "sku": "s", "name": "Cup", "price": "9.90", "currency": "EUR", "value": 9.9},
         {"name": "view_item", "currency": "EUR", "items": [{"item_id": "p", "item_sku": "s", "item_name": "Cup", "price": 9.9}], "props": {"value": 9.9}}),
        ("Product List Viewed", {"list_id": "l", "products": [{"sku": "s"}]}, {"name": "view_item_list", "items": [{"item_id": "s"}], "props": {"list_id": "l"}}),
        ("Order Completed", {"order_id": 5, "total": 12, "products": []}, {"name": "purchase", "order_id": "5", "amount": "12", "items": []}),
        ("Order Refunded", {"order_id": "5", "revenue": "3.00"}, {"name": "refund", "order_id": "5", "amount": "3", "interactive": False}),
        ("Signed Up", {"plan": "x"}, {"name": "sign_up", "props": {"plan": "x"}}), ("My Event", {"products": [1]}, {"name": "My Event"}),
        ("Experiment Viewed", {"experimentId": "e", "variationId": 1}, {"name": "experiment_viewed", "props": {"experiment_id": "e", "variant": "1"}}),
    ],
)  # fmt: skip
def test_segment_words(event: str, props: dict[str, Any], expected: dict[str, Any]) -> None:
    if event == "My Event":
        props = {}
    one = line("segment", "/v1/track", {"event": event, "userId": "u", "properties": props}, authorization="Basic d2s6")
    assert {key: one.get(key) for key in expected} == expected


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"type": "track", "userId": "u"}, "no_name"), ({"type": "track", "event": ["a"]}, "bad_type"), ({"type": "other"}, "bad_type"),
        ({"type": "track", "event": "Order Completed", "properties": {"revenue": "$5"}}, "bad_money"),
        ({"type": "track", "event": "a", "properties": "x"}, "bad_type"), ({"type": "identify", "userId": True}, "bad_type"),
        ({"type": "track", "event": "a", "properties": {"x": "y" * 33_000}}, "too_large"),
    ],
)  # fmt: skip
def test_segment_says_what_it_refuses(event: dict[str, Any], reason: str) -> None:
    found = decoded("segment", "/v1/batch", {"writeKey": "wk", "batch": [event]})
    said = answer("segment", found)
    assert (found.refusals[0].reason, said.status, json.loads(said.body)["code"]) == (reason, 400, reason)
    both = decoded("segment", "/v1/batch", {"writeKey": "wk", "batch": [event, {"type": "page"}]})
    said = answer("segment", both)
    assert (said.status, json.loads(said.body)["success"]) == (200, True)


def test_segment_settings_point_here() -> None:
    found = BY_NAME["segment"].still(request("/v1/projects/wk/settings", b"", method="GET", host="collect.example"))
    assert found is not None
    assert json.loads(found.body)["integrations"]["Segment.io"]["apiHost"] == "collect.example/v1"
    found = BY_NAME["segment"].still(request("/v1/projects/wk/else", b"", method="GET"))
    assert found is not None
    assert found.status == 404


# GA4


def test_ga4_events() -> None:
    value = {"client_id": "1.2", "user_id": "u", "timestamp_micros": AT, "user_agent": "UA", "ip_override": "203.0.113.7", "events": [
        {"name": "page_view", "params": {"page_location": "https://a.b/?utm_source=x", "page_title": "T", "session_id": 5, "source": "said", "gclid": "G"}},
        {"name": "in_app_purchase", "timestamp_micros": str(AT + 1), "params": {"transaction_id": "o", "value": 5.5, "currency": "EUR", "items": [{"item_id": "i"}]}},
        {"name": "add_to_cart", "params": {"value": 5.5, "currency": "EUR"}}, {"name": "user_engagement", "params": {"engagement_time_msec": 9}},
    ]}  # fmt: skip
    found = decoded("ga4", "/mp/collect", value, query={"api_secret": "s", "measurement_id": "G-1"})
    page, bought, cart, beat = found.lines
    assert (found.key, page["visitor"], page["user"], page["session"], page["time"]) == ("s", "1.2", "u", "5", AT)
    assert (page["utm_source"], page["click_id"], page["title"], page["_agent"], page["_address"]) == (
        "said",
        "gclid=G",
        "T",
        "UA",
        "203.0.113.7",
    )
    assert (bought["name"], bought["amount"], bought["currency"], bought["order_id"], bought["time"]) == (
        "purchase",
        "5.5",
        "EUR",
        "o",
        AT + 1,
    )
    assert (cart["props"], cart["currency"], cart.get("amount")) == ({"value": 5.5}, "EUR", None)
    assert beat["interactive"] is False
    assert (answer("ga4", found).status, answer("ga4", found).body) == (204, b"")


def test_ga4_validates() -> None:
    value = {"events": [{"name": ""}, {"name": "error", "params": {str(n): n for n in range(26)}}]}
    found = decoded("ga4", "/debug/mp/collect", value)
    codes = [one["validationCode"] for one in json.loads(answer("ga4", found).body)["validationMessages"]]
    assert (found.lines, codes) == (
        (),
        ["VALUE_REQUIRED", "VALUE_REQUIRED", "VALUE_INVALID", "EXCEEDED_MAX_ENTITIES", "NAME_RESERVED"],
    )


def test_ga4_takes_25_events() -> None:
    found = decoded("ga4", "/mp/collect", {"client_id": "1", "events": [{"name": "a"}] * 26})
    assert (len(found.lines), [one.reason for one in found.refusals]) == (25, ["too_many_events"])
    assert answer("ga4", found).headers == {"x-assay-refused": "1"}


# Plausible


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"n": "pageview", "u": "https://shop.example/p?utm_source=x", "d": "shop.example", "r": None, "v": 36}, {"name": "page_view", "path": "/p", "utm_source": "x"}),
        ({"name": "pageview", "url": "https://a.b/#/x", "domain": "a.b", "h": 1}, {"path": "/#/x"}),
        ({"n": "engagement", "u": "https://a.b/", "d": "a.b", "sd": 80, "e": 5_000}, {"name": "user_engagement", "interactive": False, "props": {"engagement_time_msec": 5_000, "percent_scrolled": 80}}),
        ({"n": "Purchase", "u": "https://a.b/", "d": "a.b", "p": {"plan": "x", "none": None}, "$": {"amount": "10.50", "currency": "eur"}},
         {"name": "purchase", "amount": "10.5", "currency": "EUR", "props": {"plan": "x"}}),
        ({"n": "Lead", "u": "https://a.b/", "d": "a.b", "props": '{"a": 1}', "revenue": {"amount": 3, "currency": "USD"}, "i": False}, {"name": "Lead", "amount": "3", "interactive": False, "props": {"a": 1}}),
        ({"n": "Outbound Link: Click", "u": "https://a.b/", "d": "a.b", "p": {"url": "https://c.d/"}}, {"name": "click", "props": {"link_url": "https://c.d/", "outbound": True}}),
    ],
)  # fmt: skip
def test_plausible(value: dict[str, Any], expected: dict[str, Any]) -> None:
    one = line("plausible", "/api/event", value, content_type="text/plain")
    assert {key: one.get(key) for key in expected} == expected


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"u": None}, "no_url"), ({"u": 5}, "bad_type"), ({"u": "data:text/html,x"}, "bad_url"), ({"n": None}, "no_name"), ({"n": "x" * 121}, "bad_name"),
        ({"p": {str(n): n for n in range(31)}}, "bad_props"), ({"p": {"a": [1]}}, "bad_type"), ({"p": "x"}, "bad_type"), ({"$": {"amount": "x"}}, "bad_money"),
        ({"p": {"x" * 301: 1}}, "bad_props"), ({"p": {"x": "y" * 2_001}}, "bad_props"), ({"i": "no"}, "bad_type"), ({"u": "https://a.b/" + "x" * 2_001}, "bad_url"),
    ],
)  # fmt: skip
def test_plausible_refusals(change: dict[str, Any], reason: str) -> None:
    found = decoded("plausible", "/api/event", {"n": "pageview", "u": "https://a.b/", "d": "www.a.b,c.d", **change})
    said = answer("plausible", found)
    assert (found.key, found.refusals[0].reason) == ("a.b", reason)
    assert (said.status, said.headers["x-plausible-dropped"], said.headers["x-assay-refused"]) == (202, "1", reason)


# Umami

SITE = "11111111-2222-4333-8444-555555555555"


@pytest.mark.parametrize(
    ("type_", "payload", "expected"),
    [
        ("event", {"url": "/p?utm_source=x", "hostname": "Shop.example", "referrer": "/", "screen": "1x2", "language": "de", "title": "T"},
         {"name": "page_view", "url": "https://Shop.example/p?utm_source=x", "host": "shop.example", "path": "/p", "utm_source": "x", "referrer": "https://Shop.example/", "screen": "1x2"}),
        ("event", {"name": "buy", "data": {"revenue": "19.99", "currency": "EUR", "a": 1}, "id": "u1"}, {"name": "buy", "user": "u1", "amount": "19.99", "currency": "EUR", "props": {"a": 1}}),
        ("event", {"timestamp": AT // 1_000_000, "ip": "203.0.113.7", "userAgent": "UA", "tag": "b"}, {"time": AT, "_agent": "UA", "_address": "203.0.113.7", "props": {"tag": "b"}}),
        ("identify", {"id": "u1", "data": {"plan": "x"}}, {"name": "identify", "user": "u1", "interactive": False, "props": {"plan": "x"}}),
        ("performance", {"lcp": 1200.5, "cls": 0.1}, {"name": "web_vitals", "interactive": False, "props": {"lcp": 1200.5, "cls": 0.1}}),
    ],
)  # fmt: skip
def test_umami(type_: str, payload: dict[str, Any], expected: dict[str, Any]) -> None:
    found = decoded("umami", "/api/send", {"type": type_, "payload": {"website": SITE, **payload}})
    assert found.key == SITE
    assert {key: found.lines[0].get(key) for key in expected} == expected


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"type": "other", "payload": {"website": SITE}}, "bad_type"), ({"type": "event", "payload": {}}, "no_website"), ({"type": "event", "payload": []}, "bad_type"),
        ({"type": "event", "payload": {"website": SITE, "name": "x" * 51}}, "bad_name"), ({"type": "event", "payload": {"website": SITE, "data": []}}, "bad_type"),
        ({"type": "event", "payload": {"website": SITE, "url": 7.5, "timestamp": "x"}}, "bad_time"),
    ],
)  # fmt: skip
def test_umami_refusals(value: dict[str, Any], reason: str) -> None:
    found = decoded("umami", "/api/send", value)
    said = answer("umami", found)
    assert (said.status, json.loads(said.body)["error"]["code"]) == (400, reason)


def test_umami_batch() -> None:
    fine = {"type": "event", "payload": {"website": SITE, "url": "/"}}
    found = decoded(
        "umami", "/api/batch", [fine, {"type": "x"}, {"type": "event", "payload": {"website": "other"}}, fine]
    )
    said = json.loads(answer("umami", found).body)
    assert (said["size"], said["processed"], said["errors"], [one["index"] for one in said["details"]]) == (
        4,
        2,
        2,
        [1, 2],
    )
    assert {one.reason for one in found.refusals} == {"bad_type", "other_key"}


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda p: p.name)
def test_bodies_that_are_no_events(protocol: Protocol) -> None:
    for _, path in [route for route in protocol.routes if route[0] == "POST"]:
        if protocol.still(request(path, b"5")) is None:
            with pytest.raises(BadRequest) as caught:
                protocol.decode(request(path, b"5"))
            assert caught.value.reason == "bad_json"
