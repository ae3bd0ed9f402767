"""The questions that a report asks. An answer that cannot be had leaves its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

from assay.model.answer import Answer
from assay.model.errors import AssayError, MachineError
from assay.report.brief import Brief

Ask = Callable[..., Answer]
Wish = tuple[str, str, dict[str, Any]]  # key, question, parameters
_WEEKS = 13
_MOST_WHY = 8  # KPIs whose change is taken apart
_MOST_TESTS = 8


def _quiet(_text: str, _done: int, _total: int) -> None:
    """No progress shown."""


def gathered(ask: Ask, brief: Brief, progress: Callable[[str, int, int], None] = _quiet) -> dict[str, Answer]:
    """Every answer by its key, asked one after the other."""
    found: dict[str, Answer] = {}

    def have(wishes: list[Wish], done: int, total: int) -> None:
        for n, (key, question, params) in enumerate(wishes):
            progress("asking for the report", done + n, total)
            found[key] = _asked(ask, question, params)

    first = list(_experiment(brief)) if brief.experiment else list(_all(brief))
    have(first, 0, len(first) * 3)
    more = list(_more(brief, found))
    have(more, len(first), len(first) + len(more))
    progress("asking for the report", 1, 1)
    return found


def _asked(ask: Ask, question: str, params: dict[str, Any]) -> Answer:
    try:
        return ask(question, **params)
    except MachineError:
        raise
    except AssayError as error:  # this question cannot be asked of this plan: the report says so
        return Answer(question, params, empty=str(error), sentence="")


def _all(brief: Brief) -> Iterator[Wish]:
    span = brief.span
    yield "overview", "overview", dict(span)
    yield "pace", "pace", {}
    yield "experiment", "experiment", {}
    yield "value", "experiment-value", {}
    yield "backlog", "backlog", {"limit": 5}
    yield "changes", "changes", dict(span)
    yield "quality", "quality", {}


def _experiment(brief: Brief) -> Iterator[Wish]:
    assert brief.experiment is not None
    yield "experiment", "experiment", {}
    yield f"readout:{brief.experiment}", "experiment-readout", {"name": brief.experiment}
    yield f"segments:{brief.experiment}", "experiment-readout", {"name": brief.experiment, "by": ["device"]}
    yield "learnings", "learnings", {}


def _more(brief: Brief, found: dict[str, Answer]) -> Iterator[Wish]:
    """What follows from the first answers: the days, which tests there are."""
    overview = found.get("overview")
    if overview is None or overview.period is None or overview.empty:
        return
    first, last = overview.period
    span = {"from": str(first), "to": str(last)}
    weeks = _weeks(last, brief)
    for n, (name, _goal, _direction, _guardrail) in enumerate(brief.kpis):
        if n < _MOST_WHY:
            yield f"why:{name}", "why", {"name": name, **span}
        yield f"trend:{name}", "metric", {"names": [name], "grain": "week", **weeks}
        yield f"by:{name}", "metric", {"names": [name], "by": ["channel"], "limit": 8, **span}
    if "experiment" in found and found["experiment"].rows:
        names = [str(one) for one in found["experiment"].column("experiment")]
        states = found["experiment"].column("state")
        begun = [name for name, state in zip(names, states, strict=True) if state != "draft"]
        for name in begun[-_MOST_TESTS:]:
            yield f"readout:{name}", "experiment-readout", {"name": name}
    for name in brief.funnels[:1]:
        yield f"opportunity:{name}", "opportunity", {"name": name, **span}


def _weeks(last: date, brief: Brief) -> dict[str, str]:
    """The last whole weeks of the data up to a day; the days up to it where there is none."""
    begin = 0 if brief.week_start == "monday" else 6
    following = last + timedelta(1)
    end = following - timedelta((following.weekday() - begin) % 7)
    first = end - timedelta(7 * _WEEKS)
    if brief.begin:
        data = date.fromisoformat(brief.begin)
        first = max(first, data + timedelta((begin - data.weekday()) % 7))
    if first >= end:
        return {"to": str(last)}
    return {"from": str(first), "to": str(end - timedelta(1))}
