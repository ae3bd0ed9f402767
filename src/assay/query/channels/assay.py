"""Rule set ``assay``: GA4's list plus AI Assistants; a click in a mail program's own pages counts as Email."""

from __future__ import annotations

from assay.query.channels.base import Rules, RuleSet
from assay.query.channels.ga4 import ga4_rules


def _rules() -> Rules:
    return ga4_rules(assistants=True)


RULES = RuleSet("assay", _rules, "Unassigned", "GA4's list plus AI Assistants")
