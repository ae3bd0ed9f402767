"""Other sites, hostile input, headers: nothing is done, nothing is shown, nothing leads away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from doors import HOST, PASSWORD, Doors, csrf, made, sign_in, token_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.web.access.headers import CSP
from assay.web.access.redirects import after, own
from support import examples

# -- CSRF --------------------------------------------------------------------------------------------------------------

HERE = {"Origin": HOST}
CROSS: dict[str, tuple[dict[str, str], str]] = {  # headers, and the token: right, wrong, other or missing
    "no token": (HERE, "missing"),
    "a wrong token": (HERE, "wrong"),
    "an empty token": (HERE, "empty"),
    "another session's token": (HERE, "other"),
    "from another site": ({"Origin": "https://evil.example"}, "right"),
    "from a neighbour": ({"Origin": "https://evil.numbers.example"}, "right"),
    "from a name that begins alike": ({"Origin": "https://numbers.example.evil.example"}, "right"),
    "from this host unencrypted": ({"Origin": "http://numbers.example"}, "right"),
    "from another port": ({"Origin": "https://numbers.example:8443"}, "right"),
    "from nowhere": ({"Origin": "null"}, "right"),
    "without a word of where from": ({}, "right"),
    "by referrer from another site": ({"Referer": "https://evil.example/?https://numbers.example"}, "right"),
    "a browser that says cross-site": ({**HERE, "Sec-Fetch-Site": "cross-site"}, "right"),
    "a broken referrer": ({"Referer": "https://[numbers.example"}, "right"),
}


@pytest.mark.parametrize("how", CROSS)
@pytest.mark.parametrize("by", ["form", "header"])
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/notes"), ("POST", "/api/v1/backlog"), ("DELETE", "/plan"), ("POST", "/logout")]
)
def test_what_another_site_sends_is_not_done(doors: Doors, how: str, by: str, method: str, path: str) -> None:
    headers, which = CROSS[how]
    client = doors.signed_in("analyst")
    token = {
        "right": token_of(client), "wrong": "0" * 64, "empty": "", "other": token_of(doors.signed_in("admin")), "missing": None,
    }[which]  # fmt: skip
    form = {"said": "x"}
    sent = dict(headers)
    if token is not None and by == "form":
        form["csrf"] = token
    elif token is not None:
        sent["X-CSRF-Token"] = token
    got = client.request(method, path, data=form, headers=sent)
    assert got.status_code == 403
    assert "nothing was changed" in got.text.lower()
    assert client.get("/plan").status_code == 200  # still signed in


def test_what_our_pages_send_is_done(doors: Doors) -> None:
    client = doors.signed_in("analyst")
    token = token_of(client)
    by_form = client.post("/notes", data={"said": "größer & besser", "csrf": token}, headers=HERE)
    assert by_form.json() == {"said": "größer & besser"}  # the guard has read the body and handed it on
    by_header = client.post("/notes", data={"said": "y"}, headers={**HERE, "X-CSRF-Token": token})
    assert by_header.json() == {"said": "y"}
    by_referrer = client.post("/notes", data={"csrf": token}, headers={"Referer": f"{HOST}/funnels?a=1"})
    assert by_referrer.status_code == 200


def test_a_page_with_a_form_can_only_be_sent_from_the_browser_that_got_it(doors: Doors) -> None:
    """Signing somebody in as somebody else is a cross-site request as well."""
    got = doors.client().get("/login")
    assert "__Host-assay-main-form=" in got.headers["set-cookie"]
    form = {"csrf": csrf(got.text), "email": "viewer@example.org", "password": PASSWORD}
    assert doors.client().post("/login", data=form, headers=HERE).status_code == 403
    other = doors.client()
    other.get("/login")
    assert other.post("/login", data=form, headers=HERE).status_code == 403


def test_a_file_must_name_its_token_in_the_header(doors: Doors) -> None:
    client = doors.signed_in("analyst")
    token = token_of(client)
    files = {"file": ("a.csv", b"a,b\n")}
    assert client.post("/notes", data={"csrf": token}, files=files, headers=HERE).status_code == 403
    assert client.post("/notes", files=files, headers={**HERE, "X-CSRF-Token": token}).status_code == 200


# -- where to go after signing in --------------------------------------------------------------------------------------

AWAY = [
    "https://evil.example", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "/%5cevil.example",
    "/%2f/evil.example", "/%2F%2Fevil.example", "/%252f%252fevil.example", "javascript:alert(1)", "data:text/html,x", "evil.example",
    "/\t/evil.example", "/\n/evil.example", "/a\r\nSet-Cookie: a=b", " //evil.example", "/ /evil.example\u2028", "http:evil.example",
    "/../evil", "/a/../../evil", "/%2e%2e/evil", "/.//evil.example", "/\x00", "/" + "a" * 5000, "@evil.example", "https:/evil.example", "",
]  # fmt: skip


@pytest.mark.parametrize("wanted", AWAY)
def test_nothing_leads_away_after_signing_in(doors: Doors, wanted: str) -> None:
    got = sign_in(doors.client(), "viewer@example.org", wanted=wanted)
    assert (got.status_code, got.headers["location"]) == (303, "/")


@pytest.mark.parametrize(
    ("wanted", "to"),
    [
        ("/funnels?segment=mobile&x=a%20b", "/funnels?segment=mobile&x=a%20b"),
        ("/funnels?name=größe", "/funnels?name=gr%C3%B6%C3%9Fe"),
        ("/funnels?back=https://evil.example", "/funnels?back=https://evil.example"),
        ("/people/7#top", "/people/7#top"),
        ("/login?next=/login", "/"),
        ("/welcome/x", "/"),
    ],
)
def test_own_pages_are_gone_back_to(doors: Doors, wanted: str, to: str) -> None:
    assert sign_in(doors.client(), "viewer@example.org", wanted=wanted).headers["location"] == to


def test_who_is_sent_to_sign_in_comes_back(doors: Doors) -> None:
    client = doors.client()
    to = client.get("/funnels?segment=mobile&a=1").headers["location"]
    assert to == "/login?next=/funnels%3Fsegment%3Dmobile%26a%3D1"
    got = client.get(to)
    assert 'name="next" value="/funnels?segment=mobile&amp;a=1"' in got.text
    part = client.get("/funnels/part", headers={"HX-Request": "true", "HX-Current-URL": f"{HOST}/funnels?a=1"})
    assert (part.status_code, part.headers["hx-redirect"]) == (401, "/login?next=/funnels%3Fa%3D1")
    away = client.get("/", headers={"HX-Request": "true", "HX-Current-URL": "https://evil.example//evil.example"})
    assert away.headers["hx-redirect"] == "/login"


@given(
    st.text(st.characters(codec="utf-8"), max_size=60)
    | st.text("/\\.%2fFeE5cC:@?# \t\r\n", max_size=30).map("/".__add__)
)
@settings(max_examples=examples(400), deadline=None)
def test_whatever_is_wanted_stays_here(text: str) -> None:
    """As a browser would read it: it takes tabs and line ends out and \\ for /."""
    found = after(text, "/w/shop")
    for one in (found, own(text) or "/"):
        assert one.isascii()
        assert one.isprintable()
        assert urlsplit(urljoin(HOST + "/x", one.replace("\\", "/"))).netloc == "numbers.example"
        assert not one.startswith("//")
    assert found.startswith("/w/shop/")


# -- what people are called --------------------------------------------------------------------------------------------

NAMES = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }}",
    "'; DROP TABLE users --",
    "a\r\nX-Evil: 1",
    "\u202eevil",
    "&lt;b&gt;",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_text_wherever_they_stand(doors: Doors, name: str) -> None:
    from assay.web.access import links
    from assay.web.access.values import CONSOLE

    path = links.make(doors.access, "viewer@example.org", CONSOLE)
    no = doors.access.state.read("user", email="viewer@example.org")[0]["no"]
    doors.access.state.write("set_name", no=no, name=name)
    client = doors.client()
    shown = client.get(path).text
    form = {"csrf": csrf(shown), "password": PASSWORD, "again": PASSWORD}
    client.post(path, data=form, headers=HERE)
    shown += client.get("/account").text
    shown += sign_in(doors.client(), name + "@example.org").text
    shown += sign_in(doors.client(), "viewer@example.org", "x", wanted="/" + name).text
    lowered = shown.lower()
    assert "<script" not in lowered
    assert "<img" not in lowered
    assert "onerror=alert(1)>" not in lowered
    assert ("{{ 7*7 }}" in shown) == (name == "{{ 7*7 }}")


# -- headers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/", "/login", "/nowhere", "/forgotten", "/funnels.csv", "/api/v1/overview", "/access.css", "/s/x"]
)
@pytest.mark.parametrize("role", [None, "viewer"])
def test_every_answer_has_the_headers(doors: Doors, path: str, role: str | None) -> None:
    client = doors.signed_in(role) if role else doors.client()
    got = client.get(path)
    assert got.headers["content-security-policy"] == CSP
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["referrer-policy"] == "same-origin"
    assert got.headers["strict-transport-security"] == "max-age=31536000"
    assert "geolocation=()" in got.headers["permissions-policy"]
    expected = "public, max-age=3600" if path == "/access.css" else "private, no-store"
    assert got.headers["cache-control"] == expected


def test_unencrypted_answers_promise_no_encryption(doors: Doors) -> None:
    assert "strict-transport-security" not in doors.client("http://127.0.0.1").get("/login").headers


def test_pages_hold_nothing_that_the_policy_forbids(doors: Doors) -> None:
    client = doors.signed_in("viewer")
    for text in (client.get("/account").text, doors.client().get("/login").text, doors.client().get("/welcome/x").text):
        for forbidden in ("<script", "<style", " style=", " onclick", "javascript:", "http://", "https://", "//"):
            assert forbidden not in text


# -- too much ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [b"a=" + b"x" * (1 << 20), b"&".join(b"a=1" for _ in range(1001))], ids=["bytes", "fields"]
)
@pytest.mark.parametrize("streamed", [False, True])
def test_a_form_that_is_too_large_is_not_read(doors: Doors, body: bytes, streamed: bool) -> None:
    def pieces() -> Iterator[bytes]:
        for at in range(0, len(body), 65_536):
            yield body[at : at + 65_536]

    client = doors.signed_in("analyst")
    headers = {**HERE, "Content-Type": "application/x-www-form-urlencoded"}
    got = client.post("/notes", content=pieces() if streamed else body, headers=headers)
    assert got.status_code == 413


def test_a_web_socket_asks_for_the_same(doors: Doors) -> None:
    from starlette.routing import WebSocketRoute
    from starlette.websockets import WebSocket, WebSocketDisconnect

    from assay.web.access.rules import requires

    @requires("viewer")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(socket.state.access.role)
        await socket.close()

    async def open_to_all(socket: WebSocket) -> None:
        raise AssertionError("a route without a rule was reached")

    doors.guard.app.router.routes.extend([WebSocketRoute("/live", live), WebSocketRoute("/wide", open_to_all)])
    client = doors.signed_in("viewer")
    for who, headers, path in (
        (doors.client(), HERE, "/live"), (client, {"Origin": "https://evil.example"}, "/live"), (client, HERE, "/wide"), (client, HERE, "/no"),
    ):  # fmt: skip
        with pytest.raises(WebSocketDisconnect), who.websocket_connect(f"wss://numbers.example{path}", headers=headers):
            pass
    for who, headers in ((doors.client(), doors.key("read")), (client, HERE)):
        with who.websocket_connect("wss://numbers.example/live", headers=headers) as socket:
            assert socket.receive_text() == "viewer"


# -- anything ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    doors = made(tmp_path_factory.mktemp("anything"), ["viewer"])
    yield doors
    doors.access.state.close()


def asked(
    doors: Doors, method: str, path: str, query: bytes, headers: list[tuple[bytes, bytes]], body: bytes
) -> tuple[int, dict[bytes, bytes], bytes]:
    """One request straight into the application, so that no client tidies it up."""
    sent: list[dict[str, Any]] = []
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "https", "path": path,
        "raw_path": path.encode("utf-8", "replace"), "query_string": query, "root_path": "", "headers": headers, "client": None, "server": ("numbers.example", 443),
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(doors.app(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(one.get("body", b"") for one in sent)


NAMES_OF_HEADERS = st.sampled_from(
    [b"cookie", b"authorization", b"origin", b"referer", b"host", b"content-type", b"content-length", b"x-csrf-token", b"hx-request", b"hx-current-url", b"sec-fetch-site"]
)  # fmt: skip
VALUES = st.binary(max_size=80) | st.sampled_from(
    [b"__Host-assay-main=", b"__Host-assay-main=" + b"a" * 43, b'__Host-assay-main="' + b"\\" * 50, b"Bearer ak_" + b"a" * 43, b"bearer \xff", b"https://numbers.example", b"https://[", b"application/x-www-form-urlencoded", b"true", b"99999999999999999999", b"a=b;" * 500]
)  # fmt: skip


@given(
    method=st.sampled_from(["GET", "POST", "DELETE", "HEAD", "OPTIONS", "TRACE", "X", "get"]),
    path=st.sampled_from(
        [
            "/",
            "/login",
            "/notes",
            "/settings",
            "/api/v1/overview",
            "/forgotten",
            "//evil.example",
            "/../settings",
            "/s/" + "a" * 43,
            "/account",
        ]
    )
    | st.text(max_size=30).map("/".__add__),
    query=st.binary(max_size=60),
    headers=st.lists(st.tuples(NAMES_OF_HEADERS, VALUES), max_size=6),
    body=st.binary(max_size=100),
)
@settings(max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_headers_and_cookies_say_nobody_gets_in(
    standing: Doors, method: str, path: str, query: bytes, headers: Any, body: bytes
) -> None:
    status, told, text = asked(standing, method, path, query, headers, body)
    assert status in (303, 401, 403, 404, 405, 413, 429) or (
        status == 200 and path in ("/login", "/help", "/access.css")
    )
    assert b'"role":"viewer"' not in text
    for value in told.values():
        assert b"\r" not in value
        assert b"\n" not in value
    if status == 303:
        assert told[b"location"].startswith(b"/login")


@given(cookie=st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=200))
@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_real_cookie_holds_whatever_stands_beside_it(standing: Doors, cookie: str) -> None:
    from assay.web.access import sessions

    beside = cookie.replace("__Host-assay-main=", "").encode()
    token = sessions.start(standing.access, 1)
    header = b"__Host-assay-main=" + token.encode()
    status, _, text = asked(
        standing, "GET", "/", b"", [(b"host", b"numbers.example"), (b"cookie", beside + b"; " + header)], b""
    )
    assert (status, b'"role":"viewer"' in text) == (200, True)
    changed = header[:-1] + (b"A" if header[-1:] != b"A" else b"B")
    assert asked(standing, "GET", "/", b"", [(b"host", b"numbers.example"), (b"cookie", changed)], b"")[0] == 303


def test_an_own_address_is_believed_instead_of_the_request(tmp_path: Path) -> None:
    """Behind a proxy that ends the encryption."""
    doors = made(tmp_path, ["viewer"], url="https://numbers.example")
    client = doors.client("http://10.0.0.7:8080")
    form = {"csrf": "", "email": "viewer@example.org", "password": PASSWORD}
    got = client.get("/login")
    assert "__Host-assay-main-form" in got.headers["set-cookie"]
    cookie = got.headers["set-cookie"].partition(";")[0]
    form["csrf"] = csrf(got.text)
    done = client.post("/login", data=form, headers={"Origin": "https://numbers.example", "Cookie": cookie})
    assert (done.status_code, "; Secure" in done.headers["set-cookie"]) == (303, True)
    refused = client.post("/login", data=form, headers={"Origin": "http://10.0.0.7:8080", "Cookie": cookie})
    assert refused.status_code == 403
    doors.access.state.close()
