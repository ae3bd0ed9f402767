"""experiment-qa: the gate before a lock: exposures and outcomes in every arm, on every device, split and bias."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assay.analyses.base import Asking, Params, Question, argument
from assay.model.answer import Answer, Cell, Column
from assay.model.finding import Finding

if TYPE_CHECKING:
    from assay.analyses.experimenting.reading import Reading
    from assay.plan.experiments import Experiment

_ANY = object()
LEAST = 20  # units of an arm on a device from which an outcome is to be expected


class QaParams(Params):
    """Which experiment."""

    name: str = argument("an experiment of the plan")


def answer(asking: Asking, params: QaParams) -> Answer:
    """One row per check and place: passed, failed, or too early to say."""
    from assay.analyses.experimenting.runs import experiment_of

    experiment = experiment_of(asking.plan, params.name)
    if asking.span is None:
        return asking.empty("experiment-qa", params)
    rows, findings = checks(asking, experiment)
    failed = [row for row in rows if row[2] == "failed"]
    early = [row for row in rows if row[2] == "too early"]
    if failed:
        first = f"{failed[0][0]} ({failed[0][3]})"
        text = f"{params.name} is not ready: {len(failed)} of {len(rows)} checks failed, first: {first}."
    elif early:
        text = f"Nothing is wrong with {params.name} so far; {len(early)} of {len(rows)} checks need more exposures."
    else:
        text = f"{params.name} is ready: all {len(rows)} checks passed."
    return asking.answer(
        "experiment-qa",
        params,
        columns=(Column("check"), Column("where"), Column("result"), Column("detail")),
        rows=tuple(rows),
        findings=tuple(findings),
        sentence=text,
        next=(f"assay experiment start {params.name}",) if not failed else (f"assay experiment design {params.name}",),
        chart=None,
    )


def faults(asking: Asking, experiment: Experiment) -> list[str]:
    """What keeps the experiment from being started."""
    if asking.span is None:
        return []
    rows, _ = checks(asking, experiment)
    return [f"{row[0]} ({row[1]}): {row[3]}" for row in rows if row[2] == "failed"]


def checks(asking: Asking, experiment: Experiment) -> tuple[list[tuple[Cell, ...]], list[Finding]]:
    """Rows (check, where, result, detail), and what the health of the exposures so far says."""
    from assay.analyses.experimenting.health import health
    from assay.analyses.experimenting.reading import read
    from assay.analyses.experimenting.runs import run_of

    reading = read(asking, experiment, run_of(asking, experiment.name), by=("device",))
    rows = [*_planned(experiment), *_exposed(reading), *_outcomes(reading)]
    findings: list[Finding] = []
    if reading.table.rows and all(reading.table.units(reading.counted(arm)) for arm in reading.arms):
        findings = health(reading)
        bad = [one for one in findings if one.severity == "bad"]
        names = {"split": ("srm",), "before the exposure (A/A)": ("pre_exposure_bias",),
                 "several variants": ("multi_arm_imbalance",), "order of events": ("exposed_after",)}  # fmt: skip
        for label, codes in names.items():
            found = [one for one in bad if one.code in codes]
            rows.append((label, "everybody", "failed" if found else "passed",
                         found[0].text if found else "as it should be"))  # fmt: skip
    return rows, findings


def _planned(experiment: Experiment) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = []
    if experiment.primary.mde is None:
        rows.append(
            ("smallest effect worth finding", "plan", "warned", "primary: mde is not set: no sample can be planned")
        )
    else:
        rows.append(("smallest effect worth finding", "plan", "passed", experiment.primary.mde.words()))
    detail = (
        f"{len(experiment.guardrails)} with a margin" if experiment.guardrails else "none: harm elsewhere goes unseen"
    )
    rows.append(("guardrails", "plan", "passed" if experiment.guardrails else "warned", detail))
    return rows


def _exposed(reading: Reading) -> list[tuple[Cell, ...]]:
    """Exposures in each arm, and on each device that brings a share of the traffic."""
    from assay.query.experiments import seen

    rows: list[tuple[Cell, ...]] = []
    table, who = reading.table, reading.experiment.who
    known = [v.name for v in reading.experiment.variants]
    for arm in reading.arms:
        units = table.units(seen(arm))
        rows.append(("exposures", arm, "passed" if units else "failed",
                     f"{units:,} {who}" if units else f"no {reading.experiment.exposure.event} for {arm}"))  # fmt: skip
    total = table.units(seen())
    for device in sorted({key.groups[0] for key in table.rows}, key=str):
        here = {arm: table.units(seen(arm, groups=(device,))) for arm in reading.arms}
        share = sum(here.values()) / total if total else 0.0
        missing = [arm for arm, n in here.items() if n == 0]
        enough = sum(here.values()) >= LEAST
        result = "failed" if missing and enough else "too early" if not enough else "passed"
        detail = f"{sum(here.values()):,} {who}, {share * 100:.0f} %" + (
            f"; none in {', '.join(missing)}" if missing else ""
        )
        rows.append(("exposures on device", str(device), result, detail))
    unknown = [name for name in table.variants if name not in known]
    if unknown:
        rows.append(("variant names", ", ".join(unknown), "failed", "sent, but not in the plan's variants"))
    return rows


def _outcomes(reading: Reading) -> list[tuple[Cell, ...]]:
    """The primary in each arm and on each device."""
    from assay.query.experiments import seen

    rows: list[tuple[Cell, ...]] = []
    name = reading.experiment.primary.metric
    places: list[tuple[str, Any]] = [("everybody", _ANY)]
    places += [(str(d), d) for d in sorted({key.groups[0] for key in reading.table.rows}, key=str)]
    for label, device in places:
        for arm in reading.arms:
            keep = seen(arm) if device is _ANY else seen(arm, groups=(device,))
            moments = reading.table.moments(name, keep)
            there = float(moments.sum("x")) != 0
            if there:
                result, detail = "passed", f"{moments.n:,} {reading.experiment.who}"
            elif moments.n < LEAST:
                result, detail = "too early", f"{moments.n:,} {reading.experiment.who}, none with {name}"
            else:
                result, detail = "failed", f"{moments.n:,} {reading.experiment.who}, none with {name}"
            rows.append((f"{name} is seen", f"{arm}, {label}", result, detail))
    return rows


QUESTION = Question("experiment-qa", "Is a test ready to start? Exposures, outcomes, split, bias.", QaParams, answer)
