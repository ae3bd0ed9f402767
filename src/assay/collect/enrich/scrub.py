"""What tells who somebody is, taken out of addresses, titles and properties: e-mail, telephone numbers, secrets.

Every pattern is linear in the text: runs are possessive and begin only where a run can begin.
"""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Any

EMAIL, PHONE, REMOVED = "[email]", "[phone]", "[removed]"
# Properties that nobody measures by; removed whatever they hold.
BLOCKED: frozenset[str] = frozenset(
    "password passwd pwd secret credit_card creditcard card_number cardnumber cvv cvc iban ssn ip ip_address".split()
)
_PHONES = frozenset("phone phone_number phonenumber telephone tel mobile mobile_number".split())
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]++(?:@|%40)(?:[A-Za-z0-9-]++\.)+[A-Za-z]{2,24}(?![A-Za-z0-9])")
_CALL = re.compile(r"(?<![\w+])(?:\+|%2[Bb])[1-9](?:(?:[ ().\-/]|%20){0,3}\d){7,14}(?!\d)")
_USERINFO = re.compile(r"(?<=://)[^/@?#\s]++@")
_PARAMETER = re.compile(
    r"(?<=[?&;])(e-?mail|mail|phone|tel|telephone|mobile|password|passwd|pwd|token|access_token|auth|secret)=[^&#]+",
    re.IGNORECASE,
)


def scrubbed(text: str) -> str:
    """A text without e-mail addresses and international telephone numbers."""
    if "@" in text or "%40" in text:
        text = _MAIL.sub(EMAIL, text)
    if "+" in text or "%2" in text:
        text = _CALL.sub(PHONE, text)
    return text


def scrubbed_url(url: str) -> str:
    """The same of an address; also user names, passwords and the parameters that bring such things."""
    if "@" in url:
        url = _USERINFO.sub("", url)
    if "=" in url:
        url = _PARAMETER.sub(rf"\1={REMOVED}", url)
    return scrubbed(url)


def scrubbed_props(props: dict[str, Any], blocked: Set[str], texts: bool) -> dict[str, Any]:
    """Properties without the blocked ones (by name in lower case, at any depth); ``texts``: what they say scrubbed."""
    made = {}
    for key, value in props.items():
        low = key.lower()
        if low not in blocked:
            made[key] = PHONE if texts and low in _PHONES and value else _scrubbed(value, blocked, texts)
    return made


def _scrubbed(value: Any, blocked: Set[str], texts: bool) -> Any:
    if type(value) is str:
        if not texts:
            return value
        return scrubbed_url(value) if "://" in value[:40] else scrubbed(value)
    if type(value) is dict:
        return scrubbed_props(value, blocked, texts)
    if type(value) is list:
        return [_scrubbed(one, blocked, texts) for one in value]
    return value
