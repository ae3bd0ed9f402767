"""Rule set ``posthog``: PostHog's channel type (posthog.com/docs/data/channel-type), names as the product prints them.

Paid or not is asked first, then where from: by utm_source, the campaign's words, utm_medium, and the referring domain last.
*Direct* is a visit known to have no referrer (``$direct``), *Unknown* one about which nothing is known.
"""

from __future__ import annotations

from assay.query.channels.base import DISPLAY, SHOP_CAMPAIGN, SOCIAL_MEDIUM, Rules, RuleSet, one_of

_SOURCE, _MEDIUM, _CAMPAIGN = (f"lower(coalesce({c}, ''))" for c in ("utm_source", "utm_medium", "campaign"))
_CLICK = "coalesce(click_name, '')"
_TAG_KIND = "CASE WHEN utm_source IS NOT NULL THEN source_kind END"
_NAMES = {"search": "Search", "social": "Social", "video": "Video", "shopping": "Shopping"}
_ORGANIC_MEDIUM = {
    "Email": ("email", "e-mail", "e_mail", "e mail"),
    "Display": DISPLAY,
    "Organic Social": SOCIAL_MEDIUM,
    "Organic Video": ("video",),
    "Affiliate": ("affiliate", "partnership", "partnerships"),
    "Referral": ("referral", "app", "link"),
    "Audio": ("audio",),
    "Push": ("push", "mobile", "notification"),
}


def _rules() -> Rules:
    paid = (
        f"({one_of(_MEDIUM, ('cpc', 'cpm', 'cpv', 'cpa', 'ppc', 'retargeting'))} OR {_MEDIUM} LIKE 'paid%' "
        f"OR {_CLICK} = 'gclid' OR {_CLICK} LIKE 'gad_source=%')"
    )
    direct = (
        f"no_referrer AND {_MEDIUM} IN ('', 'null') AND {_SOURCE} IN ('', 'null', '(direct)', 'direct', '$direct') "
        f"AND {_CLICK} <> 'fbclid'"
    )
    return (
        ("Cross Network", f"{_CAMPAIGN} LIKE '%cross-network%'"),
        *((channel, f"{paid} AND ({condition})") for channel, condition in _paid()),
        ("Direct", direct),
        *_organic(),
    )


def _paid() -> Rules:
    return (
        *((f"Paid {name}", f"{_TAG_KIND} = '{kind}'") for kind, name in _NAMES.items()),
        ("Paid Shopping", SHOP_CAMPAIGN),
        ("Display", one_of(_MEDIUM, DISPLAY)),
        ("Paid Social", one_of(_MEDIUM, SOCIAL_MEDIUM)),
        ("Paid Video", f"{_MEDIUM} = 'video'"),
        *((f"Paid {name}", f"ref_kind = '{kind}'") for kind, name in _NAMES.items()),
        ("Paid Search", f"{_CLICK} = 'gad_source=1'"),
        ("Paid Video", f"{_CAMPAIGN} LIKE '%video%'"),
        ("Paid Social", f"{_CLICK} = 'fbclid'"),
        ("Paid Unknown", "true"),
    )


def _organic() -> Rules:
    return (
        *((f"Organic {name}", f"{_TAG_KIND} = '{kind}'") for kind, name in _NAMES.items()),
        ("Email", f"{_TAG_KIND} = 'mail' OR {one_of(_SOURCE, ('email', 'e-mail', 'e_mail', 'e mail'))}"),
        ("SMS", f"{_SOURCE} = 'sms'"),
        ("Push", f"{_SOURCE} = 'firebase'"),
        ("Organic Shopping", SHOP_CAMPAIGN),
        *((channel, one_of(_MEDIUM, mediums)) for channel, mediums in _ORGANIC_MEDIUM.items()),
        *((f"Organic {name}", f"ref_kind = '{kind}'") for kind, name in _NAMES.items()),
        ("Email", "ref_kind = 'mail'"),
        ("Organic Video", f"{_CAMPAIGN} LIKE '%video%'"),
        ("Push", f"{_MEDIUM} LIKE '%push'"),
        ("Organic Social", f"{_CLICK} = 'fbclid'"),
        ("Direct", "no_referrer"),
        ("Referral", "ref_host IS NOT NULL"),
    )


RULES = RuleSet("posthog", _rules, "Unknown", "PostHog's channel type")
