"""why: what a change of a metric comes from, taken apart so that the parts add up exactly."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from assay.analyses.base import Asking, Question, Ranged, argument, column_kind
from assay.analyses.caveats import covered, range_caveats
from assay.analyses.estimates import both_periods, daily_noise, estimate
from assay.decide.words import difference_words, value_words
from assay.model.answer import Answer, Labelled
from assay.model.errors import UsageError
from assay.model.estimate import Estimate
from assay.plan.values import Metric

if TYPE_CHECKING:
    from assay.analyses.moving import Look, Sides
    from assay.decide.tracking import Break
    from assay.model.period import Period
    from assay.query.cut import Cut
    from assay.stats.parts import Side


class Params(Ranged):
    """Which metric; the range is the later side, unless two segments are held against each other."""

    name: str = argument("a metric of the plan")
    compare: Literal["previous", "year"] = Field("previous", description="what the range is held against")
    versus: str | None = Field(None, description="hold the segment against this one instead of an earlier period")
    by: list[str] = Field(default_factory=list, description="only these dimensions; default: the usual ones")
    every: bool = Field(False, description="the groups of all dimensions, not only of those that say most")


@dataclass
class Case:
    """One change while it is taken apart."""

    asking: Asking
    params: Params
    metric: Metric
    rate: Metric  # numerator over units
    before: Cut
    after: Cut
    labels: tuple[str, str]
    other: Period | None  # the earlier period; None when segments are compared
    sides: Sides
    whole: tuple[Side, Side]
    delta: Estimate
    looks: list[Look]
    price: Fraction | None = None  # money per numerator
    broken: list[tuple[Break, Fraction]] = field(default_factory=list)
    findings: list[Any] = field(default_factory=list)

    @property
    def total(self) -> bool:
        """True for a plain total, such as revenue."""
        return self.metric.quantity.kind == "total"

    @property
    def kind(self) -> str:
        """How the metric's values read."""
        return column_kind(self.metric)

    @property
    def currency(self) -> str:
        """The site's currency."""
        return self.asking.plan.site.currency

    def size(self, part: Fraction | float) -> str:
        """A part in words: ``−0.4 points``."""
        sign = "+" if part > 0 else "−" if part < 0 else ""
        return sign + difference_words(float(part), self.kind, self.currency)


def answer(asking: Asking, params: Params) -> Answer:
    """The change, what it is made of, and what else changed at the same time."""
    from assay.analyses import why_causes, why_parts

    metric = chosen(asking, params.name)
    period = asking.period(params)
    if asking.without(period):
        return asking.empty("why", params, period)
    if params.versus is None and not covered(asking, previous := both_periods(period, params.compare)):
        reason = f"the data do not reach back to {previous}"
        return asking.answer(
            "why", params, empty=reason, sentence=f"{metric.name} cannot be compared: {reason}.",
            next=(f"assay metric {metric.name}",),
        )  # fmt: skip
    case = prepare(asking, params, metric, period)
    if case is None:
        return asking.answer(
            "why", params, empty="no units on one side", definitions=(asking.definition(metric),),
            sentence=f"{metric.name} cannot be taken apart: on one side there is nothing that it is a rate of.",
        )  # fmt: skip
    why_causes.judge(case)
    columns, rows = why_parts.table(case)
    caveats = range_caveats(asking, period, case.other, [metric], case.sides.dimensions) if case.other else []
    return asking.answer(
        "why",
        params,
        columns=columns,
        rows=rows,
        estimates=(Labelled(metric.name, {"part": "change"}, case.delta),),
        definitions=(asking.definition(metric),),
        findings=(*case.findings, *caveats),
        sentence=sentence(case),
        notes=_notes(case),
        next=(f"assay metric {metric.name} --grain day", f"assay compare {metric.name} --like ga4", "assay quality"),
        chart={"kind": "waterfall", "x": "value", "y": "adds"},
    )


def chosen(asking: Asking, name: str) -> Metric:
    """The metric; UsageError for one that is no numerator over units."""
    metric = asking.metric(name)
    if metric.quantity.kind in ("share", "mean", "ratio", "total"):
        return metric
    of = f"; ask for what it is made of: {', '.join(metric.uses)}" if metric.uses else ""
    raise UsageError(f"{name} is a {metric.quantity.kind}: it has no parts that add up{of}")


