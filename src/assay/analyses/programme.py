"""programme: testing as a business: tests a month, time to a decision, how many win, what it costs and brings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from statistics import median
from typing import TYPE_CHECKING

from pydantic import Field

from assay.analyses.base import Asking, Params, Question
from assay.decide.words import amount, percent
from assay.model.answer import Answer, Cell, Column
from assay.model.period import day_of

if TYPE_CHECKING:
    from assay.analyses.experimenting.runs import Run

DAY = 86_400_000_000  # µs


class ProgrammeParams(Params):
    """How far back."""

    months: int = Field(12, ge=1, le=120, description="calendar months, the running one included")


@dataclass(frozen=True)
class Held:
    """One test that was started. Days of the site's zone; money in its currency."""

    name: str
    started: date
    decided: date | None
    won: bool
    days: float | None  # from start to decision
    cost: Decimal | None
    proven: Decimal | None  # expected a year, by the reading that the decision stands on


def answer(asking: Asking, params: ProgrammeParams) -> Answer:
    """One row per month: started, decided, won, the median days to a decision, cost, and money proven."""
    months = _months(asking.today, params.months)
    held = [one for one in _held(asking) if (one.decided or one.started) >= months[0]]
    currency = asking.plan.site.currency
    columns = (
        Column("month", "day"), Column("started", "count"), Column("decided", "count"), Column("won", "count"),
        Column("win_rate", "rate"), Column("days", "number", "median days to a decision"),
        Column("cost", "money", currency=currency),
        Column("proven", "money", "proven a year", currency=currency),
    )  # fmt: skip
    if not held:
        return asking.answer(
            "programme", params, columns=columns, empty="no test was started in these months",
            sentence="No test was started in these months.", next=("assay experiment", "assay backlog"),
        )  # fmt: skip
    first = min(one.started for one in held).replace(day=1)
    rows = [_row(month, held) for month in months if month >= first]
    return asking.answer(
        "programme",
        params,
        columns=columns,
        rows=tuple(rows),
        sentence=_sentence(held, months, currency),
        notes=(
            "a test belongs to the month of its decision, and is started in that of its start; won: decided to ship",
            "proven: what the reading behind the decision expects a year, drawn toward the prior",
            "cost: the key cost of the tests that were decided; tests without it count as nothing",
        ),
        next=("assay experiment value", "assay learnings"),
        chart={"kind": "bars", "x": "month", "y": "decided"},
    )


def _months(today: date, many: int) -> list[date]:
    """First days of the months, the oldest first."""
    last = today.year * 12 + today.month - 1
    return [date(number // 12, number % 12 + 1, 1) for number in range(last - many + 1, last + 1)]


def _held(asking: Asking) -> list[Held]:
    from assay.analyses.experimenting.runs import log, run_of

    found = []
    for name, entries in log(asking.state).items():
        run = run_of(asking, name, entries)
        if run.start is not None:
            found.append(_one(asking, run))
    return found


def _one(asking: Asking, run: Run) -> Held:
    zone, decision = asking.plan.site.timezone, run.decision
    planned = asking.plan.experiments.get(run.name)
    assert run.start is not None
    won = decision is not None and decision.detail["decision"] == "ship"
    money = (decision.detail.get("money") or {}).get("expected") if decision is not None and won else None
    return Held(
        run.name, day_of(run.start, zone), day_of(decision.at, zone) if decision else None, won,
        (decision.at - run.start) / DAY if decision else None,
        Decimal(repr(planned.cost)) if planned is not None and planned.cost is not None else None,
        None if money is None else Decimal(money),
    )  # fmt: skip


def _row(month: date, held: Sequence[Held]) -> tuple[Cell, ...]:
    here = [one for one in held if one.decided is not None and one.decided.replace(day=1) == month]
    started = sum(one.started.replace(day=1) == month for one in held)
    won = sum(one.won for one in here)
    return (
        month, started, len(here), won, won / len(here) if here else None, _days(here), _sum(one.cost for one in here),
        _sum(one.proven for one in here),
    )  # fmt: skip


def _days(held: Sequence[Held]) -> float | None:
    days = [one.days for one in held if one.days is not None]
    return round(median(days), 6) if days else None


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    known = [one for one in values if one is not None]
    return sum(known, Decimal(0)) if known else None


def _sentence(held: Sequence[Held], months: Sequence[date], currency: str) -> str:
    decided = [one for one in held if one.decided is not None]
    running = len(held) - len(decided)
    more = f"; {running} not decided yet" if running else ""
    plural = "s" if len(months) > 1 else ""
    if not decided:
        return f"No test was decided in {len(months)} month{plural}{more}."
    won, days = sum(one.won for one in decided), _days(decided)
    cost, proven = _sum(one.cost for one in decided), _sum(one.proven for one in decided)
    said = f"{len(decided)} test{'s' if len(decided) > 1 else ''} decided in {len(months)} month{plural}, "
    said += f"{len(decided) / len(months):.1f} a month; {won} won ({percent(won / len(decided))})"
    said += f", {days:.0f} days to a decision" if days is not None else ""
    if proven is not None:
        said += f"; proven {amount(proven, currency, whole=100)} a year"
        said += f" for {amount(cost, currency, whole=100)}" if cost else ""
    return f"{said}{more}."


QUESTION = Question(
    "programme", "Tests a month, time to a decision, win rate, cost and proven value.", ProgrammeParams, answer,
    needs_data=False,
)  # fmt: skip
