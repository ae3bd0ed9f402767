"""A request as access sees it: workspace, path within it, cookies, origin, address. No more of it is believed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from assay.web.access import tokens
from assay.web.access.base import Access

SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")
API = ("/api", "/mcp", "/metrics")
_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +(\S+)\s*")
_TOO_LONG = 200  # characters of a token; ours are shorter


@dataclass(frozen=True)
class Asked:
    """One request to a workspace."""

    scope: dict[str, Any]
    access: Access

    @cached_property
    def connection(self) -> HTTPConnection:
        """Starlette's view of it."""
        return HTTPConnection(self.scope)

    @property
    def root(self) -> str:
        """Where the workspace stands: empty, or such as ``/w/shop``."""
        return str(self.scope.get("root_path", "")).rstrip("/")

    @property
    def path(self) -> str:
        """The path within the workspace."""
        path = str(self.scope["path"])
        return path.removeprefix(self.root) if path.startswith(self.root + "/") else path

    @property
    def method(self) -> str:
        """GET for a web socket."""
        return str(self.scope.get("method", "GET"))

    @property
    def safe(self) -> bool:
        """True where nothing may be changed by it. A web socket may do anything."""
        return self.scope["type"] == "http" and self.method in SAFE

    @property
    def api(self) -> bool:
        """True where a program asks: it gets JSON, never a page."""
        return any(self.path == one or self.path.startswith(one + "/") for one in API)

    @cached_property
    def origin(self) -> str:
        """The workspace's own origin."""
        if self.access.url is not None:
            return self.access.url.lower()
        scheme = {"ws": "http", "wss": "https"}.get(self.scope["scheme"], self.scope["scheme"])
        return f"{scheme}://{self.header('host')}".lower()

    @property
    def https(self) -> bool:
        """True where cookies can be kept to encrypted requests."""
        return self.origin.startswith("https://")

    def header(self, name: str) -> str:
        """A header's text; empty where it is missing."""
        return self.connection.headers.get(name, "")

    def cookie_name(self, of: str = "") -> str:
        """The name of the session's cookie, or of another one."""
        name = f"assay-{self.access.slug}{of}"
        return f"__Host-{name}" if self.https else name

    def cookie(self, of: str = "") -> str:
        """What the browser sent, where it may be a token of ours."""
        try:
            found = self.connection.cookies.get(self.cookie_name(of), "")
        except (ValueError, UnicodeError):
            return ""
        return found if tokens.fits(found) else ""

    def set_cookie(self, token: str, of: str = "") -> str:
        """A header's value; an empty token takes the cookie away."""
        end = "" if token else "; Max-Age=0"
        secure = "; Secure" if self.https else ""
        return f"{self.cookie_name(of)}={token}; Path=/; HttpOnly; SameSite=Lax{secure}{end}"

    @property
    def bearer(self) -> str | None:
        """The key that was sent; None where none was."""
        given = self.header("authorization")
        found = _BEARER.fullmatch(given[:_TOO_LONG])
        return found.group(1) if found else ("" if given else None)

    @property
    def address(self) -> str:
        """Who sent it; empty where the server does not know."""
        client = self.scope.get("client")
        return str(client[0]) if client else ""

    @property
    def from_here(self) -> bool:
        """True where a page of this origin sent it, by what browsers say themselves."""
        if self.header("sec-fetch-site") in ("cross-site", "same-site"):
            return False
        origin = self.header("origin")
        if not origin:
            try:
                parts = urlsplit(self.header("referer"))
            except ValueError:
                return False
            origin = f"{parts.scheme}://{parts.netloc}"
        return origin.lower() == self.origin
