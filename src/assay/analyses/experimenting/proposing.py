"""The plan's entry for a test that was imported: properties, metrics, and the block that it is judged by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.collect.importers.experiment import ExperimentOptions, chosen, experiment_of
from assay.collect.importers.outcomes import COVARIATE, OUTCOME, SEGMENT, Figure
from assay.plan.edit import Addition, add
from assay.plan.experiments import Exposure
from assay.plan.literals import words
from assay.plan.measures import Quantity

if TYPE_CHECKING:
    from assay.analyses.base import Asking
    from assay.query.experiments.imported import Exposed

TYPES = {"rate": "integer", "number": "number", "money": "money"}
CONTROLS = ("control", "original", "baseline", "default", "none", "off", "a", "0", "holdout", "no")
SHARES = (20, 100, 1000)  # of the weights that are tried: 5 %, 1 %, 0.1 %
TRUST = 0.001


@dataclass(frozen=True)
class Proposal:
    """What the plan lacks. ``notes``: what was taken for granted; ``partial``: figure → units that have it."""

    experiment: str
    units: int
    additions: tuple[Addition, ...]
    notes: tuple[str, ...]
    partial: Mapping[str, int]

    @property
    def text(self) -> str:
        """As YAML that the plan can hold."""
        return add("", self.additions)


def propose(asking: Asking, raw: Mapping[str, Any], options: ExperimentOptions) -> Proposal:
    """The entry for what was imported with these options; nothing where the plan has all of it. ``raw``: its values."""
    from assay.query.experiments.imported import exposed

    plan, name = asking.plan, str(options.name)
    known = experiment_of(plan, name)
    exposure = known.exposure if known else Exposure(value=name)
    figures = chosen(options, exposure)
    declared = dict(plan.events[exposure.event].properties) if exposure.event in plan.events else {}
    numbers = [one.property for one in figures if one.role != SEGMENT]
    others = [one.name for one in declared.values() if one.type in TYPES.values() and one.name not in numbers]
    found = exposed(plan, exposure, [*numbers, *others], asking.ask)
    partial = {key: held.count for key, held in found.figures.items() if 0 < held.count < found.units}
    figures = [_kind(one, found) for one in figures]
    properties = {exposure.name_property: "string", exposure.variant_property: "string"}
    properties |= {one.property: TYPES.get(one.kind or "", "string") for one in figures}
    missing = {key: kind for key, kind in properties.items() if key not in declared}
    additions = _events(exposure.event, missing, raw)
    notes = [
        f"the column {one.column!r} is the property {one.property}"
        for one in figures
        if one.property != one.column.lower() and f"{one.property}={one.column}" not in options.figures
    ]
    if known is None:
        metrics = _metrics(name, exposure, figures, options.per or "visitor", plan.metrics)
        additions += [Addition(("metrics", key), value) for key, value in metrics.items()]
        additions.append(Addition(("experiments", name), _block(options, found, list(metrics), figures, notes)))
    elif known.window and any(_of_file(plan.metrics[one].quantity, exposure) for one in known.metrics):
        notes.append(
            f"its window of {words(known.window)} is waited for; window: none judges the file's outcomes at once"
        )
    return Proposal(name, found.units, tuple(additions), tuple(notes), partial)


def _of_file(quantity: Quantity, exposure: Exposure) -> bool:
    """Whether a metric reads nothing but exposures, which have their outcomes with them."""
    return all(one.events == (exposure.event,) for one in quantity.selects())


def _kind(one: Figure, found: Exposed) -> Figure:
    """A figure with its kind: as it was given, else by its values."""
    if one.role == SEGMENT:
        return one
    if one.role == COVARIATE:
        return Figure(one.role, one.column, one.property, "number")
    kind = one.kind or ("rate" if found.figures[one.property].zero_one else "number")
    return Figure(one.role, one.column, one.property, kind)


def _events(event: str, missing: Mapping[str, str], raw: Mapping[str, Any]) -> list[Addition]:
    """Declarations, one by one where the event has some already."""
    if not missing:
        return []
    written = ((raw.get("events") or {}).get(event) or {}).get("properties")
    if written:
        return [Addition(("events", event, "properties", key), kind) for key, kind in missing.items()]
    return [Addition(("events", event, "properties"), dict(missing))]


def _metrics(
    name: str, exposure: Exposure, figures: list[Figure], per: str, taken: Mapping[str, Any]
) -> dict[str, dict[str, str]]:
    """One per outcome, of this experiment's exposures alone: a rate is judged as one, else it is a mean."""
    value = exposure.value.replace("'", "''")
    own = f"{exposure.name_property} = '{value}'"
    prefix = re.sub(r"\W+", "_", name.lower()).strip("_") or "test"
    prefix = prefix if not prefix[0].isdigit() else f"test_{prefix}"
    found = {}
    for one in figures:
        if one.role != OUTCOME:
            continue
        key, n = f"{prefix}_{one.property}", 1
        while key in taken or key in found:
            n += 1
            key = f"{prefix}_{one.property}_{n}"
        if one.kind == "rate":
            where = f"{own} and {one.property} = 1"
            found[key] = {"type": "conversion", "event": exposure.event, "per": per, "where": where}
        else:
            total = f"{exposure.event}.{one.property}"
            found[key] = {"type": "simple", "sum": total, "per": per, "where": own}
    return found


