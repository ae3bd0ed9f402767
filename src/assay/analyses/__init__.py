"""One file per question. ``QUESTIONS`` lists them in the order in which a newcomer would ask."""

from __future__ import annotations

from assay.analyses import (
    attribution,
    audit,
    backlog,
    catalog,
    changes,
    channels,
    clv,
    compare,
    explain,
    features,
    funnel,
    journey,
    leaks,
    lifecycle,
    metric,
    opportunity,
    overview,
    pages,
    products,
    quality,
    retention,
    segments,
    sessions,
    time_to,
    user,
    why,
)
from assay.analyses.base import Question

QUESTIONS: tuple[Question, ...] = (
    overview.QUESTION,
    metric.QUESTION,
    why.QUESTION,
    leaks.QUESTION,
    opportunity.QUESTION,
    backlog.QUESTION,
    funnel.QUESTION,
    segments.QUESTION,
    pages.QUESTION,
    products.QUESTION,
    audit.QUESTION,
    catalog.QUESTION,
    explain.QUESTION,
    quality.QUESTION,
    retention.QUESTION,
    journey.QUESTION,
    time_to.QUESTION,
    lifecycle.QUESTION,
    features.QUESTION,
    sessions.QUESTION,
    user.QUESTION,
    attribution.QUESTION,
    channels.QUESTION,
    clv.QUESTION,
    compare.QUESTION,
    changes.QUESTION,
)

BY_NAME: dict[str, Question] = {question.name: question for question in QUESTIONS}
