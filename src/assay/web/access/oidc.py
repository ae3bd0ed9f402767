"""Signing in by an OpenID Connect provider (extra ``oidc``): code flow with PKCE, for users whom the workspace knows.

The provider says who somebody is, the workspace what they may: a verified e-mail address without a user is refused.
"""

from __future__ import annotations

import json
import secrets
import threading
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from assay.model.errors import MachineError, UsageError
from assay.web.access import audit, signing, tokens, users
from assay.web.access.asked import Asked
from assay.web.access.base import Access
from assay.web.access.guard import record_of
from assay.web.access.redirects import after
from assay.web.access.refusals import page
from assay.web.access.rules import public
from assay.web.access.slow import slowly
from assay.web.access.values import SECOND, Actor

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
CALLBACK = "/oidc/callback"
MOST = 1000  # flows that wait at once
WAITS = 600 * SECOND
LEEWAY = 60  # seconds between two clocks
_BYTES = 1 << 20
_SECONDS = 10.0


@dataclass(frozen=True)
class Client:
    """What the provider knows this server as. ``name`` stands on the button."""

    issuer: str
    id: str
    secret: str
    name: str = "single sign-on"

    def __post_init__(self) -> None:
        _checked(self.issuer)
        if not self.id:
            raise UsageError("ASSAY_OIDC_CLIENT_ID is missing; the provider tells it")


@dataclass(frozen=True)
class Flow:
    """One sign-in under way: bound to a browser by the token of its forms."""

    browser: str
    nonce: str
    verifier: str
    next: str
    until: int


class Refusal(Exception):
    """The provider's answer does not hold; the message is for the log."""


class Provider:
    """A provider and the flows that wait for it."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._flows: dict[str, Flow] = {}
        self._lock = threading.Lock()
        self._known: dict[str, Any] = {}
        self._keys: dict[str, Any] = {}

    def begin(self, access: Access, browser: str, redirect: str, wanted: str) -> str:
        """Where to send the browser."""
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        state, nonce, verifier = tokens.new(), tokens.new(), secrets.token_urlsafe(64)
        with self._lock:
            while len(self._flows) >= MOST:
                self._flows.pop(next(iter(self._flows)))
            self._flows[tokens.hashed(state)] = Flow(browser, nonce, verifier, wanted, access.now + WAITS)
        asked = {
            "response_type": "code", "client_id": self.client.id, "redirect_uri": redirect,
            "scope": "openid email profile", "state": state, "nonce": nonce,
            "code_challenge": create_s256_code_challenge(verifier), "code_challenge_method": "S256",
        }  # fmt: skip
        endpoint = str(self.discovered()["authorization_endpoint"])
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    def finish(self, access: Access, browser: str, redirect: str, given: Mapping[str, str]) -> tuple[str, str]:
        """The verified e-mail address, and where to go. Raises Refusal, MachineError."""
        with self._lock:
            flow = self._flows.pop(tokens.hashed(given.get("state", "")), None)
        if flow is None or flow.until <= access.now or not tokens.same(flow.browser, browser):
            raise Refusal("no sign-in of this browser waits for this answer")
        if given.get("iss", self.client.issuer) != self.client.issuer:
            raise Refusal("another provider answered")
        if "code" not in given:
            raise Refusal(f"the provider said no: {given.get('error', 'without a reason')[:100]}")
        answer = self._token(given["code"], redirect, flow.verifier)
        return self._email(answer, flow.nonce, access.now // SECOND), flow.next

    def discovered(self) -> dict[str, Any]:
        """The provider's own description, read once. Raises MachineError."""
        if not self._known:
            found = _fetched(self.client.issuer.rstrip("/") + "/.well-known/openid-configuration")
            if found.get("issuer") != self.client.issuer:
                raise MachineError(f"{self.client.issuer} describes itself as {found.get('issuer')!r}")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                _checked(str(found.get(name, "")))
            self._known = found
        return self._known

    def _token(self, code: str, redirect: str, verifier: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": redirect, "code_verifier": verifier,
            "client_id": self.client.id,
        }  # fmt: skip
        pair = f"{quote(self.client.id, safe='')}:{quote(self.client.secret, safe='')}"
        basic = "Basic " + b64encode(pair.encode()).decode()
        return _fetched(str(self.discovered()["token_endpoint"]), urlencode(form).encode(), basic)

    def _email(self, answer: Mapping[str, Any], nonce: str, now: int) -> str:
        from authlib.oidc.core import CodeIDToken
        from joserfc.errors import JoseError

        told = str(answer.get("id_token", ""))
        options = {
            "iss": {"essential": True, "value": self.client.issuer},
            "aud": {"essential": True, "value": self.client.id},
        }  # fmt: skip
        params = {"nonce": nonce, "client_id": self.client.id, "access_token": str(answer.get("access_token", ""))}
        try:
            token = self._decoded(told)
            claims = CodeIDToken(token.claims, token.header, options, params)
            claims.validate(now, LEEWAY)
        except (JoseError, ValueError, TypeError) as error:
            raise Refusal(f"the identity does not hold: {error}") from error
        email = claims.get("email")
        if not isinstance(email, str) or claims.get("email_verified") is not True:
            raise Refusal("the provider does not vouch for an e-mail address")
        return users.folded(email)

    def _decoded(self, told: str) -> Any:
        """The token with its signature checked; keys are read again once, as a provider may have changed them."""
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        for again in (False, True):
            if again or not self._keys:
                self._keys = _fetched(str(self.discovered()["jwks_uri"]))
            try:
                return jwt.decode(told, KeySet.import_key_set(self._keys), algorithms=list(ALGORITHMS))  # type: ignore[arg-type]
            except (JoseError, ValueError):
                if again:
                    raise
        raise AssertionError


