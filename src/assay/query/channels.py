"""Where a session came from: source, medium and channel, by ordered rules; the first that holds wins.

Rule set ``assay``: GA4's default channel list plus AI Assistants. Hosts match by domain suffix, never by substring.
"""

from __future__ import annotations

from collections.abc import Iterable

from assay.model.errors import Refused
from assay.plan.values import Plan
from assay.query.sql import literal

SEARCH = (
    "google",
    "bing",
    "yahoo",
    "duckduckgo",
    "ecosia",
    "baidu",
    "yandex",
    "qwant",
    "startpage",
    "naver",
    "seznam",
    "ask",
    "aol",
    "sogou",
    "brave",
)
SOCIAL = (
    "facebook",
    "fb",
    "instagram",
    "ig",
    "linkedin",
    "twitter",
    "x",
    "pinterest",
    "reddit",
    "tiktok",
    "snapchat",
    "threads",
    "mastodon",
    "bluesky",
    "vk",
    "xing",
    "quora",
    "tumblr",
    "whatsapp",
    "telegram",
)
VIDEO = ("youtube", "vimeo", "dailymotion", "twitch", "netflix", "disneyplus", "iqiyi", "youku")
SHOPPING = ("amazon", "ebay", "etsy", "alibaba", "aliexpress", "walmart", "shopify", "idealo", "shopping")
ASSISTANTS = ("chatgpt", "openai", "perplexity", "claude", "gemini", "copilot", "deepseek", "mistral", "grok", "you")

HOSTS: dict[str, tuple[str, ...]] = {
    "search": (
        "google.com",
        "bing.com",
        "search.yahoo.com",
        "yahoo.com",
        "duckduckgo.com",
        "ecosia.org",
        "baidu.com",
        "yandex.ru",
        "yandex.com",
        "qwant.com",
        "startpage.com",
        "naver.com",
        "seznam.cz",
        "ask.com",
        "aol.com",
        "sogou.com",
        "search.brave.com",
    ),
    "social": (
        "facebook.com",
        "fb.com",
        "fb.me",
        "instagram.com",
        "linkedin.com",
        "lnkd.in",
        "twitter.com",
        "x.com",
        "t.co",
        "pinterest.com",
        "reddit.com",
        "tiktok.com",
        "snapchat.com",
        "threads.net",
        "threads.com",
        "mastodon.social",
        "bsky.app",
        "vk.com",
        "xing.com",
        "quora.com",
        "tumblr.com",
        "whatsapp.com",
        "t.me",
    ),
    "video": ("youtube.com", "youtu.be", "vimeo.com", "dailymotion.com", "twitch.tv"),
    "shopping": ("amazon.com", "ebay.com", "etsy.com", "aliexpress.com", "walmart.com", "idealo.de"),
    "assistant": (
        "chatgpt.com",
        "chat.openai.com",
        "perplexity.ai",
        "claude.ai",
        "gemini.google.com",
        "copilot.microsoft.com",
        "deepseek.com",
        "chat.mistral.ai",
        "grok.com",
        "you.com",
    ),
}

# Country sites of search engines and shops: google.de, google.co.uk, amazon.de …
_NATIONAL = {"search": ("google", "yahoo", "yandex", "bing"), "shopping": ("amazon", "ebay"), "social": ("pinterest",)}

CLICK_IDS: dict[str, tuple[str, str]] = {
    "gclid": ("google", "cpc"),
    "gbraid": ("google", "cpc"),
    "wbraid": ("google", "cpc"),
    "dclid": ("google", "display"),
    "msclkid": ("bing", "cpc"),
    "fbclid": ("facebook", "social"),
    "ttclid": ("tiktok", "paid_social"),
    "twclid": ("twitter", "paid_social"),
    "li_fat_id": ("linkedin", "paid_social"),
    "epik": ("pinterest", "paid_social"),
    "ScCid": ("snapchat", "paid_social"),
}

IGNORED_REFERRERS: tuple[str, ...] = (
    "paypal.com",
    "stripe.com",
    "checkout.stripe.com",
    "klarna.com",
    "adyen.com",
    "mollie.com",
    "pay.google.com",
    "pay.amazon.com",
    "amazonpay.com",
    "sofort.com",
    "giropay.de",
    "secure.worldpay.com",
    "payments.shopify.com",
    "shop.app",
    "afterpay.com",
    "affirm.com",
    "accounts.google.com",
    "appleid.apple.com",
    "login.microsoftonline.com",
    "auth0.com",
    "okta.com",
    "3dsecure.io",
    "arcot.com",
)


def referring_host(referrer: str) -> str:
    """SQL for the host of a referrer, lower case, without www."""
    return f"nullif(regexp_replace(lower(regexp_extract({referrer}, '^[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/@]*@)?([^/:?#]+)', 1)), '^www\\.', ''), '')"


def host_in(host: str, domains: Iterable[str]) -> str:
    """True when ``host`` is one of the domains or below it."""
    names = "|".join(d.replace(".", r"\.") for d in domains)
    pattern = r"(?:.*\.)?(?:" + names + ")"
    return f"regexp_full_match({host}, {literal(pattern)})"


