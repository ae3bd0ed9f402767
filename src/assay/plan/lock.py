"""The lock of an experiment: a hash of everything that could be tuned, and the narrowed plan that says it again later.

What only describes (hypothesis, owner, objective, cost, notes, descriptions) is no part of it. Where the hash of the
plan as it is differs from that of the plan as it was locked, ``lock_differences`` says what was changed.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from assay.model.errors import UnknownName
from assay.plan import diff, ids, layers
from assay.plan.experiment_forms import ExperimentForm
from assay.plan.experiment_words import LABELS, written
from assay.plan.experiments import Experiment
from assay.plan.load import FILE, from_raw
from assay.plan.measures import Expression, Select
from assay.plan.values import Plan

_KEPT = ("site", "rules", "pages", "events", "orders", "goals", "activity", "channels", "holdout")


def experiment_meaning(plan: Plan, experiment: Experiment) -> dict[str, Any]:
    """Everything that could be tuned: the block, the metrics by their ids, and the rules that bear on its units.

    Of an experiment that assay assigns, also its holdout and its part of the layer.
    """
    cohorts = {name: plan.cohorts[name].id for name in _names(plan, experiment) if name in plan.cohorts}
    return {
        "experiment": ids.unlabelled(experiment),
        "metrics": {name: plan.metrics[name].id for name in needed(experiment)},
        "cohorts": cohorts,
        "rules": ids.derived_rules(plan),
        "site": (plan.site.timezone, plan.site.currency),
        "units": _unit_rules(plan, experiment),
        **_assignment(plan, experiment),
    }


def lock_hash(plan: Plan, name: str) -> str:
    """Twelve hexadecimal digits that change exactly when something does that could be tuned. Raises UnknownName."""
    return ids.digest(experiment_meaning(plan, _experiment(plan, name)))


def needed(experiment: Experiment) -> tuple[str, ...]:
    """The metrics that the experiment reads: those judged, the covariate's, those of the follow-up."""
    covariate = experiment.cuped.metric if experiment.cuped else None
    return tuple(
        dict.fromkeys((*experiment.metrics, *([covariate] if covariate else []), *experiment.follow_up_metrics))
    )


