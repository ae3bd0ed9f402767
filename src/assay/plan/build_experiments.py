"""The sections ``experiments`` and ``holdout``: names resolved, and what one could not be judged by is refused."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from assay.model.errors import suggestion
from assay.plan import layers, literals
from assay.plan.build_measures import named
from assay.plan.dimensions import DIMENSIONS
from assay.plan.draft import BROKEN, Draft, Place, goal_rows
from assay.plan.experiment_forms import ExperimentForm, ExposureForm, GuardrailForm, HoldoutForm, LooksForm, ValueForm
from assay.plan.experiments import (
    AFTERWARDS,
    DAY,
    EXPOSURE_EVENT,
    Cap,
    Change,
    Cuped,
    Experiment,
    Exposure,
    Guardrail,
    Holdout,
    Looks,
    Primary,
    Value,
    Variant,
    cannot_judge,
    looks_ahead,
)
from assay.plan.measures import Expression, Select
from assay.plan.validate import check

NUMBERS = ("number", "integer", "money")


def experiments(draft: Draft) -> None:
    """Every test; the experiments of a layer must have room beside each other."""
    made = {name: _experiment(name, form, place) for name, form, place in named(draft, "experiments", ExperimentForm)}
    by_layer = defaultdict(list)
    for one in made.values():
        by_layer[one.layer].append(one)
    for layer, members in by_layer.items():
        for one, beside, asked in layers.crowded(members) if layer is not None else ():
            names = ", ".join(other.name for other in beside)
            text = (
                f"with {names} the layer {layer} is asked for {asked:.0%} of its units at once; "
                "lower traffic, move start and end, or use another layer"
            )
            Place(draft, ("experiments", one.name)).problem(text, "layer", code="layer_full")
    draft.set(experiments=made)


def holdout(draft: Draft) -> None:
    """The share of units that no test takes in."""
    if "holdout" not in draft.raw:
        return
    form = check(HoldoutForm, draft.raw["holdout"], ("holdout",), draft.report)
    if form is not None and form.share == 1:
        Place(draft, ("holdout",)).problem("100% leaves nobody for a test", "share", code="value")
    elif form is not None and form.share:
        draft.set(holdout=Holdout(form.share, form.salt))


def _experiment(name: str, form: ExperimentForm, place: Place) -> Experiment:
    variants = tuple(Variant(arm, float(weight)) for arm, weight in form.variants.items())
    audience, audience_name = _audience(form.audience, place)
    if form.objective is not None:
        place.known("objectives", form.objective, "objective", "objective")
    _days(form, place)
    _metrics(form, place)
    if form.power <= form.alpha:
        place.problem(f"power of {form.power:.0%} is no more than alpha, {form.alpha:.0%}", "power", code="value")
    guardrails = tuple(_guardrail(one, place.at("guardrails", n)) for n, one in enumerate(form.guardrails))
    primary = Primary(
        form.primary.metric,
        _change(form.primary.mde, form.primary.metric, place, "primary", "mde"),
        form.primary.direction or _direction(form.primary.metric, place),
    )
    return Experiment(
        name,
        form.hypothesis,
        form.objective,
        form.owner,
        form.unit,
        audience,
        audience_name,
        variants,
        _control(form, place),
        form.traffic,
        form.layer,
        form.salt or name,
        _exposure(name, form, place.at("exposure")),
        form.assignments,
        form.start,
        form.end,
        form.window,
        form.attribution,
        primary,
        tuple(form.diagnostics),
        guardrails,
        tuple(_caps(form, place)),
        _cuped(form, place),
        _strata(form, place),
        _looks(form.looks),
        form.alpha,
        form.power,
        form.correction,
        form.multi_arm,
        form.decision,
        _margin(form, place),
        _value(form.value, form.primary.metric, place.at("value")),
        tuple(sorted(set(form.follow_up))),
        _follow_up_metrics(form, place),
        form.cost,
        form.notes,
    )


def _audience(text: str | None, place: Place) -> tuple[Expression | None, str | None]:
    """A segment's condition and its name, or a condition of its own."""
    if text is None:
        return None, None
    segments, written = place.plan.segments, place.draft.entries("segments")
    if text in segments or text in written:
        return (segments[text].where if text in segments else BROKEN), text
    names = place.draft.names()
    if text.isidentifier() and text not in names:
        hint = suggestion(text, {*segments, *written, *(n for n, kind in names.items() if kind == "boolean")})
        place.problem(f"there is no segment {text!r}{hint}", "audience", code="unknown_segment")
        return BROKEN, None
    return place.expression(text, "audience"), None


