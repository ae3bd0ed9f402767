"""Findings on a card: what matters first and short, the rest one click down."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assay.model.finding import EVERYWHERE
from assay.report.view import Voice, headed
from assay.report.words import SEVERITIES, one_line
from assay.web.cards.base import Told
from assay.web.cards.links import steps

if TYPE_CHECKING:
    from assay.model.answer import Answer
    from assay.model.finding import Finding

LOUD = 3  # findings that a card shows at once
LONG = 150  # letters of a finding, about two lines
_QUIET = frozenset({"known_change", "holiday", "short_history", "no_visit_in_range", "sample", "split_ok", "no_value"})
_RANK = {"bad": 0, "warning": 1, "good": 2, "info": 3}


def findings(answer: Answer, voice: Voice) -> tuple[tuple[Told, ...], tuple[Told, ...]]:
    """What is shown at once, and what is folded; what a row or the sentence says already is folded too.

    What the page above the cards says is in neither.
    """
    rows = {cell for row in answer.rows for cell in row if isinstance(cell, str)}
    loud: list[Told] = []
    quiet: list[Told] = []
    own = [one for one in answer.findings if one.code not in EVERYWHERE]
    for one in sorted(own, key=lambda one: _RANK.get(one.severity, 3)):
        said = one.text in rows or one.text in answer.sentence
        first = not said and one.code not in _QUIET and len(loud) < LOUD and one.severity != "info"
        (loud if first else quiet).append(told(one, voice))
    return tuple(loud), tuple(quiet)


def told(finding: Finding, voice: Voice) -> Told:
    """One finding."""
    kind = finding.severity if finding.severity in SEVERITIES else "info"
    text, more = short(headed(voice.said(finding.text)))
    return Told(kind, SEVERITIES[kind], text, more, steps(one_line(finding.action or "")))


def short(text: str, longest: int = LONG) -> tuple[str, str]:
    """The part that fits two lines, cut where a thought ends, and the rest."""
    if len(text) <= longest:
        return text, ""
    for marks, most in ((("; ", ". "), longest), ((", ", ": "), longest), (("; ", ". ", ", "), 2 * longest)):
        cuts = [found.start() for mark in marks for found in re.finditer(re.escape(mark), text[:most])]
        whole = [cut for cut in cuts if cut > longest // 2 and text.count("(", 0, cut) == text.count(")", 0, cut)]
        if whole:
            cut = max(whole) if most == longest else min(whole)
            return text[:cut], text[cut:].lstrip(";.,: ")
    return text, ""
