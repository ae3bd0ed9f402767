"""compare: one metric under two sets of rules or two plan versions, and the difference taken apart rule by rule."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from assay.analyses.adding import money_cells
from assay.analyses.base import Asking, Question, Ranged, argument, column_kind
from assay.decide.words import difference_words, value_words
from assay.model.answer import Answer, Cell, Column, Labelled
from assay.model.errors import PlanError, UnknownName, UsageError
from assay.model.estimate import Estimate
from assay.model.finding import Finding
from assay.plan.values import Metric, Plan

if TYPE_CHECKING:
    from assay.plan.variants import Variant

MOST = 6  # differences taken apart one by one: 2⁶ sets of rules


_NOTE = "each rule's part is its mean effect over all orders of changing the rules (Shapley); the parts add up exactly"


class Params(Ranged):
    """What to compare with: single rules, a product's rules, or another plan."""

    name: str = argument("a metric of the plan")
    rule: list[str] = Field(
        default_factory=list, description="rule=value, such as session.timeout=15m, bounce=posthog, per=visitor; repeat"
    )
    like: str | None = Field(None, description="the rules of ga4, ga360, matomo, mixpanel, plausible or posthog")
    plan: Path | None = Field(None, description="another plan: a folder or an assay.yaml")


def answer(asking: Asking, params: Params) -> Answer:
    """The metric on either side, and what each rule adds to the difference (Shapley: no order is favoured)."""
    metric = asking.metric(params.name)
    raw, variants, other = _sides(asking, params)
    period = asking.period(params)
    if asking.without(period):
        return asking.empty("compare", params, period)
    if not variants:
        return asking.answer(
            "compare",
            params,
            empty="nothing differs",
            sentence=f"Both sides define {metric.name} alike: nothing that differs can change it.",
            definitions=(asking.definition(metric),),
        )
    seen: dict[Any, Estimate] = {}

    def figure(chosen: frozenset[str]) -> Estimate:
        asking.progress(f"deriving by {len(seen) + 1} of up to {2 ** len(variants)} sets of rules", 0, 1)
        return _figure(asking, params, raw, [v for v in variants if v.name in chosen], seen)

    here, there = figure(frozenset()), figure(frozenset(v.name for v in variants))
    parts, reason = _parts(variants, figure)
    currency = asking.plan.site.currency
    return asking.answer(
        "compare",
        params,
        columns=_columns(metric, currency),
        rows=_rows(variants, here, there, parts),
        estimates=(
            Labelled(metric.name, {"rules": "this plan"}, here),
            Labelled(metric.name, {"rules": "the other"}, there),
        ),
        definitions=(asking.definition(metric), asking.under(other).definition(other.metrics[metric.name])),
        sentence=_sentence(metric, variants, here, there, parts, str(period), currency),
        notes=(_NOTE,),
        findings=(Finding("not_taken_apart", "warning", reason),) if reason else (),
        next=(f"assay metric {metric.name}", f"assay explain {metric.name}"),
        chart={"kind": "waterfall", "x": "rule", "y": "part"},
    )


def _sides(asking: Asking, params: Params) -> tuple[dict[str, Any], list[Variant], Plan]:
    """The plan as written, what differs on the other side, and the other side as a plan."""
    from assay.plan import variants
    from assay.plan.load import FILE, from_raw, raw

    ours = raw(str(asking.extra["folder"]))
    if sum((bool(params.rule), params.like is not None, params.plan is not None)) == 0:
        raise UsageError("compare with what? --rule session.timeout=15m, --like matomo, or --plan OTHER")
    theirs = raw(params.plan) if params.plan else ours
    if params.plan and params.name not in (theirs.get("metrics") or {}):
        raise UnknownName("metric", params.name, theirs.get("metrics") or {}, f"the plan at {params.plan}")
    if params.like:
        theirs = variants.like(theirs, params.like)
    theirs = variants.given(theirs, params.name, params.rule)
    file = _file(asking)
    try:
        other = from_raw(
            theirs, str(params.plan / FILE if params.plan.is_dir() else params.plan) if params.plan else file
        )
    except PlanError as error:
        if params.plan:
            raise
        raise UsageError(f"--rule: {'; '.join(one.text for one in error.problems)}") from error
    metric = asking.metric(params.name)
    both = list(dict.fromkeys((metric.name, *metric.uses, *other.metrics[metric.name].uses)))
    ours, theirs = variants.narrowed(ours, both), variants.narrowed(theirs, both)
    found = variants.differences(ours, theirs, both, params.segment is not None, file)
    return ours, variants.grouped(variants.separable(ours, found, file), MOST), other


def _file(asking: Asking) -> str:
    """Where the plan stands: it may name files beside it."""
    from assay.plan.load import FILE

    folder = Path(str(asking.extra["folder"]))
    return str(folder / FILE if folder.is_dir() else folder)