def _control(form: ExperimentForm, place: Place) -> str:
    first = "control" if "control" in form.variants else next(iter(form.variants))
    control = first if form.control is None else form.control
    if control not in form.variants:
        place.problem(f"there is no variant {control!r}{suggestion(control, form.variants)}", "control", code="value")
    elif not form.variants[control]:
        text = f"{control} has weight 0, so that there is nothing to compare with"
        place.problem(text, *(("variants",) if form.control is None else ("control",)), code="value")
    return control


def _days(form: ExperimentForm, place: Place) -> None:
    if form.start and form.end and form.end < form.start:
        place.problem(f"{form.end} lies before the start, {form.start}", "end", code="value")
    days = form.looks.group_sequential
    if isinstance(days, tuple) and form.start and days[0] <= form.start:
        text = f"the first look, {days[0]}, must lie after the start, {form.start}"
        place.problem(text, "looks", "group_sequential", code="value")


def _exposure(name: str, form: ExperimentForm, place: Place) -> Exposure:
    exposure: ExposureForm = form.exposure
    if exposure.event != EXPOSURE_EVENT:
        place.known("events", exposure.event, "event", "event")
    declared = place.plan.events[exposure.event].properties if exposure.event in place.plan.events else {}
    for key, named_ in (("name", exposure.name), ("variant", exposure.variant)):
        if named_ is not None and declared and named_ not in declared:
            declare = f"declare it under events: {exposure.event}: properties: {{{named_}: string}}"
            hint = suggestion(named_, declared)
            text = f"{exposure.event} has no property {named_!r}{hint} (or {declare})"
            place.problem(text, key, code="unknown_property")
        if named_ is not None and form.assignments == "assign":
            text = "assignments: assign computes who saw what from the event alone; leave it out"
            place.problem(text, key, code="choose_one")
    plain = Exposure()
    return Exposure(
        exposure.event,
        exposure.name or plain.name_property,
        exposure.variant or plain.variant_property,
        exposure.value or name,
        _trigger(exposure.trigger, place),
        place.expression(exposure.where, "where"),
    )


def _trigger(name: str | None, place: Place) -> Select | None:
    """A page group or path, a goal, or an event."""
    if name is None:
        return None
    plan, written = place.plan, {key: place.draft.entries(key) for key in ("pages", "goals", "events")}
    if name in plan.pages or name.startswith("/"):
        return Select("event", ("page_view",), place.globs([name], "trigger"))
    if name in plan.goals:
        return goal_rows(plan.goals[name])
    if name in plan.events:
        return Select("event", (name,))
    if not any(name in section for section in written.values()):
        known = {*plan.pages, *plan.goals, *plan.events}
        text = f"there is no event, goal or page group {name!r}{suggestion(name, known)}"
        place.problem(text, "trigger", code="unknown_event")
    return Select()


