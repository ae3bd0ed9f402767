"""The script that pages load, as it was built into the package, and the tag that loads it."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.resources import files


@cache
def script() -> bytes | None:
    """The built script; None where the package was built without Node."""
    try:
        return files("assay").joinpath("web", "static", "assay.js").read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def tag(host: str, key: str, domains: str = "") -> str:
    """The tag for the head of a page. Calls of ``assay(…)`` before it has loaded are kept."""
    more = f' data-domains="{escape(domains)}"' if domains else ""
    early = "window.assay=window.assay||function(n,p){(assay.q=assay.q||[]).push([n,p])}"
    return (
        f"<script>{early}</script>\n"
        f'<script defer src="{escape(host)}/assay.js" data-key="{escape(key)}"{more}></script>'
    )
