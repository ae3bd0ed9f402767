"""Rule set ``plausible``: Plausible's acquisition channels (GA4's list plus AI Assistants, as its product and docs name them).

Differences from GA4: the medium is the tag's alone; Google with gclid and Bing with msclkid are paid search; a source that is
an advertiser's alias (fb-ads, adwords) is paid whatever its medium; any known source that nothing else fits is a referral.
"""

from __future__ import annotations

from assay.query.channels.base import DISPLAY, PAID_MEDIUM, SHOP_CAMPAIGN, SOCIAL_MEDIUM, Rules, RuleSet, one_of
from assay.query.channels.hosts import is_place

_MEDIUM, _TAG = "lower(coalesce(utm_medium, ''))", "lower(coalesce(utm_source, ''))"
_SOURCE = "lower(coalesce(utm_source, ref_host, ''))"
_KIND = "CASE WHEN utm_source IS NULL THEN ref_kind ELSE coalesce(source_kind, ads_kind) END"
_PAID = f"regexp_full_match({_MEDIUM}, '{PAID_MEDIUM}')"
_PAID_SOURCE = (
    f"({_TAG} IN ('adwords', 'gads') OR (utm_source IS NOT NULL AND source_kind IS NULL AND ads_kind IS NOT NULL))"
)
_MAIL = "(e[-_ ]?mail|newsletter)"


def _rules() -> Rules:
    search, social, video, shopping, assistant = (
        f"{_KIND} = '{kind}'" for kind in ("search", "social", "video", "shopping", "assistant")
    )
    paid = f"({_PAID} OR {_PAID_SOURCE})"
    click = "split_part(coalesce(click_name, ''), '=', 1)"
    clicked = f"({click} = 'gclid' AND {is_place(_SOURCE, 'Google')}) OR ({click} = 'msclkid' AND {is_place(_SOURCE, 'Bing')})"
    return (
        ("Cross-network", "lower(campaign) LIKE '%cross-network%'"),
        ("Paid Shopping", f"({shopping} OR {SHOP_CAMPAIGN}) AND {_PAID}"),
        ("Paid Search", f"({search} AND {paid}) OR {clicked}"),
        ("Paid Social", f"{social} AND {paid}"),
        ("Paid Video", f"{video} AND {paid}"),
        ("Display", one_of(_MEDIUM, DISPLAY)),
        ("Paid Other", _PAID),
        ("Organic Shopping", f"{shopping} OR {SHOP_CAMPAIGN}"),
        ("Organic Social", f"{social} OR {one_of(_MEDIUM, SOCIAL_MEDIUM)}"),
        ("Organic Video", f"{video} OR {_MEDIUM} LIKE '%video%'"),
        ("AI Assistants", assistant),
        ("Organic Search", search),
        (
            "Email",
            f"{is_place(_SOURCE, 'Gmail')} OR regexp_matches({_TAG}, '{_MAIL}') OR regexp_matches({_MEDIUM}, '{_MAIL}')",
        ),
        ("Affiliates", f"{_MEDIUM} = 'affiliate'"),
        ("Audio", f"{_MEDIUM} = 'audio'"),
        ("SMS", f"{_TAG} = 'sms' OR {_MEDIUM} = 'sms'"),
        (
            "Mobile Push Notifications",
            f"{_MEDIUM} LIKE '%push' OR {_MEDIUM} LIKE '%mobile%' OR {_MEDIUM} LIKE '%notification%' OR {_SOURCE} = 'firebase'",
        ),
        ("Referral", f"{one_of(_MEDIUM, ('referral', 'app', 'link'))} OR {_SOURCE} <> ''"),
    )


RULES = RuleSet("plausible", _rules, "Direct", "Plausible's acquisition channels")