def _metrics(form: ExperimentForm, place: Place) -> None:
    """Every metric named exists, stands once, and has a number per unit that a test can judge."""
    spots: list[tuple[str, tuple[str | int, ...]]] = [(form.primary.metric, ("primary", "metric"))]
    spots += [(one, ("diagnostics", n)) for n, one in enumerate(form.diagnostics)]
    spots += [(one.metric, ("guardrails", n, "metric")) for n, one in enumerate(form.guardrails)]
    guards = {one.metric for one in form.guardrails}
    seen: Counter[str] = Counter()
    for name, path in spots:
        place.known("metrics", name, "metric", *path)
        seen[name] += 1
        again = seen[name] > 1 and not (name == form.primary.metric and name in guards and seen[name] == 2)
        if again:
            place.problem(f"{name} stands there twice; a metric has one part in a test", *path, code="choose_one")
        elif name in place.plan.metrics:
            reason = cannot_judge(place.plan.metrics[name].quantity)
            if reason:
                place.problem(f"a test cannot judge {name}: {reason}", *path, code="not_testable")
    primary = place.plan.metrics.get(form.primary.metric)
    ahead = looks_ahead(primary.quantity) if primary else 0
    if form.start and form.end and ahead > ((form.end - form.start).days + 1) * DAY:
        text = (
            f"{form.primary.metric} looks {literals.words(ahead)} ahead, longer than {form.start} to {form.end}: "
            "it cannot mature within the test"
        )
        place.problem(text, "primary", "metric", code="cannot_mature")


def _direction(metric: str, place: Place) -> str:
    """The KPI's, which is the metric's where it does not say otherwise."""
    found = place.plan.kpis.get(metric) or place.plan.metrics.get(metric)
    return found.direction if found else "up"


def _guardrail(form: GuardrailForm, place: Place) -> Guardrail:
    if form.margin is None:
        text = (
            "needs the key 'margin', the worst that is put up with (2%, 0.5pp, 0.10 EUR): no test of finite size shows "
            "that a number has not changed at all, only that it is not worse by more than a margin"
        )
        place.problem(text, code="missing_key")
    margin = _change(form.margin, form.metric, place, "margin") or Change(0.0)
    return Guardrail(form.metric, margin, form.direction or _direction(form.metric, place))


def _change(written: literals.Written | None, metric: str, place: Place, *keys: str) -> Change | None:
    """The change, which must fit the metric: points for shares, the site's money for money."""
    if written is None:
        return None
    change, known = written.change, place.plan.metrics.get(metric)
    if known is None:
        return change
    if change.scale == "points" and known.format != "percent":
        text = f"pp are percentage points of a share, {metric} is none; write 2% of its value, or a number in its unit"
        place.problem(text, *keys, code="value")
    if change.scale == "absolute" and written.currency is None and known.format == "percent" and change.value >= 1:
        text = f"{metric} is a share between 0 and 1; write {change.words()}pp or {change.words()}%"
        place.problem(text, *keys, code="value")
    if written.currency is not None and known.format != "money":
        place.problem(f"{metric} is no money; write 2% of its value, or a number in its unit", *keys, code="value")
    elif written.currency is not None:
        _currency(written.currency, place, *keys)
    return change


def _currency(written: str, place: Place, *keys: str) -> None:
    own = place.plan.site.currency
    if written != own:
        place.problem(f"the site counts in {own}, not {written}; write the amount in {own}", *keys, code="value")


def _margin(form: ExperimentForm, place: Place) -> Change | None:
    """Of the primary: how much worse still counts as not worse."""
    if form.decision == "non_inferiority" and form.margin is None:
        text = (
            "decision: non_inferiority needs the key 'margin': how much worse the primary may be to count as not worse"
        )
        place.problem(text, "decision", code="missing_key")
    if form.decision != "non_inferiority" and form.margin is not None:
        text = "only decision: non_inferiority has a margin of the primary; a guardrail has its own"
        place.problem(text, "margin", code="choose_one")
    return _change(form.margin, form.primary.metric, place, "margin")


def _caps(form: ExperimentForm, place: Place) -> Iterator[tuple[str, Cap]]:
    judged = [form.primary.metric, *form.diagnostics, *(one.metric for one in form.guardrails)]
    for name, cap in form.cap.items():
        metric = place.plan.metrics.get(name)
        if name not in judged:
            text = f"the test does not judge {name}{suggestion(name, judged)}"
            place.problem(text, "cap", name, code="unknown_metric")
        elif metric is not None and metric.quantity.kind not in ("mean", "ratio"):
            text = f"cap needs a number per unit; {name} is a {metric.quantity.kind}"
            place.problem(text, "cap", name, code="choose_one")
        yield name, cap


