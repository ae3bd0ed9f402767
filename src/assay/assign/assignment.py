"""From a unit to its variant, in this order: forced for a look, kept, holdout, layer or traffic, weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from assay.assign.buckets import bucket
from assay.model.errors import UnknownName
from assay.plan.experiments import Experiment, Holdout
from assay.plan.layers import Range, ranges
from assay.plan.values import Plan

PARAMETER = "assay_variant"
NOBODY: Mapping[str, str] = {}


@dataclass(frozen=True)
class Assignment:
    """``variant`` None: not taken in. ``reason``: forced, sticky, holdout, layer, traffic or weights.

    ``bucket`` is the place that decided: under the salt of what ``reason`` names; None where none was needed.
    """

    variant: str | None
    reason: str
    bucket: float | None = None


def assign(
    experiment: Experiment,
    unit: str,
    room: Sequence[Range] | None = None,
    holdout: Holdout | None = None,
    forced: Mapping[str, str] = NOBODY,
) -> Assignment:
    """The variant of a unit. ``room``: the parts of its layer's bucket that the experiment may take in.

    ``forced``: experiment → variant, for whoever checks a page; what is no variant of the experiment is passed over.
    """
    wish = forced.get(experiment.name)
    if any(one.name == wish for one in experiment.variants):
        return Assignment(wish, "forced")
    if holdout is not None:
        place = bucket(holdout_salt(holdout), unit)
        if place < holdout.share:
            return Assignment(None, "holdout", place)
    place = bucket(room_salt(experiment), unit)
    if not any(low <= place < high for low, high in (rooms(experiment) if room is None else room)):
        return Assignment(None, "traffic" if experiment.layer is None else "layer", place)
    place = bucket(variant_salt(experiment), unit)
    return Assignment(next(name for name, upto in bounds(experiment) if place < upto), "weights", place)


def assigned(
    plan: Plan, name: str, unit: str, forced: Mapping[str, str] = NOBODY, previous: Iterable[str | None] = ()
) -> Assignment:
    """The variant of a unit in an experiment of the plan, with its layer, the holdout and what the unit had before."""
    if name not in plan.experiments:
        raise UnknownName("experiment", name, plan.experiments)
    experiment = plan.experiments[name]
    return sticky(previous, assign(experiment, unit, room_in(plan, experiment), plan.holdout, forced), experiment)


def sticky(previous: Iterable[str | None], fresh: Assignment, experiment: Experiment) -> Assignment:
    """A person who is identified keeps the first variant that one of its visitors had; ``previous`` in order of time.

    Only a variant that the experiment still has is kept. Not having been taken in is not: the identified unit is then
    judged by its own buckets. A forced variant is nobody's own and gives way to none.
    """
    if fresh.reason == "forced":
        return fresh
    names = {one.name for one in experiment.variants}
    kept = next((name for name in previous if name in names), None)
    return fresh if kept is None else Assignment(kept, "sticky")


def forced_by(query: str) -> dict[str, str]:
    """Experiment → variant of ``assay_variant=name:variant`` in an address's query; the parameter may come again."""
    made: dict[str, str] = {}
    for key, value in parse_qsl(query.removeprefix("?"), keep_blank_values=True):
        name, colon, variant = value.partition(":")
        if key == PARAMETER and colon and name and variant:
            made[name] = variant
    return made


def bounds(experiment: Experiment) -> tuple[tuple[str, float], ...]:
    """Each variant with the upper bound of its part of [0, 1), in the plan's order."""
    last = [one.name for one in experiment.variants if one.weight][-1]
    total = at = 0.0
    for one in experiment.variants:
        total += one.weight
    made = []
    for one in experiment.variants:
        at += one.weight
        made.append((one.name, 1.0 if one.name == last else min(at / total, 1.0)))
    return tuple(made)


def room_in(plan: Plan, experiment: Experiment) -> tuple[Range, ...]:
    """The parts of its bucket that an experiment of the plan takes in."""
    if experiment.layer is None:
        return rooms(experiment)
    return ranges(one for one in plan.experiments.values() if one.layer == experiment.layer)[experiment.name]


def rooms(experiment: Experiment) -> tuple[Range, ...]:
    """The room of an experiment that shares with no other: from 0 to its traffic."""
    return ((0.0, experiment.traffic),) if experiment.traffic else ()


def holdout_salt(holdout: Holdout) -> str:
    """Of the bucket that decides on the holdout."""
    return f"holdout:{holdout.salt}"


def room_salt(experiment: Experiment) -> str:
    """Of the bucket that decides who is taken in: the layer's, which all its experiments share, or its own."""
    return f"traffic:{experiment.salt}" if experiment.layer is None else f"layer:{experiment.layer}"


def variant_salt(experiment: Experiment) -> str:
    """Of the bucket that decides on the variant."""
    return f"variant:{experiment.salt}"
