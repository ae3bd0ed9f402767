"""opportunity: what a funnel step would be worth if its rate rose to its best peer, its best month or a target."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from pydantic import Field

from assay.analyses.backlog import noted
from assay.analyses.base import Asking, Question, Ranged, argument
from assay.decide.checks.opportunity import opportunity
from assay.decide.words import amount, group_name
from assay.model.answer import Answer, Cell, Column, Definition, Labelled
from assay.model.errors import UnknownName, UsageError
from assay.model.estimate import Estimate
from assay.model.finding import Idea

if TYPE_CHECKING:
    from assay.analyses.ways import Place, Ways

COMPARABLE = ("device", "browser", "country")  # what a visitor came for does not follow from these
_MONTHS = 12
_SURE = 0.05  # over all pairs of peers
WEEK = 7


class Params(Ranged):
    """Which funnel, and what its steps are measured against."""

    name: str | None = argument("a funnel of the plan; default: the first", optional=True)
    by: list[str] = Field(
        default_factory=list, description="dimensions whose values are peers; default: device, browser, country"
    )
    target: list[str] = Field(
        default_factory=list, description="STEP=RATE a stated rate of a step, such as purchase=70%; repeat for more"
    )
    min_units: int = Field(100, ge=10, description="smallest segment that is judged, in units before the step")
    limit: int = Field(12, ge=1, le=1000, description="most opportunities shown")
    to_backlog: bool = Field(False, description="note them in the backlog, each once")


@dataclass(frozen=True)
class Chance:
    """One opportunity. ``gain``: completions of the range more; ``share``: more of those who come to the step."""

    step: int
    place: Place
    units: float
    rate: float
    target: float
    against: str
    gain: float
    error: float
    p: float = 0.0  # of the gap to the peer; 0 for what is no comparison

    @property
    def share(self) -> float:
        """Rate gained."""
        return self.target - self.rate


def answer(asking: Asking, params: Params) -> Answer:
    """One row per opportunity, the largest first; what each adds beyond those above it adds up to the total."""
    from assay.analyses.ways import funnel_named, load, place_values

    funnel = funnel_named(asking, params.name)
    period = asking.period(params)
    if asking.without(period):
        return asking.empty("opportunity", params, period)
    extra = [name for name in params.by if name not in COMPARABLE]
    wanted = [*(d for d in ("channel", "device", "browser", "country", "is_new") if d not in extra), *extra]
    ways = load(asking, funnel, params, wanted, params.min_units, matured=True)
    if ways is None:
        return asking.answer(
            "opportunity", params, empty=f"nobody begins {funnel.name}",
            sentence=f"Nobody begins {funnel.name} in {period}.",
        )  # fmt: skip
    found = [*_peers(ways, params.by or COMPARABLE), *_months(ways, params), *_targets(ways, params)]
    ranked = sorted((c for c in found if c.gain > max(0.0, c.error)), key=lambda c: (-c.gain, c.step, str(c.place)))[
        : params.limit
    ]
    adds = _beyond(ways, ranked)
    definition = _definition(ways)
    ideas = [_idea(ways, one) for one in ranked]
    rows = [_row(ways, one, more, idea) for one, more, idea in zip(ranked, adds, ideas, strict=True)]
    findings = [
        opportunity(_title(ways, one), _against(one), one.gain, _year(ways, one.gain), ways.currency,
                    {"funnel": funnel.name, "step": ways.labels[one.step], "where": place_values(one.place)})
        for one in [c for c in ranked if c.gain > 1.96 * c.error and c.p * _looks(ways, params) <= _SURE][:3]
    ]  # fmt: skip
    told, keep = noted(asking, ideas) if params.to_backlog else ("", ())
    noted_ = (told,) if told else ()
    return asking.answer(
        "opportunity",
        params,
        columns=_columns(ways, definition),
        rows=tuple(rows),
        estimates=tuple(
            Labelled("gain", {"step": ways.labels[c.step], **place_values(c.place)},
                     Estimate(c.gain, c.gain - 1.96 * c.error, c.gain + 1.96 * c.error, method="shrunk score effects"))
            for c in ranked
        ),
        definitions=(definition,),
        findings=tuple(findings),
        sentence=_sentence(ways, ranked, adds),
        notes=(*_notes(ways), *noted_),
        next=(f"assay leaks {funnel.name}", f"assay opportunity {funnel.name} --to-backlog"),
        chart={"kind": "bars", "x": "where", "y": "year" if ways.price is not None else "gain"},
        ideas=tuple(ideas),
        keep=keep,
    )  # fmt: skip


# -- what could rise, and to what -------------------------------------------------------------------------------------


def _peers(ways: Ways, dimensions: Sequence[str]) -> Iterator[Chance]:
    """Each value of a dimension against its best peer, all else equal, both drawn toward the mean."""
    from assay.stats.logistic import shifted, shrunk
    from assay.stats.normal import p_two_sided

    for name in dimensions:
        for k in ways.steps:
            known = {
                level: one for level, one in ways.levels_at(k, name).items()
                if level >= 0 and ways.totals(((name, ways.values[name][level]),))[k - 1] >= ways.least
            }  # fmt: skip
            calm = dict(zip(known, shrunk(list(known.values())), strict=True))
            for level, (mean, variance) in calm.items():
                best = max((other for other in calm if other != level), key=lambda o: calm[o][0], default=None)
                place = ((name, ways.values[name][level]),)
                totals = ways.totals(place)
                if best is None or calm[best][0] <= mean or not 0 < totals[k] < totals[k - 1]:
                    continue
                rate = float(totals[k] / totals[k - 1])
                to = shifted(rate, calm[best][0] - mean)
                against = f"{name} {group_name(ways.values[name][best])}"
                made = _chance(ways, k, place, rate, to, against, variance + calm[best][1])
                gap = known[best].log_odds - known[level].log_odds
                spread = known[best].variance + known[level].variance
                yield replace(made, p=p_two_sided(gap / spread**0.5))


def _looks(ways: Ways, params: Params) -> int:
    """Pairs of peers at all steps: the best of many stands out by chance."""
    sizes = [len(ways.values[name]) for name in params.by or COMPARABLE]
    return max(1, sum(n * (n - 1) // 2 for n in sizes) * len(ways.steps))


def _months(ways: Ways, params: Params) -> Iterator[Chance]:
    """Everybody against the site's own best complete month, the months drawn toward their mean."""
    import math

    from assay.stats.logistic import Effect, shifted, shrunk

    months = _monthly(ways, params)
    for k in ways.steps:
        usable = [(m, t) for m, t in months if t[k - 1] >= 5 * ways.least and 0 < t[k] < t[k - 1]]
        totals = ways.totals()
        if len(usable) < 2 or not 0 < totals[k] < totals[k - 1]:
            continue
        effects = []
        for _, counts in usable:
            rate = counts[k] / counts[k - 1]
            spread = ways.deff[k] / (counts[k - 1] * rate * (1 - rate))
            effects.append(Effect(math.log(rate / (1 - rate)), spread, 0.0))
        calm = shrunk(effects)
        best = max(range(len(calm)), key=lambda i: calm[i][0])
        rate = float(totals[k] / totals[k - 1])
        more = calm[best][0] - math.log(rate / (1 - rate))
        if more > 0:
            variance = calm[best][1] + ways.deff[k] / float(totals[k - 1] * rate * (1 - rate))
            yield _chance(ways, k, (), rate, shifted(rate, more), f"best month {usable[best][0]}", variance)


