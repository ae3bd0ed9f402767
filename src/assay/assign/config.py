"""What a page needs to assign by itself: names, salts and bounds; nothing of what the business thinks or measures."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

from assay.assign.assignment import bounds, holdout_salt, room_in, room_salt, variant_salt
from assay.plan.experiments import Experiment
from assay.plan.values import Plan

VERSION = 1


def config(plan: Plan, today: date, running: Collection[str] | None = None) -> dict[str, Any]:
    """The experiments that run on a day, as plain JSON values; ``frontend/tracker/src/assign.ts`` reads them.

    ``running``: the names that have been started, where that is known. Else those with a start, from it to their end:
    an experiment without a start is a draft.
    """
    names = running if running is not None else [one.name for one in plan.experiments.values() if _runs(one, today)]
    chosen = [one for one in plan.experiments.values() if one.name in names]
    holdout = plan.holdout and {"salt": holdout_salt(plan.holdout), "share": plan.holdout.share}
    return {"version": VERSION, "holdout": holdout, "experiments": [_entry(plan, one) for one in chosen]}


def _runs(experiment: Experiment, today: date) -> bool:
    start, end = experiment.start, experiment.end
    return start is not None and start <= today and (end is None or today <= end)


def _entry(plan: Plan, experiment: Experiment) -> dict[str, Any]:
    exposure = experiment.exposure
    return {
        "name": experiment.name,
        "unit": experiment.unit,
        "layer": experiment.layer is not None,
        "room": {"salt": room_salt(experiment), "ranges": [list(one) for one in room_in(plan, experiment)]},
        "salt": variant_salt(experiment),
        "variants": [{"name": name, "upto": upto} for name, upto in bounds(experiment)],
        "exposure": {
            "event": exposure.event,
            "name": exposure.name_property,
            "variant": exposure.variant_property,
            "value": exposure.value,
        },
    }
