"""leaks: the segments that lose most along a funnel against expectation, with a false discovery rate over all looks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from assay.analyses.base import Asking, Question, Ranged, argument
from assay.decide.checks.leak import leak
from assay.model.answer import Answer, Cell, Column, Definition, Labelled
from assay.model.estimate import Estimate
from assay.model.finding import Finding

if TYPE_CHECKING:
    from assay.analyses.ways import Place, Ways


_WORTH_A_FIT = 1.5  # standard errors: smaller effects are shown by the score's one step, which is exact enough there


class Params(Ranged):
    """Which funnel, and how deep to look."""

    name: str | None = argument("a funnel of the plan; default: the first", optional=True)
    by: list[str] = Field(default_factory=list, description="only these dimensions; default: the usual ones")
    depth: Literal[1, 2] = Field(2, description="1: single values; 2: also pairs of values of two dimensions")
    min_units: int = Field(100, ge=10, description="smallest segment that is judged, in units before the step")
    fdr: float = Field(0.05, gt=0, lt=1, description="false discovery rate over all looks")
    every: bool = Field(False, description="also what is within noise")
    limit: int = Field(15, ge=1, le=1000, description="most segments shown")


@dataclass(frozen=True)
class Look:
    """One place at one step: what it has, what it should have, what is lost of the range's units."""

    step: int
    place: Place
    units: float
    rate: float
    expected: float
    lost: float
    low: float
    high: float
    p: float  # one-sided: it loses


def answer(asking: Asking, params: Params) -> Answer:
    """One row per place that loses, the surest money first."""
    from assay.analyses.ways import funnel_named, load, place_values, said
    from assay.stats.multiple import benjamini_hochberg

    funnel = funnel_named(asking, params.name)
    period = asking.period(params)
    if asking.without(period):
        return asking.empty("leaks", params, period)
    ways = load(asking, funnel, params, params.by, params.min_units)
    if ways is None:
        return asking.answer(
            "leaks", params, empty=f"nobody begins {funnel.name}", sentence=f"Nobody begins {funnel.name} in {period}."
        )
    looks = list(_looks(ways, params.depth))
    adjusted = benjamini_hochberg([one.p for one in looks])
    ranked = sorted(range(len(looks)), key=lambda i: (adjusted[i] > params.fdr, -_value(ways, looks[i]), adjusted[i]))
    rows: list[tuple[Cell, ...]] = []
    labelled, findings = [], []
    definition = _definition(ways)
    for i in ranked:
        one = looks[i]
        sure = adjusted[i] <= params.fdr
        year = _year(ways, one, one.lost)
        if sure:
            findings.append(leak(funnel.name, ways.labels[one.step], place_values(one.place), said(one.place),
                                 (one.rate, one.expected), one.lost, year, ways.currency, adjusted[i]))  # fmt: skip
        if (sure or (params.every and one.lost > 0)) and len(rows) < params.limit:
            rows.append(_row(ways, one, year, adjusted[i], sure))
            labelled.append(
                Labelled("lost", {"step": ways.labels[one.step], **place_values(one.place)},
                         Estimate(one.lost, one.low, one.high, method="score test", n=round(one.units)))
            )  # fmt: skip
    return asking.answer(
        "leaks",
        params,
        columns=_columns(ways, definition),
        empty=None if rows else "nothing beyond noise",
        rows=tuple(rows),
        estimates=tuple(labelled),
        definitions=(definition,),
        findings=tuple(findings[: params.limit]),
        sentence=_sentence(findings, len(looks), funnel.name, str(period)),
        notes=_notes(ways, params, len(looks)),
        next=(f"assay opportunity {funnel.name}", f"assay funnel {funnel.name} --by device"),
        chart={"kind": "bars", "x": "where", "y": "per_year" if ways.price is not None else "lost"},
    )


def _looks(ways: Ways, depth: int) -> Iterator[Look]:
    """Every place large enough, at every step, in a fixed order: the same question looks the same way."""
    singles: list[Place] = [
        ((name, value),) for name in ways.dimensions if name not in ways.given for value in ways.values[name]
    ]
    pairs: list[Place] = [
        ((one, a), (two, b))
        for one, two in itertools.combinations(ways.dimensions, 2)
        for a in ways.values[one]
        for b in ways.values[two]
    ]
    for place in singles + (pairs if depth == 2 else []):
        totals = ways.totals(place)
        for k in ways.steps:
            if totals[k - 1] >= ways.least:
                found = _look(ways, k, place, float(totals[k - 1]), float(totals[k]))
                if found is not None:
                    yield found