def _monthly(ways: Ways, params: Params) -> list[tuple[str, tuple[int, ...]]]:
    """The funnel of each complete month of the data, the last twelve."""
    from assay.model.period import Period
    from assay.query.cut import Cut
    from assay.query.funnels import FunnelQuery

    asking = ways.asking
    assert asking.span is not None
    whole = Period(asking.span.first, min(asking.span.last, ways.period.last))
    starts = [day for day in whole.starts("month") if day >= whole.first]
    found = []
    for first, after in list(itertools.pairwise(starts))[-_MONTHS:]:
        cut = Cut(Period(first, after.fromordinal(after.toordinal() - 1)), where=asking.segment(params.segment))
        reached = FunnelQuery(asking.plan, ways.funnel, cut, asking.ask).reached(timed=False).get(())
        if reached is not None:
            found.append((f"{first:%Y-%m}", reached.units))
    return found


def _targets(ways: Ways, params: Params) -> Iterator[Chance]:
    """Everybody against a stated rate."""
    from assay.plan.literals import rate as rate_of

    totals = ways.totals()
    for text in params.target:
        name, _, wanted = text.partition("=")
        if name.strip() not in ways.labels[1:]:
            raise UnknownName("step", name.strip(), ways.labels[1:], f"the funnel {ways.funnel.name}")
        try:
            to = float(rate_of(wanted.strip()) or wanted)
        except (ValueError, ArithmeticError) as error:
            raise UsageError(f"--target {text}: write STEP=RATE, such as {ways.labels[-1]}=70%") from error
        if not 0 < to < 1:
            raise UsageError(f"--target {text}: a rate lies between 0 % and 100 %")
        k = ways.labels.index(name.strip())
        if totals[k - 1]:
            yield _chance(ways, k, (), float(totals[k] / totals[k - 1]), to, "stated target", 0.0)


