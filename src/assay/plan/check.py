"""What is wrong with a plan that can be read: goals nobody agreed on, numbers that are no KPIs, steps that never match.

Each check is one small function that yields remarks; a further check is a function and a line in ``CHECKS``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from assay.model.errors import Problem, suggestion
from assay.model.event import NAMES
from assay.plan import literals
from assay.plan.build_webhooks import unknown_field
from assay.plan.dimensions import DIMENSIONS
from assay.plan.experiments import AFTERWARDS, looks_ahead
from assay.plan.kpis.subscription import EVENTS as SUBSCRIPTION_EVENTS
from assay.plan.measures import ENTITIES, Quantity
from assay.plan.report import Lines, Path
from assay.plan.values import Metric, Plan

MOST_KPIS = 5
MOST_DIAGNOSTICS = 4
_SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@dataclass(frozen=True)
class Remark:
    """One remark at a key of the plan."""

    path: Path
    text: str
    code: str
    severity: str = "warning"


@dataclass(frozen=True)
class Look:
    """What a check looks at. ``today`` is the day that targets are measured against."""

    plan: Plan
    lines: Lines
    today: date


def check(plan: Plan, lines: Lines | None = None, today: date | None = None) -> list[Problem]:
    """Every remark on the plan in order of file and line; empty where there is nothing to say.

    ``lines`` comes from ``load_with_lines``; without it problems carry the first file and line 0, and what depends on
    whether a key is written down is left out.
    """
    lines = lines or Lines({}, plan.files[0] if plan.files else "")
    look = Look(plan, lines, today or date.today())  # noqa: DTZ011 -- targets end on calendar days
    found = [lines.problem(r.path, r.text, r.severity, r.code) for one in CHECKS for r in one(look)]
    return sorted(found)


def unknown_events(look: Look) -> Iterator[Remark]:
    """An event that is neither built in nor declared counts nothing, silently."""
    plan = look.plan

    def missing(names: Iterable[str | None], path: Path, what: str) -> Iterator[Remark]:
        for name in dict.fromkeys(names):
            if name is not None and name not in plan.events:
                hint = suggestion(name, plan.events) if _near(name, plan) else ""
                text = f"{what} the event {name!r}, which is neither built in nor declared under events{hint}"
                yield Remark(path, text, "unknown_event", "error")

    for goal in plan.goals.values():
        yield from missing([goal.event], ("goals", goal.name, "event"), f"the goal {goal.name} counts")
    if plan.activity is not None:
        yield from missing(plan.activity.events or (), ("activity", "event"), "activity counts")
    for metric in plan.metrics.values():
        referred = [metric.keys[key] for key in ("goal", "from") if key in metric.keys]
        through_goals = {plan.goals[name].event for name in referred if name in plan.goals}
        names = [name for name in _events(metric.quantity) if name not in through_goals]
        yield from missing(names, ("metrics", metric.name), f"the metric {metric.name} counts")
    for funnel in plan.funnels.values():
        for index, step in enumerate(funnel.steps):
            what = f"step {index + 1} of the funnel {funnel.name} can never match: it asks for"
            yield from missing([step.event], ("funnels", funnel.name, "steps", index), what)
        for index, one in enumerate(funnel.exclusions):
            path = ("funnels", funnel.name, "exclusions", index)
            yield from missing(
                [one.event], path, f"an exclusion of the funnel {funnel.name} can never match: it asks for"
            )
    for cohort in plan.cohorts.values():
        for key in ("did", "did_not", "sequence"):
            yield from missing(
                getattr(cohort, key), ("cohorts", cohort.name, key), f"the cohort {cohort.name} asks for"
            )


def _near(name: str, plan: Plan) -> bool:
    return "did you mean" in suggestion(name, plan.events)


def _events(quantity: Quantity) -> list[str]:
    return [event for select in quantity.selects() for event in select.events or ()]


def matched_fields(look: Look) -> Iterator[Remark]:
    """A rule about a field that no event has sets nothing apart."""
    known = {*NAMES, *look.plan.properties()}
    rules = (
        ("internal", ("internal", "where"), look.plan.collect.internal),
        ("test orders", ("test_orders",), look.plan.collect.tests),
    )
    for what, path, pairs in rules:
        for name in dict.fromkeys(name for name, _ in pairs if name not in known):
            text = f"{what}: no event has a field or declared property {name!r}{suggestion(name, known)}"
            yield Remark(("collect", *path, name), text, "unknown_field")


def one_macro_goal(look: Look) -> Iterator[Remark]:
    """A journey ends in exactly one macro goal; the others on the way are micro."""
    journeys: dict[str, list[str]] = defaultdict(list)
    for goal in look.plan.goals.values():
        journeys[goal.journey] += [goal.name] if goal.kind == "macro" else []
    for journey, macros in journeys.items():
        first = next(goal.name for goal in look.plan.goals.values() if goal.journey == journey)
        if not macros:
            text = f"the journey {journey} has no macro goal; give the goal that it is for kind: macro"
            yield Remark(("goals", first), text, "macro_goal", "error")
        for name in macros[1:]:
            text = f"the journey {journey} has {len(macros)} macro goals ({', '.join(macros)}); keep one"
            yield Remark(("goals", name), text, "macro_goal", "error")


def agreed_goals(look: Look) -> Iterator[Remark]:
    """A conversion that nobody agreed on is one team's conversion."""
    for goal in look.plan.goals.values():
        if not goal.agreed_by:
            text = f"nobody agreed on the goal {goal.name}; name the teams: agreed_by: [marketing, product]"
            yield Remark(("goals", goal.name), text, "not_agreed", "info")