def _figure(
    asking: Asking, params: Params, raw: dict[str, Any], chosen: list[Variant], seen: dict[Any, Estimate]
) -> Estimate:
    """The metric under some of the differences; what is asked twice is answered once."""
    from assay.analyses.measuring import measure
    from assay.plan.variants import mixed
    from assay.query.cut import Cut
    from assay.query.derive import derivation

    plan = mixed(raw, chosen, _file(asking)) if chosen else asking.plan
    metric = plan.metrics[params.name]
    decides = (metric.id, plan.pages, plan.site.week_start, plan.rules, plan.segments, plan.goals, plan.activity)
    key = (derivation(plan).id, repr(decides))
    if key not in seen:
        there = asking.under(plan) if chosen else asking
        period = there.period(params)
        cut = Cut(period, where=there.segment(params.segment), matured_by=there.matured_by())
        seen[key] = measure(there, [metric], cut).estimates[metric.name].get((), Estimate.none("no data"))
        if there is not asking:
            asking.sql.extend(there.sql)
    return seen[key]


def _exact(one: Estimate) -> Fraction:
    """The value as a fraction: numerator / denominator where both are exact."""
    if one.numerator is not None and one.denominator:
        return Fraction(one.numerator) / Fraction(one.denominator)
    assert one.value is not None
    return Fraction(one.value)


def _parts(variants: list[Variant], figure: Any) -> tuple[dict[str, Fraction] | None, str | None]:
    """The part of each difference; None with the reason where some set of rules has no number."""
    from assay.stats.shapley import shapley

    def value(chosen: frozenset[str]) -> Fraction:
        one: Estimate = figure(chosen)
        if one.value is None:
            raise _NoValue(
                f"under {', '.join(sorted(chosen)) or 'this plan'} there is no value: {_why(one, chosen, variants)}"
            )
        return _exact(one)

    try:
        return shapley([v.name for v in variants], value), None
    except _NoValue as error:
        return None, f"the difference cannot be taken apart: {error}"
    except PlanError as error:
        first = error.problems[0].text
        return None, f"the difference cannot be taken apart: some of the rules make no plan together ({first})"


def _why(one: Estimate, chosen: frozenset[str], variants: list[Variant]) -> str:
    """Why a set of rules gives no number."""
    if any(v.name == "bounce" and v.name in chosen and v.after.startswith("ga4") for v in variants):
        return "GA4 needs to know how long a page was in the foreground, and no event says so"
    return str(one.reason)


class _NoValue(Exception):
    """A set of rules under which the metric has no value."""


def _columns(metric: Metric, site_currency: str) -> tuple[Column, ...]:
    kind = column_kind(metric)
    currency = site_currency if kind == "money" else None
    return (
        Column("rule"),
        Column("here", label="this plan"),
        Column("there", label="the other"),
        Column("part", "points" if kind == "rate" else kind, "adds", metric.id, currency),
        Column("value", kind, metric.name, metric.id, currency),
        Column("low", kind, "from", metric.id, currency, detail=True),
        Column("high", kind, "to", metric.id, currency, detail=True),
    )


def _rows(
    variants: list[Variant], here: Estimate, there: Estimate, parts: dict[str, Fraction] | None
) -> tuple[tuple[Cell, ...], ...]:
    middle: list[tuple[Cell, ...]] = []
    if parts is not None:
        by_size = sorted(variants, key=lambda v: (-abs(parts[v.name]), v.name))
        shown = _shown([parts[v.name] for v in by_size], here, there)
        middle = [(v.name, v.before, v.after, part, None, None, None) for v, part in zip(by_size, shown, strict=True)]
    first: tuple[Cell, ...] = ("this plan", None, None, None, here.value, here.low, here.high)
    last: tuple[Cell, ...] = ("the other", None, None, None, there.value, there.low, there.high)
    return (first, *middle, last)


def _shown(parts: list[Fraction], here: Estimate, there: Estimate) -> list[Cell]:
    """The parts as the metric's own kind of number; money is rounded so that the parts add up to the last digit."""
    if not isinstance(here.value, Decimal) or not isinstance(there.value, Decimal):
        return [int(p) if p.denominator == 1 else float(p) for p in parts]
    digits = min(there.value.as_tuple().exponent, here.value.as_tuple().exponent, -6)
    return list(money_cells(parts, -int(digits)))


def _sentence(
    metric: Metric,
    variants: list[Variant],
    here: Estimate,
    there: Estimate,
    parts: dict[str, Fraction] | None,
    period: str,
    currency: str,
) -> str:
    kind = column_kind(metric)
    ours, theirs = (value_words(side.value, kind, currency) for side in (here, there))
    sides = f"{metric.name} is {ours} here and {theirs} there"
    if parts is None:
        return f"{sides}, {period}."
    largest = max(variants, key=lambda v: abs(parts[v.name]))
    if not any(parts.values()):
        return f"{sides}: what differs changes nothing, {period}."
    size = difference_words(float(parts[largest.name]), kind, currency)
    up = "more" if parts[largest.name] > 0 else "less"
    return f"{sides}; most of it is {largest.name} ({largest.before} → {largest.after}): {size} {up}, {period}."


QUESTION = Question("compare", "Why two numbers differ, rule by rule.", Params, answer)
