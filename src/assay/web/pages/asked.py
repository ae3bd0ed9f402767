"""Ask: any question with any parameters, so that every command that an answer recommends is a link."""

from __future__ import annotations

from collections.abc import Sequence

from assay.analyses import BY_NAME
from assay.model.errors import UnknownName
from assay.plan.values import Plan
from assay.web.pages.base import Card, Page, View


def cards(plan: Plan, view: View) -> Sequence[Card]:
    """The card of the question that the address names. Raises UnknownName."""
    del plan
    from assay.web.api import offered, remote

    name = view.own.get("question", "")
    if name not in BY_NAME or not offered(BY_NAME[name]):
        raise UnknownName("question", name, [one for one in BY_NAME if offered(BY_NAME[one])], "assay")
    question = BY_NAME[name]
    fields = remote(question.Params)
    values = {key: value for key, value in view.own.items() if key in fields}
    return [Card(question.summary.rstrip("."), name, values, about="the answer to this question")]


PAGE = Page("ask", "Answer", "", cards)