class _Straight(urllib.request.HTTPRedirectHandler):
    """Endpoints answer themselves; none may send us elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        """No."""


def _fetched(url: str, form: bytes | None = None, authorization: str = "") -> dict[str, Any]:
    headers = {"Accept": "application/json", **({"Authorization": authorization} if authorization else {})}
    request = urllib.request.Request(url, form, headers)
    try:
        with urllib.request.build_opener(_Straight).open(request, timeout=_SECONDS) as answer:
            found = json.loads(answer.read(_BYTES))
    except urllib.error.HTTPError as error:
        error.close()
        if form is not None and error.code in (400, 401):
            raise Refusal(f"{urlsplit(url).netloc} refused the code ({error.code})") from error
        raise MachineError(f"{url} answered {error.code}") from error
    except (OSError, ValueError) as error:
        raise MachineError(f"{url}: {error}") from error
    if not isinstance(found, dict):
        raise MachineError(f"{url} answered no object")
    return found


def _checked(url: str) -> None:
    """Encrypted, or on this machine."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")):
        raise UsageError(f"{url!r}: the address of a provider begins with https://")


def provider(environment: Mapping[str, str]) -> Provider | None:
    """By ``ASSAY_OIDC_ISSUER``, ``_CLIENT_ID``, ``_CLIENT_SECRET``, ``_NAME``; None without one. Raises UsageError."""
    issuer = environment.get("ASSAY_OIDC_ISSUER", "")
    if not issuer:
        return None
    try:
        import authlib.oidc.core  # noqa: F401
    except ImportError:
        raise UsageError("signing in by a provider needs authlib: pip install 'assay[oidc]'") from None
    given = {name: environment.get(f"ASSAY_OIDC_{name.upper()}", "") for name in ("client_id", "client_secret", "name")}
    return Provider(Client(issuer, given["client_id"], given["client_secret"], given["name"] or Client.name))


def _refused(root: str, status: int = 403) -> Response:
    title = "That did not sign you in"
    message = "The provider's answer does not fit, or this workspace has no user with your address. Ask an admin of it."
    return page("refused", root, status, title=title, message=message, csrf="")


def _away(root: str) -> Response:
    message = "The provider does not answer now. Try again in a minute, or sign in with a password."
    return page("refused", root, 502, title="That did not sign you in", message=message, csrf="")


def _of(request: Request) -> tuple[Access, str, str, str]:
    """Access, root, the token of this browser's forms, the address that the provider sends it back to."""
    access, who = record_of(request)
    root = str(request.state.root)
    return access, root, who.csrf, Asked(dict(request.scope), access).origin + root + CALLBACK


@public(form=True)
async def start(request: Request) -> Response:
    """On to the provider."""
    access, root, browser, redirect = _of(request)
    address = request.client.host if request.client else ""
    if access.provider is None or signing.from_there(access, address):
        return _refused(root, 404 if access.provider is None else 429)
    wanted = after(request.query_params.get("next"), root)
    try:
        url = await slowly(access.provider.begin, access, browser, redirect, wanted)
    except (MachineError, UsageError):
        return _away(root)
    return RedirectResponse(url, 303)


@public()
async def callback(request: Request) -> Response:
    """Back from the provider."""
    access, root, browser, redirect = _of(request)
    if access.provider is None:
        return _refused(root, 404)
    try:
        given, old = dict(request.query_params), Asked(dict(request.scope), access).cookie()
        token, wanted = await slowly(_finished, access, browser, redirect, given, old)
    except Refusal as reason:
        note = (access.state, Actor(""), "login_failed", access.now, signing.STRANGER, f"provider: {reason}")
        await run_in_threadpool(audit.note, *note)
        return _refused(root)
    except (MachineError, UsageError):
        return _away(root)
    response = RedirectResponse(wanted, 303)
    response.headers.append("set-cookie", Asked(dict(request.scope), access).set_cookie(token))
    return response


def _finished(access: Access, browser: str, redirect: str, given: Mapping[str, str], old: str) -> tuple[str, str]:
    assert access.provider is not None
    email, wanted = access.provider.finish(access, browser, redirect, given)
    found = access.state.read("user", email=email)
    if not found:
        raise Refusal("this workspace has no user with that address")
    return signing.opened(access, found[0], old, "provider"), wanted


def routes() -> list[Route]:
    """Where it starts and comes back."""
    return [Route("/oidc/start", start, methods=["GET"]), Route(CALLBACK, callback, methods=["GET"])]
