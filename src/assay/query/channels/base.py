"""What a rule set is: an ordered list of channels with conditions; the first that holds wins."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from assay.query.sql import literal

Rules = tuple[tuple[str, str], ...]

# GA4's patterns, which Plausible and PostHog share.
SHOP_CAMPAIGN = "regexp_matches(lower(coalesce(campaign, '')), '^(.*(([^a-df-z]|^)shop|shopping).*)$')"
PAID_MEDIUM = "(.*cp.*|ppc|retargeting|paid.*)"
DISPLAY = ("display", "banner", "expandable", "interstitial", "cpm")
SOCIAL_MEDIUM = ("social", "social-network", "social-media", "sm", "social network", "social media")


@dataclass(frozen=True)
class RuleSet:
    """``rules()``: channel → condition, SQL over the columns below; ``otherwise`` is what is left.

    Columns: source, medium (with what click ids and referrers say), campaign, utm_source, utm_medium (tags as they came),
    click_name, ref_host, source_kind, ads_kind, ref_kind, no_referrer (known to have none, or only one that is ignored).
    """

    name: str
    rules: Callable[[], Rules]
    otherwise: str
    summary: str


def one_of(text: str, values: Iterable[str]) -> str:
    """``text IN (…)`` over fixed values."""
    return f"{text} IN ({', '.join(literal(v) for v in values)})"