def _look(ways: Ways, k: int, place: Place, units: float, through: float) -> Look | None:
    from assay.stats.logistic import shifted
    from assay.stats.normal import p_two_sided

    score = effect = ways.effect(k, place)
    if score is None or effect is None:
        return None
    if effect.z < -_WORTH_A_FIT:
        exact = ways.exact(k, place)
        weaker = max(effect.z, min(exact.z, 0.0))  # of the two tests the one that is less sure
        effect = replace(exact if 0 < through < units else effect, z=weaker)
    p = p_two_sided(effect.z) / 2
    rate = through / units
    if len(place) == 1 and 0 < rate < 1:
        expected = shifted(rate, -effect.log_odds)
        half = effect.variance**0.5 * expected * (1 - expected) * units
    else:  # a pair may be most of both its parts, which without it would be guessed from little: the model says it
        expected = _model_rate(ways, k, place)
        half = ways.deff[k] / score.variance**0.5
    lost = (expected - rate) * units
    low, high = lost - 1.96 * half, lost + 1.96 * half
    return Look(k, place, units, rate, expected, lost, low, high, p if effect.z < 0 else 1 - p)


def _model_rate(ways: Ways, k: int, place: Place) -> float:
    """What the model expects of a place in which nobody, or everybody, goes on."""
    used = ways.counts[:, k - 1] > 0
    model = ways.model(k, place[0][0] if len(place) == 1 else None)
    weight = ways.counts[used, k - 1] * ways.inside(place)[used]
    return float((weight @ model.rates) / weight.sum())


def _value(ways: Ways, one: Look) -> float:
    """What is ranked by: completions lost."""
    return one.lost * ways.onward(one.step, ways.totals(one.place))


def _year(ways: Ways, one: Look, lost: float) -> Decimal | None:
    from assay.analyses.ways import YEAR

    return ways.worth(lost * ways.onward(one.step, ways.totals(one.place)), YEAR)


def _row(ways: Ways, one: Look, year: Decimal | None, p: float, sure: bool) -> tuple[Cell, ...]:
    from assay.analyses.ways import said

    return (
        said(one.place), ways.labels[one.step], round(one.units), one.rate, one.expected, one.lost, one.low, one.high,
        year, _year(ways, one, one.low), _year(ways, one, one.high), p, sure,
    )  # fmt: skip


def _columns(ways: Ways, definition: Definition) -> tuple[Column, ...]:
    one = definition.id

    def money(name: str, label: str, detail: bool = False) -> Column:
        return Column(name, "money", label, one, ways.currency, detail or ways.price is None)

    return (
        Column("where"), Column("step", label="lost before"), Column("units", "count", "came so far", one),
        Column("rate", "rate", "go on", one), Column("expected", "rate", "should", one),
        Column("lost", "number", "lost", one), Column("lost_low", "number", "from", one, detail=True),
        Column("lost_high", "number", "to", one, detail=True),
        money("per_year", "a year"), money("per_year_low", "from"), money("per_year_high", "to"),
        Column("p_adjusted", "number", "adjusted p", one, detail=True), Column("sure", "flag", "beyond noise"),
    )  # fmt: skip


def _definition(ways: Ways) -> Definition:
    from assay.analyses.ways import definition

    text = (
        f"units of {ways.funnel.name} that do not go on beyond what the other dimensions let expect "
        "(logistic main effects of all of them; pairs: beyond both single effects)"
    )
    return definition(ways, "leaks", f"lost of {ways.funnel.name}", text, "units lost")


def _sentence(findings: list[Finding], looks: int, funnel: str, period: str) -> str:
    if not looks:
        return f"No segment of {funnel} is large enough to judge, {period}."
    if not findings:
        return f"Nothing leaks in {funnel} beyond noise ({looks:,} looks), {period}."
    more = f" ({len(findings)} of {looks:,} looks are beyond noise)"
    return f"{findings[0].text}{more}, {period}."


def _notes(ways: Ways, params: Params, looks: int) -> tuple[str, ...]:
    from assay.analyses.ways import closed

    notes = [
        f"{looks:,} looks, Benjamini–Hochberg at {params.fdr:g}; at least {params.min_units:,} units before the step"
    ]
    if ways.price is not None:
        notes.append(
            "a year: lost units × their way to the end × net revenue of a completed funnel, at the range's pace"
        )
    notes.append("rows overlap where segments do: they are not added up (assay opportunity takes the overlap off)")
    if closed(ways.asking, ways.funnel, ways.period) != ways.period:
        notes.append(
            "some windows are still open, in all groups alike: rates are lower bounds, what is lost an upper one"
        )
    return tuple(notes)


QUESTION = Question("leaks", "Which segments lose most along a funnel.", Params, answer)
