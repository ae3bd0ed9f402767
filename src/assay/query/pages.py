"""A path becomes a page (cleaned) and a page group. CRO works on templates, not on URLs."""

from __future__ import annotations

from assay.plan.values import Plan
from assay.query.sql import Binder, literal, matches_globs

VIEWS = ("page_view", "screen_view", "$pageview", "pageview")


def page(path: str, plan: Plan) -> str:
    """SQL for the page: the path without query and fragment (unless the plan keeps them), replacements applied in order."""
    sql = path
    if plan.cleaning.strip_query:
        # Most paths have neither: they are spared the regular expression.
        sql = f"CASE WHEN {sql} LIKE '%?%' OR {sql} LIKE '%#%' THEN regexp_replace({sql}, '[?#].*$', '') ELSE {sql} END"
    for pattern, replacement in plan.cleaning.replace:
        sql = f"regexp_replace({sql}, {literal(pattern)}, {literal(replacement)}, 'g')"
    return sql


def page_group(cleaned: str, plan: Plan, bind: Binder) -> str:
    """SQL for the first group of the plan whose globs match the page; null when none does."""
    if not plan.pages:
        return "CAST(NULL AS VARCHAR)"
    whens = " ".join(
        f"WHEN {matches_globs(cleaned, globs, bind)} THEN {bind(name)}" for name, globs in plan.pages.items()
    )
    return f"CASE {whens} END"


# What one event may tell: a beat at most a day, a page at most all of it. More is no measurement, and sums of it have no end.
MOST = {"engagement_time_msec": 86_400_000, "percent_scrolled": 100}


def told(name: str, props: str = "props") -> str:
    """SQL for a whole number in the JSON of the few events that have it; null where it is none, below 0 or beyond ``MOST``."""
    number = f"TRY_CAST(json_extract_string({props}, '$.{name}') AS BIGINT)"
    return f"CASE WHEN {props} LIKE '%{name}%' AND {number} BETWEEN 0 AND {MOST[name]} THEN {number} END"
