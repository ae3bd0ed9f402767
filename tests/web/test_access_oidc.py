"""Signing in by a provider: a real one in small, with a key of its own, on a real socket."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from doors import HOST, START, Doors, made
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from assay.model.errors import UsageError
from assay.web.access import oidc
from assay.web.access.values import SECOND

CLIENT, SECRET = "assay at home", "s3cret/+"


@cache
def first_key() -> RSAKey:
    """Making one takes a while."""
    return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)


@dataclass
class Issuer:
    """What the provider knows and does; tests bend single claims."""

    url: str = ""
    key: RSAKey = field(default_factory=first_key)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    bent: Any = None  # signs the token instead
    described: dict[str, Any] = field(default_factory=dict)
    down: bool = False

    def authorize(self, url: str) -> str:
        """What the page of the provider does when somebody agrees: back to the client with a code."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert (query["response_type"], query["client_id"], query["code_challenge_method"]) == ("code", CLIENT, "S256")
        assert "openid" in query["scope"].split()
        code = f"code{len(self.codes)}"
        self.codes[code] = query
        return f"{urlsplit(query['redirect_uri']).path}?code={code}&state={query['state']}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        asked = self.codes.pop(form["code"], None)
        told = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        challenge = (
            base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        )
        if asked is None or told != "assay%20at%20home:s3cret%2F%2B" or challenge != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        if form["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        now = START // SECOND
        claims = {
            "iss": self.url, "sub": "7", "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": asked["nonce"],
            "email": "Viewer@Example.org", "email_verified": True, **self.claims,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        signed = self.bent(claims) if self.bent else jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": signed}


class Handler(BaseHTTPRequestHandler):
    issuer: Issuer

    def do_GET(self) -> None:
        one = self.issuer
        paths = {
            "/.well-known/openid-configuration": {
                "issuer": one.url, "authorization_endpoint": f"{one.url}/authorize", "token_endpoint": f"{one.url}/token",
                "jwks_uri": f"{one.url}/keys", **one.described,
            },
            "/keys": KeySet([one.key]).as_dict(private=False),
        }  # fmt: skip
        self.answer(503 if one.down else 200, paths[self.path])

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        self.answer(*self.issuer.token(form, self.headers["Authorization"]))

    def answer(self, status: int, body: dict[str, Any]) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    found = Issuer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Own", (Handler,), {"issuer": found}))
    found.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def by_provider(tmp_path: Path, issuer: Issuer) -> Iterator[Doors]:
    doors = made(tmp_path, provider=oidc.Provider(oidc.Client(issuer.url, CLIENT, SECRET, "Example ID")))
    yield doors
    doors.access.state.close()


def through(doors: Doors, issuer: Issuer, client: Any = None) -> Any:
    client = client or doors.client()
    begun = client.get("/oidc/start", params={"next": "/funnels?a=1"})
    assert begun.status_code == 303
    return client.get(issuer.authorize(begun.headers["location"]))


def test_whom_the_provider_vouches_for_is_signed_in(by_provider: Doors, issuer: Issuer) -> None:
    client = by_provider.client()
    assert "Sign in by Example ID" in client.get("/login").text
    got = through(by_provider, issuer, client)
    assert (got.status_code, got.headers["location"]) == (303, "/funnels?a=1")
    assert client.get("/funnels").json()["name"] == "Viewer"
    row = by_provider.access.state.read("audit", limit=1, before=None, what="login")[0]
    assert (row["who"], row["detail"]) == ("viewer@example.org", "provider")
    assert through(by_provider, issuer).status_code == 303  # again, by what is known of it


def test_a_provider_that_changes_its_key_is_asked_again(by_provider: Doors, issuer: Issuer) -> None:
    assert through(by_provider, issuer).status_code == 303
    issuer.key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
    assert through(by_provider, issuer).status_code == 303


BENT: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.example"},
    "for another client": {"aud": "another"},
    "for several, by another": {"aud": [CLIENT, "another"], "azp": "another"},
    "another nonce": {"nonce": "x"},
    "no nonce": {"nonce": None},
    "over": {"exp": START // SECOND - 61},
    "no end": {"exp": None},
    "an end that is no number": {"exp": "soon"},
    "from the future": {"iat": START // SECOND + 3600},
    "nobody known": {"email": "nobody@example.org"},
    "no address": {"email": None},
    "an address that is not verified": {"email_verified": False},
    "verified in words": {"email_verified": "true"},
    "no word of verified": {"email_verified": None},
    "an address that is a list": {"email": ["viewer@example.org"]},
    "another access token": {"at_hash": "x"},
}


@pytest.mark.parametrize("how", BENT)
def test_a_token_that_does_not_fit_signs_nobody_in(by_provider: Doors, issuer: Issuer, how: str) -> None:
    issuer.claims = BENT[how]
    refused(by_provider, through(by_provider, issuer))


def refused(doors: Doors, got: Any) -> None:
    assert got.status_code == 403
    assert "set-cookie" not in got.headers
    who, what, _ = doors.audit()[-1]
    assert (who, what) == ("", "login_failed")


def test_a_token_must_be_signed_with_the_providers_key(by_provider: Doors, issuer: Issuer) -> None:
    other = RSAKey.generate_key(2048)
    public = json.dumps(issuer.key.as_dict(private=False)).encode()

    def unsigned(claims: dict[str, Any]) -> str:
        parts = ({"alg": "none"}, claims)
        return ".".join(base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode() for one in parts) + "."

    def by_public_key(claims: dict[str, Any]) -> str:
        import hmac

        parts = ({"alg": "HS256", "kid": issuer.key.kid}, claims)
        head = ".".join(base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode() for one in parts)
        sign = base64.urlsafe_b64encode(hmac.new(public, head.encode(), "sha256").digest()).rstrip(b"=").decode()
        return f"{head}.{sign}"

    for bent in (
        lambda claims: jwt.encode({"alg": "RS256", "kid": issuer.key.kid}, claims, other),
        unsigned, by_public_key, lambda claims: "", lambda claims: "a.b.c",
    ):  # fmt: skip
        issuer.bent = bent
        refused(by_provider, through(by_provider, issuer))


def test_an_answer_belongs_to_the_browser_that_began(by_provider: Doors, issuer: Issuer) -> None:
    attacker, victim = by_provider.client(), by_provider.client()
    back = issuer.authorize(attacker.get("/oidc/start").headers["location"])
    victim.get("/login")
    refused(by_provider, victim.get(back))  # nobody is signed in as the attacker
    refused(by_provider, attacker.get(back))  # and an answer counts once


@pytest.mark.parametrize("query", ["", "?code=x", "?state=x", "?state=x&code=x", "?error=access_denied&state=x"])
def test_made_up_answers(by_provider: Doors, query: str) -> None:
    refused(by_provider, by_provider.client().get(f"/oidc/callback{query}"))


def test_somebody_who_says_no_an_old_answer_and_another_issuer(by_provider: Doors, issuer: Issuer) -> None:
    client = by_provider.client()
    state = parse_qs(urlsplit(client.get("/oidc/start").headers["location"]).query)["state"][0]
    refused(by_provider, client.get(f"/oidc/callback?state={state}&error=access_denied"))
    back = issuer.authorize(client.get("/oidc/start").headers["location"])
    refused(by_provider, client.get(back + "&iss=https://evil.example"))
    back = issuer.authorize(client.get("/oidc/start").headers["location"])
    by_provider.clock.now += 600 * SECOND
    refused(by_provider, client.get(back))
    assert by_provider.access.provider is not None
    issuer.codes["spent"] = {}
    state = parse_qs(urlsplit(client.get("/oidc/start").headers["location"]).query)["state"][0]
    refused(by_provider, client.get(f"/oidc/callback?state={state}&code=never-given"))


@pytest.mark.parametrize(
    "described",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
    ],
)
def test_a_provider_that_describes_itself_wrongly_is_not_gone_to(
    by_provider: Doors, issuer: Issuer, described: dict[str, str]
) -> None:
    issuer.described = described
    assert by_provider.client().get("/oidc/start").status_code == 502


def test_a_provider_that_does_not_answer(by_provider: Doors, issuer: Issuer) -> None:
    issuer.down = True
    got = by_provider.client().get("/oidc/start")
    assert (got.status_code, "does not answer now" in got.text) == (502, True)
    issuer.down = False
    assert through(by_provider, issuer).status_code == 303


def test_flows_that_wait_are_bounded(by_provider: Doors, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.web.access.oidc.MOST", 3)
    provider = by_provider.access.provider
    assert provider is not None
    for n in range(10):
        provider.begin(by_provider.access, f"browser {n}", HOST, "/")
    assert len(provider._flows) == 3


def test_without_a_provider_there_is_no_such_page(doors: Doors) -> None:
    assert "Sign in by" not in doors.client().get("/login").text
    assert [doors.client().get(path).status_code for path in ("/oidc/start", "/oidc/callback")] == [404, 404]


def test_it_is_set_up_by_the_environment() -> None:
    assert oidc.provider({}) is None
    given = {"ASSAY_OIDC_ISSUER": "https://id.example", "ASSAY_OIDC_CLIENT_ID": "a", "ASSAY_OIDC_CLIENT_SECRET": "b"}
    found = oidc.provider(given)
    assert found is not None
    assert found.client == oidc.Client("https://id.example", "a", "b", "single sign-on")
    for wrong in ({"ASSAY_OIDC_ISSUER": "http://id.example"}, {"ASSAY_OIDC_CLIENT_ID": ""}):
        with pytest.raises(UsageError):
            oidc.provider({**given, **wrong})
