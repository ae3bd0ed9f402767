"""Rule set ``ga4``: Google Analytics 4's default channel group (help page 9756891), names and order as listed
there, except that a campaign named cross-network counts even without a source."""

from __future__ import annotations

from assay.query.channels.base import DISPLAY, PAID_MEDIUM, SHOP_CAMPAIGN, SOCIAL_MEDIUM, Rules, RuleSet, one_of

_SOURCE, _MEDIUM = "lower(source)", "lower(medium)"
_PAID = f"regexp_full_match({_MEDIUM}, '{PAID_MEDIUM}')"
# The referrer decides where the tags do not: without a known source, and unless a medium that is not paid says what it was.
_KIND = f"coalesce(source_kind, CASE WHEN utm_source IS NULL OR utm_medium IS NULL OR {_PAID} THEN ref_kind END)"


def ga4_rules(assistants: bool = False) -> Rules:
    """The list; with ``assistants`` also AI Assistants and mail programs, which GA4 counts as referrals."""
    search, social, video, shopping, assistant, mail = (
        f"{_KIND} = '{kind}'" for kind in ("search", "social", "video", "shopping", "assistant", "mail")
    )
    organic = f"({search} AND coalesce({_MEDIUM}, 'organic') IN ('organic', 'referral'))"
    email = f"regexp_full_match({_SOURCE}, 'e[-_ ]?mail') OR regexp_full_match({_MEDIUM}, 'e[-_ ]?mail')"
    own = (("AI Assistants", f"{assistant} OR {_MEDIUM} = 'ai'"),) if assistants else ()
    referral = "" if assistants else f" OR ({_MEDIUM} = 'ai' AND utm_medium IS NULL)"
    return (
        ("Cross-network", "lower(campaign) LIKE '%cross-network%'"),
        ("Direct", "source IS NULL AND medium IS NULL"),
        ("Direct", f"{_SOURCE} IN ('(direct)', 'direct') AND coalesce({_MEDIUM}, '(none)') IN ('(none)', '(not set)')"),
        ("Paid Shopping", f"({shopping} OR {SHOP_CAMPAIGN}) AND {_PAID}"),
        ("Paid Search", f"{search} AND {_PAID}"),
        ("Paid Social", f"{social} AND {_PAID}"),
        ("Paid Video", f"{video} AND {_PAID}"),
        ("Display", one_of(_MEDIUM, DISPLAY)),
        ("Paid Other", _PAID),
        *own,
        ("Organic Shopping", f"{shopping} OR {SHOP_CAMPAIGN}"),
        ("Organic Social", f"{social} OR {one_of(_MEDIUM, SOCIAL_MEDIUM)}"),
        ("Organic Video", f"{video} OR {_MEDIUM} LIKE '%video%'"),
        ("Organic Search", f"{organic} OR {_MEDIUM} = 'organic'"),
        ("Email", f"{email} OR {mail}" if assistants else email),
        ("Affiliates", f"{_MEDIUM} IN ('affiliate', 'affiliates')"),
        ("Referral", f"{_MEDIUM} IN ('referral', 'app', 'link'){referral}"),
        ("Audio", f"{_MEDIUM} = 'audio'"),
        ("SMS", f"{_SOURCE} = 'sms' OR {_MEDIUM} = 'sms'"),
        (
            "Mobile Push Notifications",
            f"{_MEDIUM} LIKE '%push' OR {_MEDIUM} LIKE '%mobile%' OR {_MEDIUM} LIKE '%notification%' OR {_SOURCE} = 'firebase'",
        ),
    )


RULES = RuleSet("ga4", ga4_rules, "Unassigned", "Google Analytics 4's default channel group")