def _chance(ways: Ways, k: int, place: Place, rate: float, to: float, against: str, variance: float) -> Chance:
    totals = ways.totals(place)
    onward = ways.onward(k, totals)
    units = float(totals[k - 1])
    error = units * onward * to * (1 - to) * variance**0.5
    return Chance(k, place, units, rate, to, against, units * (to - rate) * onward, error)


# -- overlap ----------------------------------------------------------------------------------------------------------


def _beyond(ways: Ways, ranked: Sequence[Chance]) -> list[Fraction]:
    """What each opportunity adds beyond those above it: a unit is lifted once, by the most that is promised to it."""
    import numpy as np

    lifted = {k: np.zeros(len(ways.groups)) for k in ways.steps}
    found = []
    for one in ranked:
        inside = ways.inside(one.place)
        more = np.maximum(one.share - lifted[one.step], 0.0) * inside
        total = ways.totals(one.place)
        gain = float((more * ways.counts[:, one.step - 1]).sum()) * ways.onward(one.step, total)
        lifted[one.step] = np.maximum(lifted[one.step], one.share * inside)
        found.append(Fraction(gain))
    return found


# -- laying out -------------------------------------------------------------------------------------------------------


def _year(ways: Ways, gain: float) -> Decimal | None:
    from assay.analyses.ways import YEAR

    return ways.worth(gain, YEAR)


def _title(ways: Ways, one: Chance) -> str:
    from assay.analyses.ways import said

    return f"{ways.labels[one.step - 1]} → {ways.labels[one.step]} of {said(one.place)}"


def _against(one: Chance) -> str:
    from assay.decide.words import percent

    return f"{percent(one.rate)} → {percent(one.target)} as {one.against}"


def _idea(ways: Ways, one: Chance) -> Idea:
    """The test that could prove it: units that come to the step, half each."""
    from assay.analyses.ways import place_values
    from assay.query.sql import digest
    from assay.stats.power import sample_size

    sample = sample_size(one.rate, one.target)
    weekly = one.units / ways.period.days * WEEK
    weeks = 2 * sample / weekly if sample and weekly else None
    money = [_year(ways, one.gain + side * 1.96 * one.error) for side in (0, -1, 1)]
    texts = [None if m is None else str(m) for m in money]
    where = place_values(one.place)
    return Idea(
        digest("opportunity", ways.funnel.name, ways.labels[one.step], where, one.against.split(" 20")[0]),
        f"Raise {_title(ways, one)}: {_against(one)}", "opportunity", ways.funnel.name, where,
        ways.labels[one.step], texts[0], texts[1], texts[2], sample, weeks,
    )  # fmt: skip


