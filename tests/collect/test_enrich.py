"""Browsers, bots, countries and what is scrubbed."""

import time
from pathlib import Path

import pytest

from assay.collect.enrich import country, scrub
from assay.collect.enrich.bots import is_bot
from assay.collect.enrich.browser import Browser, browser_of

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (CHROME, Browser("Chrome", "Windows", "desktop")),
        (CHROME + " Edg/140.0.0.0", Browser("Edge", "Windows", "desktop")),
        (CHROME + " OPR/120.0.0.0", Browser("Opera", "Windows", "desktop")),
        (IPHONE, Browser("Safari", "iOS", "mobile")),
        (IPHONE.replace("Version/18.0", "CriOS/140.0"), Browser("Chrome", "iOS", "mobile")),
        ("Mozilla/5.0 (iPad; CPU OS 16_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.0 Mobile/15E148 Safari/604.1", Browser("Safari", "iOS", "tablet")),
        ("Mozilla/5.0 (Linux; Android 13; Pixel 7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/116.0.0.0 Mobile Safari/537.36", Browser("Chrome", "Android", "mobile")),
        ("Mozilla/5.0 (Linux; Android 13; SM-X906C) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/116.0.0.0 Safari/537.36", Browser("Chrome", "Android", "tablet")),
        ("Mozilla/5.0 (Linux; Android 13; SM-S901B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36", Browser("Samsung Internet", "Android", "mobile")),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15", Browser("Safari", "macOS", "desktop")),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:130.0) Gecko/20100101 Firefox/130.0", Browser("Firefox", "macOS", "desktop")),
        ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36", Browser("Chrome", "Chrome OS", "desktop")),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", Browser("Firefox", "Linux", "desktop")),
        ("Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/3.2 Chrome/63.0 TV Safari/537.36", Browser("Samsung Internet", "Tizen", "other")),
        ("", Browser()), ("nonsense", Browser()),
    ],
)  # fmt: skip
def test_browsers(agent: str, expected: Browser) -> None:
    assert browser_of(agent, {}) == expected


def test_hints_come_first() -> None:
    hints = {
        "sec-ch-ua": '"Not)A;Brand";v="8", "Chromium";v="140", "Microsoft Edge";v="140"',
        "sec-ch-ua-mobile": "?0",
        "sec-ch-ua-platform": '"macOS"',
    }
    assert browser_of(CHROME, hints) == Browser("Edge", "macOS", "desktop")
    assert browser_of(
        CHROME, {"sec-ch-ua": '"Google Chrome";v="1"', "sec-ch-ua-mobile": "?1", "sec-ch-ua-platform": '"Android"'}
    ) == Browser("Chrome", "Android", "mobile")
    assert browser_of(CHROME, {"sec-ch-ua": "garbage\"'"}) == Browser("Chrome", "Windows", "desktop")


@pytest.mark.parametrize(
    ("agent", "screen", "bot"),
    [
        (CHROME, "1920x1080", False), (IPHONE, None, False), (None, None, True), ("", None, True), (CHROME, "0x0", True),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", None, True), ("curl/8.0", None, True),
        (CHROME.replace("Chrome/", "HeadlessChrome/"), None, True), (CHROME + " Cypress/13", None, True),
        ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)", None, True),
    ],
)  # fmt: skip
def test_bots(agent: str | None, screen: str | None, bot: bool) -> None:
    assert is_bot(agent, {}, screen) is bot


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to Ann.Lee+x@mail.example.org.", "write to [email]."),
        ("müller@shop.de", "[email]"), ("react@18.2.0 and @handle", "react@18.2.0 and @handle"), ("a%40b.de", "[email]"),
        ("call +49 (0)151 2345-6789 now", "call [phone] now"), ("+1.202.555.0123", "[phone]"), ("a+b+c 1+2=3", "a+b+c 1+2=3"),
        ("order 00123456789", "order 00123456789"), ("2026-01-01T00:00:00+01:00", "2026-01-01T00:00:00+01:00"),
    ],
)  # fmt: skip
def test_texts_are_scrubbed(text: str, expected: str) -> None:
    assert scrub.scrubbed(text) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://u:p@shop.example/?a=1", "https://shop.example/?a=1"),
        ("https://shop.example/?email=a%40b.de&x=1&Token=abc#f", "https://shop.example/?email=[removed]&x=1&Token=[removed]#f"),
        ("https://shop.example/u/a@b.de?p=%2B491512345678", "https://shop.example/u/[email]?p=[phone]"),
        ("https://medium.example/@user.name/x?emailing=1", "https://medium.example/@user.name/x?emailing=1"),
    ],
)  # fmt: skip
def test_addresses_are_scrubbed(url: str, expected: str) -> None:
    assert scrub.scrubbed_url(url) == expected


def test_properties_are_blocked_and_scrubbed() -> None:
    props = {
        "Password": "x",
        "note": "a@b.de",
        "phone": "0151 234",
        "deep": [{"iban": "DE", "url": "https://a.b/?email=x"}],
        "n": 1,
        "mobile": False,
    }
    assert scrub.scrubbed_props(props, scrub.BLOCKED, True) == {
        "note": "[email]", "phone": "[phone]", "deep": [{"url": "https://a.b/?email=[removed]"}], "n": 1, "mobile": False,
    }  # fmt: skip
    assert scrub.scrubbed_props(props, frozenset({"n"}), False).keys() == props.keys() - {"n"}


@pytest.mark.parametrize("text", ["a@" * 20_000, "a" * 40_000 + "@", "a." * 20_000 + "@b", "x@" + "b." * 20_000, "+1 " * 15_000, "?email=" * 6_000, "://" * 13_000 + "@", "+1234567" * 5_000, "%40" * 13_000])  # fmt: skip
def test_no_text_takes_long(text: str) -> None:
    start = time.perf_counter()
    scrub.scrubbed_url(text)
    browser_of(text, {"sec-ch-ua": text, "sec-ch-ua-platform": text})
    assert time.perf_counter() - start < 2


def test_countries_need_a_file(tmp_path: Path) -> None:
    pytest.importorskip("maxminddb")
    with pytest.raises(country.NoReader):
        country.reader(str(tmp_path / "none.mmdb"))
    (tmp_path / "bad.mmdb").write_bytes(b"no database")
    with pytest.raises(country.NoReader):
        country.reader(str(tmp_path / "bad.mmdb"))


@pytest.mark.parametrize(
    ("record", "code"),
    [({"country": {"iso_code": "DE"}}, "DE"), ({"country_code": "de"}, "DE"), ({"country": "FR"}, "FR"), ({"country": {}}, None), ({}, None), (None, None), ("x", None)],
)  # fmt: skip
def test_country_codes(record: object, code: str | None) -> None:
    assert country._code(record) == code