def prepare(asking: Asking, params: Params, metric: Metric, period: Period) -> Case | None:
    """Both sides by all dimensions, with the noise of shares and rates. None where a side has no units."""
    from assay.analyses import moving
    from assay.analyses.why_steps import price_of
    from assay.query.cut import Cut

    rate, other = moving.as_rate(metric), None
    after = Cut(period, where=asking.segment(params.segment), matured_by=asking.matured_by())
    if params.versus is None:
        other = both_periods(period, params.compare)
        assert other is not None
        before = replace(after, period=other)
        labels = (str(other), str(period))
    else:
        before = replace(after, where=asking.segment(params.versus))
        labels = (params.versus, params.segment or "everybody")
    wanted = params.by or [d for d in moving.DIMENSIONS if d != "entry_page_group" or asking.plan.pages]
    sides = moving.load_sides(asking, rate, before, after, wanted)
    whole = tuple(moving.by_dimension(rate, cells, None).get(None) for cells in (sides.before, sides.after))
    if whole[0] is None or whole[1] is None or not whole[0].bottom or not whole[1].bottom:
        return None
    days = (period.days, other.days) if other else (1, 1)
    noise = daily_noise(asking, [rate], other, after.where)[rate.name] if other else 0.0
    rate_noise = noise * (1 / days[0] + 1 / days[1])
    total = metric.quantity.kind == "total"
    spread = moving.group_noise(asking, before, sides.dimensions, days, total) if other else {}
    looks = [moving.look(rate, sides, name, spread.get(name, {}), rate_noise, total) for name in sides.dimensions]
    case = Case(asking, params, metric, rate, before, after, labels, other, sides, (whole[0], whole[1]),
                Estimate.none(""), looks)  # fmt: skip
    case.delta = _delta(case, noise, days)
    case.price = price_of(case)
    return case


def _delta(case: Case, noise: float, days: tuple[int, int]) -> Estimate:
    """after − before with its interval; of a total from the spread of its days."""
    from assay.analyses.moving import sum_of
    from assay.stats.change import change

    one, two = (estimate(case.rate, sum_of(cells)) for cells in (case.sides.before, case.sides.after))
    if case.metric.quantity.kind != "total":
        return change(two, one, noise, days)
    difference = float(case.whole[1].top + case.sides.outside[1] - case.whole[0].top - case.sides.outside[0])
    if case.other is None:
        return Estimate(difference, reason="a plain total has no unit to vary over")
    per_day = daily_noise(case.asking, [case.metric], case.other, case.after.where)[case.metric.name]
    half = 1.96 * (per_day * sum(days)) ** 0.5
    return Estimate(difference, difference - half, difference + half, method="spread of the days")


def sentence(case: Case) -> str:
    """The change and its first cause."""
    from assay.analyses.why_parts import figures

    one, two = (value_words(figure, case.kind, case.currency) for figure in figures(case))
    head = f"{case.metric.name} went from {one} to {two}"
    if case.other is None:
        head = f"{case.metric.name} is {one} in {case.labels[0]} and {two} in {case.labels[1]}"
    causes = [f for f in case.findings if f.code not in ("known_change", "definition_changed", "consent_moved")]
    said = f": {causes[0].text}" if causes else ""
    return f"{head}{said}, {case.labels[1]} against {case.labels[0]}." if case.other else f"{head}{said}."


def _notes(case: Case) -> tuple[str, ...]:
    notes = ["mix: more or fewer of a group came; rate: the group itself did otherwise (mid-points, adding up exactly)"]
    if case.metric.quantity.kind == "total":
        notes.append("a total is visitors × the mean per visitor; volume is what the number of visitors adds")
    if case.metric.quantity.within:
        notes.append("only units whose window has closed")
    notes.append("each dimension takes the whole change apart by itself: dimensions are not added to each other")
    return tuple(notes)


QUESTION = Question("why", "Why a metric moved: volume, mix, rate, tracking, known changes.", Params, answer)