def kpi_objectives(look: Look) -> Iterator[Remark]:
    """A KPI is a metric tied to an objective, and an objective is measured by a KPI."""
    for kpi in look.plan.kpis.values():
        if kpi.objective is None and not kpi.guardrail:
            text = f"the KPI {kpi.metric} has no objective; say what it is for: objective: <name>, or leave it a metric"
            yield Remark(("kpis", kpi.metric), text, "kpi_without_objective")
    used = {kpi.objective for kpi in look.plan.kpis.values()}
    for objective in look.plan.objectives.values():
        if objective.name not in used:
            text = f"no KPI measures the objective {objective.name}; tie one to it under kpis"
            yield Remark(("objectives", objective.name), text, "objective_without_kpi")


def few_kpis(look: Look) -> Iterator[Remark]:
    """More than five numbers are watched by nobody; guardrails do not count."""
    kpis = [kpi.metric for kpi in look.plan.kpis.values() if not kpi.guardrail]
    if len(kpis) > MOST_KPIS:
        text = f"{len(kpis)} KPIs; keep the {MOST_KPIS} that decide something, the others stay metrics or guardrails"
        yield Remark(("kpis",), text, "too_many_kpis")


def vanity(look: Look) -> Iterator[Remark]:
    """A plain total that is not money grows with traffic and decides nothing."""
    for kpi in look.plan.kpis.values():
        metric = look.plan.metrics[kpi.metric]
        if metric.quantity.kind == "total" and metric.format != "money":
            text = (
                f"{metric.name} is a vanity metric: a plain total grows with traffic; use a rate or a mean per visitor"
            )
            yield Remark(("kpis", kpi.metric), text, "vanity_metric")


def rate_units(look: Look) -> Iterator[Remark]:
    """A rate without its unit is read as another one: per visitor, user and session differ by a factor."""
    for metric in look.plan.metrics.values():
        written = ("metrics", metric.name) in look.lines.places
        if metric.type == "conversion" and written and ("metrics", metric.name, "per") not in look.lines.places:
            unit = metric.quantity.unit
            text = f"the rate {metric.name} names no unit and is taken per {unit}; write per: session, user or visitor"
            yield Remark(("metrics", metric.name), text, "rate_without_unit")


def targets(look: Look) -> Iterator[Remark]:
    """A target lies in the future, has something to be compared with, and points where the KPI should go."""
    for kpi in look.plan.kpis.values():
        target, path = kpi.target, ("kpis", kpi.metric, "target")
        if target is None:
            continue
        if target.by < look.today:
            text = f"the target of {kpi.metric} ended on {target.by}; set a new one"
            yield Remark(path, text, "target_past")
        if target.relative and kpi.baseline is None:
            text = (
                f"the target of {kpi.metric} is relative to nothing; add baseline: 2026-Q3, a month, a year or a range"
            )
            yield Remark(path, text, "no_baseline")
        if target.relative and (target.value < 0) != (kpi.direction == "down"):
            text = f"the target {target.text!r} of {kpi.metric} goes against its direction, {kpi.direction}"
            yield Remark(path, text, "target_direction", "error")


def names(look: Look) -> Iterator[Remark]:
    """One convention for names: snake_case, and for events what happened to what."""
    for section in ("events", "goals", "metrics", "segments", "cohorts", "funnels", "objectives"):
        for name, one in getattr(look.plan, section).items():
            if not _SNAKE.fullmatch(name):
                better = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_")
                hint = f", such as {better!r}" if _SNAKE.fullmatch(better) else ""
                text = f"{name!r} in {section} is not snake_case; use lower case and underscores{hint}"
                yield Remark((section, name), text, "naming")
            elif section == "events" and not one.builtin and "_" not in name and name not in SUBSCRIPTION_EVENTS:
                text = (
                    f"the event {name!r} says not what happened to what; name it object_action, such as trial_started"
                )
                yield Remark((section, name), text, "object_action", "info")
            if section == "events" and name in ENTITIES:
                text = f"the event {name!r} is named like an entity, and metrics read it as that; give it another name"
                yield Remark((section, name), text, "ambiguous_name")


