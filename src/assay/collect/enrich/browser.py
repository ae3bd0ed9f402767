"""User agent and client hints → browser, operating system and kind of device.

Client hints come first: browsers that send them freeze their user agent. The rules for user agents are ua-parser's
(Apache-2.0, uap-core), loaded at the first agent that is not one of the few shapes which nearly all browsers have.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

MOST_AGENT = 400  # characters that are looked at
HINTS = ("sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform", "sec-ch-ua-form-factors")


@dataclass(frozen=True)
class Browser:
    """What a page is seen with; None: not known. ``device``: desktop, mobile, tablet or other."""

    browser: str | None = None
    os: str | None = None
    device: str | None = None


_BRANDS = {
    "Google Chrome": "Chrome", "Microsoft Edge": "Edge", "Opera": "Opera", "Samsung Internet": "Samsung Internet",
    "Brave": "Brave", "YaBrowser": "YaBrowser", "Yandex": "YaBrowser", "Vivaldi": "Vivaldi", "DuckDuckGo": "DuckDuckGo",
    "Android WebView": "Android Webview", "HeadlessChrome": "HeadlessChrome", "Opera GX": "Opera",
}  # fmt: skip
_PLATFORMS = {
    "macOS": "macOS", "Windows": "Windows", "Android": "Android", "iOS": "iOS", "Linux": "Linux",
    "Chrome OS": "Chrome OS", "Chromium OS": "Chrome OS",
}  # fmt: skip
_FAMILIES = {
    "Mobile Safari": "Safari", "Chrome Mobile": "Chrome", "Chrome Mobile iOS": "Chrome", "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox", "Edge Mobile": "Edge", "Opera Mobile": "Opera",
    "Chrome Mobile WebView": "Android Webview",
    "Mobile Safari UI/WKWebView": "Safari (in-app)", "IE": "Internet Explorer", "IE Mobile": "Internet Explorer",
}  # fmt: skip
_SYSTEMS = {"Mac OS X": "macOS", "Ubuntu": "Linux", "Fedora": "Linux", "Debian": "Linux", "Chrome OS": "Chrome OS"}
_USUAL = re.compile(
    r"Mozilla/5\.0 \((?:Windows NT (?P<Windows>)|Macintosh; (?P<Macintosh>)|X11; CrOS (?P<CrOS>)|X11; (?P<Linux>)"
    r"|Linux; Android (?P<Android>)|i(?:Phone|Pad|Pod[^;]{0,10}); CPU (?P<iOS>))[^)]{0,120}\) "
    r"(?:AppleWebKit/[\d.]{1,12} \(KHTML, like Gecko\) (?:Chrome/[\d.]{1,20}(?P<Chrome>)"
    r"|Version/[\d.]{1,12}(?P<Safari>))(?: Mobile(?:/\w{1,12})?)? Safari/[\d.]{1,12}(?: Edg/[\d.]{1,20}(?P<Edge>))?"
    r"|Gecko/[\d.]{1,12} Firefox/[\d.]{1,12}(?P<Firefox>))"
)
_QUOTED = re.compile(r'"([^"]{1,60})"')
_TABLET = re.compile(r"iPad|Tablet|PlayBook|Kindle|Silk/(?!.{0,200}Mobile)|Android(?!.{0,200}Mobi)", re.DOTALL)
_OTHER = re.compile(r"TV|BRAVIA|AFT[A-Z]|Roku|PlayStation|Xbox|Nintendo|CrKey|Watch", re.DOTALL)
_MOBILE = re.compile(r"Mobi|iPhone|iPod|Windows Phone|BlackBerry|Opera Mini")
_DESKTOP = re.compile(r"Windows NT|Macintosh|X11|CrOS|Linux x86")


def browser_of(agent: str, hints: Mapping[str, str]) -> Browser:
    """From both; a hint wins."""
    found = _of_agent(agent[:MOST_AGENT]) if agent else Browser()
    if "sec-ch-ua" not in hints and "sec-ch-ua-platform" not in hints:
        return found
    told = _of_hints(*(hints.get(name, "")[:300] for name in HINTS))
    return Browser(told.browser or found.browser, told.os or found.os, told.device or found.device)


@lru_cache(1024)
def _of_hints(brands: str, mobile: str, platform: str, form: str) -> Browser:
    named = [_BRANDS.get(brand) for brand in _QUOTED.findall(brands)]
    system = _PLATFORMS.get(platform.strip('" '))
    device = None
    if "Tablet" in form:
        device = "tablet"
    elif mobile == "?1":
        device = "mobile"
    elif mobile == "?0" and system in ("Windows", "macOS", "Linux", "Chrome OS"):
        device = "desktop"
    elif mobile == "?0" and system == "Android":
        device = "tablet"
    return Browser(next((name for name in named if name), None), system, device)


@lru_cache(4096)
def _of_agent(agent: str) -> Browser:
    usual = _USUAL.fullmatch(agent)
    if usual is not None:
        names = [name for name, value in usual.groupdict().items() if value is not None]
        system = {"CrOS": "Chrome OS", "Macintosh": "macOS"}.get(names[0], names[0])
        return Browser(names[-1], system, _device(agent))
    return _parsed(agent)


def _parsed(agent: str) -> Browser:
    import ua_parser

    browser = ua_parser.parse_user_agent(agent)
    system = ua_parser.parse_os(agent)
    return Browser(
        _FAMILIES.get(browser.family, browser.family)[:60] if browser else None,
        _SYSTEMS.get(system.family, system.family)[:60] if system else None,
        _device(agent),
    )


def _device(agent: str) -> str | None:
    for kind, pattern in (("other", _OTHER), ("tablet", _TABLET), ("mobile", _MOBILE), ("desktop", _DESKTOP)):
        if pattern.search(agent):
            return kind
    return None
