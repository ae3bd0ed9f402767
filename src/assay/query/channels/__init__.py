"""Where a session came from: source, medium and channel, by ordered rules; the first that holds wins.

A rule set is a file with ``RULES`` and a line in ``RULE_SETS``. Own rules of the plan come before it.
"""

from __future__ import annotations

from assay.model.errors import UnknownName
from assay.model.period import Period
from assay.plan.values import Plan
from assay.query.channels import assay, ga4, plausible, posthog
from assay.query.channels.base import RuleSet
from assay.query.channels.hosts import host_in, kinds_of, known_places
from assay.query.channels.origins import (
    CLICK_IDS,
    IGNORED_REFERRERS,
    NO_REFERRER,
    bare_source,
    click_name,
    ignored,
    referring_host,
    source_medium,
)
from assay.query.sql import literal
from assay.store.engine import Statement

RULE_SETS: tuple[RuleSet, ...] = (assay.RULES, ga4.RULES, plausible.RULES, posthog.RULES)

__all__ = [
    "CLICK_IDS",
    "IGNORED_REFERRERS",
    "NO_REFERRER",
    "RULE_SETS",
    "bare_source",
    "channel",
    "click_name",
    "host_in",
    "ignored",
    "kinds_of",
    "known_places",
    "named_by_source",
    "names",
    "referring_host",
    "rule_set",
    "source_medium",
]


def rule_set(name: str) -> RuleSet:
    """The rule set of that name; UnknownName otherwise."""
    found = {one.name: one for one in RULE_SETS}
    if name not in found:
        raise UnknownName("channel rule set", name, found)
    return found[name]


def names(plan: Plan) -> list[str]:
    """Every channel that the plan's rules can give, own ones first."""
    chosen = rule_set(plan.rules.channels)
    own = [rule.channel for rule in plan.channels]
    return list(dict.fromkeys([*own, *(name for name, _ in chosen.rules()), chosen.otherwise]))


def channel(plan: Plan) -> str:
    """SQL for the channel by the plan's own rules and its rule set, over the columns of ``RuleSet``."""
    chosen = rule_set(plan.rules.channels)
    own = [(rule.channel, f"({rule.where.text})") for rule in plan.channels]
    whens = " ".join(f"WHEN {condition} THEN {literal(name)}" for name, condition in (*own, *chosen.rules()))
    return f"CASE {whens} ELSE {literal(chosen.otherwise)} END"


def named_by_source(period: Period) -> Statement:
    """One row: how many events of these days came with a channel that their source had chosen."""
    sql = "SELECT count(session_channel) FROM events WHERE day BETWEEN $first AND $last"
    return Statement(sql, {"first": period.first, "last": period.last}, "channels named by the source")
