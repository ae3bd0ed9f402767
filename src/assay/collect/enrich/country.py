"""Address → country, by a ``.mmdb`` file that the site points at; nothing else is read, and no address is kept."""

from __future__ import annotations

from functools import lru_cache
from typing import Any


class NoReader(Exception):
    """The package maxminddb, or the file, is missing."""


def country_of(address: str, path: str) -> str | None:
    """ISO code of the country, ``DE``; None for an address that is none or that the file does not have."""
    try:
        found = reader(path).get(address)
    except (ValueError, TypeError, OSError):  # no address; maxminddb's own errors are ValueErrors too
        return None
    return _code(found)


@lru_cache(4)
def reader(path: str) -> Any:
    """The open file. Raises NoReader where it cannot be read."""
    try:
        import maxminddb
    except ImportError as problem:
        raise NoReader("countries need the package maxminddb") from problem
    try:
        return maxminddb.open_database(path)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as problem:
        raise NoReader(f"{path} is no country file ({problem})") from problem


def _code(found: Any) -> str | None:
    """The code, by the names that files give it: of DB-IP, GeoLite2, registry data or IPinfo."""
    if not isinstance(found, dict):
        return None
    country = found.get("country")
    code = country.get("iso_code") if isinstance(country, dict) else found.get("country_code") or country
    return code.upper() if isinstance(code, str) and len(code) == 2 else None
