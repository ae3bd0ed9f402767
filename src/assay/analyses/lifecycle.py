"""lifecycle: new, returning, resurrected and dormant per period; product churn, growth ratio, stickiness."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING, Any

from pydantic import Field

from assay.analyses.base import Asking, Question, Ranged
from assay.analyses.behaviour import Grain, Unit, period_name, rows_or_activity, said, whole_periods
from assay.decide.words import percent
from assay.model.answer import Answer, Column, Definition, Labelled
from assay.model.estimate import Estimate
from assay.plan.measures import PLURALS

if TYPE_CHECKING:
    from assay.query.lifecycle import Active, Daily


class Params(Ranged):
    """What active means, and in which periods."""

    event: str | None = Field(None, description="event or goal that makes active; default: what the plan calls active")
    period: Grain = Field("week", description="day, week or month of the site's zone")
    per: Unit = Field("user", description="visitor, user or account")


def answer(asking: Asking, params: Params) -> Answer:
    """One row per period: active = new + returning + resurrected; dormant were active in the period before only."""
    from assay.query.cut import Cut
    from assay.query.lifecycle import LifecycleQuery

    plan = asking.plan
    active = rows_or_activity(plan, params.event)
    period = whole_periods(asking, params, params.period)
    if asking.without(period):
        return asking.empty("lifecycle", params, period)
    query = LifecycleQuery(plan, Cut(period, where=asking.segment(params.segment)), active, params.per, params.period)
    found = query.read(asking.ask(query.statement_for()))
    definitions = _definitions(asking, params)
    if not any(one.all for one in found.values()):
        words = f"nobody did {said(plan, params.event)} in {period}"
        empty = asking.empty("lifecycle", params, period)
        return replace(empty, empty=words, sentence=f"{words[0].upper()}{words[1:]}.", definitions=definitions)
    daily = query.read_days(asking.ask(query.days()))
    rows, labelled = _rows(asking, params, period.first, period.last, found, daily)
    return asking.answer(
        "lifecycle",
        params,
        columns=_columns(params, definitions),
        rows=tuple(rows),
        estimates=tuple(labelled),
        definitions=definitions,
        sentence=_sentence(params, rows, str(period)),
        notes=(
            f"active: {said(plan, params.event)}; active = new + returning + resurrected",
            "new is as far back as the data reach; a period that is not over has no churn yet",
        ),
        next=("assay retention", *(f"assay features {name}" for name in _feature(asking))),
        chart={"kind": "lifecycle", "x": "period", "y": ["new", "returning", "resurrected", "dormant"]},
    )


def _feature(asking: Asking) -> list[str]:
    """A goal on the way that may stand for a feature."""
    return [goal.name for goal in asking.plan.goals.values() if goal.kind == "micro"][:1]


def _rows(
    asking: Asking, params: Params, first: Any, last: Any, found: dict[int, Active], daily: Daily
) -> tuple[list[tuple[Any, ...]], list[Labelled]]:
    from assay.query.lifecycle import Active
    from assay.query.periods import end_of, number_of, start_of

    plan, grain = asking.plan, params.period
    rows: list[tuple[Any, ...]] = []
    labelled = []
    for number in range(number_of(first, grain, plan), number_of(last, grain, plan) + 1):
        one, before = found.get(number, Active()), found.get(number - 1, Active()).all
        dormant = before - one.returning
        over = end_of(number, grain, plan) <= asking.matured_by()
        name = period_name(start_of(number, grain, plan), grain)
        churn = _churn(dormant, before, over)
        growth = (one.new + one.resurrected) / dormant if over and dormant else None
        labelled.append(Labelled("churn", {"period": name}, churn))
        counts = (one.all, one.new, one.returning, one.resurrected, dormant)
        sticky = _sticky(asking, params, number, one.all, daily, over)
        rows.append((name, *counts, churn.value, churn.low, churn.high, growth, *sticky, over))
    return rows, labelled


def _churn(dormant: int, before: int, over: bool) -> Estimate:
    from assay.stats.proportions import wilson

    if not over:
        return Estimate.none("the period is not over yet", dormant, before)
    return (
        wilson(dormant, before) if before else Estimate.none("nobody was active in the period before", dormant, before)
    )


def _sticky(asking: Asking, params: Params, number: int, active: int, daily: Daily, over: bool) -> tuple[Any, ...]:
    """A day: units of its 7 and 30 days, its share of both. A week or month: the mean day, its share of the units.

    A share of days that the data do not reach back to is none.
    """
    from assay.query.lifecycle import MONTH, WEEK
    from assay.query.periods import number_of, start_of

    plan = asking.plan
    begun = number_of(asking.span.first, "day", plan) if asking.span else number
    if params.period == "day":
        day, week, month = daily.day.get(number, 0), daily.week.get(number, 0), daily.month.get(number, 0)
        of_week = day / week if week and over and number - WEEK + 1 >= begun else None
        return week, month, of_week, day / month if month and over and number - MONTH + 1 >= begun else None
    first, after = (number_of(start_of(n, params.period, plan), "day", plan) for n in (number, number + 1))
    mean = fmean(daily.day.get(n, 0) for n in range(max(first, min(begun, after - 1)), after))
    return (mean, mean / active) if active and over else (None, None)


def _columns(params: Params, definitions: tuple[Definition, ...]) -> tuple[Column, ...]:
    churn, sticky = definitions
    days: tuple[Column, ...]
    if params.period == "day":
        days = (
            Column("wau", "count", "active in 7 days", detail=True),
            Column("mau", "count", "active in 30 days", detail=True),
            Column("dau_wau", "rate", "day / 7 days", sticky.id, detail=True),
            Column("stickiness", "rate", "stickiness", sticky.id),
        )
    else:
        days = (
            Column("average_dau", "number", "mean active per day", detail=True),
            Column("stickiness", "rate", "stickiness", sticky.id),
        )
    return (
        Column("period"),
        *(Column(name, "count") for name in ("active", "new", "returning", "resurrected", "dormant")),
        Column("churn", "rate", "churn", churn.id),
        Column("churn_low", "rate", "from", churn.id),
        Column("churn_high", "rate", "to", churn.id),
        Column("growth", "number", "growth ratio"),
        *days,
        Column("complete", "flag", detail=True),
    )


def _definitions(asking: Asking, params: Params) -> tuple[Definition, Definition]:
    from assay.query.sql import digest

    plan, units, grain = asking.plan, PLURALS[params.per], params.period
    active = said(plan, params.event)
    below = f"{units} active in the {grain} before"
    if grain == "day":
        top, under = f"{units} active on the day", f"{units} active in the 30 days that end with it"
    else:
        top, under = f"mean of {units} active per day", f"{units} active in the {grain}"
    rules = {"active": active, "week_start": plan.site.week_start}
    zone = plan.site.timezone
    meaning = ("lifecycle", params.per, grain, active, repr(plan.activity), zone, rules)
    lost = f"{below} and not in this one"
    return (
        Definition(
            digest("churn", *meaning), "churn", f"{lost} / {below}", lost, below, params.per, grain, zone, rules
        ),
        Definition(
            digest("stickiness", *meaning), "stickiness", f"{top} / {under}", top, under, params.per, grain, zone, rules
        ),
    )  # fmt: skip


def _sentence(params: Params, rows: list[tuple[Any, ...]], period: str) -> str:
    over = [row for row in rows if row[-1]]
    if not over:
        return f"No {params.period} is over yet, {period}."
    row, units = over[-1], PLURALS[params.per]
    when = {"day": f"on {row[0]}", "week": f"in the week of {row[0]}", "month": f"in {row[0]}"}[params.period]
    text = f"{row[1]:,} {units} were active {when}"
    text += f" ({row[2]:,} new, {row[3]:,} returning, {row[4]:,} resurrected)"
    if row[6] is not None:
        text += f"; {percent(row[6])} of those of the {params.period} before were not"
    return f"{text}."


QUESTION = Question(
    "lifecycle", "New, returning, resurrected and dormant; churn and stickiness.", Params, answer, over_days=True
)