def _block(
    options: ExperimentOptions, found: Exposed, metrics: list[str], figures: list[Figure], notes: list[str]
) -> dict[str, Any]:
    """The experiment's own entry."""
    control = _control(options, found, notes)
    arms = [control, *(arm for arm in found.variants if arm != control)]
    covariates = [one.property for one in figures if one.role == COVARIATE]
    if len(covariates) > 1:
        notes.append(f"cuped takes one covariate, {covariates[0]}; the others are properties of the exposure")
    per = {} if options.per in (None, "visitor") else {"unit": options.per}
    return {
        **per,
        "variants": _weights({arm: found.variants.get(arm, 0) for arm in arms}, notes),
        "control": control,
        "start": str(found.first),
        "end": str(found.last),
        "window": "none",
        "looks": "fixed",
        "primary": metrics[0],
        **({"diagnostics": metrics[1:]} if metrics[1:] else {}),
        **({"cuped": {"property": covariates[0]}} if covariates else {}),
    }


def _control(options: ExperimentOptions, found: Exposed, notes: list[str]) -> str:
    """The one that was named; else the one that is called so, else the first, which is said."""
    if options.control is not None:
        return options.control
    named = [arm for arm in found.variants if arm.lower() == "control"]
    if named:
        return named[0]
    like = [arm for arm in found.variants if {*re.split(r"\W+", arm.lower())} & set(CONTROLS)]
    guess = (like or list(found.variants))[0]
    notes.append(f"the control is taken to be {guess!r}; --control names another")
    return guess


def _weights(counts: dict[str, int], notes: list[str]) -> Any:
    """Planned shares that fit the counts: equal ones, else round ones. Exact counts would hide a broken split."""
    from assay.stats.srm import fixed

    units = sum(counts.values())
    if len(counts) < 2 or not all(counts.values()):
        return list(counts)
    fits = fixed(list(counts.values()), [1] * len(counts)).p
    if fits is None or fits >= TRUST:
        return list(counts)
    for parts in SHARES:
        shares = {arm: round(n / units * parts) / parts * 100 for arm, n in counts.items()}
        p = fixed(list(counts.values()), list(shares.values())).p if all(shares.values()) else None
        if p is not None and p >= TRUST:
            shown = {arm: int(share) if share == int(share) else round(share, 1) for arm, share in shares.items()}
            notes.append("the weights are read off the counts; write what was planned, or a broken split goes unseen")
            return shown
    notes.append("no round weights fit the counts: equal ones stand there; write what was planned")
    return list(counts)
