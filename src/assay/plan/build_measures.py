"""The sections that measure: segments, cohorts, funnels, channels, metrics, KPIs, and what hangs on them."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, TypeVar

from assay.model.errors import suggestion
from assay.plan import forms, kpis, values
from assay.plan.draft import BROKEN, CHANNEL_NAMES, Draft, Place
from assay.plan.kpis.base import AnyType, Described, MetricKeys
from assay.plan.tree import kind
from assay.plan.validate import check, keys

F = TypeVar("F", bound=forms.Form)
_COMMON = frozenset(forms.MetricForm.model_fields)


def named(draft: Draft, section: str, form: type[F]) -> list[tuple[str, F, Place]]:
    """Every entry of a section that is well formed by itself."""
    found = []
    for name, value in draft.entries(section).items():
        one = check(form, value, (section, name), draft.report)
        if one is not None:
            found.append((name, one, Place(draft, (section, name))))
    return found


def segments(draft: Draft) -> None:
    """Named conditions."""
    made = {}
    for name, value in draft.entries("segments").items():
        if isinstance(value, str):
            made[name] = values.Segment(name, Place(draft, ("segments", name)).expression(value) or BROKEN)
        else:
            text = f"segments.{name} must be an expression such as \"device = 'mobile'\", not {kind(value)}"
            draft.report.add(("segments", name), text, "value")
    draft.set(segments=made)


def cohorts(draft: Draft) -> None:
    """Units by what they did."""
    made = {}
    for name, form, place in named(draft, "cohorts", forms.CohortForm):
        if not (form.did or form.did_not or form.sequence or form.where or form.members):
            place.problem("needs did, did_not, sequence, where or members", code="missing_key")
        if name in draft.names(cohorts=False) or name in draft.entries("segments"):
            place.problem(f"{name} already names a dimension, a property or a segment", code="choose_one")
        if form.members and (form.did or form.did_not or form.sequence or form.where):
            place.problem("a list of members and behaviour at once: choose one", "members", code="choose_one")
        if form.per == "account" and not form.members:
            place.problem("behaviour is known per visitor and user", "per", code="value")
        if len(form.sequence) == 1:
            place.problem("a sequence has at least two events; use did for one", "sequence", code="value")
        if form.at_least > 1 and not form.did:
            place.problem("at_least counts the events of did, which is missing", "at_least", code="missing_key")
        for event in sorted(set(form.did) & set(form.did_not)):
            place.problem(f"{event} stands in did and in did_not; nobody can be both", "did_not", code="choose_one")
        where = place.expression(form.where, "where", names=draft.names(cohorts=False))
        made[name] = values.Cohort(
            name,
            tuple(form.did),
            tuple(form.did_not),
            form.at_least,
            form.within,
            tuple(form.sequence),
            where,
            form.per,
            member_ids(form.members, place) if form.members else (),
        )
    draft.set(cohorts=made)


def member_ids(file: str, place: Place) -> tuple[str, ...]:
    """The ids in a file beside the plan: its first column, below a heading."""
    main = Path(place.plan.files[0]) if place.plan.files else Path()
    path = main.parent / file
    if path.resolve().parent != main.parent.resolve() and main.parent.resolve() not in path.resolve().parents:
        place.problem(f"{file} lies outside of the plan's folder", "members", code="file")
        return ()
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            ids = [row[0].strip() for row in list(csv.reader(lines))[1:] if row and row[0].strip()]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        place.problem(f"{file} cannot be read: {reason}", "members", code="file")
        return ()
    return tuple(dict.fromkeys(ids))


def funnels(draft: Draft) -> None:
    """Steps in a window."""
    made = {}
    for name, form, place in named(draft, "funnels", forms.FunnelForm):
        steps = tuple(_step(one, place.at("steps", index)) for index, one in enumerate(form.steps))
        if steps[0].optional:
            place.problem("the first step cannot be optional", "steps", 0, code="value")
        if form.order == "unordered" and any(step.optional for step in steps):
            place.problem("an unordered funnel has no optional steps", "order", code="choose_one")
        exclusions = tuple(_exclusion(one, form, place.at("exclusions", i)) for i, one in enumerate(form.exclusions))
        made[name] = values.Funnel(
            name,
            steps,
            form.per,
            _window(form),
            form.order,
            form.entry or draft.plan.rules.funnel_entry,
            exclusions,
            form.description,
        )
    draft.set(funnels=made)


def _window(form: forms.FunnelForm) -> int | None:
    """Seconds; None = the session, which is also the default per session."""
    if form.window is None:
        return None if form.per == "session" else values.Funnel("", ()).window
    return None if form.window == "session" else form.window


def _step(form: forms.StepForm, place: Place) -> values.Step:
    page = place.globs(form.page, "page")
    label = form.label or form.event or (", ".join(form.page) if form.page else "any event")
    return values.Step(label, form.event, page, place.expression(form.where, "where"), form.optional)


def _exclusion(form: forms.ExclusionForm, funnel: forms.FunnelForm, place: Place) -> values.Exclusion:
    if not form.after < form.before <= len(funnel.steps):
        text = f"after must be less than before, and before at most {len(funnel.steps)}, the number of steps"
        place.problem(text, code="value")
    effect = form.effect or ("clear" if funnel.order == "unordered" else "leave")
    return values.Exclusion(form.event, form.after, form.before, effect, place.expression(form.where, "where"))


def channels(draft: Draft) -> None:
    """Own channel rules, in order."""
    made = []
    for index, value in enumerate(draft.raw.get("channels") or []):
        form = check(forms.ChannelForm, value, ("channels", index), draft.report)
        if form is not None:
            place = Place(draft, ("channels", index))
            made.append(
                values.ChannelRule(form.channel, place.expression(form.where, "where", names=CHANNEL_NAMES) or BROKEN)
            )
    draft.set(channels=tuple(made))


def metrics(draft: Draft) -> None:
    """Every metric by its type; derived ones must not go in circles."""
    made: dict[str, values.Metric] = {}
    for name, value in draft.entries("metrics").items():
        place = Place(draft, ("metrics", name))
        type_ = _type(value, place)
        form = check(type_.keys, value, place.path, draft.report) if type_ else None
        if type_ is not None and form is not None:
            made[name] = _metric(name, form, type_, place)
    _no_circles(made, draft)
    draft.set(metrics=made)


def _type(value: Any, place: Place) -> AnyType | None:
    name = value.get("type") if isinstance(value, dict) else None
    if not isinstance(value, dict):
        check(forms.MetricForm, value, place.path, place.draft.report)
    elif "type" not in value:
        place.problem(f"needs the key 'type'; one of {', '.join(kpis.BY_NAME)}", code="missing_key")
    elif not isinstance(name, str):
        place.problem(f"must be one of {', '.join(kpis.BY_NAME)}, not {kind(name)}", "type", code="unknown_type")
    elif name not in kpis.BY_NAME:
        place.problem(f"there is no metric type {name!r}{suggestion(name, kpis.BY_NAME)}", "type", code="unknown_type")
    return kpis.BY_NAME.get(name) if isinstance(name, str) else None


def _metric(name: str, form: MetricKeys, type_: AnyType, place: Place) -> values.Metric:
    described: Described = type_.describe(form, place)
    quantity = described.quantity
    if form.cap is not None:
        if quantity.kind not in ("mean", "ratio"):
            text = "cap needs a number per unit; a total, a share, a quantile or a derived metric has none"
            place.problem(text, "cap", code="choose_one")
        quantity = dataclasses.replace(quantity, cap=form.cap)
    return values.Metric(
        name,
        type_.name,
        quantity,
        described.words,
        _own_keys(form, described, place),
        form.description,
        form.stage,
        form.direction or described.direction,
        form.format or described.format,
        described.uses,
    )


def _own_keys(form: MetricKeys, described: Described, place: Place) -> Mapping[str, Any]:
    """The type's own keys with what they stand for: seconds, expressions in their normal form."""

    def normal(value: Any, path: Place) -> Any:
        if not isinstance(value, dict):
            return value
        return {
            key: (path.expression(one, key) or BROKEN).text if key == "where" else normal(one, path.at(key))
            for key, one in value.items()
        }

    dumped = form.model_dump(by_alias=True, exclude_none=True, exclude=set(_COMMON))
    found = normal({key: dumped[key] for key in keys(type(form)) if key in dumped}, place)
    expression = described.quantity.expression
    return {**found, "expression": expression.text} if expression else found


