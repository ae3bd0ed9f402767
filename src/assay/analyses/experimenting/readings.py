"""The reading as planned, by what was locked at the start, and the one as changed since, where the plan was edited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from assay.analyses.experimenting.reading import read
from assay.analyses.experimenting.runs import Run, bounds, experiment_of, run_of
from assay.analyses.experimenting.verdicts import Judged, judge
from assay.decide.checks import experiment as check
from assay.model.errors import Refused
from assay.model.finding import Finding

if TYPE_CHECKING:
    from assay.analyses.base import Asking
    from assay.analyses.experimenting.money import Worth
    from assay.plan.experiments import Experiment


@dataclass
class Read:
    """A judged reading and what it is worth. ``finding``: what is to be said of the plan behind it."""

    experiment: Experiment
    judged: Judged
    finding: Finding

    @cached_property
    def worths(self) -> dict[str, Worth]:
        """Treatment → money a year, for those whose effect may be shown."""
        from assay.analyses.experimenting.learnt import prior
        from assay.analyses.experimenting.money import money_metric, worth

        reading = self.judged.reading
        found = money_metric(reading)
        if found is None:
            return {}
        believed, words = prior(reading.asking)
        made = {}
        for variant, lines in self.judged.lines.items():
            if variant in self.judged.hidden:
                continue
            line = next((one for one in lines if one.metric.name == found[0]), None)
            one = worth(reading, line, believed, words) if line is not None else None
            if one is not None:
                made[variant] = one
        return made


@dataclass(frozen=True)
class Changed:
    """The reading by the plan of today; ``judged`` None where that plan cannot be read."""

    judged: Judged | None
    finding: Finding


def locked(asking: Asking, run: Run) -> Asking:
    """The asking under the plan that was locked; itself where nothing was."""
    if run.start is None:
        return asking
    from assay.plan.load import from_raw

    return asking.under(from_raw(dict(run.locked)))


def planned_reading(asking: Asking, name: str, extra: Sequence[str] = (), by: Sequence[str] = ()) -> Read:
    """By the locked plan; by the plan of today where the experiment was never started."""
    run = run_of(asking, name)
    if run.start is None:
        experiment = experiment_of(asking.plan, name)
        run = replace(run, caps=_caps(asking, experiment, bounds(asking, experiment, run)[0]))
        judged = judge(read(asking, experiment, run, extra, by))
        unlocked = check.unlocked(name)
        return Read(
            experiment, Judged(judged.reading, (*judged.findings, unlocked), judged.lines, judged.verdicts), unlocked
        )
    own = locked(asking, run) if differs(asking, run) else asking
    for metric in extra:
        if metric not in own.plan.metrics:
            own = _with_metrics(asking, own)
            break
    experiment = experiment_of(own.plan, name)
    return Read(experiment, judge(read(own, experiment, run, extra, by)), check.unlocked(name))


def _with_metrics(asking: Asking, own: Asking) -> Asking:
    """The locked plan with the metrics of today beside its own: what was added later can still be explored."""
    return asking.under(replace(own.plan, metrics={**asking.plan.metrics, **own.plan.metrics}))


def differs(asking: Asking, run: Run) -> bool:
    """Whether the plan of today would judge otherwise than the locked one."""
    from assay.plan.lock import lock_hash

    return run.name not in asking.plan.experiments or lock_hash(asking.plan, run.name) != run.hash


def changed_reading(asking: Asking, name: str, extra: Sequence[str] = ()) -> Changed | None:
    """By the plan of today, where it differs from what was locked; None otherwise."""
    from assay.analyses.experimenting.planning import caps_asked
    from assay.plan.load import from_raw

    run = run_of(asking, name)
    if run.start is None or not differs(asking, run):
        return None
    if name not in asking.plan.experiments:
        return Changed(None, check.changed([(f"experiments.{name}", "as locked", "no longer in the plan")]))
    experiment, then = experiment_of(asking.plan, name), from_raw(dict(run.locked))
    same = caps_asked(asking.plan, experiment) == caps_asked(then, then.experiments[name])
    caps = run.caps if same else _caps(asking, experiment, bounds(asking, experiment, run)[0])
    try:
        judged = judge(read(asking, experiment, replace(run, caps=caps), extra))
    except Refused as reason:
        return Changed(None, check.changed(edits(asking, run), str(reason)))
    return Changed(judged, check.changed(edits(asking, run)))


def _caps(asking: Asking, experiment: Experiment, start: int) -> dict[str, float]:
    """Caps as a lock at the start would have fixed them."""
    from assay.analyses.experimenting.planning import caps_of

    return {name: value for name, value in caps_of(asking, experiment, start).items() if value > 0}


def edits(asking: Asking, run: Run) -> list[tuple[str, str, str]]:
    """What was edited after the start, in words."""
    from assay.plan.load import raw
    from assay.plan.lock import lock_differences

    folder: Any = asking.extra["folder"]
    return [(key, str(old), str(new)) for key, old, new in lock_differences(run.locked, raw(folder), run.name)]