def locked_raw(raw: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The plan of one experiment alone, to be kept: ``from_raw`` makes the same metrics, ids and lock hash of it.

    A cohort that is a list of members in a file still needs that file beside the plan. Raises UnknownName.
    """
    blocks = raw.get("experiments") or {}
    if name not in blocks:
        raise UnknownName("experiment", name, blocks)
    try:
        form = ExperimentForm.model_validate(blocks[name])
    except ValidationError:
        from_raw(dict(raw))  # says in the plan's words what is wrong
        raise
    metrics = _metrics_of(form)
    own, kpis = raw.get("metrics") or {}, raw.get("kpis") or {}
    made: dict[str, Any] = {key: raw[key] for key in _KEPT if raw.get(key) is not None}
    made["metrics"] = {key: value for key, value in own.items() if key in metrics}
    directed = {key: kpis[key]["direction"] for key in metrics if "direction" in (kpis.get(key) or {})}
    if directed:
        made["kpis"] = {key: {"direction": value} for key, value in directed.items()}
    for section, key in (("objectives", form.objective), ("segments", form.audience)):
        entries = raw.get(section) or {}
        if key in entries:
            made[section] = {key: entries[key]}
    mates = _mates(blocks, name, form)
    made["experiments"] = {key: blocks[name] if key == name else mates[key] for key in blocks if key in {name, *mates}}
    text = json.dumps(made, default=str)
    cohorts = {
        key: value for key, value in (raw.get("cohorts") or {}).items() if re.search(rf"\b{re.escape(key)}\b", text)
    }
    return copy.deepcopy({**made, **({"cohorts": cohorts} if cohorts else {})})


def lock_differences(
    old: Mapping[str, Any], new: Mapping[str, Any], name: str, file: str = FILE
) -> list[tuple[str, str | None, str | None]]:
    """What was tuned between two plans: (key, before, after) in words; None where a key was not there.

    Empty exactly where the lock hash is the same. ``file``: where the plan stands.
    """
    plans = [from_raw(locked_raw(raw, name), file) for raw in (old, new)]
    before, after = (_words(plan, name) for plan in plans)
    found = [
        (key, before.get(key), after.get(key))
        for key in dict.fromkeys((*before, *after))
        if before.get(key) != after.get(key)
    ]
    said = {key for key, *_ in found}
    for one in diff.diff(*plans):
        if one.section in ("metrics", "cohorts", "segments") and one.kind != "label":
            changed = [(f"{one.section}.{one.name}.{c.key}", c.before, c.after) for c in one.keys if c.key not in said]
            found += [] if one.section == "segments" else changed
    first, second = (lock_hash(plan, name) for plan in plans)
    if not found and first != second:
        found.append(("definition", first, second))
    return found if first != second else []


def _experiment(plan: Plan, name: str) -> Experiment:
    if name not in plan.experiments:
        raise UnknownName("experiment", name, plan.experiments)
    return plan.experiments[name]


def _selects(experiment: Experiment) -> list[Select]:
    exposure = experiment.exposure
    return [Select("event", (exposure.event,), None, exposure.where), *([exposure.trigger] if exposure.trigger else [])]


def _names(plan: Plan, experiment: Experiment) -> list[str]:
    """Dimensions, properties and cohorts that the units and the metrics look at."""
    quantities = [plan.metrics[name].quantity for name in needed(experiment)]
    selects = [*_selects(experiment), *(one for quantity in quantities for one in quantity.selects())]
    wheres: list[Expression] = [one.where for one in selects if one.where]
    wheres += [where for one in selects if one.made for where in one.made.where]
    wheres += [experiment.audience] if experiment.audience else []
    return sorted({name for where in wheres for name in where.names})


def _unit_rules(plan: Plan, experiment: Experiment) -> dict[str, Any]:
    """The rules behind the names in exposure, trigger, audience, strata and covariate."""
    selects = _selects(experiment)
    wheres = [one.where for one in selects if one.where] + ([experiment.audience] if experiment.audience else [])
    carried = experiment.cuped.property if experiment.cuped else None
    names = [name for where in wheres for name in where.names] + [n for n in (experiment.strata, carried) if n]
    return ids.relevant_rules(plan, selects, names)


def _assignment(plan: Plan, experiment: Experiment) -> dict[str, Any]:
    if experiment.assignments != "assign":
        return {}
    made: dict[str, Any] = {"holdout": plan.holdout} if plan.holdout else {}
    if experiment.layer is not None:
        members = [one for one in plan.experiments.values() if one.layer == experiment.layer]
        made["layer"] = layers.ranges(members)[experiment.name]
    return made


def _metrics_of(form: ExperimentForm) -> set[str]:
    """The metrics that a block names."""
    covariate = form.cuped.metric if form.cuped else None
    named = [form.primary.metric, *form.diagnostics, *(one.metric for one in form.guardrails), *form.follow_up_metrics]
    return {*named, *([covariate] if covariate else [])}


def _mates(blocks: Mapping[str, Any], name: str, form: ExperimentForm) -> dict[str, Any]:
    """The others of the layer, as far as they leave room, where the room decides who is assigned."""
    if form.layer is None or form.assignments != "assign":
        return {}
    made = {}
    for key, block in blocks.items():
        try:
            other = ExperimentForm.model_validate(block)
        except ValidationError:
            continue
        if key != name and other.layer == form.layer:
            room = {part: block[part] for part in ("layer", "traffic", "start", "end") if part in block}
            made[key] = {"primary": form.primary.metric, **room}
    return made


def _words(plan: Plan, name: str) -> dict[str, str]:
    """The meaning in words, metrics and cohorts left out."""
    experiment = _experiment(plan, name)
    block = {key: value for key, value in written(experiment).items() if key not in LABELS}
    block["variants"] = {arm: f"{share:.4%}" for arm, share in experiment.weights.items()}
    site = {"timezone": plan.site.timezone, "currency": plan.site.currency}
    units = {key: one for key, one in _unit_rules(plan, experiment).items() if key not in ("bots", "session")}
    found = diff.flat({**block, "site": site, "rules": ids.derived_rules(plan), "units": units})
    assigned = _assignment(plan, experiment)
    if "layer" in assigned:
        assigned["layer"] = [f"{low:.4%} to {high:.4%}" for low, high in assigned["layer"]]
    return found | diff.flat(assigned, "assignment")