def _no_circles(made: Mapping[str, values.Metric], draft: Draft) -> None:
    uses = {name: set(metric.uses) for name, metric in made.items() if metric.uses}
    while True:
        try:
            TopologicalSorter(uses).prepare()
            return
        except CycleError as error:
            circle = error.args[1]
            path = " → ".join(reversed(circle))
            draft.report.add(
                ("metrics", circle[-1], "expression"), f"metrics.{circle[-1]}: goes in a circle: {path}", "circle"
            )
            uses = {name: used for name, used in uses.items() if name not in circle}


def objectives(draft: Draft) -> None:
    """Outcomes wanted."""
    made = {
        name: values.Objective(name, form.goal, form.owner, form.until)
        for name, form, _ in named(draft, "objectives", forms.ObjectiveForm)
    }
    draft.set(objectives=made)


def kpi_list(draft: Draft) -> None:
    """Metrics tied to objectives; direction is the metric's unless the KPI says it where the metric does not."""
    made = {}
    for name, form, place in named(draft, "kpis", forms.KpiForm):
        known = place.known("metrics", name, "metric")
        if form.objective is not None:
            place.known("objectives", form.objective, "objective", "objective")
        direction = form.direction or (draft.plan.metrics[name].direction if known else "up")
        written = draft.entries("metrics").get(name)
        own = written.get("direction") if isinstance(written, dict) else None
        if form.direction is not None and own in ("up", "down") and own != form.direction:
            place.problem(
                f"the metric's direction is {own}, the KPI's is {form.direction}: choose one",
                "direction",
                code="choose_one",
            )
        made[name] = values.Kpi(name, form.objective, direction, form.target, form.baseline, form.guardrail)
    draft.set(kpis=made)


