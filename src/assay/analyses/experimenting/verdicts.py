"""From a reading to one verdict per treatment, and to how long it still takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from assay.analyses.experimenting.health import blocking, health, with_effects
from assay.decide.experiments import Verdict, decide
from assay.model.finding import Finding
from assay.model.period import day_of

if TYPE_CHECKING:
    from assay.analyses.experimenting.reading import Keep, Line, Reading

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
        return silent(self.verdicts)


def silent(verdicts: Mapping[str, Verdict]) -> set[str]:
    """Treatments of which nothing can be said."""
    return {n for n, verdict in verdicts.items() if verdict.because[0] in ("health", "too_early", "too_little")}


def judge(reading: Reading) -> Judged:
    """Health first, then the verdict of every treatment."""
    findings = health(reading)
    faults = blocking(findings)
    lines = {variant: reading.lines(variant) for variant in reading.arms[1:]}
    verdicts = {}
    for variant, found in lines.items():
        verdicts[variant] = decide(
            variant, [one.call for one in found], faults, missing(reading, variant), reading.over,
            reading.experiment.decision, longer(reading),
        )  # fmt: skip
    return Judged(reading, tuple(with_effects(reading, findings, silent(verdicts))), lines, verdicts)


def missing(reading: Reading, variant: str) -> str:
    """What is needed before anything may be said of a treatment; empty where there is enough."""
    name = reading.experiment.primary.metric
    looks, end, zone = reading.experiment.looks, reading.experiment.end, reading.plan.site.timezone
    last = reading.last_day(name)
    if last is None and looks.kind == "group_sequential" and reading.closed_day(name) is not None:
        return "its first look has not come yet"
    if last is None:
        wait = reading.experiment.window + reading.table.lags.get(name, 0)
        first = day_of(reading.start + wait * 1_000_000, zone) + timedelta(1)
        return f"no window has closed yet; the first {reading.experiment.who} can be judged on {first}"
    if looks.kind == "fixed" and not reading.over:
        when = f"on {end + timedelta(reading.experiment.window // 86_400 + 1)}" if end else "when it has been stopped"
        return f"it is judged once, {when}, after the last window has closed"
    return thin(reading, name, variant)


def thin(reading: Reading, name: str, variant: str, keep: Keep | None = None) -> str:
    """What a metric lacks in the smaller arm before an effect may be shown; empty where there is enough."""
    if name not in reading.table.names:
        return ""
    who = reading.experiment.who
    share = reading.metric(name).quantity.kind == "share" and name not in reading.caps
    for arm in (reading.control, variant):
        counted = reading.counted(arm, name)
        moments = reading.moments(name, arm, lambda key, own=counted: own(key) and (keep is None or keep(key)))  # type: ignore[misc]
        if share:
            events = float(moments.sum("x"))
            below = float(moments.sum("y")) if "y" in moments.names else moments.n
            least = min(events, below - events)
            if least < LEAST_EVENTS:
                what = "conversions" if events <= below - events else f"{who} without a conversion"
                more = f", about {math.ceil((LEAST_EVENTS - least) / least * moments.n):,} more {who}" if least else ""
                return f"{arm} has {least:,.0f} {what} where {LEAST_EVENTS} are needed{more}"
        elif moments.n < LEAST_UNITS:
            return f"{arm} has {moments.n:,} {who} where {LEAST_UNITS} are needed"
    return ""


def longer(reading: Reading) -> str:
    """How long until the planned sample at the present pace; empty where none was planned or it is reached."""
    planned, who = reading.run.planned, reading.experiment.who
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
    return f"{left:,} {who} to go, about {weeks:.1f} weeks" if weeks >= 0.1 else f"{left:,} {who} to go"
