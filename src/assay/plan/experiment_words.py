"""An experiment as the plan would write it, with every default filled in: for differences and for reports."""

from __future__ import annotations

from typing import Any

from assay.plan.experiments import Change, Cuped, Experiment, Exposure, Looks, Value
from assay.plan.literals import compact
from assay.plan.measures import Select

LABELS = ("hypothesis", "objective", "owner", "cost", "notes")


def written(test: Experiment) -> dict[str, Any]:
    """Key → value in words, or a mapping of such; keys with nothing in them are left out."""
    plain = {
        key: getattr(test, key) for key in ("objective", "owner", "unit", "control", "layer", "salt", "assignments")
    }
    rest = {key: getattr(test, key) for key in ("attribution", "correction", "multi_arm", "decision", "strata")}
    audience = test.audience.text if test.audience else None
    made: dict[str, Any] = {
        "hypothesis": test.hypothesis,
        **plain,
        "audience": audience,
        "variants": {one.name: _number(one.weight) for one in test.variants},
        "traffic": _share(test.traffic),
        "exposure": _exposure(test.exposure),
        "start": test.start and test.start.isoformat(),
        "end": test.end and test.end.isoformat(),
        "window": compact(test.window) if test.window else "none",
        "primary": {
            "metric": test.primary.metric,
            "mde": test.primary.mde and _change(test.primary.mde),
            "direction": test.primary.direction,
        },
        "diagnostics": ", ".join(test.diagnostics),
        "guardrails": {
            one.metric: {"margin": _change(one.margin), "direction": one.direction} for one in test.guardrails
        },
        "cap": {name: _share(cap.value) if cap.quantile else _number(cap.value) for name, cap in test.caps},
        "cuped": _cuped(test.cuped),
        "looks": _looks(test.looks),
        "alpha": _number(test.alpha),
        "power": _number(test.power),
        **rest,
        "margin": test.margin and _change(test.margin),
        "value": _value(test.value),
        "follow_up": ", ".join(map(compact, test.follow_up)),
        "follow_up_metrics": ", ".join(test.follow_up_metrics),
        "cost": test.cost,
        "notes": test.notes,
    }
    return _filled(made)


def _filled(value: dict[str, Any]) -> dict[str, Any]:
    inner = {key: _filled(one) if isinstance(one, dict) else one for key, one in value.items()}
    return {key: one for key, one in inner.items() if one not in (None, "", {})}


def _number(value: float) -> str:
    return f"{value:.12g}"


def _share(value: float) -> str:
    return f"{value * 100:.12g}%"


def _change(change: Change) -> str:
    return change.words()


def _exposure(one: Exposure) -> dict[str, Any]:
    return {
        "event": one.event,
        "name": one.name_property,
        "variant": one.variant_property,
        "value": one.value,
        "trigger": _rows(one.trigger) if one.trigger else None,
        "where": one.where.text if one.where else None,
    }


def _rows(select: Select) -> str:
    text = " or ".join(select.events or ())
    text += f" of {', '.join(select.page)}" if select.page else ""
    return text + (f" where {select.where.text}" if select.where else "")


def _cuped(one: Cuped | None) -> str:
    if one is not None and one.property is not None:
        return f"{one.property} of the exposure"
    return "none" if one is None else compact(one.seconds) + (f" of {one.metric}" if one.metric else "")


def _looks(looks: Looks) -> str:
    if looks.kind != "group_sequential":
        return looks.kind
    planned = ", ".join(day.isoformat() for day in looks.dates) or f"{looks.count} looks"
    return f"{looks.kind}: {planned}; {looks.spending}"


def _value(value: Value) -> dict[str, Any]:
    return {
        "per_conversion": None if value.per_conversion is None else _number(value.per_conversion),
        "margin": None if value.margin is None else _share(value.margin),
        "eligible": _share(value.eligible),
        "decay": _share(value.decay),
        "ramp": compact(value.ramp) if value.ramp else None,
    }
