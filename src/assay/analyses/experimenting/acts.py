"""What people do to an experiment: lock and start it, stop it, decide on it, note what was learnt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from assay.analyses.experimenting.readings import planned_reading
from assay.analyses.experimenting.runs import DECISIONS, begin, experiment_of, halt, put, run_of
from assay.model.errors import CheckFailed, UsageError, suggestion

if TYPE_CHECKING:
    from assay.analyses.base import Asking
    from assay.plan.experiments import Experiment


@dataclass(frozen=True)
class Started:
    """``hash`` of the lock, the caps fixed by it, and the planned units of all arms (None: no data to plan from)."""

    hash: str
    caps: Mapping[str, float]
    planned: int | None


def start(asking: Asking, raw: Mapping[str, Any], name: str, at: int | None = None, force: bool = False) -> Started:
    """Lock and start. CheckFailed where the gate (``experiment-qa``) finds a fault, unless ``force``."""
    from assay.analyses.experiment_qa import faults
    from assay.analyses.experimenting.planning import caps_asked, caps_of, sample_of

    experiment = experiment_of(asking.plan, name)
    if run_of(asking, name).start is None and not force:
        found = faults(asking, experiment)
        if found:
            raise CheckFailed(
                f"{name} is not ready: {'; '.join(found)}. assay experiment qa {name} shows it; --force starts anyway"
            )
    caps = caps_of(asking, experiment, at)
    for name in (name for name, value in caps.items() if not value > 0):
        asked = caps_asked(asking.plan, experiment)[name].value
        raise UsageError(
            f"the cap of {name} would be 0, so many have nothing; write a quantile above {asked * 100:g}%, or a number"
        )
    planned = sample_of(asking, experiment, at)
    return Started(begin(asking, experiment, raw, caps, planned, at), caps, planned)


def stop(asking: Asking, name: str, reason: str = "", at: int | None = None) -> None:
    """Stop: later exposures do not count."""
    run = run_of(asking, name)
    if run.start is None:
        experiment_of(asking.plan, name)
    halt(asking, _known(asking, name), reason, at)


def decide(
    asking: Asking, name: str, decision: str, note: str = "", revisit: date | None = None, at: int | None = None
) -> dict[str, Any]:
    """Write a decision down with the reading that it stands on; the verdict may say otherwise, both stay."""
    if decision not in DECISIONS:
        said = ", ".join(one.replace("_", "-") for one in DECISIONS)
        raise UsageError(f"{decision!r} is no decision{suggestion(decision, DECISIONS)}; decisions: {said}")
    found = planned_reading(asking, name)
    judged, experiment = found.judged, found.experiment
    detail: dict[str, Any] = {
        "decision": decision,
        "note": note,
        "revisit": None if revisit is None else revisit.isoformat(),
        "hypothesis": experiment.hypothesis,
        "primary": experiment.primary.metric,
        "verdicts": {variant: verdict.state for variant, verdict in judged.verdicts.items()},
        "because": {variant: list(verdict.because) for variant, verdict in judged.verdicts.items()},
        **_effect(found),
        "reading": _reading(found),
    }
    put(asking.state, name, "decide", asking.now, detail, at, judged.reading.run.hash)  # type: ignore[arg-type]
    return detail


def note(asking: Asking, name: str, text: str, file: str | None = None) -> None:
    """Note what was learnt, or the path of a picture of a variant."""
    _known(asking, name)
    assert asking.state is not None
    put(asking.state, name, "screenshot" if file else "note", asking.now, {"text": text, "file": file})


def _known(asking: Asking, name: str) -> Experiment:
    """The experiment, of the plan or of its lock."""
    run = run_of(asking, name)
    if run.start is None or name in asking.plan.experiments:
        return experiment_of(asking.plan, name)
    from assay.plan.load import from_raw

    return from_raw(dict(run.locked)).experiments[name]


def _effect(found: Any) -> dict[str, Any]:
    """Lift and its error on the primary of the best treatment, and its money: what later tests learn from."""
    from assay.analyses.experimenting.money import evidence
    from assay.stats.contrast import NoContrast

    best: dict[str, Any] = {}
    for variant, lines in found.judged.lines.items():
        made = lines[0].contrast
        if isinstance(made, NoContrast) or made.lift is None or variant in found.judged.hidden:
            continue
        sign = 1 if found.judged.reading.direction(lines[0].metric.name) == "up" else -1
        if not best or sign * made.lift > best["sign"] * best["lift"]:
            money = found.worths.get(variant)
            best = {"variant": variant, "lift": made.lift, "lift_error": made.standard_error / abs(made.base),
                    "sign": sign, "money": evidence(money) if money else None}  # fmt: skip
    return best


def _reading(found: Any) -> list[dict[str, Any]]:
    """Every line as it stood."""
    from assay.stats.contrast import NoContrast

    rows = []
    for variant, lines in found.judged.lines.items():
        for line in lines:
            made = line.contrast
            row: dict[str, Any] = {"variant": variant, "metric": line.metric.name, "role": line.role,
                                   "state": "not shown" if variant in found.judged.hidden else line.call.state,
                                   "definition": line.metric.id}  # fmt: skip
            if not isinstance(made, NoContrast) and variant not in found.judged.hidden:
                row |= {"control": made.control, "treatment": made.treatment, "difference": made.difference,
                        "units": [made.n_control, made.n_treatment], "low": line.absolute.low,
                        "high": line.absolute.high}  # fmt: skip
            rows.append(row)
    return rows