def _cuped(form: ExperimentForm, place: Place) -> Cuped | None:
    if form.cuped is None:
        return None
    if form.cuped.property is not None:
        _carried(form.cuped.property, form.exposure.event, place)
        return Cuped(property=form.cuped.property)
    name = form.cuped.metric
    if name is not None and place.known("metrics", name, "metric", "cuped", "metric"):
        reason = cannot_judge(place.plan.metrics[name].quantity)
        if reason:
            place.problem(f"{name} is no covariate: {reason}", "cuped", "metric", code="not_testable")
    return Cuped(form.cuped.days, name)


def _carried(name: str, event: str, place: Place) -> None:
    """The covariate is a declared number of the exposure's event."""
    declared = place.plan.events[event].properties if event in place.plan.events else {}
    numbers = [one.name for one in declared.values() if one.type in NUMBERS]
    if name not in declared:
        declare = f"declare it under events: {event}: properties: {{{name}: number}}"
        text = f"{event} has no property {name!r}{suggestion(name, numbers)} ({declare})"
        place.problem(text, "cuped", "property", code="unknown_property")
    elif name not in numbers:
        text = f"{name} is of type {declared[name].type}; a covariate is a number"
        place.problem(text, "cuped", "property", code="value")


def _strata(form: ExperimentForm, place: Place) -> str | None:
    """A dimension that is known of a visit when it begins."""
    name = form.strata
    if name is None:
        return None
    own = {p.name for p in place.plan.properties().values() if p.scope == "session" and p.type in ("string", "boolean")}
    kinds = {n for n, (scope, kind) in DIMENSIONS.items() if scope == "session" and kind != "number"}
    fit = (kinds | own) - AFTERWARDS
    if name in AFTERWARDS:
        text = (
            f"{name} is what the visit came to, which the variant can change; use what was known before, such as device"
        )
        place.problem(text, "strata", code="value")
    elif name not in fit:
        what = "is no dimension of a visit" if name in place.draft.names() else "is no dimension"
        place.problem(f"{name!r} {what}{suggestion(name, fit)}", "strata", code="unknown_dimension")
    return name


def _looks(form: LooksForm) -> Looks:
    if form.rule is not None:
        return Looks(form.rule)
    planned = form.group_sequential
    dates = planned if isinstance(planned, tuple) else ()
    return Looks("group_sequential", dates, len(dates) or planned, form.spending or "obrien_fleming")


def _value(form: ValueForm, metric: str, place: Place) -> Value:
    if form.currency is not None:
        _currency(form.currency, place, "currency")
    known = place.plan.metrics.get(metric)
    if known is not None and known.format == "money":
        field = known.quantity.numerator.field if known.quantity.numerator else None
        if form.per_conversion is not None:
            place.problem(f"{metric} is money already; leave it out", "per_conversion", code="choose_one")
        if form.margin is not None and field == "contribution":
            place.problem(f"{metric} is contribution already; leave it out", "margin", code="choose_one")
    return Value(form.per_conversion, form.margin, form.eligible, form.decay, form.ramp or 0)


def _follow_up_metrics(form: ExperimentForm, place: Place) -> tuple[str, ...]:
    """Those named; else the guardrails'."""
    for name in form.follow_up_metrics:
        if place.known("metrics", name, "metric", "follow_up_metrics") and name in place.plan.metrics:
            reason = cannot_judge(place.plan.metrics[name].quantity)
            if reason:
                place.problem(f"a test cannot judge {name}: {reason}", "follow_up_metrics", code="not_testable")
    return tuple(dict.fromkeys(form.follow_up_metrics or [one.metric for one in form.guardrails]))
