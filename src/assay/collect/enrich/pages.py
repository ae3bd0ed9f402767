"""An address → host, path, campaign tags and click id, as the importers read them (``importers/events.sql``)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus

# In the order of what tells most; the first that an address has counts.
CLICK_IDS: tuple[str, ...] = (
    "gclid", "dclid", "fbclid", "msclkid", "ttclid", "twclid", "yclid",
    "gbraid", "wbraid", "li_fat_id", "epik", "ScCid", "gad_source",
)  # fmt: skip
TAGS: tuple[str, ...] = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
_MOST_CACHED = 500  # characters; of 4,096 addresses
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]{0,30}://(?:[^/@?#]*@)?([^/:?#]+)[^/?#]*([^?#]*)(?:\?([^#]*))?", re.DOTALL)
_WORTH = re.compile("utm_|" + "|".join(CLICK_IDS))

Parts = tuple[tuple[str, str], ...]


def put_page(line: dict[str, Any], url: str) -> None:
    """Fill url and what it says; a tag that the line has already stays."""
    line["url"] = url
    for name, value in parts(url) if len(url) <= _MOST_CACHED else _parts(url):
        if line.get(name) is None:
            line[name] = value


def _parts(url: str) -> Parts:
    found = _URL.match(url)
    if found is None:
        return ()
    host, path, query = found.groups()
    made = [("host", host.lower()), ("path", path or "/")]
    if query and _WORTH.search(query):
        tags = _tags(query)
        made += [(name, tags[name]) for name in TAGS if tags.get(name)]
        click = next((f"{name}={tags[name]}" for name in CLICK_IDS if tags.get(name)), None)
        if click:
            made.append(("click_id", click))
    return tuple(made)


parts = lru_cache(4096)(_parts)


def _tags(query: str) -> dict[str, str]:
    """The tags of a query, each as it first stands; a click id stays as it is written."""
    tags: dict[str, str] = {}
    for field in query.split("&", 200)[:200]:
        name, _, value = field.partition("=")
        if value and name not in tags:
            tags[name] = _readable(value) if name.startswith("utm_") else value
    return tags


def _readable(value: str) -> str:
    return unquote_plus(value).replace("\0", "�") if "%" in value or "+" in value else value
