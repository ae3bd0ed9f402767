"""journey: what people do next (or did before); whole paths and how they convert; two segments compared."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from assay.analyses.base import Asking, Question, Ranged, session_words
from assay.analyses.behaviour import difference, rows_named, seconds
from assay.analyses.estimates import clustered_share
from assay.decide.words import percent
from assay.model.answer import Answer, Column, Definition, Labelled
from assay.model.errors import UsageError, suggestion
from assay.model.estimate import Estimate
from assay.plan.measures import PLURALS

if TYPE_CHECKING:
    from assay.model.period import Period
    from assay.plan.measures import Expression, Select
    from assay.query.journeys import Asked

_ALL = 100_000


class Params(Ranged):
    """What a node is, where the journey starts or ends, and how it is counted."""

    node: str = Field("page", description="page, page_group, event, or a declared property")
    events: list[str] = Field(
        default_factory=list, description="only these events or goals; default: page views, or every interactive event"
    )
    start: str | None = Field(None, description="forward from the first such node of a session")
    end: str | None = Field(None, description="backward from the first such node; with --start, between the two")
    steps: int = Field(5, ge=2, le=20, description="most nodes of a path")
    edges: int = Field(20, ge=1, le=10_000, description="most rows; the others of a step are one row, (other)")
    collapse: bool = Field(True, description="equal neighbours are one node")
    per: Literal["visitor", "user", "session"] = Field("visitor", description="what is counted")
    gap: str | None = Field(
        None, description="paths of each unit, cut where nothing happens for so long, such as 30m; default: sessions"
    )
    paths: bool = Field(False, description="whole paths instead of single steps")
    goal: str | None = Field(None, description="with --paths: goal or event of the conversion; default: the macro goal")
    versus: str | None = Field(None, description="a second segment, compared with --segment (or with everybody)")


@dataclass(frozen=True)
class _Edges:
    """``everybody`` on a journey; (depth, from, to) → (units, mean seconds)."""

    everybody: int
    found: dict[tuple[int, str, str], tuple[int, float | None]]


def answer(asking: Asking, params: Params) -> Answer:
    """One row per step from one node to the next: units, their share of all on the journey, mean time."""
    asked = _asked(asking, params)
    period = asking.period(params)
    if asking.without(period):
        return asking.empty("journey", params, period)
    where = asking.segment(params.segment)
    if params.paths:
        if params.versus is not None:
            raise UsageError("--paths and --versus at once: segments are compared step by step; leave one out")
        return _paths(asking, params, asked, period, where)
    if params.versus is not None:
        return _compared(asking, params, asked, period, where)
    edges = _edges(asking, asked, period, where, params.edges)
    if not edges.found:
        return _empty(asking, params, period)
    rows, labelled = [], []
    for (depth, a, b), (units, time) in _ordered(edges):
        share = _share(units, edges.everybody, params.per)
        rows.append((depth, a, b, units, share.value, share.low, share.high, time))
        labelled.append(Labelled("share", {"depth": depth, "from": a, "to": b}, share))
    definition = _definition(asking, params)
    units_name = PLURALS[params.per]
    return asking.answer(
        "journey",
        params,
        columns=(
            *_EDGE,
            Column("units", "count", units_name, definition.id),
            Column("share", "rate", f"of all {units_name}", definition.id),
            Column("share_low", "rate", "from", definition.id, detail=True),
            Column("share_high", "rate", "to", definition.id, detail=True),
            Column("avg_seconds", "duration", "mean time"),
        ),
        rows=tuple(rows),
        estimates=tuple(labelled),
        definitions=(definition,),
        sentence=_sentence(params, edges, str(period)),
        notes=(definition.text, definition.window),
        next=_next(asking, params),
        chart={"kind": "sankey", "from": "from", "to": "to", "value": "units", "depth": "depth"},
    )


_EDGE = (Column("depth", "count", "step"), Column("from"), Column("to"))


def _asked(asking: Asking, params: Params) -> Asked:
    from assay.query.journeys import Asked

    if params.gap is not None and params.per == "session":
        raise UsageError("--gap makes paths of a unit's own; --per session has the sessions themselves")
    if params.gap is not None and params.goal is not None:
        raise UsageError("--goal counts conversions of the session; --gap makes other paths than sessions")
    gap = None if params.gap is None else seconds(params.gap, "gap")
    select = _selected(asking, params.events)
    return Asked(params.node, select, params.start, params.end, params.steps, params.collapse, params.per, gap)


def _selected(asking: Asking, names: list[str]) -> Select | None:
    """Events by name, or one goal."""
    from assay.plan.measures import Select

    found = [rows_named(asking.plan, name) for name in names]
    if len(found) == 1:
        return found[0]
    if any(one.page or one.where for one in found):
        raise UsageError("several --events at once must be plain events; a goal with a page or condition stands alone")
    events = tuple(dict.fromkeys(name for one in found for name in one.events or ()))
    return Select("event", events) if events else None


def _edges(asking: Asking, asked: Asked, period: Period, where: Expression | None, limit: int) -> _Edges:
    from assay.query.cut import Cut
    from assay.query.journeys import JourneyQuery

    query = JourneyQuery(asking.plan, Cut(period, where=where), asked)
    everybody, found = 0, {}
    for depth, a, b, units, time in asking.ask(query.edges(limit)).rows:
        if depth == 0:
            everybody = units or 0
        else:
            found[depth, a, b] = (units, time)
    return _Edges(everybody, found)


def _ordered(edges: _Edges) -> list[tuple[tuple[int, str, str], tuple[int, float | None]]]:
    from assay.query.journeys import OTHER

    return sorted(edges.found.items(), key=lambda one: (one[0][0], one[0][1] == OTHER, -one[1][0], one[0]))


def _share(units: int, everybody: int, per: str) -> Estimate:
    """Wilson's interval where the units are independent; sessions of a visitor are not."""
    from assay.stats.proportions import wilson

    if per != "session":
        return wilson(units, everybody)
    if not everybody:
        return Estimate.none("no sessions", units, everybody)
    return Estimate(
        units / everybody, n=everybody, numerator=units, denominator=everybody,
        reason="sessions of one visitor are not independent: count visitors for an interval",
    )  # fmt: skip