def shadowed(look: Look) -> Iterator[Remark]:
    """An own property with the name of a built-in dimension is mistaken for it."""
    for event in look.plan.events.values():
        for name in event.properties:
            path = ("events", event.name, "properties", name)
            if name in DIMENSIONS and path in look.lines.places:
                text = f"{name} is also a built-in dimension; give the property another name"
                yield Remark(path, text, "shadowed_dimension", "info")


def costs(look: Look) -> Iterator[Remark]:
    """Contribution without any cost is net revenue under another name."""
    orders = look.plan.orders
    if any((orders.cost, orders.shipping, orders.discount, orders.fees)):
        return
    for metric in look.plan.metrics.values():
        numerator = metric.quantity.numerator
        if numerator is not None and numerator.field == "contribution":
            text = f"{metric.name} equals net revenue: orders names no cost; add cost, shipping, discount or fees"
            yield Remark(("metrics", metric.name), text, "contribution_without_costs")


def one_step(look: Look) -> Iterator[Remark]:
    """Nobody can be lost in a funnel of one step."""
    for funnel in look.plan.funnels.values():
        if len(funnel.steps) == 1:
            text = f"the funnel {funnel.name} has one step; a funnel needs two, or make it a metric"
            yield Remark(("funnels", funnel.name), text, "one_step", "error")


def globs(look: Look) -> Iterator[Remark]:
    """A path begins with /, so a glob that does not never matches."""
    for name, patterns in look.plan.pages.items():
        for glob in patterns:
            if not glob.startswith(("/", "*")):
                yield Remark(("pages", name), f"the glob {glob!r} never matches: a path begins with /", "page_glob")


def same_meaning(look: Look) -> Iterator[Remark]:
    """Two names for one number."""
    seen: dict[str, Metric] = {}
    for metric in look.plan.metrics.values():
        first = seen.setdefault(metric.id, metric)
        if first is not metric and metric.id:
            text = f"{metric.name} means the same as {first.name} (definition {metric.id}); keep one of them"
            yield Remark(("metrics", metric.name), text, "same_meaning", "info")


def tests(look: Look) -> Iterator[Remark]:
    """What weakens a test and is no mistake."""
    for one in look.plan.experiments.values():
        path, metric = ("experiments", one.name), one.primary.metric
        if metric in (guard.metric for guard in one.guardrails):
            text = f"{metric} is the primary of {one.name} and a guardrail: what wins is not worse; drop the guardrail"
            yield Remark((*path, "guardrails"), text, "primary_as_guardrail")
        if len(one.diagnostics) == 1 or len(one.diagnostics) > MOST_DIAGNOSTICS:
            text = (
                f"{one.name} names {len(one.diagnostics)} diagnostics; 2 to {MOST_DIAGNOSTICS} say why the primary "
                "moved and are few enough to be read"
            )
            yield Remark((*path, "diagnostics"), text, "diagnostics")
        ahead = looks_ahead(look.plan.metrics[metric].quantity)
        if ahead > one.window:
            text = (
                f"{metric} looks {literals.words(ahead)} ahead of each start, the window of {one.name} is "
                f"{literals.words(one.window)}: a unit is judged only {literals.words(one.window + ahead)} after its "
                f"exposure; set window: {literals.compact(ahead)}, or shorten within"
            )
            yield Remark((*path, "window"), text, "short_window")
        after = sorted(AFTERWARDS & set(one.audience.names if one.audience else ()))
        if after:
            text = (
                f"the audience of {one.name} looks at {', '.join(after)}, which the variant can change: its arms "
                "are then not alike; use what was known before, such as device"
            )
            yield Remark((*path, "audience"), text, "audience_afterwards")
        if not one.traffic:
            yield Remark((*path, "traffic"), f"{one.name} takes in nobody: its traffic is 0 %", "no_traffic")


def webhooks(look: Look) -> Iterator[Remark]:
    """A webhook's event that nobody declared, and a mapped field that the event does not have."""
    for one in look.plan.webhooks.values():
        for index, rule in enumerate(one.rules):
            path, event = ("webhooks", one.name, "events", index), look.plan.events.get(rule.event)
            if event is None:
                hint = suggestion(rule.event, look.plan.events) if _near(rule.event, look.plan) else ""
                text = f"the webhook {one.name} makes the event {rule.event!r}, which is not declared{hint}"
                yield Remark((*path, "event"), text, "unknown_event")
                continue
            for name in rule.map:
                if (odd := unknown_field(name, event.properties)) is not None:
                    yield Remark((*path, "map", name), odd, "unknown_property")


CHECKS: tuple[Callable[[Look], Iterator[Remark]], ...] = (
    unknown_events,
    matched_fields,
    one_macro_goal,
    agreed_goals,
    kpi_objectives,
    few_kpis,
    vanity,
    rate_units,
    targets,
    names,
    shadowed,
    costs,
    one_step,
    globs,
    same_meaning,
    tests,
    webhooks,
)
