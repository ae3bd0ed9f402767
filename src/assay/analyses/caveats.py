"""What a reader must know about a range: days still running, too little data before, short history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from assay.analyses.base import Asking, Question
from assay.decide.words import percent
from assay.model.answer import Answer
from assay.model.finding import Finding
from assay.plan.values import Metric

if TYPE_CHECKING:
    from assay.model.period import Period

HISTORY_DAYS = 90  # of data before the range, until "new" and "returning" can be told apart


def range_caveats(
    asking: Asking, period: Period, previous: Period | None, metrics: Sequence[Metric], names: Iterable[str] = ()
) -> list[Finding]:
    """Findings about the range itself, before any number is judged."""
    found = []
    if period.last >= asking.today:
        text = f"{asking.today} is still running: its numbers are partial"
        found.append(Finding("partial_day", "warning", text, {"day": str(asking.today)}, "end the range yesterday"))
    span = asking.span
    if span is None:
        return found
    if previous is not None and previous.first < span.first:
        missing = min((span.first - previous.first).days, previous.days)
        of = "all" if missing == previous.days else f"{missing} of the {previous.days}"
        text = f"the data begin on {span.first}: {of} days compared with have none"
        found.append(Finding("before_the_data", "warning", text, {"days_without_data": missing}))
    used = {*names, *(name for metric in metrics for name in _names(metric))}
    if used & {"is_new", "customer"} and (period.first - span.first).days < HISTORY_DAYS:
        text = f"the data begin on {span.first}: whoever came earlier counts as new, so new is over-stated"
        found.append(Finding("short_history", "info", text, {"first_day": str(span.first)}))
    return found


_PEOPLE = ("visitor", "user", "account")


def daily_ids(asking: Asking, question: Question, answer: Answer) -> Answer:
    """The answer, with a word on visitors whose id holds for a day only, where they bias it."""
    from assay.query.relations import daily_visitors

    followed = question.over_days or any(one.unit in _PEOPLE for one in answer.definitions)
    if asking.span is None or answer.empty or not followed:
        return answer
    daily, all_ = asking.run(daily_visitors()).one()
    if not daily:
        return answer
    text = (
        f"{percent(daily / all_)} of all visitors have an id of one day only (no consent, no id of their own): "
        "visitors count higher than there are people, and who comes back or converts later is not seen"
    )
    finding = Finding("daily_ids", "info", text, {"visitors": all_, "daily": daily}, "compare days, not longer spans")
    return replace(answer, findings=(*answer.findings, finding))


def covered(asking: Asking, previous: Period | None) -> bool:
    """True when the data cover the whole period that is compared with."""
    return previous is not None and asking.span is not None and previous.first >= asking.span.first


def _names(metric: Metric) -> set[str]:
    quantity = metric.quantity
    selects = [m.select for m in (quantity.numerator, quantity.denominator) if m] + (
        [quantity.start] if quantity.start else []
    )
    return {name for select in selects if select.where for name in select.where.names}
