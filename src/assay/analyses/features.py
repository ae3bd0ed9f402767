"""features: how many of the active use a feature, and whether those who use it early convert more later."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import Field

from assay.analyses.base import Asking, Question, Ranged, argument
from assay.analyses.behaviour import Unit, difference, rows_named, said, seconds
from assay.decide.words import percent, points
from assay.model.answer import Answer, Column, Definition, Labelled
from assay.model.errors import UsageError
from assay.model.finding import Finding
from assay.plan.measures import PLURALS

if TYPE_CHECKING:
    from assay.query.cut import Cut
    from assay.query.features import Landmark


class Params(Ranged):
    """Which features; what using one is; which outcome it is held against."""

    names: list[str] = argument("events or goals that stand for features", many=True)
    at_least: int = Field(1, ge=1, le=10**6, description="uses that make a user of the feature")
    per: Unit = Field("user", description="visitor, user or account")
    goal: str | None = Field(None, description="goal or event of the outcome; default: the plan's macro goal")
    start: str | None = Field(None, description="goal or event that the first days count from; default: first activity")
    first: str = Field("7d", description="use in the first days counts, such as 7d")
    within: str = Field("30d", description="outcomes so long after those days count")


def answer(asking: Asking, params: Params) -> Answer:
    """One row per feature: users among the active; later conversion of early users and of the others."""
    from assay.query.cut import Cut

    if not params.names:
        raise UsageError("features needs the events of one or more features, such as  assay features search")
    selects = {name: rows_named(asking.plan, name) for name in params.names}
    goal, mark = _landmark(asking, params)
    period = asking.period(params)
    if asking.without(period):
        return asking.empty("features", params, period)
    cut = Cut(period, where=asking.segment(params.segment), matured_by=asking.matured_by())
    definitions = _definitions(asking, params, goal)
    rows: list[tuple[Any, ...]] = []
    labelled: list[Labelled] = []
    for name, select in selects.items():
        row, more = _feature(asking, params, cut, name, select, mark)
        rows.append(row)
        labelled += more
    if not rows[0][1]:
        words = f"nobody was active in {period}"
        return replace(
            asking.empty("features", params, period), empty=words, sentence=f"{words[0].upper()}{words[1:]}."
        )
    rows.sort(key=lambda row: (-row[2], row[0]))
    notes = [f"active: {said(asking.plan, None)}"]
    if goal is not None:
        notes += [
            f"outcome: {goal} within {params.within} after the first {params.first}, among those without it until then",
            "an association, not an effect: who uses a feature early may differ in other ways",
        ]
    open_ = goal is not None and all(row[10] == row[14] == 0 for row in rows)
    again = _closed(asking, params, mark) if open_ and mark is not None else None
    return asking.answer(
        "features",
        params,
        columns=_columns(params, definitions, goal, open_),
        rows=tuple(rows),
        estimates=tuple(labelled),
        definitions=definitions,
        sentence=_sentence(params, rows, goal, str(period)),
        findings=(_too_short(params, goal),) if open_ else (),
        notes=tuple(notes),
        next=(*([again] if again else []), "assay lifecycle", f"assay retention --start {params.names[0]}"),
        chart={"kind": "bars", "x": "feature", "y": "usage"},
    )


def _landmark(asking: Asking, params: Params) -> tuple[str | None, Landmark | None]:
    from assay.query.features import Landmark

    plan = asking.plan
    goal = params.goal or next((one.name for one in plan.goals.values() if one.kind == "macro"), None)
    first, within = seconds(params.first, "first"), seconds(params.within, "within")
    start = None if params.start is None else rows_named(plan, params.start)
    return goal, None if goal is None else Landmark(start, rows_named(plan, goal), first, within)


def _feature(
    asking: Asking, params: Params, cut: Cut, name: str, select: Any, mark: Landmark | None
) -> tuple[tuple[Any, ...], list[Labelled]]:
    from assay.query.features import FeatureQuery
    from assay.stats.proportions import wilson

    query = FeatureQuery(asking.plan, cut, select, params.per, params.at_least)
    active, users, uses = asking.ask(query.usage()).one()
    usage = wilson(users, active)
    row = (name, active, users, usage.value, usage.low, usage.high, uses / users if users else None)
    labelled = [Labelled("usage", {"feature": name}, usage)]
    if mark is None:
        return row, labelled
    found = {bool(used): (units, late) for used, units, late in asking.ask(query.landmark(mark)).rows}
    sides = []
    for used, side in ((True, "early"), (False, "others")):
        units, late = found.get(used, (0, 0))
        sides.append(wilson(late, units))
        labelled.append(Labelled(side, {"feature": name}, sides[-1]))
    early, others = sides
    delta = difference(early, others)
    labelled.append(Labelled("difference", {"feature": name}, delta))
    more = (
        early.value,
        early.low,
        early.high,
        early.denominator,
        others.value,
        others.low,
        others.high,
        others.denominator,
    )
    return (*row, *more, delta.value, delta.low, delta.high), labelled


def _too_short(params: Params, goal: str | None) -> Finding:
    text = (
        f"who converts more cannot be said yet: nobody who began in the range without {goal} "
        f"has been followed for {params.first} and {params.within} more"
    )
    return Finding("window_open", "info", text, {"first": params.first, "within": params.within})


def _closed(asking: Asking, params: Params, mark: Landmark) -> str:
    """The same question over starts whose windows have closed; with shorter windows where the data are too few."""
    from assay.model.period import day_of

    words = " ".join(["assay features", *params.names, *(["--goal", params.goal] if params.goal else [])])
    begin = asking.span.first if asking.span else None
    last = day_of(asking.matured_by() - (mark.first + mark.within) * 1_000_000, asking.plan.site.timezone)
    if begin is None or last - timedelta(1) < begin:
        return f"{words} --first 1d --within 7d"
    given = {name: getattr(params, name) for name in ("first", "within") if name in params.model_fields_set}
    return " ".join([f"{words} --from {begin} --to {last - timedelta(1)}", *(f"--{n} {v}" for n, v in given.items())])


def _columns(params: Params, definitions: tuple[Definition, ...], goal: str | None, open_: bool) -> tuple[Column, ...]:
    usage = definitions[0].id
    found = (
        Column("feature"),
        Column("active", "count", f"active {PLURALS[params.per]}"),
        Column("users", "count", "use it"),
        Column("usage", "rate", "usage", usage),
        Column("usage_low", "rate", "from", usage, detail=True),
        Column("usage_high", "rate", "to", usage, detail=True),
        Column("uses_per_user", "number", "uses each"),
    )
    if goal is None:
        return found
    rate = definitions[1].id
    return (
        *found,
        Column("early", "rate", "early users convert", rate, detail=open_),
        Column("early_low", "rate", "from", rate, detail=True),
        Column("early_high", "rate", "to", rate, detail=True),
        Column("early_units", "count", "early users", detail=True),
        Column("others", "rate", "others convert", rate, detail=open_),
        Column("others_low", "rate", "from", rate, detail=True),
        Column("others_high", "rate", "to", rate, detail=True),
        Column("others_units", "count", "others", detail=True),
        Column("difference", "points", detail=open_),
        Column("difference_low", "points", "from", detail=open_),
        Column("difference_high", "points", "to", detail=open_),
    )


def _definitions(asking: Asking, params: Params, goal: str | None) -> tuple[Definition, ...]:
    from assay.query.sql import digest

    plan, units = asking.plan, PLURALS[params.per]
    zone, active = plan.site.timezone, said(plan, None)
    most = f"at least {params.at_least} use{'s' if params.at_least > 1 else ''}"
    top, below = f"active {units} with {most} of the feature", f"active {units} ({active})"
    meaning = (params.per, params.at_least, repr(plan.activity), zone)
    usage = Definition(
        digest("usage", *meaning), "usage", f"{top} / {below}", top, below, params.per, "", zone, {"active": active}
    )
    if goal is None:
        return (usage,)
    start = params.start or "the first activity"
    below = f"{units} without {goal} until {params.first} after {start}, by use in that time; window closed"
    top = f"those of them with {goal} within {params.within} after that"
    later = Definition(
        digest("landmark", *meaning, goal, params.start, params.first, params.within), "early", f"{top} / {below}",
        top, below, params.per, params.within, zone, {"kind": "association"},
    )  # fmt: skip
    return usage, later


def _sentence(params: Params, rows: list[tuple[Any, ...]], goal: str | None, period: str) -> str:
    row = rows[0]
    text = f"{row[0]} is used by {percent(row[3])} of {row[1]:,} active {PLURALS[params.per]}"
    if goal is not None and row[15] is not None:
        side = "more" if row[15] > 0 else "less"
        text += f"; who uses it in the first {params.first} reaches {goal} later {points(row[15])} {side} often"
        if row[16] is not None and row[16] <= 0 <= row[17]:
            text += ", which may be chance"
    return f"{text}, {period}."


QUESTION = Question("features", "Who uses a feature, and whether early users convert more.", Params, answer)