def _empty(asking: Asking, params: Params, period: Period) -> Answer:
    ends = [f"from {params.start}" if params.start else "", f"to {params.end}" if params.end else ""]
    reason = " ".join(["no journeys", *(end for end in ends if end), f"in {period}"])
    known = {"event": asking.plan.events, "page_group": asking.plan.pages}.get(params.node, {})
    near = [suggestion(end, known) for end in (params.start, params.end) if end and known and end not in known]
    empty = asking.empty("journey", params, period)
    again = ("assay journey",) if params.start or params.end else ("assay pages", "assay quality")
    return replace(empty, empty=reason, sentence=f"There are {reason}{'.' if not near else near[0]}", next=again)


def _compared(asking: Asking, params: Params, asked: Asked, period: Period, where: Expression | None) -> Answer:
    """The same edges in two segments: both shares and their difference."""
    other = asking.segment(params.versus)
    one, two = (_edges(asking, asked, period, segment, _ALL) for segment in (where, other))
    if not one.found and not two.found:
        return _empty(asking, params, period)
    rows: list[tuple[Any, ...]] = []
    labelled = []
    for depth, a, b in {**one.found, **two.found}:
        here = _share(one.found.get((depth, a, b), (0, None))[0], one.everybody, params.per)
        there = _share(two.found.get((depth, a, b), (0, None))[0], two.everybody, params.per)
        delta = difference(here, there)
        rows.append((depth, a, b, here.value, there.value, delta.value, delta.low, delta.high))
        labelled.append(Labelled("difference", {"depth": depth, "from": a, "to": b}, delta))
    rows.sort(key=lambda row: (-max(row[3] or 0, row[4] or 0), row[:3]))
    kept = sorted(rows[: params.edges], key=lambda row: (row[0], -max(row[3] or 0, row[4] or 0), row[1:3]))
    definition = _definition(asking, params)
    first, second = params.segment or "everybody", params.versus or ""
    sure = [row for row in kept if row[6] is not None and (row[6] > 0 or row[7] < 0)]
    most = max(sure, key=lambda row: abs(row[5]), default=None)
    sentence = f"{first} and {second} take the same steps as far as the data can tell, {period}."
    if most is not None:
        sentence = (
            f"{first} and {second} differ most in going from {most[1]} to {most[2]} "
            f"({percent(most[3])} against {percent(most[4])}), {period}."
        )
    return asking.answer(
        "journey",
        params,
        columns=(
            *_EDGE,
            Column("share", "rate", first, definition.id),
            Column("versus", "rate", second, definition.id),
            Column("difference", "points"),
            Column("difference_low", "points", "from"),
            Column("difference_high", "points", "to"),
        ),
        rows=tuple(kept),
        estimates=tuple(labelled),
        definitions=(definition,),
        sentence=sentence,
        notes=(
            definition.text,
            f"{one.everybody:,} {PLURALS[params.per]} in {first}, {two.everybody:,} in {second}",
            "a look at many steps: single differences may be chance; who is in both segments counts in both",
        ),
        next=_next(asking, params),
        chart={"kind": "whiskers", "x": "to", "y": "difference"},
    )


def _goal(asking: Asking, params: Params) -> str | None:
    if params.goal is not None or params.gap is not None:
        return params.goal
    return next((goal.name for goal in asking.plan.goals.values() if goal.kind == "macro"), None)