def _host_kind(host: str, kind: str) -> str:
    known = host_in(host, HOSTS[kind])
    if kind not in _NATIONAL:
        return known
    names = "|".join(_NATIONAL[kind])
    pattern = r"(?:.*\.)?(?:" + names + r")\.(?:com?\.)?[a-z]{2,3}"
    return f"({known} OR regexp_full_match({host}, {literal(pattern)}))"


def ignored(host: str, plan: Plan) -> str:
    """True when the referrer is a payment provider, a login service or the site itself."""
    domains = (*IGNORED_REFERRERS, *plan.rules.ignored_referrers, *plan.site.domains)
    return host_in(host, domains)


def source_medium() -> tuple[str, str]:
    """SQL for source and medium over columns utm_source, utm_medium, click_name, ref_host (null when ignored)."""
    click_source = (
        "CASE click_name "
        + " ".join(f"WHEN {literal(k)} THEN {literal(s)}" for k, (s, _) in CLICK_IDS.items())
        + " END"
    )
    click_medium = (
        "CASE click_name "
        + " ".join(f"WHEN {literal(k)} THEN {literal(m)}" for k, (_, m) in CLICK_IDS.items())
        + " END"
    )
    medium = (
        f"CASE WHEN {_host_kind('ref_host', 'assistant')} THEN 'ai' WHEN {_host_kind('ref_host', 'search')} THEN 'organic' "
        f"WHEN {_host_kind('ref_host', 'social')} THEN 'social' WHEN ref_host IS NOT NULL THEN 'referral' END"
    )
    tagged = "utm_source IS NOT NULL"
    return (
        f"coalesce(utm_source, {click_source}, ref_host)",
        f"coalesce(utm_medium, CASE WHEN {tagged} AND click_name IS NULL THEN NULL ELSE coalesce({click_medium}, {medium}) END)",
    )


def channel(plan: Plan) -> str:
    """SQL for the channel by rule set ``assay`` over columns source, medium, campaign, ref_host, click_name."""
    if plan.rules.channels != "assay":
        raise Refused(
            f"rules: channels: {plan.rules.channels} is not built yet; use assay, with own rules under channels:"
        )
    source, medium, campaign = "lower(source)", "lower(medium)", "lower(coalesce(campaign, ''))"

    def kind(names: tuple[str, ...], hosts: str) -> str:
        exact = ", ".join(literal(n) for n in names)
        by_host = f"{_host_kind(source, hosts)} OR {_host_kind('ref_host', hosts)}"
        return f"({source} IN ({exact}) OR {by_host})"

    search, social = kind(SEARCH, "search"), kind(SOCIAL, "social")
    video, shopping, assistant = kind(VIDEO, "video"), kind(SHOPPING, "shopping"), kind(ASSISTANTS, "assistant")
    paid = f"regexp_full_match({medium}, '(.*cp.*|ppc|retargeting|paid.*)')"
    shop_campaign = f"regexp_full_match({campaign}, '^(.*(([^a-df-z]|^)shop|shopping).*)$')"
    rules: list[tuple[str, str]] = [
        ("Direct", "source IS NULL AND medium IS NULL"),
        ("Direct", f"{source} IN ('(direct)', 'direct') AND coalesce({medium}, '(none)') IN ('(none)', '(not set)')"),
        ("Cross-network", f"{campaign} LIKE '%cross-network%'"),
        ("Paid Shopping", f"({shopping} OR {shop_campaign}) AND {paid}"),
        ("Paid Search", f"{search} AND {paid}"),
        ("Paid Social", f"{social} AND {paid}"),
        ("Paid Video", f"{video} AND {paid}"),
        ("Display", f"{medium} IN ('display', 'banner', 'expandable', 'interstitial', 'cpm')"),
        ("Paid Other", paid),
        ("AI Assistants", f"{assistant} OR {medium} = 'ai'"),
        ("Organic Shopping", f"{shopping} OR {shop_campaign}"),
        (
            "Organic Social",
            f"{social} OR {medium} IN ('social', 'social-network', 'social-media', 'sm', 'social network', 'social media')",
        ),
        ("Organic Video", f"{video} OR {medium} LIKE '%video%'"),
        (
            "Organic Search",
            f"({search} AND coalesce({medium}, 'organic') IN ('organic', 'referral')) OR {medium} = 'organic'",
        ),
        ("Email", f"regexp_full_match({source}, 'e[-_ ]?mail') OR regexp_full_match({medium}, 'e[-_ ]?mail')"),
        ("Affiliates", f"{medium} IN ('affiliate', 'affiliates')"),
        ("Referral", f"{medium} IN ('referral', 'app', 'link')"),
        ("Audio", f"{medium} = 'audio'"),
        ("SMS", f"{source} = 'sms' OR {medium} = 'sms'"),
        (
            "Mobile Push Notifications",
            f"{medium} LIKE '%push' OR {medium} LIKE '%mobile%' OR {medium} LIKE '%notification%' OR {source} = 'firebase'",
        ),
    ]
    own = [(rule.channel, f"({rule.where.text})") for rule in plan.channels]
    whens = " ".join(f"WHEN {condition} THEN {literal(name)}" for name, condition in (*own, *rules))
    return f"CASE {whens} ELSE 'Unassigned' END"
