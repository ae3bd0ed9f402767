"""Where a session came from: one visitor per row, all loaded at once."""

from __future__ import annotations

from pathlib import Path

from support import event, rows, view, workspace

DAY = "2024-01-01 10:00"
PLAN = """
site: {domains: [shop.example]}
rules: {ignored_referrers: [mypay.example]}
channels:
  - {channel: Partners, where: "source = 'partner' or medium = 'partner'"}
"""
# fields of the first event → channel, source, medium
TABLE = [
    ({}, "Direct", None, None),
    ({"referrer": ""}, "Direct", None, None),
    ({"utm_source": "(direct)", "utm_medium": "(none)"}, "Direct", "(direct)", "(none)"),
    ({"referrer": "https://www.google.com/"}, "Organic Search", "google.com", "organic"),
    ({"referrer": "https://www.google.co.uk/search?q=x"}, "Organic Search", "google.co.uk", "organic"),
    ({"referrer": "https://WWW.Google.de"}, "Organic Search", "google.de", "organic"),
    ({"referrer": "https://duckduckgo.com/"}, "Organic Search", "duckduckgo.com", "organic"),
    ({"referrer": "https://notgoogle.com/"}, "Referral", "notgoogle.com", "referral"),
    ({"referrer": "https://google.com.evil.example/"}, "Referral", "google.com.evil.example", "referral"),
    ({"referrer": "https://reddit.com/r/x"}, "Organic Social", "reddit.com", "social"),
    ({"referrer": "https://old.reddit.com/r/x"}, "Organic Social", "old.reddit.com", "social"),
    ({"referrer": "https://t.co/abc"}, "Organic Social", "t.co", "social"),
    ({"referrer": "https://reddit.co/abc"}, "Referral", "reddit.co", "referral"),
    ({"referrer": "https://smart.com/"}, "Referral", "smart.com", "referral"),
    ({"referrer": "https://www.youtube.com/watch"}, "Organic Video", "youtube.com", "referral"),
    ({"referrer": "https://www.amazon.de/dp/1"}, "Organic Shopping", "amazon.de", "referral"),
    ({"referrer": "https://chatgpt.com/"}, "AI Assistants", "chatgpt.com", "ai"),
    ({"referrer": "https://gemini.google.com/app"}, "AI Assistants", "gemini.google.com", "ai"),
    ({"utm_source": "chatgpt.com"}, "AI Assistants", "chatgpt.com", None),
    ({"referrer": "https://blog.example/post"}, "Referral", "blog.example", "referral"),
    ({"referrer": "android-app://com.example.app/"}, "Referral", "com.example.app", "referral"),
    # Payment providers, log-ins, own domains and those of the plan are no origin.
    ({"referrer": "https://www.paypal.com/x"}, "Direct", None, None),
    ({"referrer": "https://accounts.google.com/"}, "Direct", None, None),
    ({"referrer": "https://www.shop.example/cart"}, "Direct", None, None),
    ({"referrer": "https://pay.mypay.example/"}, "Direct", None, None),
    ({"referrer": "https://notpaypal.com/"}, "Referral", "notpaypal.com", "referral"),
    ({"utm_source": "google", "utm_medium": "cpc"}, "Paid Search", "google", "cpc"),
    ({"utm_source": "Google", "utm_medium": "CPC", "utm_campaign": "brand"}, "Paid Search", "Google", "CPC"),
    (
        {"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "summer shopping"},
        "Paid Shopping",
        "google",
        "cpc",
    ),
    ({"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "workshops"}, "Paid Search", "google", "cpc"),
    (
        {"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "x cross-network y"},
        "Cross-network",
        "google",
        "cpc",
    ),
    ({"utm_source": "facebook", "utm_medium": "paid_social"}, "Paid Social", "facebook", "paid_social"),
    ({"utm_source": "ig", "utm_medium": "social"}, "Organic Social", "ig", "social"),
    ({"utm_source": "youtube", "utm_medium": "cpv"}, "Paid Video", "youtube", "cpv"),
    ({"utm_source": "youtube", "utm_medium": "ppc"}, "Paid Video", "youtube", "ppc"),
    ({"utm_source": "adnet", "utm_medium": "display"}, "Display", "adnet", "display"),
    ({"utm_source": "adnet", "utm_medium": "cpm"}, "Display", "adnet", "cpm"),
    ({"utm_source": "adnet", "utm_medium": "cpc"}, "Paid Other", "adnet", "cpc"),
    ({"utm_source": "news", "utm_medium": "email"}, "Email", "news", "email"),
    ({"utm_source": "e-mail", "utm_medium": "x"}, "Email", "e-mail", "x"),
    ({"utm_source": "aff1", "utm_medium": "affiliate"}, "Affiliates", "aff1", "affiliate"),
    ({"utm_source": "pod", "utm_medium": "audio"}, "Audio", "pod", "audio"),
    ({"utm_source": "twilio", "utm_medium": "sms"}, "SMS", "twilio", "sms"),
    ({"utm_source": "app", "utm_medium": "web push"}, "Mobile Push Notifications", "app", "web push"),
    ({"utm_source": "bing", "utm_medium": "organic"}, "Organic Search", "bing", "organic"),
    ({"utm_source": "qr"}, "Unassigned", "qr", None),
    ({"utm_source": "poster", "utm_medium": "print"}, "Unassigned", "poster", "print"),
    ({"click_id": "gclid=abc"}, "Paid Search", "google", "cpc"),
    ({"click_id": "gclid=abc", "referrer": "https://www.google.com/"}, "Paid Search", "google", "cpc"),
    ({"click_id": "fbclid=abc", "referrer": "https://l.facebook.com/"}, "Organic Social", "facebook", "social"),
    ({"click_id": "msclkid=1"}, "Paid Search", "bing", "cpc"),
    ({"click_id": "ttclid=1"}, "Paid Social", "tiktok", "paid_social"),
    ({"click_id": "dclid=1"}, "Display", "google", "display"),
    ({"utm_source": "partner", "utm_medium": "cpc"}, "Partners", "partner", "cpc"),
    ({"session_channel": "Organic Search", "session": "1"}, "Organic Search", None, None),
]


def test_the_table(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAN, [view(f"v{n:02}", DAY, **row[0]) for n, row in enumerate(TABLE)])
    got = rows(
        ws, "SELECT visitor, channel, source, medium FROM sessions JOIN visitors USING (visitor_key) ORDER BY visitor"
    )
    wrong = [(TABLE[n][0], row[1:], TABLE[n][1:]) for n, row in enumerate(got) if row[1:] != TABLE[n][1:]]
    assert wrong == []
    assert len(got) == len(TABLE)


def test_a_direct_session_takes_over_the_last_other_source_of_90_days(tmp_path: Path) -> None:
    events = [
        view("a", "2024-01-01 10:00", utm_source="google", utm_medium="cpc"),
        view("a", "2024-01-02 10:00", referrer="https://blog.example/"),
        view("a", "2024-01-03 10:00"),
        view("a", "2024-01-04 10:00", referrer="https://www.paypal.com/"),
        view("a", "2024-04-01 10:00"),  # 90 days after 2024-01-02
        view("a", "2024-04-01 11:00"),  # 90 days and an hour: the chain of direct sessions does not prolong it
        view("b", "2024-01-03 10:00"),
    ]
    ws = workspace(tmp_path, "", events)
    by_visitor = "SELECT channel FROM sessions JOIN visitors USING (visitor_key) ORDER BY visitor, session_no"
    assert [c for (c,) in rows(ws, by_visitor)] == ["Paid Search", *["Referral"] * 4, "Direct", "Direct"]
    assert rows(ws, "SELECT DISTINCT source FROM sessions WHERE channel = 'Referral'") == [("blog.example",)]
    ws.close()
    ws = workspace(tmp_path, "rules: {session_source: own}")
    assert [c for (c,) in rows(ws, by_visitor)] == ["Paid Search", "Referral", *["Direct"] * 5]


def test_the_first_event_gives_the_source(tmp_path: Path) -> None:
    events = [
        event("a", "beat", "2024-01-01 09:59", interactive=False, utm_source="x", session="s"),
        view("a", "2024-01-01 10:00", session="s"),
        view("a", "2024-01-01 10:01", utm_source="google", utm_medium="cpc", session="s"),
    ]
    assert rows(workspace(tmp_path, "", events), "SELECT channel FROM sessions") == [("Direct",)]