def _row(ways: Ways, one: Chance, more: Fraction, idea: Idea) -> tuple[Cell, ...]:
    from assay.analyses.ways import YEAR, said

    low, high = one.gain - 1.96 * one.error, one.gain + 1.96 * one.error
    overlap = 1 - float(more) / one.gain if one.gain else None
    return (
        said(one.place), ways.labels[one.step], round(one.units), one.rate, one.target, one.against,
        one.gain, low, high,
        ways.worth(one.gain, YEAR / 12), _year(ways, one.gain), _year(ways, low), _year(ways, high),
        _year(ways, float(more)), float(more), max(0.0, overlap or 0.0), idea.sample, idea.weeks,
    )  # fmt: skip


def _columns(ways: Ways, definition: Definition) -> tuple[Column, ...]:
    one, bare = definition.id, ways.price is None

    def money(name: str, label: str, detail: bool = False) -> Column:
        return Column(name, "money", label, one, ways.currency, detail or bare)

    return (
        Column("where"), Column("step", label="step to"), Column("units", "count", "come to it", one),
        Column("rate", "rate", "now", one), Column("target", "rate", "could be", one), Column("against", label="as"),
        Column("gain", "number", "more completions", one, detail=not bare),
        Column("gain_low", "number", "from", one, detail=True), Column("gain_high", "number", "to", one, detail=True),
        money("month", "a month"), money("year", "a year"), money("year_low", "from"), money("year_high", "to"),
        money("adds", "beyond those above"), Column("adds_gain", "number", "completions beyond", one, detail=not bare),
        Column("overlap", "rate", "overlap", one, detail=True), Column("sample", "count", "test: units per arm", one),
        Column("weeks", "number", "test: weeks", one),
    )  # fmt: skip


def _definition(ways: Ways) -> Definition:
    from assay.analyses.ways import definition

    text = (
        f"completions of {ways.funnel.name} if a step's rate rose: to the best peer, all other dimensions held equal "
        "(logistic main effects, shrunk by their noise), to the best complete month, or to a stated rate"
    )
    return definition(ways, "opportunity", f"opportunity of {ways.funnel.name}", text, "completions gained")


def _sentence(ways: Ways, ranked: Sequence[Chance], adds: Sequence[Fraction]) -> str:
    if not ranked:
        return f"No step of {ways.funnel.name} stands below a comparable one, {ways.period}."
    best = ranked[0]
    head = f"{_title(ways, best)} ({_against(best)})"
    total = float(sum(adds, Fraction(0)))
    if ways.price is None:
        return f"{head} is the largest: {best.gain:,.0f} more completions; together {total:,.0f}, {ways.period}."
    one, all_ = (_year(ways, gain) for gain in (best.gain, total))
    assert one is not None
    assert all_ is not None
    worth, together = (amount(value, ways.currency, whole=100) for value in (one, all_))
    return f"{head} is worth most: {worth} a year; all together, overlap taken off, {together}, {ways.period}."


def _notes(ways: Ways) -> tuple[str, ...]:
    notes = [
        "a year is the range's pace over 365 days; what a season brings is not in it",
        "beyond those above: a unit is lifted once, so this column adds up to the total",
        "test: two-sided 5 %, power 80 %, half of those who come to the step in each arm",
    ]
    if ways.price is not None:
        notes.append("money: net revenue per completed funnel in the range")
    return (*notes, *ways.window_notes)


QUESTION = Question("opportunity", "What each funnel step would be worth if it rose to its peer.", Params, answer)