def _paths(asking: Asking, params: Params, asked: Asked, period: Period, where: Expression | None) -> Answer:
    """One row per whole path: sessions, units, and how many convert in the session."""
    from assay.query.cut import Cut, moments_of
    from assay.query.journeys import JourneyQuery
    from assay.stats.proportions import wilson

    goal = _goal(asking, params)
    select = None if goal is None else rows_named(asking.plan, goal)
    query = JourneyQuery(asking.plan, Cut(period, where=where), asked)
    found = asking.ask(query.paths(params.edges, select)).rows
    if not found:
        return _empty(asking, params, period)
    definition = _definition(asking, params)
    rows: list[tuple[Any, ...]] = []
    labelled = []
    for row in found:
        nodes = [node for node in row[: asked.steps] if node is not None]
        name = " → ".join(reversed(nodes) if asked.backward else nodes)
        moments = moments_of(row[asked.steps + 1 :])
        units = int(moments.sum("y"))
        rate = wilson(int(moments.sum("x")), units) if params.per != "session" else clustered_share(moments)
        more = () if goal is None else (int(moments.sum("x")), rate.value, rate.low, rate.high)
        rows.append((name, units, row[asked.steps], *more))
        if goal is not None:
            labelled.append(Labelled("conversion_rate", {"path": name}, rate))
    rates = (
        Column("converted", "count", f"with {goal}"),
        Column("conversion_rate", "rate", "conversion rate", definition.id),
        Column("conversion_rate_low", "rate", "from", definition.id),
        Column("conversion_rate_high", "rate", "to", definition.id),
    )
    units_name = PLURALS[params.per]
    counts = (Column("units", "count", units_name), Column("paths", "count", "times", detail=params.per == "session"))
    top = f"{rows[0][0]} is the most common path ({rows[0][1]:,} {units_name}"
    converts = f", {percent(rows[0][4])} of them convert" if goal is not None and rows[0][4] is not None else ""
    return asking.answer(
        "journey",
        params,
        columns=(Column("path"), *counts, *(rates if goal is not None else ())),
        rows=tuple(rows),
        estimates=tuple(labelled),
        definitions=(definition,),
        sentence=f"{top}{converts}), {period}.",
        notes=(
            definition.text,
            *([f"converted: {goal} in the same session, not before the path begins"] if goal else []),
        ),
        next=_next(asking, params),
        chart={"kind": "bars", "x": "path", "y": "units"},
    )


def _definition(asking: Asking, params: Params) -> Definition:
    from assay.query.sql import digest

    plan = asking.plan
    where = [f"forward from {params.start}" if params.start else "", f"to {params.end}" if params.end else ""]
    told = ", ".join(
        [
            " ".join(["steps by", params.node, *(word for word in where if word)]),
            f"at most {params.steps} nodes",
            "equal neighbours are one" if params.collapse else "repeats kept",
        ]
    )
    within = f"paths cut after {params.gap} without such an event" if params.gap else f"sessions: {session_words(plan)}"
    units = PLURALS[params.per]
    meaning = ("journey", told, within, params.events, params.per, repr(plan.cleaning), repr(plan.pages))
    return Definition(
        digest(*meaning), "share", told, f"{units} that go from the one to the other at that step",
        f"{units} on the journey", params.per, within, plan.site.timezone, {"session": session_words(plan)},
    )  # fmt: skip


def _sentence(params: Params, edges: _Edges, period: str) -> str:
    from assay.query.journeys import ENDS, OTHER, STARTS

    first = -1 if params.end and not params.start else 1
    steps = [
        (key, units)
        for key, (units, _) in edges.found.items()
        if key[0] == first and not {OTHER, ENDS, STARTS} & {key[1], key[2]}
    ]
    many = f"{edges.everybody:,} {PLURALS[params.per]}"
    if not steps:
        return f"{many} on these journeys, {period}."
    (_, a, b), units = max(steps, key=lambda one: (one[1], one[0]))
    share = percent(units / edges.everybody) if edges.everybody else "none"
    verb = "come" if first < 0 else "go"
    return f"Of {many}, {share} {verb} from {a} to {b} {'last before it' if first < 0 else 'first'}, {period}."


def _next(asking: Asking, params: Params) -> tuple[str, ...]:
    if params.paths:
        return ("assay journey", "assay pages")
    kept = {name: getattr(params, name) for name in ("node", "start", "end") if name in params.model_fields_set}
    again = " ".join(["assay journey", *(f"--{n} {shlex.quote(v)}" for n, v in kept.items() if v)])
    other = next((name for name in asking.plan.segments if name != params.segment), "\"device = 'mobile'\"")
    return (f"{again} --paths", *([f"{again} --versus {other}"] if params.versus is None else []))


QUESTION = Question("journey", "What people do next, path by path.", Params, answer)
