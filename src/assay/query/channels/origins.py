"""Where a session came from, before any channel rule: referring host, source and medium, and what kind of place they are."""

from __future__ import annotations

from assay.plan.values import Plan
from assay.query.channels.hosts import host_in
from assay.query.sql import literal

# The referrer of a visit that is known to have none; without it nothing is known about the referrer.
NO_REFERRER = "$direct"

CLICK_IDS: dict[str, tuple[str, str]] = {
    "gclid": ("google", "cpc"),
    "gbraid": ("google", "cpc"),
    "wbraid": ("google", "cpc"),
    "gad_source": ("google", "cpc"),
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

_SCHEME = r"^[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/@]*@)?([^/:?#]+)"
_BARE = r"^([^/:?#$][^/:?#]*)"


def referring_host(referrer: str) -> str:
    """SQL for the host of a referrer, lower case, without www.

    A referrer without a scheme is a host, an app or a source's bare name ("Gmail"), kept as it is in lower case.
    """
    pattern = f"CASE WHEN {referrer} LIKE '%://%' THEN regexp_extract({referrer}, '{_SCHEME}', 1) ELSE regexp_extract({referrer}, '{_BARE}', 1) END"
    return f"nullif(regexp_replace(lower(trim({pattern})), '^www\\.', ''), '')"


def click_name(click_id: str) -> str:
    """SQL for the name of a click id (``name=value``); of ``gad_source`` with its value, which tells the network."""
    return (
        f"CASE WHEN {click_id} LIKE 'gad_source=%' THEN {click_id} ELSE nullif(split_part({click_id}, '=', 1), '') END"
    )


def ignored(host: str, plan: Plan) -> str:
    """True when the referrer is a payment provider, a login service or the site itself."""
    return host_in(host, (*IGNORED_REFERRERS, *plan.rules.ignored_referrers, *plan.site.domains))


def source_medium() -> tuple[str, str]:
    """SQL for source and medium over columns utm_source, utm_medium, click_name, ref_host (null when ignored), ref_kind."""
    name = "split_part(click_name, '=', 1)"
    sources = " ".join(f"WHEN {literal(k)} THEN {literal(s)}" for k, (s, _) in CLICK_IDS.items())
    mediums = " ".join(f"WHEN {literal(k)} THEN {literal(m)}" for k, (_, m) in CLICK_IDS.items())
    clicked = f"CASE {name} {sources} END", f"CASE {name} {mediums} END"
    medium = (
        "CASE WHEN ref_kind = 'assistant' THEN 'ai' WHEN ref_kind = 'search' THEN 'organic' "
        "WHEN ref_kind = 'social' THEN 'social' WHEN ref_host IS NOT NULL THEN 'referral' END"
    )
    return (
        f"coalesce(utm_source, {clicked[0]}, ref_host)",
        f"coalesce(utm_medium, CASE WHEN utm_source IS NOT NULL AND click_name IS NULL THEN NULL ELSE coalesce({clicked[1]}, {medium}) END)",
    )


def bare_source() -> str:
    """SQL for a source without the "ad" or "ads" behind it (fb-ads, google_ads, tiktokads); empty where there is none."""
    return "regexp_extract(lower(source), '^(.*[^-_. ])[-_. ]?ads?$', 1)"
