"""Where to go after signing in: own paths only."""

from __future__ import annotations

from urllib.parse import quote, unquote

MOST = 2000
_SAFE = "/?&=%:@!$'()*+,;~-._#[]"


def own(text: str | None) -> str | None:
    """A path of this site with its query, ready for a header; None for what leads, or may lead, elsewhere."""
    if not text or len(text) > MOST or not text.isprintable() or not text.startswith("/"):
        return None
    path = text.partition("?")[0].partition("#")[0]
    plain = path
    for _ in range(3):  # what somebody behind may still unpack
        if plain.startswith("//") or "\\" in plain or not plain.isprintable():
            return None
        if any(part in (".", "..") for part in plain.split("/")):
            return None
        plain = unquote(plain)
    return quote(text, safe=_SAFE)


def after(text: str | None, root: str) -> str:
    """Where to go in a workspace at ``root``: the wanted path where it is one of its views, else its first page."""
    found = own(text)
    home = root + "/"
    if found is None or not (found.startswith(home) or found == root):
        return home
    inner = found.removeprefix(root)
    if inner.startswith(("/login", "/logout", "/welcome/", "/s/", "/oidc/")):
        return home
    return found
