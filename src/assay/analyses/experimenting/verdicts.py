"""From a reading to one verdict per treatment, and to how long it still takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from assay.analyses.experimenting.health import blocking, health
from assay.decide.experiments import Verdict, decide
from assay.model.finding import Finding
from assay.model.period import day_of

if TYPE_CHECKING:
    from assay.analyses.experimenting.reading import Line, Reading

LEAST_EVENTS = 30  # conversions of the smaller arm below which a rate is not judged
LEAST_UNITS = 30  # units of an arm below which a mean is not judged


@dataclass(frozen=True)
class Judged:
    """A reading with its health, its lines by treatment and the verdicts."""

    reading: Reading
    findings: tuple[Finding, ...]
    lines: dict[str, list[Line]]
    verdicts: dict[str, Verdict]

    @property
    def hidden(self) -> set[str]:
        """Where the verdict is that nothing can be said, no effect is shown."""
        silent = ("health", "too_early", "too_little")
        return {name for name, verdict in self.verdicts.items() if verdict.because[0] in silent}


def judge(reading: Reading) -> Judged:
    """Health first, then the verdict of every treatment."""
    findings = tuple(health(reading))
    faults = blocking(findings)
    lines = {variant: reading.lines(variant) for variant in reading.arms[1:]}
    verdicts = {}
    for variant, found in lines.items():
        verdicts[variant] = decide(
            variant, [one.call for one in found], faults, missing(reading, variant), reading.over,
            reading.experiment.decision, longer(reading),
        )  # fmt: skip
    return Judged(reading, findings, lines, verdicts)


def missing(reading: Reading, variant: str) -> str:
    """What is needed before anything may be said of a treatment; empty where there is enough."""
    name = reading.experiment.primary.metric
    last = reading.last_day(name)
    if last is None:
        wait = reading.experiment.window + reading.table.lags.get(name, 0)
        first = day_of(reading.start + wait * 1_000_000, reading.plan.site.timezone) + timedelta(1)
        return f"no window has closed yet; the first units can be judged on {first}"
    looks, end = reading.experiment.looks, reading.experiment.end
    if looks.kind == "fixed" and not reading.over:
        when = f"on {end + timedelta(reading.experiment.window // 86_400 + 1)}" if end else "when it has been stopped"
        return f"it is judged once, {when}, after the last window has closed"
    quantity = reading.metric(name).quantity
    for arm in (reading.control, variant):
        moments = reading.moments(name, arm)
        if quantity.kind == "share" and name not in reading.caps:
            events = float(moments.sum("x"))
            below = float(moments.sum("y")) if "y" in moments.names else moments.n
            least = min(events, below - events)
            if least < LEAST_EVENTS:
                what = "conversions" if events <= below - events else "units without a conversion"
                more = f", about {math.ceil((LEAST_EVENTS - least) / least * moments.n):,} more units" if least else ""
                return f"{arm} has {least:,.0f} {what} where {LEAST_EVENTS} are needed{more}"
        elif moments.n < LEAST_UNITS:
            return f"{arm} has {moments.n:,} units where {LEAST_UNITS} are needed"
    return ""


def longer(reading: Reading) -> str:
    """How long until the planned sample at the present pace; empty where none was planned or it is reached."""
    planned = reading.run.planned
    if not planned or reading.over:
        return ""
    table, arms = reading.table, reading.arms
    units = sum(table.units(reading.counted(arm)) for arm in arms)
    days = len(table.days)
    left = planned - units
    if left <= 0:
        name = reading.experiment.primary.metric
        open_ = units - sum(table.units(reading.counted(arm, name)) for arm in arms)
        return (
            "the sample is complete, its last windows are still open" if open_ > 0 else "the planned sample is reached"
        )
    if not units:
        return ""
    weeks = left / (units / days) / 7
    return f"{left:,} units to go, about {weeks:.1f} weeks" if weeks >= 0.1 else f"{left:,} units to go"
