"""Definition ids: twelve hexadecimal digits that change exactly when the meaning does.

An id is the start of the SHA-256 of a definition's meaning in one canonical form: what is counted, over which unit, in
which window, with the rules that bear on it. Labels, descriptions, owners, order of keys and layout are no part of it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from graphlib import TopologicalSorter
from typing import Any

from assay.plan.dimensions import DIMENSIONS
from assay.plan.experiments import Experiment, Variant
from assay.plan.measures import Expression, Measure, Quantity, Select
from assay.plan.values import Cohort, Funnel, Metric, Plan, Rules, Segment

_CHANNEL = frozenset({"channel", "first_channel"})
_SOURCE = frozenset({"source", "medium", "campaign", "first_source", "first_campaign"}) | _CHANNEL
_CLEANED = frozenset({"page", "entry_page", "exit_page"})
_GROUPED = frozenset({"page_group", "entry_page_group"})
_ORDERED = frozenset({"customer", "order_type", "coupon"})


def identified(plan: Plan) -> Plan:
    """The same plan with every id filled in."""
    segments = {
        name: dataclasses.replace(one, id=digest(segment_meaning(one, plan))) for name, one in plan.segments.items()
    }
    cohorts = {
        name: dataclasses.replace(one, id=digest(cohort_meaning(one, plan))) for name, one in plan.cohorts.items()
    }
    funnels = {
        name: dataclasses.replace(one, id=digest(funnel_meaning(one, plan))) for name, one in plan.funnels.items()
    }
    known: dict[str, str] = {}
    for name in TopologicalSorter({name: one.uses for name, one in plan.metrics.items()}).static_order():
        known[name] = digest(metric_meaning(plan.metrics[name], plan, known))
    metrics = {name: dataclasses.replace(one, id=known[name]) for name, one in plan.metrics.items()}
    plan = dataclasses.replace(plan, segments=segments, cohorts=cohorts, funnels=funnels, metrics=metrics)
    return dataclasses.replace(plan, id=digest(plan_meaning(plan)))


def digest(meaning: Any) -> str:
    """Twelve hexadecimal digits of the canonical JSON of ``meaning``."""
    text = json.dumps(canonical(meaning), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def canonical(value: Any) -> Any:
    """Plain JSON values; what is absent, or at its default, is left out, so that a new default key changes no id."""
    if isinstance(value, Select):
        value = dataclasses.replace(
            value, events=value.events and _sorted(value.events), page=value.page and _sorted(value.page)
        )
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kept = {
            f.name: getattr(value, f.name) for f in dataclasses.fields(value) if getattr(value, f.name) != _default(f)
        }
        return {name: canonical(one) for name, one in kept.items()}
    if isinstance(value, Mapping):
        return {str(name): canonical(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [canonical(one) for one in value]
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value.isoformat() if isinstance(value, date) else value


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))


def _default(field: dataclasses.Field[Any]) -> Any:
    return field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default


def metric_meaning(metric: Metric, plan: Plan, ids: Mapping[str, str]) -> dict[str, Any]:
    """What a metric counts, and the rules that bear on it; for a derived one, the ids of what it uses."""
    if metric.uses:
        return {"derived": metric.quantity.expression, "uses": {name: ids[name] for name in metric.uses}}
    return {"quantity": metric.quantity, "rules": relevant_rules(plan, *_reads(metric.quantity))}


def segment_meaning(segment: Segment, plan: Plan) -> dict[str, Any]:
    """The condition and the rules behind the names in it."""
    return {"where": segment.where, "rules": relevant_rules(plan, (), segment.where.names)}


def cohort_meaning(cohort: Cohort, plan: Plan) -> dict[str, Any]:
    """What members did, whatever the cohort is called."""
    selects = [Select("event", (*cohort.did, *cohort.did_not, *cohort.sequence))]
    names = cohort.where.names if cohort.where else ()
    plain = dataclasses.replace(cohort, name="", id="", did=_sorted(cohort.did), did_not=_sorted(cohort.did_not))
    return {"cohort": plain, "rules": relevant_rules(plan, selects, names)}


def funnel_meaning(funnel: Funnel, plan: Plan) -> dict[str, Any]:
    """Steps without their labels, window, order, entry, exclusions."""
    steps = [dataclasses.replace(step, label="") for step in funnel.steps]
    selects = [Select("event", (s.event,) if s.event else None, s.page, s.where) for s in funnel.steps]
    selects += [Select("event", (one.event,), None, one.where) for one in funnel.exclusions]
    if funnel.window is None or funnel.per == "session":
        selects.append(Select("session"))
    names = [name for select in selects if select.where for name in select.where.names]
    own = {
        "per": funnel.per,
        "window": funnel.window,
        "order": funnel.order,
        "entry": funnel.entry,
        "exclusions": funnel.exclusions,
    }
    return {"steps": steps, **own, "rules": relevant_rules(plan, selects, names)}


def plan_meaning(plan: Plan) -> dict[str, Any]:
    """Everything that numbers depend on."""
    goals = {n: dataclasses.replace(g, name="", team=None, agreed_by=(), description="") for n, g in plan.goals.items()}
    events = {n: dataclasses.replace(e, name="", description="") for n, e in plan.events.items()}
    ids = {
        section: {n: one.id for n, one in getattr(plan, section).items()}
        for section in ("metrics", "segments", "cohorts", "funnels")
    }
    kpis = {n: dataclasses.replace(k, objective=None, target=None) for n, k in plan.kpis.items()}
    targets = {n: (k.target.value, k.target.relative, k.target.by) for n, k in plan.kpis.items() if k.target}
    site = dataclasses.replace(plan.site, name="")
    active = {"activity": plan.activity} if plan.activity else {}
    free = {
        "experiments": {n: unlabelled(e) for n, e in plan.experiments.items()},
        "imports": {n: i.keys for n, i in plan.imports.items()},
        **({"holdout": plan.holdout} if plan.holdout else {}),
        **({"source": plan.source} if plan.source else {}),
    }
    return {
        **_derivation(plan),
        "site": site,
        "events": events,
        "goals": goals,
        **ids,
        "kpis": kpis,
        "targets": targets,
        **active,
        **free,
    }


def unlabelled(experiment: Experiment) -> Experiment:
    """The experiment without what only names, describes or credits; its weights as shares, in their order."""
    variants = tuple(Variant(name, share) for name, share in experiment.weights.items())
    return dataclasses.replace(
        experiment,
        name="",
        hypothesis="",
        objective=None,
        owner=None,
        cost=None,
        notes="",
        audience_name=None,
        variants=variants,
    )


def _derivation(plan: Plan) -> dict[str, Any]:
    """What sessions, channels, bots, orders and identities are derived from."""
    site = {"timezone": plan.site.timezone, "currency": plan.site.currency, "domains": plan.site.domains}
    passive = sorted(event.name for event in plan.events.values() if not event.interactive)
    own = {
        "pages": list(plan.pages.items()),
        "cleaning": plan.cleaning,
        "orders": plan.orders,
        "channels": plan.channels,
    }
    return {"rules": derived_rules(plan), "zone": site, "passive": passive, **own}


def derived_rules(plan: Plan) -> Rules:
    """The rules that sessions, orders and identities are derived by."""
    return dataclasses.replace(plan.rules, abandonment="visitor", funnel_entry="latest")


def _reads(quantity: Quantity) -> tuple[list[Select], list[str]]:
    """The rows that a quantity reads, and the names (dimensions, properties, fields) that it looks at."""
    measures: list[Measure] = [m for m in (quantity.numerator, quantity.denominator) if m]
    selects = quantity.selects()
    made = [s.made for s in selects if s.made]
    if quantity.unit in ("session", "order"):
        selects.append(Select(quantity.unit))
    selects += [Select("session") for one in made if one.kind == "view"]
    wheres: list[Expression] = [s.where for s in selects if s.where] + [w for one in made for w in one.where]
    names = [name for where in wheres for name in where.names]
    for measure in measures:
        if measure.field:
            names += [measure.field, measure.field.rpartition(".")[2]]
    return selects, names


def relevant_rules(plan: Plan, selects: Iterable[Select], names: Iterable[str]) -> dict[str, Any]:
    """The plan's rules that change what these rows and names mean."""
    selects, used = list(selects), set(names)
    of = {select.of for select in selects}
    events = {event for select in selects for event in select.events or ()}
    rules = plan.rules
    found: dict[str, Any] = {"bots": rules.bots}
    scopes = {DIMENSIONS[name][0] for name in used if name in DIMENSIONS}
    if "session" in of | scopes:
        found["session"] = rules.session
        if rules.session.split_at_midnight:
            found["zone"] = plan.site.timezone
    if "is_bounce" in used:
        found["bounce"] = rules.bounce
        if rules.bounce.rule == "ga4":
            found["key_events"] = sorted({goal.event for goal in plan.goals.values() if goal.event})
    if used & _SOURCE:
        found["source"] = (rules.session_source, sorted(rules.ignored_referrers), sorted(plan.site.domains))
    if used & _CHANNEL:
        found["channels"] = (rules.channels, plan.channels)
    if used & _GROUPED:
        found["pages"] = list(plan.pages.items())
    if used & (_CLEANED | _GROUPED) or any(select.page for select in selects):
        found["cleaning"] = plan.cleaning
    if "order" in of or used & _ORDERED or events & {plan.orders.event, plan.orders.refund_event}:
        found["orders"] = _order_rules(plan, used)
    properties = plan.properties()
    typed = {name: (properties[name].type, properties[name].scope) for name in used if name in properties}
    return {**found, "properties": typed} if typed else found


def _order_rules(plan: Plan, used: set[str]) -> dict[str, Any]:
    order = plan.orders
    found: dict[str, Any] = {
        "events": (order.event, order.refund_event, order.id),
        "merge": (plan.rules.orders, order.sources, order.type),
    }
    money = used & {"revenue.net", "revenue.gross", "contribution", "gross_margin", "gross", "net", "refunded"}
    if money:
        found["amount"] = (order.amount, plan.site.currency)
    if used & {"revenue.net", "contribution", "gross_margin", "net", "refunded"}:
        found["refunds"] = (plan.rules.refunds, order.refund_window)
    if "contribution" in used:
        found["costs"] = {
            "cost": order.cost,
            "shipping": order.shipping,
            "discount": order.discount,
            "fees": order.fees,
        }
    elif "gross_margin" in used:
        found["costs"] = {"cost": order.cost}
    return found
