"""features: how many of the active use a feature, and whether those who use it early convert more later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
        others = [other for other_name, other in selects.items() if other_name != name]
        row, more = _feature(asking, params, cut, name, select, mark, others)
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
            "equally active: as many active events in those first days, the other features asked for used alike",
        ]
    told = [_said(row, goal) for row in rows if goal is not None]
    rows = [row[:21] for row in rows]
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
        findings=(_too_short(params, goal),) if open_ else tuple(one for one in told if one is not None),
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
    asking: Asking, params: Params, cut: Cut, name: str, select: Any, mark: Landmark | None, others: list[Any]
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
    counted = asking.ask(query.landmark(mark, others)).rows
    found: dict[bool, tuple[int, int]] = {}
    for used, *_, units, late in counted:
        before = found.get(bool(used), (0, 0))
        found[bool(used)] = (before[0] + units, before[1] + late)
    sides = []
    for used, side in ((True, "early"), (False, "others")):
        units, late = found.get(used, (0, 0))
        sides.append(wilson(late, units))
        labelled.append(Labelled(side, {"feature": name}, sides[-1]))
    early, late_ones = sides
    delta = difference(early, late_ones)
    labelled.append(Labelled("difference", {"feature": name}, delta))
    more = (
        early.value,
        early.low,
        early.high,
        early.denominator,
        late_ones.value,
        late_ones.low,
        late_ones.high,
        late_ones.denominator,
    )
    equal = held_equal(counted)
    odds = (None, None, None) if equal is None else equal.odds
    return (*row, *more, delta.value, delta.low, delta.high, *odds, equal), labelled


_EACH = 16  # numbers of active events up to this one are told apart one by one, more by steps of √2


@dataclass(frozen=True)
class Equal:
    """Early users over the others: odds ratio (and interval) and z, as they are and among equally active units."""

    naive: tuple[float, float]
    odds: tuple[float, float, float]
    z: float


def held_equal(counted: Sequence[Sequence[Any]]) -> Equal | None:
    """From rows (used, activity, other features …, units, converted).

    None where one side is empty or nobody, or everybody, converts.
    """
    import math

    import numpy as np

    from assay.stats.logistic import added, design, effect, fit

    used, busy, n, y = (np.array([float(row[i]) for row in counted]) for i in (0, 1, -2, -1))
    width = len(counted[0]) if counted else 4
    if not (0 < y.sum() < n.sum() and 0 < n[used > 0].sum() < n.sum()):
        return None
    strata = np.array([int(b) if b <= _EACH else _EACH + int(2 * math.log2(b / _EACH)) for b in busy], dtype=np.int64)
    features = [np.array([int(row[i]) for row in counted], dtype=np.int64) for i in range(2, width - 2)]
    plain, equal = (fit(made, y, n) for made in (np.ones((len(n), 1)), design([strata, *features])))
    raw, score = effect(plain, used, y, n), effect(equal, used, y, n)
    if raw is None or score is None:
        return None
    one = added(equal, used, y, n)
    half = 1.96 * one.variance**0.5
    odds = tuple(math.exp(max(-20.0, min(20.0, one.log_odds + side))) for side in (0.0, -half, half))
    naive = math.exp(max(-20.0, min(20.0, added(plain, used, y, n).log_odds)))
    return Equal((naive, raw.z), (odds[0], odds[1], odds[2]), score.z)


def _said(row: Sequence[Any], goal: str) -> Finding | None:
    from assay.decide.checks import feature

    equal: Equal | None = row[21] if len(row) > 21 else None
    if equal is None:
        return None
    return feature.held_equal(row[0], goal, equal.naive, (equal.odds[0], equal.z), equal.odds[1], equal.odds[2])


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
        Column("odds_equal", "number", "odds, equally active", rate, detail=open_),
        Column("odds_equal_low", "number", "from", rate, detail=True),
        Column("odds_equal_high", "number", "to", rate, detail=True),
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


QUESTION = Question(
    "features", "Who uses a feature, and whether early users convert more.", Params, answer, over_days=True
)
