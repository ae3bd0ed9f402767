"""retention: who comes back, cohort by cohort, and the average curve."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from assay.analyses.base import Asking, Question, Ranged
from assay.analyses.behaviour import Grain, Unit, group_of, period_name, rows_or_activity, said, whole_periods
from assay.analyses.estimates import clustered_share
from assay.decide.words import percent
from assay.model.answer import Answer, Cell, Column, Definition, Labelled
from assay.model.errors import UsageError
from assay.model.estimate import Estimate
from assay.model.period import DAY_US
from assay.plan.measures import PLURALS

if TYPE_CHECKING:
    from assay.model.moments import Moments
    from assay.query.retention import Asked, Cohort, RetentionQuery

_NEVER = 400  # most periods followed
AVERAGE = "average"


class Params(Ranged):
    """Who starts, who returns, and how returning is counted."""

    start: str | None = Field(None, description="event or goal that begins it; default: what the plan calls active")
    back: str | None = Field(None, alias="return", description="event or goal of the return; default: as the start's")
    period: Grain = Field("week", description="day, week or month of the site's zone")
    periods: int = Field(8, ge=1, le=_NEVER, description="how many periods after the first are followed")
    cohort: Literal["recurring", "first"] = Field(
        "recurring", description="every period in which a unit starts, or only its first start ever"
    )
    rule: Literal["exact", "bracket", "unbounded"] = Field(
        "exact", description="returned in the period, in any period of a bracket, or then or later"
    )
    cumulative: bool = Field(False, description="then or later: the same as --rule unbounded")
    brackets: list[str] = Field(default_factory=list, description="for --rule bracket, such as 1,2-7,8-30")
    rolling: bool = Field(False, description="windows of 24 h (7 or 30 times that) from each unit's own start")
    per: Unit = Field("visitor", description="visitor, user or account")
    by: list[str] = Field(default_factory=list, description="dimension or declared property at the start")
    groups: int = Field(10, ge=1, le=1000, description="with --by: most groups, the largest first")


@dataclass(frozen=True)
class _Table:
    """What the rows of one answer share."""

    params: Params
    names: tuple[str, ...]  # of the columns after the cohort
    ends: dict[int, list[bool]]  # cohort → per column (0 first): is it over


def answer(asking: Asking, params: Params) -> Answer:
    """One row per cohort: its size, then per period the share that returned; first the average over all cohorts."""
    from assay.query.cut import Cut
    from assay.query.periods import number_of
    from assay.query.retention import RetentionQuery

    plan = asking.plan
    asked = _asked(asking, params)
    period = whole_periods(asking, params, params.period)
    if asking.without(period):
        return asking.empty("retention", params, period)
    query = RetentionQuery(plan, Cut(period, tuple(params.by), where=asking.segment(params.segment)), asked)
    definition = _definition(asking, params)
    cohorts = range(number_of(period.first, params.period, plan), number_of(period.last, params.period, plan) + 1)
    table = _Table(params, tuple(_names(asked)), {c: _over(asking, asked, c) for c in cohorts})
    found, clusters = _found(asking, query, table)
    if not found:
        words = f"nobody did {said(plan, params.start)} in {period}"
        empty = asking.empty("retention", params, period)
        return replace(empty, empty=words, sentence=f"{words[0].upper()}{words[1:]}.", definitions=(definition,))
    rows: list[tuple[Cell, ...]] = []
    labelled: list[Labelled] = []
    kept = sorted(found, key=lambda g: (-sum(c.size for c in found[g].values()), tuple(str(v) for v in g)))
    for group in kept[: params.groups]:
        more, estimates = _rows(asking, table, group, found[group], cohorts, clusters.get(group))
        rows += more
        labelled += estimates
    return asking.answer(
        "retention",
        params,
        columns=_columns(table, definition, len(params.by), rows),
        rows=tuple(rows),
        estimates=tuple(labelled),
        definitions=(definition,),
        sentence=_sentence(params, labelled, str(period)),
        notes=tuple(_notes(params, definition, len(kept))),
        next=tuple(_next(params)),
        chart={"kind": "retention", "x": "period", "y": "share", "periods": [0, *table.names], "by": list(params.by)},
    )


def _found(
    asking: Asking, query: RetentionQuery, table: _Table
) -> tuple[dict[tuple[Any, ...], dict[int, Cohort]], dict[tuple[Any, ...], list[Moments]]]:
    """Group → cohorts, and group → per column the moments of the average where a unit may be in several cohorts."""
    from assay.query import masks

    lasts = [_last_over(table, j) for j in range(1, len(table.names) + 1)]
    if masks.fits(query):
        masked = masks.read(query, asking.ask(masks.statement(query)), lasts)
        if masked is not None:
            return ({(): masked.cohorts}, {(): masked.moments}) if masked.cohorts else ({}, {})
    found = query.read(asking.ask(query.statement_for()))
    recurring = found and table.params.cohort == "recurring"
    return found, query.read_clusters(asking.ask(query.clusters(lasts))) if recurring else {}


def _asked(asking: Asking, params: Params) -> Asked:
    from assay.query.retention import Asked

    unbounded = params.cumulative or params.rule == "unbounded"
    if params.cumulative and params.rule != "unbounded" and "rule" in params.model_fields_set:
        raise UsageError(f"--rule {params.rule} and --cumulative at once: choose one")
    if params.brackets and params.rule != "bracket":
        raise UsageError("--brackets needs --rule bracket")
    if params.rule == "bracket":
        columns = _brackets(params.brackets)
    else:
        columns = tuple((j, j) for j in range(1, params.periods + 1))
    start = rows_or_activity(asking.plan, params.start)
    back = start if params.back is None else rows_or_activity(asking.plan, params.back)
    return Asked(
        start, back, params.per, params.period, columns, params.cohort == "first", unbounded, params.rolling
    )  # fmt: skip


def _brackets(texts: list[str]) -> tuple[tuple[int, int], ...]:
    """``1``, ``2-7`` → (1, 1), (2, 7); in order, without overlap."""
    if not texts:
        raise UsageError("--rule bracket needs --brackets, such as 1,2-7,8-30")
    found: list[tuple[int, int]] = []
    for text in texts:
        one = re.fullmatch(r"\s*(\d{1,4})\s*(?:[-–]\s*(\d{1,4})\s*)?", text)
        if one is None:
            raise UsageError(f"bracket {text!r}: write a period or a range of them, such as 1 or 2-7")
        first, last = int(one[1]), int(one[2] or one[1])
        if not 1 <= first <= last <= _NEVER:
            raise UsageError(f"bracket {text!r}: periods count from 1 to {_NEVER}, the smaller one first")
        if found and first <= found[-1][1]:
            raise UsageError(f"bracket {text!r} overlaps the one before it; a period belongs to one bracket")
        found.append((first, last))
    return tuple(found)


def _names(asked: Asked) -> list[str]:
    return [str(a) if a == b else f"{a}-{b}" for a, b in asked.columns]


def _over(asking: Asking, asked: Asked, cohort: int) -> list[bool]:
    """Per column (0 first): all that can count in it lies before the time through which the data are complete."""
    from assay.query.periods import end_of
    from assay.query.retention import WINDOW_DAYS

    by, plan = asking.matured_by(), asking.plan
    lasts = [0, *(b for _, b in asked.columns)]
    if asked.rolling:
        end, window = end_of(cohort, asked.grain, plan), WINDOW_DAYS[asked.grain] * DAY_US
        return [end <= by, *(end + (last + 1) * window <= by for last in lasts[1:])]
    return [end_of(cohort + last, asked.grain, plan) <= by for last in lasts]


def _last_over(table: _Table, j: int) -> int | None:
    """The last cohort for which column j is over; cohorts before it are over too."""
    return max((cohort for cohort, over in table.ends.items() if over[j] and over[0]), default=None)


def _rows(
    asking: Asking,
    table: _Table,
    group: tuple[Any, ...],
    found: dict[int, Cohort],
    cohorts: range,
    clusters: list[Moments] | None,
) -> tuple[list[tuple[Cell, ...]], list[Labelled]]:
    from assay.query.periods import start_of
    from assay.query.retention import Cohort
    from assay.stats.proportions import wilson

    params, width = table.params, len(table.names) + 1
    values = group_of(params.by, group)
    sums = [[0, 0] for _ in range(width)]
    rows: list[tuple[Cell, ...]] = []
    labelled: list[Labelled] = []
    for number in cohorts:
        one, over = found.get(number, Cohort(0, (0,) * width)), table.ends[number]
        name = period_name(start_of(number, params.period, asking.plan), params.period)
        cells: list[Cell] = []
        for j in range(width):
            closed = over[j] and over[0]
            rate = wilson(one.units[j], one.size) if closed else _open(one.units[j], one.size)
            if closed:
                sums[j][0] += one.units[j]
                sums[j][1] += one.size
            cells += [] if j == 0 else [rate.value, one.units[j]]
            labelled.append(Labelled("retention", {**values, "cohort": name, "period": _label(table, j)}, rate))
        complete = sum(closed and over[0] for closed in over) - 1
        rows.append((*values.values(), name, one.size, complete if complete >= 0 else None, *cells))
    averages = [wilson(*sums[j]) for j in range(width)]
    if clusters is not None:  # one unit in several cohorts is one cluster
        averages[1:] = [clustered_share(one) for one in clusters]
    labelled += [
        Labelled("retention", {**values, "cohort": AVERAGE, "period": _label(table, j)}, rate)
        for j, rate in enumerate(averages)
    ]
    cells = [cell for j in range(1, width) for cell in (averages[j].value, sums[j][0])]
    rows.insert(0, (*values.values(), AVERAGE, sum(c.size for c in found.values()), None, *cells))
    return rows, labelled


def _label(table: _Table, j: int) -> str:
    return "0" if j == 0 else table.names[j - 1]


def _open(units: int, size: int) -> Estimate:
    return Estimate.none("the period is not over yet", units, size)


def _columns(table: _Table, definition: Definition, groups: int, rows: list[tuple[Cell, ...]]) -> tuple[Column, ...]:
    """Periods that are over for no cohort are one click down, but for the first."""
    units, start = PLURALS[table.params.per], groups + 3
    known = {j for j in range(len(table.names)) if any(row[start + 2 * j] is not None for row in rows)}
    fixed = (
        *(Column(name) for name in table.params.by),
        Column("cohort"),
        Column("size", "count", units),
        Column("complete", "count", "complete to", detail=True),
    )
    cells = (
        (
            Column(f"period_{name}", "rate", name, definition.id, detail=j > 0 and j not in known),
            Column(f"period_{name}_units", "count", f"{name} {units}", detail=True),
        )
        for j, name in enumerate(table.names)
    )
    return (*fixed, *(column for pair in cells for column in pair))


def _definition(asking: Asking, params: Params) -> Definition:
    from assay.query.sql import digest

    plan = asking.plan
    start, back = said(plan, params.start), said(plan, params.back or params.start)
    then = {
        "exact": "in that period",
        "bracket": "in any period of the bracket",
        "unbounded": "in that period or a later one",
    }["unbounded" if params.cumulative else params.rule]
    units, ever = PLURALS[params.per], " for the first time ever" if params.cohort == "first" else ""
    top, below = f"{units} that did {back} {then}", f"{units} that did {start}{ever} in the cohort's {params.period}"
    own = {"day": "24 h", "week": "7 × 24 h", "month": "30 × 24 h"}[params.period]
    window = f"windows of {own} from each one's start" if params.rolling else f"each {params.period} of the site's zone"
    rules = {
        "cohort": params.cohort,
        "rule": "unbounded" if params.cumulative else params.rule,
        "week_start": plan.site.week_start,
    }
    meaning = ("retention", top, below, window, rules, plan.site.timezone, params.brackets, repr(plan.activity))
    return Definition(
        digest(*meaning), "retention", f"{top} / {below}", top, below, params.per, window, plan.site.timezone, rules
    )


def _notes(params: Params, definition: Definition, groups: int) -> list[str]:
    notes = [definition.text, f"{definition.window}; a period that is not over has no rate yet and is in no average"]
    if params.cumulative or params.rule == "unbounded":
        notes.append("then or later: older cohorts have had longer to return")
    if params.cohort == "recurring":
        notes.append("recurring: a unit is in the cohort of every period in which it starts")
    if params.by:
        notes.append(f"{', '.join(params.by)} as at the start; returns count wherever they happen")
    if groups > params.groups:
        notes.append(f"the {params.groups} largest of {groups} groups")
    return notes


def _sentence(params: Params, labelled: list[Labelled], period: str) -> str:
    curve = [one for one in labelled if one.group["cohort"] == AVERAGE and one.group["period"] != "0"]
    known = [one for one in curve if one.estimate.value is not None]
    if not known:
        return f"No {params.period} after the start is over yet, {period}."
    first, units = known[0], PLURALS[params.per]
    value, when = percent(float(first.estimate.value or 0)), _when(params, first)
    of = f"{first.estimate.denominator:,} {units}"
    if params.cohort == "recurring":  # one unit stands in several cohorts
        of = f"a {params.period}'s {units}"
    does = "come back" if params.back in (None, params.start) else f"do {params.back}"
    text = f"{value} of {of} {does} in {when}"
    if params.by:
        text += " (" + ", ".join(str(first.group[name]) for name in params.by) + ")"
    last = [one for one in known if all(one.group[n] == first.group[n] for n in params.by)][-1]
    if last is not first:
        text += f", {percent(float(last.estimate.value or 0))} in {_when(params, last)}"
    return f"{text}, {period}."


def _when(params: Params, one: Labelled) -> str:
    """``week 1``, ``days 2-7``."""
    name = str(one.group["period"])
    return f"{params.period}{'s' if '-' in name else ''} {name}"


def _next(params: Params) -> list[str]:
    words = ["assay retention"]
    words += [f"--start {params.start}"] if params.start else []
    words += [f"--return {params.back}"] if params.back else []
    more = "--by first_channel" if not params.by else "--cohort first"
    return [" ".join([*words, more]), "assay lifecycle"]


QUESTION = Question("retention", "Who comes back, and for how long.", Params, answer, over_days=True)