def changes(draft: Draft) -> None:
    """The change log."""
    made = []
    for index, value in enumerate(draft.raw.get("changes") or []):
        form = check(forms.ChangeForm, value, ("changes", index), draft.report)
        if form is not None:
            made.append(values.Change(form.date, form.kind, form.what, form.link))
    draft.set(changes=tuple(made))


AUTOMATIC = "automatic"


def alerts(draft: Draft) -> None:
    """Numbers that are watched; ``automatic`` says how those are that need no rule."""
    made = {}
    for name, form, place in named(draft, "alerts", forms.AlertForm):
        given = [key for key in ("metric", "funnel") if getattr(form, key) is not None]
        if name == AUTOMATIC:
            for key in [*given, *(["by"] if form.by else [])]:
                place.problem("the automatic alerts watch everything already; give the rule another name", key)
        elif len(given) != 1:
            text = "metric and funnel at once: choose one" if given else "needs metric or funnel"
            place.problem(text, *given[1:], code="choose_one")
        elif form.metric is not None:
            place.known("metrics", form.metric, "metric", "metric")
        else:
            place.known("funnels", str(form.funnel), "funnel", "funnel")
        if name != AUTOMATIC and form.sensitivity == 0:
            place.problem("only the automatic alerts can be off; leave the rule out", "sensitivity", code="value")
        by = [one for one in form.by if _is_part(draft, one, place)]
        made[name] = values.Alert(name, form.metric, form.funnel, tuple(by), form.sensitivity, tuple(form.to))
    draft.set(alerts=made)


def _is_part(draft: Draft, name: str, place: Place) -> bool:
    """Whether a rule can watch by that dimension; a mistake is reported."""
    known = {**draft.names(), **draft.entries("segments")}
    if name not in known:
        place.problem(f"there is no dimension {name!r}{suggestion(name, known)}", "by", code="unknown_dimension")
    return name in known


def imports(draft: Draft) -> None:
    """Free mappings; the importer knows their keys."""
    made = {}
    for name, value in draft.entries("imports").items():
        if isinstance(value, dict):
            made[name] = values.Import(name, value)
        else:
            draft.report.add(
                ("imports", name), f"imports.{name} must be a mapping (key: value), not {kind(value)}", "value"
            )
    draft.set(imports=made)
