"""One file per question. ``QUESTIONS`` lists them in the order in which a newcomer would ask."""

from __future__ import annotations

from assay.analyses import metric
from assay.analyses.base import Question

QUESTIONS: tuple[Question, ...] = (metric.QUESTION,)

BY_NAME: dict[str, Question] = {question.name: question for question in QUESTIONS}
